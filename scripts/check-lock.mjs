// The lock file must install anywhere: complete, with checksums, and naming no registry; and its licences must let us ship.
// `node scripts/check-lock.mjs [FOLDER]`.
import { readFileSync } from "node:fs"
import { join, resolve } from "node:path"

const root = process.argv[2] === undefined ? join(import.meta.dirname, "..") : resolve(process.argv[2])
const read = (name) => JSON.parse(readFileSync(join(root, name), "utf8"))
const { packages } = read("package-lock.json")
const { allowScripts } = read("package.json")
const faults = []

/** Those that ask for no more than their own text. A new one is a decision. */
const licences = new Set([
  "0BSD",
  "Apache-2.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "BlueOak-1.0.0",
  "ISC",
  "MIT",
  "(MIT AND Zlib)",
  "Unlicense"
])

const nameOf = (path) => path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length)
/** Where Node would find `name` when `path` asks for it: the nearest folder upwards. */
const resolves = (path, name) => {
  const parent = (at) => at.slice(0, Math.max(0, at.lastIndexOf("/node_modules/")))
  for (let at = path; at !== ""; at = parent(at)) if (`${at}/node_modules/${name}` in packages) return true
  return `node_modules/${name}` in packages
}

for (const [path, entry] of Object.entries(packages)) {
  for (const name of Object.keys({ ...entry.dependencies, ...entry.optionalDependencies }))
    if (!resolves(path, name)) faults.push(`${path || "the project"} needs ${name}, which the lock file lacks`)
  if (path === "") continue
  if (entry.resolved !== undefined) faults.push(`${path} names where it was fetched: ${entry.resolved}`)
  if (entry.integrity === undefined) faults.push(`${path} has no checksum`)
  if (!licences.has(entry.license)) faults.push(`${path} has the licence ${entry.license ?? "of nobody knows what"}`)
  if (entry.hasInstallScript && allowScripts?.[nameOf(path)] === undefined)
    faults.push(`${nameOf(path)} has an install script; record a decision in allowScripts of package.json`)
}

for (const fault of faults) console.error(fault)
process.exit(faults.length === 0 ? 0 : 1)
