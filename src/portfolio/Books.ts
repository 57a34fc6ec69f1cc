import { Context, type Effect } from "effect"
import type { DatabaseUnavailable, NotFound } from "../api/Errors.ts"
import type { Decimal } from "../domain/Decimal.ts"
import type { RuleId, UserId } from "../domain/Ids.ts"
import type { SymbolName } from "../domain/Market.ts"
import type { BookName } from "../domain/Order.ts"
import type { Lots, Position } from "../domain/Position.ts"

/** Which fills a figure looks at: one rule's own book, or every book of the symbol. */
export type BookScope = { readonly scope: "rule"; readonly ruleId: RuleId } | { readonly scope: "symbol" }

/** A user's lots per symbol and book, folded from the fills on demand. */
export class Books extends Context.Tag("dipper/portfolio/Books")<
  Books,
  {
    /** Every symbol the user has traded, marked at the last price. */
    readonly positions: (userId: UserId) => Effect.Effect<ReadonlyArray<Position>, DatabaseUnavailable>
    readonly position: (userId: UserId, symbol: SymbolName) => Effect.Effect<Position, NotFound | DatabaseUnavailable>
    /** The lots of one book; empty lots when it never traded. */
    readonly lots: (userId: UserId, symbol: SymbolName, book: BookName) => Effect.Effect<Lots, DatabaseUnavailable>
    /** Price of the latest buy; null when there was none. */
    readonly lastBuy: (
      userId: UserId,
      symbol: SymbolName,
      scope: BookScope
    ) => Effect.Effect<Decimal | null, DatabaseUnavailable>
    /** Average cost with fees; null when nothing is held. */
    readonly averageCost: (
      userId: UserId,
      symbol: SymbolName,
      scope: BookScope
    ) => Effect.Effect<Decimal | null, DatabaseUnavailable>
  }
>() {}
