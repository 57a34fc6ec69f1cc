import { type Context, Effect } from "effect"
import type { Exchange } from "../../Exchange.ts"
import { stamped } from "../payloads/Stamped.ts"

/** Pairs that orders over the API may name, as defaultSymbols and selfSymbols list them. */
export const symbolsForApi = (exchange: Pick<Context.Tag.Service<typeof Exchange>, "pairs">) =>
  Effect.flatMap(exchange.pairs, (pairs) =>
    stamped({
      code: 0,
      data: pairs.filter(({ apiTrading, listed }) => listed && apiTrading).map(({ listing }) => listing.symbol),
      msg: "success"
    })
  )
