import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import { Limits, LimitsInForce } from "../domain/Limits.ts"
import { RequiredScope } from "./Authorization.ts"
import { failures, ok } from "./Envelope.ts"
import { NotOwner } from "./Errors.ts"
import { strict } from "./Requests.ts"

/** The budget firewall; `TradingApi` gathers its endpoints. */

export const getTradingLimits = HttpApiEndpoint.get("getTradingLimits", "/trading/limits")
  .addSuccess(ok(LimitsInForce))
  .annotate(RequiredScope, "read")

export const setTradingLimits = HttpApiEndpoint.put("setTradingLimits", "/trading/limits")
  .setPayload(strict(Limits))
  .addSuccess(ok(LimitsInForce))
  .addError(failures(NotOwner))
  .annotate(RequiredScope, "manage")
