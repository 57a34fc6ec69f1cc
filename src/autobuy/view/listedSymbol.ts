import { Effect } from "effect"
import { ExchangeUnavailable } from "../../api/Errors.ts"
import type { SymbolName } from "../../domain/Market.ts"
import type { RuleMarket } from "../RuleMarket.ts"

/** The symbol's trading rules, none when the venue does not list it: without the venue a rule cannot be judged. */
export const listedSymbol = (market: RuleMarket["Type"], symbol: SymbolName) =>
  Effect.filterOrFail(
    market.symbol(symbol),
    (listed) => listed !== null,
    () =>
      new ExchangeUnavailable({
        message: "The venue does not answer, so the rule cannot be checked against its trading rules; try again.",
        retryable: true,
        retryAfterSeconds: 5
      })
  )
