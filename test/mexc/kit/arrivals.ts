import { Meter, venueLimits } from "../../../src/paper/rest/Meter.ts"

/** A request as the venue counts it. */
export interface Arrival {
  readonly at: number
  readonly cost: number
  readonly user: string
  readonly isOrder: boolean
}

/** The most the server counted in any window, both ends included. */
export const worstWindow = (
  arrivals: ReadonlyArray<Arrival>,
  windowMs: number,
  costOf: (arrival: Arrival) => number
) => {
  const sorted = [...arrivals].sort((a, b) => a.at - b.at)
  let first = 0
  let sum = 0
  let worst = 0
  for (const arrival of sorted) {
    sum += costOf(arrival)
    for (let old = sorted[first]; old !== undefined && old.at < arrival.at - windowMs; old = sorted[++first])
      sum -= costOf(old)
    worst = Math.max(worst, sum)
  }
  return worst
}

/** The paper exchange's own count of the same arrivals. */
export const countedByPaper = (arrivals: ReadonlyArray<Arrival>) => {
  const meter = new Meter(venueLimits)
  for (const { at, cost, isOrder, user } of [...arrivals].sort((a, b) => a.at - b.at)) {
    meter.weigh("here", cost, at)
    if (isOrder) meter.countOrder("here", user, at)
  }
  return meter.counters()
}
