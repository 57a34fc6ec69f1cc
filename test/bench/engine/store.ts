import { Runtime } from "effect"
import { decimalOf, symbolsOf, thresholdsOf } from "./scenario.ts"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { store } from "./world.ts"

/** Makes a database of `rules` rules over `symbols` symbols in a folder; `daily` ones wait for 09:00, else for a price. */
const [, , folder = "", rules = "0", count = "0", kind = "level"] = process.argv
const symbols = symbolsOf(Number(count))
const thresholds = thresholdsOf(Number(rules), symbols.length)

const triggerOf = (price: string) =>
  kind === "daily"
    ? { type: "schedule.calendar", frequency: "daily", at: "09:00" }
    : { type: "price.level", side: "below", price, rearm: "recover" }

const made = store(folder, thresholds.length, (i) => {
  const { symbol = 0, thousandths = 0 } = thresholds[i] ?? {}
  return { symbol: symbols[symbol] ?? "", trigger: triggerOf(Decimal.format(decimalOf(thousandths))) }
})
Runtime.runPromise(Runtime.defaultRuntime)(made).then(() => console.log("measured {}"))
