// Loaded before a program (`node --import`): its wall clock is ahead by the milliseconds in the file CHAOS_CLOCK, read at
// the start and at each SIGUSR2. Timers and monotonic time are not touched, as on a machine that slept.
import { readFileSync } from "node:fs"

const file = process.env.CHAOS_CLOCK
let ahead = 0
const read = () => {
  try {
    ahead = Number(readFileSync(file, "utf8")) || 0
  } catch {
    ahead = 0
  }
}
read()
process.on("SIGUSR2", read)

const Real = Date
globalThis.Date = class Date extends Real {
  constructor(...given) {
    if (given.length === 0) super(Real.now() + ahead)
    else super(...given)
  }
  static now() {
    return Real.now() + ahead
  }
}
