import { Effect } from "effect"
import { Exchange } from "../../Exchange.ts"
import { readFaultPlan } from "../../faults/FaultPlan.ts"
import { Faults } from "../../faults/Faults.ts"
import { VenueFaults } from "../../faults/VenueFaults.ts"
import { PaperClock } from "../../PaperClock.ts"
import * as Refusals from "../../Refusals.ts"
import type { Meter } from "../Meter.ts"
import { local, open, type Routes } from "../Route.ts"
import { accountControl } from "./AccountControl.ts"
import { JsonLines } from "./JsonLines.ts"
import { marketControl } from "./MarketControl.ts"

/** `/paper/v1`: what the operator of an exchange does and a venue has no API for. The clock may be read by anybody. */
export const controlRoutes = Effect.fnUntraced(function* (meter: Meter, control: boolean) {
  const exchange = yield* Exchange
  const clock = yield* PaperClock
  const faults = yield* Faults
  const venueFaults = yield* VenueFaults

  const described = Effect.sync(() => ({ faults: faults.describe() }))
  const always: Routes = { "GET /paper/v1/clock": open(0, () => clock.describe) }
  const controlled: Routes = {
    ...(yield* accountControl),
    ...(yield* marketControl),
    "GET /paper/v1/journal": local(() => Effect.map(exchange.journal, (text) => new JsonLines(withoutSecrets(text)))),
    "GET /paper/v1/counters": local(() => Effect.sync(() => meter.counters())),
    "GET /paper/v1/faults": local(() => described),
    "POST /paper/v1/faults": local((request) =>
      Effect.gen(function* () {
        yield* venueFaults.plan(yield* Effect.mapError(readFaultPlan(request.body), Refusals.inputWrong))
        return yield* described
      })
    ),
    "DELETE /paper/v1/faults": local(() => Effect.zipRight(venueFaults.clear, described))
  }
  return control ? { ...always, ...controlled } : always
})

/** The file needs the accounts' secrets to rebuild them; who reads the journal over HTTP does not. */
const withoutSecrets = (journal: string): string =>
  journal.replace(/"secretKey":"(?:[^"\\]|\\.)*"/g, '"secretKey":"<redacted>"')
