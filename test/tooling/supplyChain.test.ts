import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const root = join(import.meta.dirname, "../..")
const text = (name: string) => readFileSync(join(root, name), "utf8")

const Lock = Schema.parseJson(
  Schema.Struct({
    packages: Schema.Record({
      key: Schema.String,
      value: Schema.Struct({
        version: Schema.optional(Schema.String),
        integrity: Schema.optional(Schema.String),
        optional: Schema.optional(Schema.Boolean),
        devOptional: Schema.optional(Schema.Boolean)
      })
    })
  })
)
const Manifest = Schema.parseJson(
  Schema.Struct({
    dependencies: Schema.Record({ key: Schema.String, value: Schema.String }),
    devDependencies: Schema.Record({ key: Schema.String, value: Schema.String })
  })
)
const Bill = Schema.parseJson(
  Schema.Struct({
    bomFormat: Schema.Literal("CycloneDX"),
    components: Schema.Array(
      Schema.Struct({
        name: Schema.String,
        version: Schema.String,
        hashes: Schema.optional(Schema.Array(Schema.Struct({ alg: Schema.String, content: Schema.String }))),
        licenses: Schema.Array(
          Schema.Union(
            Schema.Struct({ license: Schema.Struct({ id: Schema.String }) }),
            Schema.Struct({ expression: Schema.String })
          )
        )
      })
    )
  })
)

const manifest = Schema.decodeUnknownSync(Manifest)(text("package.json"))
const { packages } = Schema.decodeUnknownSync(Lock)(text("package-lock.json"))

/** What the check says of a project with these packages. */
const check = (entry: object, allowScripts: object = {}) => {
  const folder = mkdtempSync(join(tmpdir(), "dipper-lock-"))
  const packages = { "": {}, "node_modules/a": entry }
  writeFileSync(join(folder, "package-lock.json"), JSON.stringify({ packages }))
  writeFileSync(join(folder, "package.json"), JSON.stringify({ allowScripts }))
  const { status, stderr } = spawnSync(process.execPath, [join(root, "scripts/check-lock.mjs"), folder], {
    encoding: "utf8"
  })
  rmSync(folder, { recursive: true })
  return status === 0 ? "ok" : stderr.trim()
}
const sound = { version: "1.0.0", integrity: "sha512-x", license: "MIT" }

describe("The packages we build on", () => {
  it("are checked for checksums, addresses, install scripts and licences", () => {
    assert.strictEqual(check(sound), "ok")
    assert.match(check({ ...sound, integrity: undefined }), /has no checksum/)
    assert.match(check({ ...sound, resolved: "https://registry.example/a.tgz" }), /names where it was fetched/)
    assert.match(check({ ...sound, hasInstallScript: true }), /has an install script/)
    assert.strictEqual(check({ ...sound, hasInstallScript: true }, { a: false }), "ok")
    assert.match(check({ ...sound, license: "AGPL-3.0" }), /has the licence AGPL-3.0/)
    assert.match(check({ ...sound, license: undefined }), /has the licence of nobody knows what/)
    assert.match(check({ ...sound, dependencies: { b: "1" } }), /needs b, which the lock file lacks/)
  })

  it("pass that check, each with a SHA-512", () => {
    execFileSync(process.execPath, [join(root, "scripts/check-lock.mjs")])
    const entries = Object.entries(packages).filter(([path]) => path !== "")
    assert.isAbove(entries.length, 100)
    for (const [path, { integrity }] of entries) assert.match(integrity ?? "", /^sha512-/, path)
  })

  it("run nothing when they are installed", () => {
    const decided = Schema.decodeUnknownSync(
      Schema.parseJson(
        Schema.Struct({ allowScripts: Schema.Record({ key: Schema.String, value: Schema.Literal(false) }) })
      )
    )
    assert.isNotEmpty(Object.keys(decided(text("package.json")).allowScripts))
  })

  it("are pinned, few, and each has its reason", () => {
    const why = text("docs/decisions/dependencies.md")
    for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
      assert.match(version, /^\d+\.\d+\.\d+$/, name)
      assert.include(why, `\`${name}\``)
    }
    assert.isAtMost(Object.keys(manifest.dependencies).length, 15)
  })

  it("are all in the bill of materials, which needs no network", () => {
    const bill = Schema.decodeUnknownSync(Bill)(
      execFileSync("npm", ["run", "-s", "sbom", "--", "--offline"], { cwd: root, encoding: "utf8", maxBuffer: 1e8 })
    )
    const named = new Set(bill.components.map(({ name, version }) => `${name}@${version}`))
    const nameOf = (path: string) => path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length)
    const needed = Object.entries(packages).filter(
      // What is optional may be of another machine.
      ([path, { devOptional, optional }]) => path !== "" && optional !== true && devOptional !== true
    )
    assert.isAbove(needed.length, 30)
    for (const [path, { version }] of needed) assert.isTrue(named.has(`${nameOf(path)}@${version}`), path)
    for (const { licenses, name } of bill.components) assert.isNotEmpty(licenses, name)
  }, 60_000)
})
