import { Clock, Effect } from "effect"

/** Wrapped answers end with the wall time at which they were made. */
export const stamped = <A extends object>(answer: A) =>
  Effect.map(Clock.currentTimeMillis, (timestamp) => ({ ...answer, timestamp }))

/** The usual wrapper of a single value. */
export const wrapped = <A>(data: A) => stamped({ data, code: 0, msg: "success" })
