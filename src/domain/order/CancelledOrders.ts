import { Schema } from "effect"
import { OrderId } from "../Ids.ts"
import { Order } from "./Order.ts"

/**
 * What became of orders that were cancelled together: each as it stands now, and why some could not be cancelled, with
 * the code of the error that cancelling it alone would give.
 */
export const CancelledOrders = Schema.Struct({
  items: Schema.Array(Order),
  failed: Schema.Array(Schema.Struct({ orderId: OrderId, code: Schema.String, message: Schema.String }))
}).annotations({ identifier: "CancelledOrders" })
export interface CancelledOrders extends Schema.Schema.Type<typeof CancelledOrders> {}
