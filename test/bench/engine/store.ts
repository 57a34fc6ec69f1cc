import { Runtime } from "effect"
import { decimalOf, symbolsOf, thresholdsOf } from "./scenario.ts"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { store } from "./world.ts"

/**
 * Makes a database of rules over some symbols in a folder, a hundred of each user, that wait for a price. `daily` ones
 * wait for 09:00, record only, and half of them are one user's.
 */
const [, , folder = "", rules = "0", count = "0", kind = "level"] = process.argv
const symbols = symbolsOf(Number(count))
const thresholds = thresholdsOf(Number(rules), symbols.length)

const triggerOf = (price: string) =>
  kind === "daily"
    ? { type: "schedule.calendar", on: { type: "daily" }, at: ["09:00"] }
    : { type: "price.level", side: "below", price, rearm: "recover" }

const changesOf = (i: number) => {
  const { symbol = 0, thousandths = 0 } = thresholds[i] ?? {}
  return {
    symbol: symbols[symbol] ?? "",
    trigger: triggerOf(Decimal.format(decimalOf(thousandths))),
    mode: kind === "daily" ? "shadow" : "trade"
  }
}

const half = thresholds.length / 2
const ownerOf = (i: number) => (kind === "daily" && i < half ? 0 : 1 + Math.floor(i / 100))

const made = store(folder, thresholds.length, changesOf, ownerOf)
Runtime.runPromise(Runtime.defaultRuntime)(made).then(() => console.log("measured {}"))
