import { writeFileSync } from "node:fs"
import type { Exchange } from "./Exchange.ts"
import type { Journal } from "./Journal.ts"
import { movedOn, moveOn } from "./Time.ts"

/**
 * The machines sleep while the service is down: the clocks of the exchange, of the next start and of the runner go on, no
 * timer does. What lasts minutes by the wall clock (proof of absence, a penalty of the exchange) is over afterwards.
 */
export const makeSleep = (exchange: Exchange, journal: Journal, clockFile: string) => (ms: number) => {
  moveOn(ms)
  writeFileSync(clockFile, String(movedOn()))
  exchange.process.signal("SIGUSR2")
  journal.note({ kind: "clock", offsetMs: movedOn() })
}
