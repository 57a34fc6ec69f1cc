import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import { Schema } from "effect"
import { Halt, HaltScope } from "../domain/Halt.ts"
import { RequiredScope } from "./Authorization.ts"
import { failures, ok } from "./Envelope.ts"
import { Forbidden, NotOwner } from "./Errors.ts"
import { optional, strict } from "./Requests.ts"

/** The kill switch; `TradingApi` gathers its endpoints. Switching it off, or narrowing it, takes `manage`. */
export const HaltRequest = Schema.Struct({
  halted: Schema.Boolean,
  scope: Schema.optionalWith(HaltScope, { default: () => "entries" as const, exact: true }),
  cancelOpen: Schema.optionalWith(Schema.Boolean, { default: () => true, exact: true }),
  reason: optional(Schema.NullOr(Schema.String.pipe(Schema.maxLength(500))))
}).annotations({ identifier: "HaltRequest" })
export interface HaltRequest extends Schema.Schema.Type<typeof HaltRequest> {}

export const getHalt = HttpApiEndpoint.get("getHalt", "/trading/halt")
  .addSuccess(ok(Halt))
  .annotate(RequiredScope, "read")

export const setHalt = HttpApiEndpoint.put("setHalt", "/trading/halt")
  .setPayload(strict(HaltRequest))
  .addSuccess(ok(Halt))
  .addError(failures(Forbidden, NotOwner))
  .annotate(RequiredScope, "trade")
