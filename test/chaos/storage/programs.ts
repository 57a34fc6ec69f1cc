import { spawnSync } from "node:child_process"
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"

export const root = process.cwd()
const made = join(root, ".cache/storage")

const isThere = (program: string): boolean => spawnSync(program, ["--version"], { stdio: "ignore" }).status === 0

/** The library that is preloaded into the service; null where nothing can compile it. */
export const ioLog = (): string | null => {
  const compiler = process.platform === "linux" ? ["cc", "gcc", "clang"].find(isThere) : undefined
  if (compiler === undefined) return null
  mkdirSync(made, { recursive: true })
  const library = join(made, `iolog-${process.pid}.so`)
  const source = join(root, "test/chaos/storage/iolog.c")
  const { status, stderr } = spawnSync(compiler, [
    "-O2",
    "-shared",
    "-fPIC",
    "-o",
    library,
    source,
    "-ldl",
    "-lpthread"
  ])
  if (status !== 0) throw new Error(`${compiler} cannot compile ${source}: ${stderr.toString()}`)
  process.on("exit", () => rmSync(library, { force: true }))
  return library
}

/** What a build of the service is changed in; each text must stand exactly once in its file. */
export interface Patch {
  readonly file: string
  readonly find: string
  readonly replace: string
}

/** Syncs before checkpoints only, as SQLite is used by most: the last commits may be lost. */
export const normal: ReadonlyArray<Patch> = [
  {
    file: "src/store/Libsql.ts",
    find: `["synchronous", "FULL", 2]`,
    replace: `["synchronous", "NORMAL", 1]`
  }
]

/** Builds the service, from a copy of its sources when something in it is to be changed. */
export const build = (name: string, patches: ReadonlyArray<Patch>): string => {
  const copy = join(made, name)
  rmSync(copy, { recursive: true, force: true })
  mkdirSync(copy, { recursive: true })
  for (const part of ["src", "migrations", "scripts", "package.json", "tsconfig.json"])
    cpSync(join(root, part), join(copy, part), { recursive: true })
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"))
  for (const { file, find, replace } of patches) {
    const text = readFileSync(join(copy, file), "utf8")
    if (text.split(find).length !== 2) throw new Error(`${file} has changed: it does not say ${find} once`)
    writeFileSync(
      join(copy, file),
      text.replace(find, () => replace)
    )
  }
  const { status, stderr } = spawnSync(process.execPath, [join(copy, "scripts/build.mjs")], { cwd: copy })
  const program = join(copy, "dist/main.js")
  if (status !== 0 || !existsSync(program)) throw new Error(`the build ${name} failed: ${stderr.toString()}`)
  return program
}
