import { Schema } from "effect"
import * as Decimal from "../../../../src/domain/Decimal.ts"
import { SymbolName } from "../../../../src/domain/Market.ts"
import type { Stage } from "./stage.ts"

/** A buy by hand, which is no rule's business. */
export const ruleless = ({ api }: Stage, quoteAmount: string) =>
  api.trading.placeOrder({
    payload: {
      symbol: Schema.decodeSync(SymbolName)("BTCUSDT"),
      side: "buy",
      type: "market",
      quoteAmount: Decimal.unsafe(quoteAmount),
      waitMs: 2_000
    },
    headers: { "idempotency-key": `by-hand-${quoteAmount}-0001` }
  })
