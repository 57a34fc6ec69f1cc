import type { Duration, Effect } from "effect"
import type { DatabaseUnavailable } from "../../api/Errors.ts"
import type { OrderId, UserId } from "../../domain/Ids.ts"
import type { OrderRow } from "../record/OrderRow.ts"
import type { makeAdmitting } from "./admitting.ts"
import type { makeAuditing } from "./auditing.ts"
import type { makeApproving } from "./approving.ts"
import type { makeWorking } from "./working.ts"

/** What both ways of placing an order are made of. */
export interface Steps extends Effect.Effect.Success<typeof makeApproving> {
  readonly admit: Effect.Effect.Success<ReturnType<typeof makeAdmitting>>
  readonly tellingRefusal: Effect.Effect.Success<typeof makeAuditing>["tellingRefusal"]
  readonly finish: Effect.Effect.Success<typeof makeWorking>
  readonly waitFor: (
    userId: UserId,
    id: OrderId,
    wait: Duration.DurationInput
  ) => Effect.Effect<OrderRow, DatabaseUnavailable>
}
