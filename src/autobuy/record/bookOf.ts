import type { RuleId } from "../../domain/Ids.ts"
import type { BookName } from "../../domain/order/Order.ts"

/** The book of the lots that a rule itself bought. */
export const bookOf = (id: RuleId): BookName => `rule:${id}`
