import { Effect } from "effect"
import { failPoint } from "../../FailPoints.ts"
import { KeyFreezes } from "../../accounts/KeyFreezes.ts"
import { Halts } from "../limits/Halts.ts"
import type { Reserve } from "../limits/TradingLimits.ts"
import type { OrderRow } from "../record/OrderRow.ts"
import { OrdersRepo } from "../OrdersRepo.ts"
import { RiskInputs } from "../RiskInputs.ts"

/**
 * What has to hold in the transaction that commits an intent, where each order sees what the others have taken; and
 * the insert itself.
 */
export const makeAdmitting = Effect.gen(function* () {
  const freezes = yield* KeyFreezes
  const halts = yield* Halts
  const inputs = yield* RiskInputs
  const repo = yield* OrdersRepo

  return Effect.fnUntraced(function* (row: OrderRow, reserve: Reserve) {
    yield* failPoint("submit.approved")
    yield* halts.assertAllowed({ userId: row.user_id, side: row.side })
    yield* freezes.assertAllowed({ userId: row.user_id, fingerprint: row.credential ?? "" }, row.side)
    yield* reserve(row.order_id)
    yield* inputs.assertHeld(row)
    yield* repo.insert(row)
  })
})
