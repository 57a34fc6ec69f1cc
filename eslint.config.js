import * as parser from "@typescript-eslint/parser"

/**
 * Only the bans of this house: types are the compiler's business, form is prettier's. Each list below is one ban and
 * has its proof in test/tooling/bans.test.ts. Inline exceptions are switched off; an exception is a file named here.
 */

const casts = [
  { selector: "TSAnyKeyword", message: "No `any`: decode it with a Schema or name its type." },
  { selector: "TSAsExpression:not([typeAnnotation.typeName.name='const'])", message: "No casts: only `as const`." },
  { selector: "TSTypeAssertion", message: "No casts: only `as const`." },
  { selector: "TSNonNullExpression", message: "No `!`: say what happens when it is absent." }
]

const runs = [
  {
    selector:
      "MemberExpression:not([object.name='Runtime'])[property.name=/^(runPromise|runPromiseExit|runSync|runSyncExit|runFork|runCallback|runMain)$/]",
    message: "Effects run in src/main.ts only; tests use it.effect, node callbacks FiberSet.makeRuntime or Runtime."
  },
  {
    selector:
      "ImportSpecifier[imported.name=/^(runPromise|runPromiseExit|runSync|runSyncExit|runFork|runCallback|runMain)$/]",
    message: "Effects run in src/main.ts only."
  }
]

const ambientTime = [
  {
    selector: "NewExpression[callee.name='Date'][arguments.length=0]",
    message: "Time comes from Clock or MarketClock."
  },
  { selector: "CallExpression[callee.name='Date']", message: "Time comes from Clock or MarketClock." },
  { selector: "MemberExpression[property.name='unsafeNow']", message: "Time comes from Clock or MarketClock." }
]

const barrels = [{ selector: "ExportAllDeclaration", message: "No barrels: import from the file that defines it." }]

const unfinishedTests = [
  {
    selector: "CallExpression MemberExpression[property.name=/^(only|skip|todo|fails)$/]",
    message: "Every test runs; what needs an absent tool says so with skipIf."
  }
]

const properties = (object, names, message) => names.map((property) => ({ object, property, message }))

const ambientProperties = [
  ...properties("Date", ["now"], "Time comes from Clock or MarketClock."),
  ...properties("performance", ["now", "timeOrigin"], "Time comes from Clock."),
  ...properties("process", ["hrtime"], "Time comes from Clock."),
  ...properties("Math", ["random"], "Randomness comes from Random; secrets from node:crypto randomBytes."),
  ...properties("crypto", ["randomUUID", "getRandomValues"], "Ids come from domain/Ids.ts."),
  ...properties("globalThis", ["Date", "Math", "crypto", "performance", "process"], "Nothing ambient."),
  ...properties("globalThis", ["setTimeout", "setInterval"], "Use Effect.sleep or a Schedule.")
]
const environment = properties("process", ["env"], "Settings come from src/Config.ts.")

const timers = ["setTimeout", "setInterval"].map((name) => ({
  name,
  message: "Use Effect.sleep or a Schedule."
}))

const ambientImports = {
  paths: [
    { name: "node:timers", message: "Use Effect.sleep or a Schedule." },
    { name: "node:timers/promises", message: "Use Effect.sleep or a Schedule." },
    { name: "node:perf_hooks", allowImportNames: ["monitorEventLoopDelay"], message: "Time comes from Clock." },
    { name: "node:process", importNames: ["env", "hrtime"], message: "Settings come from src/Config.ts." },
    { name: "node:crypto", importNames: ["randomUUID", "webcrypto"], message: "Ids come from domain/Ids.ts." },
    { name: "crypto", message: "Write node:crypto." },
    { name: "process", message: "Write node:process." }
  ],
  patterns: [{ regex: "^\\.{1,2}/.*\\.js$", message: "Relative imports end in .ts." }]
}

/** `allow` names the bans a set of files is exempt from; the list of exceptions below is complete. */
const sources = (files, allow = {}) => ({
  files,
  rules: {
    "no-restricted-syntax": [
      "error",
      ...barrels,
      ...ambientTime,
      ...(allow.casts ? [] : casts),
      ...(allow.runs ? [] : runs)
    ],
    "no-restricted-properties": ["error", ...ambientProperties, ...(allow.environment ? [] : environment)],
    "no-restricted-globals": ["error", ...timers],
    "no-restricted-imports": ["error", ambientImports],
    "no-warning-comments": [
      "error",
      { terms: ["todo", "fixme", "xxx", "@ts-ignore", "@ts-nocheck", "@ts-expect-error"], location: "anywhere" }
    ]
  }
})

export default [
  { ignores: ["dist/", "coverage/", "data/"] },
  { linterOptions: { noInlineConfig: true, reportUnusedDisableDirectives: "off" } },
  { files: ["**/*.ts"], languageOptions: { parser } },
  sources(["src/**/*.ts", "migrations/**/*.ts"]),
  sources(["src/api/Envelope.ts", "src/store/Libsql.ts"], { casts: true }),
  sources(["src/Config.ts"], { environment: true }),
  sources(["src/main.ts"], { runs: true }),
  {
    files: ["test/**/*.ts"],
    rules: {
      "no-restricted-syntax": ["error", ...casts, ...runs, ...unfinishedTests],
      // A test may prove with @ts-expect-error that something does not compile.
      "no-warning-comments": [
        "error",
        { terms: ["todo", "fixme", "xxx", "@ts-ignore", "@ts-nocheck"], location: "anywhere" }
      ]
    }
  },
  {
    // A program of its own, as src/main.ts is.
    files: ["test/kit/failing/failing.ts"],
    rules: { "no-restricted-syntax": ["error", ...casts, ...unfinishedTests] }
  },
  {
    files: ["**/index.ts"],
    rules: {
      "no-restricted-syntax": ["error", { selector: "Program", message: "A file is named after what it exports." }]
    }
  }
]
