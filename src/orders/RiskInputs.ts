import { Context, type Effect } from "effect"
import type { StaleMarketData, SymbolNotFound } from "../api/Errors.ts"
import type { UserId } from "../domain/Ids.ts"
import type { Side, SymbolName } from "../domain/Market.ts"
import type { BookName } from "../domain/Order.ts"
import type { RiskContext } from "../domain/risk.ts"
import type { Instant } from "../domain/Time.ts"
import type { WalletError } from "../portfolio/Wallets.ts"

export interface RiskQuestion {
  readonly userId: UserId
  readonly symbol: SymbolName
  readonly side: Side
  readonly book: BookName
}

/** What an order is checked against, with the age of its price. */
export interface RiskInput extends RiskContext {
  readonly asOf: Instant
}

/** Gathers the venue's rules, the best prices, the free balances and the book an order is checked against. */
export class RiskInputs extends Context.Tag("dipper/orders/RiskInputs")<
  RiskInputs,
  {
    readonly gather: (
      question: RiskQuestion
    ) => Effect.Effect<RiskInput, SymbolNotFound | StaleMarketData | WalletError>
  }
>() {}
