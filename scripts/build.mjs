// Bundles src/main.ts to dist/main.js. Runs as `prepare`, so `npm ci` leaves a program that starts.
// The tests name other entries and a folder: `node scripts/build.mjs <entry>… <folder>`.
import { existsSync, readdirSync, rmSync } from "node:fs"
import { createRequire } from "node:module"
import { basename, join } from "node:path"

const root = join(import.meta.dirname, "..")
const given = process.argv.slice(2)
const entries = given.length === 0 ? ["src/main.ts"] : given.slice(0, Math.max(1, given.length - 1))
const folder = given.length < 2 ? "dist" : given.at(-1)
const dist = join(root, folder)

const loadEsbuild = async () => {
  try {
    createRequire(import.meta.url).resolve("esbuild")
  } catch {
    // `npm prune --omit=dev` took the compiler away; what it built before is what runs.
    if (entries.every((entry) => existsSync(join(dist, `${basename(entry, ".ts")}.js`)))) process.exit(0)
    console.error("build: esbuild is missing. Install with `npm ci`, then `npm prune --omit=dev` for production.")
    process.exit(1)
  }
  return import("esbuild")
}

const { build } = await loadEsbuild()

const result = await build({
  absWorkingDir: root,
  entryPoints: entries,
  outdir: dist,
  chunkNames: "[name]-[hash]",
  bundle: true,
  // `import()` stays a file of its own: what serving does not need (documentation page, demo) costs no start time.
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  // libSQL is native, its client is not: outside, that is some sixty files more to find. The others are optional
  // accelerators of ws that are not installed.
  external: ["libsql", "bufferutil", "utf-8-validate"],
  // The engine keeps the source text in memory: without comments and blanks 20 MB less. Names stay, for stack traces.
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: "none",
  sourcemap: "linked",
  // CommonJS packages inside the bundle (ws, protobufjs, undici) still call `require` for Node's own modules.
  banner: {
    js: `import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);`
  },
  metafile: true,
  logLevel: "warning"
}).catch(() => process.exit(1))

const written = new Set(Object.keys(result.metafile.outputs).map((path) => join(root, path)))
for (const name of readdirSync(dist)) {
  const path = join(dist, name)
  if (/\.js(\.map)?$/.test(name) && !written.has(path)) rmSync(path)
}
