// What the commands about broken builds share: the builds by name, a copy of the sources, and breaking it.
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"

export const root = join(import.meta.dirname, "..")

export const buildsNamed = (asked) => {
  const all = JSON.parse(readFileSync(join(root, "test/broken/builds.json"), "utf8"))
  const builds = all.filter(({ name }) => name.includes(asked))
  if (builds.length > 0) return builds
  console.error(`no broken build is called "${asked}"; there are: ${all.map(({ name }) => name).join(", ")}`)
  process.exit(2)
}

const notCopied = new Set([".git", "node_modules", "dist", "data", ".cache"])

/** In the temporary folder, until the process ends. */
export const copySources = () => {
  const copy = mkdtempSync(join(tmpdir(), "dipper-broken-"))
  process.on("exit", () => rmSync(copy, { recursive: true, force: true }))
  cpSync(root, copy, { recursive: true, filter: (from) => from === root || !notCopied.has(basename(from)) })
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"))
  return copy
}

/** What `use` says of the broken copy; null when a patch does not fit any more. The copy is whole again afterwards. */
export const whileBroken = (copy, patches, use) => {
  const sources = new Map(patches.map(({ file }) => [file, readFileSync(join(copy, file), "utf8")]))
  const texts = new Map(sources)
  const stale = patches.filter(({ file, find, replace }) => {
    const text = texts.get(file)
    texts.set(
      file,
      text.replace(find, () => replace)
    )
    return text.split(find).length !== 2
  })
  if (stale.length > 0) return null
  for (const [file, text] of texts) writeFileSync(join(copy, file), text)
  try {
    return use()
  } finally {
    for (const [file, text] of sources) writeFileSync(join(copy, file), text)
  }
}
