import { Either } from "effect"
import * as Refusals from "../../Refusals.ts"
import type { ApiRequest } from "../ApiRequest.ts"
import * as Parameters from "../Parameters.ts"

const day = 86_400_000
const reachDays = 90
const widestDays = 7
const most = 1_000

/** Which deposits or withdrawals are wanted: the last seven days, or seven others of the last ninety. */
export const historyWindow = (request: ApiRequest, now: number) =>
  Either.gen(function* () {
    const limit = yield* Parameters.limit(request, most, most)
    const start = yield* Parameters.optionalInteger(request, "startTime")
    const end = yield* Parameters.optionalInteger(request, "endTime")
    if (start !== undefined && start < now - reachDays * day)
      return yield* Either.left(Refusals.rangeTooEarly(reachDays))
    const to = end ?? (start === undefined ? now : start + widestDays * day)
    const from = start ?? to - widestDays * day
    if (from > to) return yield* Either.left(Refusals.timesReversed())
    if (to - from > widestDays * day) return yield* Either.left(Refusals.rangeTooWide(widestDays))
    return { from, to, limit }
  })
