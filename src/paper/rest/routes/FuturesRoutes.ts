import { Clock, Effect } from "effect"
import { open, type Routes } from "../Route.ts"

const success = <A>(data: A) => Effect.succeed({ success: true, code: 0, data })
const nothing = () => success([])
/** How the futures side answers somebody who never opened it; HTTP 200, as it always is there. */
const noAccount = () => Effect.succeed({ success: false, code: 1000, message: "Account does not exist" })

/** Clients load futures along with spot. There are none here: empty lists, and no futures account. */
export const futuresRoutes: Routes = {
  "GET /api/v1/contract/ping": open(1, () => Effect.flatMap(Clock.currentTimeMillis, success)),
  "GET /api/v1/contract/detail": open(1, nothing),
  "GET /api/v1/contract/ticker": open(1, nothing),
  "GET /api/v1/contract/support_currencies": open(1, nothing),
  "GET /api/v1/private/account/assets": open(1, noAccount),
  "GET /api/v1/private/position/open_positions": open(1, noAccount),
  "GET /api/v1/private/position/list/history_positions": open(1, noAccount),
  "GET /api/v1/private/order/list/open_orders": open(1, noAccount),
  "GET /api/v1/private/order/list/history_orders": open(1, noAccount)
}
