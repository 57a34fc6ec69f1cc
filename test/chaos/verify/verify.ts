// `verify C E S`: does the run of three journals keep what is promised of orders and money? Ends with `N violations`.
// `verify --self-test [C E S]`: does this program find what is wrong? Plants defects and ends with `N found, 0 missed`.
import { readFileSync } from "node:fs"
import { check } from "./Checking.ts"
import { Unreadable } from "./Reading.ts"
import { described, type Journals, runOf } from "./Run.ts"
import { goodRun } from "./selftest/GoodRun.ts"
import { selfTest, tableOf } from "./selftest/SelfTest.ts"

/** Of each invariant so many are printed in full. */
const shown = 5

const read = ([client, exchange, service]: readonly [string, string, string]): Journals => ({
  client: readFileSync(client, "utf8"),
  exchange: readFileSync(exchange, "utf8"),
  service: readFileSync(service, "utf8")
})

const compare = (journals: Journals): number => {
  const run = runOf(journals)
  for (const note of run.notes) console.log(`note: ${note}`)
  const found = check(run)
  const counts = new Map<string, number>()
  for (const violation of found) {
    const count = (counts.get(violation.invariant) ?? 0) + 1
    counts.set(violation.invariant, count)
    if (count <= shown) console.log(described(violation.invariant, violation))
  }
  for (const [invariant, count] of counts) if (count > shown) console.log(`${invariant}: ${count} in all`)
  console.log(`${found.length} violations`)
  return found.length === 0 ? 0 : 1
}

/** The good run has no violation and every defect is found; journals of a real run need not have an occasion for each. */
const tryOut = (given: Journals | null): number => {
  const journals = given ?? goodRun()
  const violations = check(runOf(journals))
  for (const violation of violations.slice(0, shown)) console.log(described(violation.invariant, violation))
  const outcomes = selfTest(journals)
  console.log(tableOf(outcomes))
  const bad = outcomes.filter(({ fate }) => fate === "missed" || (given === null && fate === "no occasion"))
  return bad.length === 0 && (given !== null || violations.length === 0) ? 0 : 1
}

const judge = (words: ReadonlyArray<string>): number => {
  const isSelfTest = words[0] === "--self-test"
  const [client, exchange, service, ...more] = isSelfTest ? words.slice(1) : words
  if (isSelfTest && client === undefined) return tryOut(null)
  if (client === undefined || exchange === undefined || service === undefined || more.length > 0) {
    console.error("usage: verify C E S | verify --self-test [C E S]")
    return 2
  }
  const journals = read([client, exchange, service])
  return isSelfTest ? tryOut(journals) : compare(journals)
}

try {
  process.exitCode = judge(process.argv.slice(2))
} catch (failure) {
  console.log(failure instanceof Unreadable ? `unreadable: ${failure.message}` : String(failure))
  process.exitCode = 2
}
