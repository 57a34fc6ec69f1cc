import { Schema } from "effect"
import { BookName } from "./Order.ts"

const optional = <A, I>(schema: Schema.Schema<A, I>, value: A) =>
  Schema.optionalWith(schema, { nullable: true, default: () => value })

/** Body of `POST /trading/positions/{symbol}/close`: sells what the book has and what is free of it. */
export const ClosePosition = Schema.Struct({
  book: BookName,
  /** How far below the best bid the sale may go. */
  maxSlippageBps: optional(Schema.Int.pipe(Schema.between(0, 5_000)), 50),
  /** How long the answer may wait for the order to finish. */
  waitMs: optional(Schema.Int.pipe(Schema.between(0, 10_000)), 2_000)
}).annotations({ identifier: "ClosePosition", jsonSchema: { examples: [{ book: "manual", maxSlippageBps: 50 }] } })
export interface ClosePosition extends Schema.Schema.Type<typeof ClosePosition> {}
