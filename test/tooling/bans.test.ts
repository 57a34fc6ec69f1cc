import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { ESLint } from "eslint"

const eslint = new ESLint()

const faults = (file: string, code: string) =>
  Effect.map(
    Effect.promise(() => eslint.lintText(code, { filePath: file })),
    (results) => results.flatMap(({ messages }) => messages.map(({ ruleId, message }) => `${ruleId}: ${message}`))
  )

const anywhere = "src/orders/Orders.ts"
const aTest = "test/orders/Orders.test.ts"

/** What is banned, where it is tried, the line that breaks it. */
const refused: ReadonlyArray<readonly [ban: string, file: string, code: string]> = [
  ["the clock of the machine", anywhere, "export const at = Date.now()"],
  ["the clock of the machine, by new", anywhere, "export const at = new Date()"],
  ["the clock of the machine, by call", anywhere, "export const at = Date()"],
  ["the clock of the machine, through Effect", anywhere, "export const at = DateTime.unsafeNow()"],
  ["the clock of the machine, by a second name", anywhere, "export const { now } = Date"],
  ["the performance clock", anywhere, "export const at = performance.now()"],
  ["the performance clock, imported", anywhere, 'import { performance } from "node:perf_hooks"'],
  ["process.hrtime", anywhere, "export const at = process.hrtime()"],
  ["Math.random", anywhere, "export const die = Math.random()"],
  ["crypto.randomUUID", anywhere, "export const id = crypto.randomUUID()"],
  ["randomUUID, imported", anywhere, 'import { randomUUID } from "node:crypto"'],
  ["setTimeout", anywhere, "setTimeout(() => undefined, 10)"],
  ["setInterval", anywhere, "setInterval(() => undefined, 10)"],
  ["timers, imported", anywhere, 'import { setTimeout } from "node:timers/promises"'],
  ["globalThis as a way round", anywhere, "export const at = globalThis.Date.now()"],
  ["process.env", anywhere, 'export const home = process.env["HOME"]'],
  ["process.env, taken apart", anywhere, "export const { env } = process"],
  ["process.env, imported", anywhere, 'import { env } from "node:process"'],
  ["any", anywhere, "export const parse = (text: any) => text"],
  ["any in a test", aTest, "export const parse = (text: any) => text"],
  ["a cast", anywhere, "export const id = text as string"],
  ["a cast by way of unknown", anywhere, "export const id = text as unknown as number"],
  ["a cast in angle brackets", anywhere, "export const id = <string>text"],
  ["a cast in a test", aTest, "export const id = text as string"],
  ["a non-null assertion", anywhere, "export const first = list[0]!"],
  ["Effect.runPromise", anywhere, "Effect.runPromise(program)"],
  ["Effect.runSync in a test", aTest, "Effect.runSync(program)"],
  ["a runtime's runPromise", anywhere, "runtime.runPromise(program)"],
  ["runFork, imported", anywhere, 'import { runFork } from "effect/Effect"'],
  ["NodeRuntime.runMain", anywhere, "NodeRuntime.runMain(program)"],
  ["@ts-ignore", anywhere, "// @ts-ignore\nexport const x = 1"],
  ["@ts-expect-error in src", anywhere, "// @ts-expect-error because\nexport const x = 1"],
  ["a note to do it later", anywhere, "// TODO handle it\nexport const x = 1"],
  ["a barrel", anywhere, 'export * from "./OrdersRepo.ts"'],
  ["a file called index", "src/orders/index.ts", "export const x = 1"],
  ["a relative import of .js", anywhere, 'import { x } from "./OrdersRepo.js"'],
  ["it.only", aTest, 'it.only("buys", () => undefined)'],
  ["it.effect.skip", aTest, 'it.effect.skip("buys", () => Effect.void)'],
  ["describe.skip", aTest, 'describe.skip("orders", () => undefined)'],
  ["it.todo", aTest, 'it.todo("buys")'],
  ["switching a rule off in a comment", anywhere, "// eslint-disable-next-line\nexport const at = Date.now()"],
  ["a cast in a file beside the seam", "src/store/Database.ts", "export const id = text as string"],
  ["any setting read in main.ts", "src/main.ts", 'export const home = process.env["HOME"]']
]

/** The complete list of exceptions, and what only looks like a breach. */
const allowed: ReadonlyArray<readonly [what: string, file: string, code: string]> = [
  ["a date from a known instant", anywhere, "export const text = new Date(at).toISOString()"],
  ["as const", anywhere, "export const modes = [1, 2] as const"],
  ["a captured runtime for a node callback", anywhere, "Runtime.runFork(runtime)(program)"],
  ["casts in the envelope seam", "src/api/Envelope.ts", "export const id = text as string"],
  ["casts in the libSQL seam", "src/store/Libsql.ts", "export const id = text as string"],
  ["the environment in Config", "src/Config.ts", 'export const home = process.env["HOME"]'],
  ["running the program in main", "src/main.ts", "NodeRuntime.runMain(program)"],
  ["skipIf in a test", aTest, 'describe.skipIf(absent)("vectors", () => undefined)'],
  [
    "the delay of the event loop, which is no time of day",
    anywhere,
    'import { monitorEventLoopDelay } from "node:perf_hooks"\nexport const delay = monitorEventLoopDelay()'
  ],
  ["Stream.drop and friends", anywhere, "export const rest = Stream.drop(stream, 1)"]
]

describe("local bans", () => {
  for (const [ban, file, code] of refused) {
    it.effect(`refuses ${ban}`, () =>
      Effect.map(faults(file, code), (found) => {
        // A snippet that does not parse would prove nothing, nor does a remark without a rule.
        assert.notInclude(found.join(), "Parsing error")
        assert.isNotEmpty(found.filter((fault) => !fault.startsWith("null:")))
      })
    )
  }
  for (const [what, file, code] of allowed) {
    it.effect(`allows ${what}`, () => Effect.map(faults(file, code), (found) => assert.deepStrictEqual(found, [])))
  }
})
