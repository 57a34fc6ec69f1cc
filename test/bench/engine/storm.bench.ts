import { it } from "@effect/vitest"
import { Effect } from "effect"
import { print } from "../kit.ts"
import { bundled, keep, measured, temporaryFolder } from "./children.ts"

const rules = 10_000
const symbols = 50

interface User {
  readonly decided: number
  /** After nine o'clock. */
  readonly lastMs: number
}

const read = (text: string): { readonly users: ReadonlyArray<User> } => JSON.parse(text)

it.live("a calendar storm", () =>
  Effect.scoped(
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* measured(bundled("store"), folder, String(rules), String(symbols), "daily")
      const { users } = read(yield* measured(bundled("storm"), folder, String(rules), String(symbols)))
      const [greedy, ...others] = users.toSorted((a, b) => b.decided - a.decided)
      const lasts = others.map(({ lastMs }) => lastMs).toSorted((a, b) => a - b)
      const seconds = (ms: number | undefined) => `${((ms ?? Number.NaN) / 1_000).toFixed(1)} s`
      keep("calendar storm", { rules, users })
      print(`${rules} rules at 09:00, ${greedy?.decided} of one user and 100 of each of ${others.length}`, [
        ["until all are decided and recorded", seconds(Math.max(...users.map(({ lastMs }) => lastMs)))],
        ["the user with the most, last decision after", seconds(greedy?.lastMs)],
        ["the others, last decision after, first to end", seconds(lasts[0])],
        ["the others, last decision after, last to end", seconds(lasts.at(-1))]
      ])
    })
  )
)
