import { Schema } from "effect"

/** What a person may find at the exchange of an order nobody could tell of: it never existed, or it ended unfilled. */
export const ResolvedOutcome = Schema.Literal("notPlaced", "cancelled").annotations({ identifier: "ResolvedOutcome" })
export type ResolvedOutcome = typeof ResolvedOutcome.Type

/** Body of `POST /trading/orders/{id}/resolve`: the note says how the outcome is known. */
export const ResolveOrder = Schema.Struct({
  outcome: ResolvedOutcome,
  note: Schema.NonEmptyTrimmedString.pipe(Schema.maxLength(500))
}).annotations({ identifier: "ResolveOrder" })
export interface ResolveOrder extends Schema.Schema.Type<typeof ResolveOrder> {}
