import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import { Schema } from "effect"
import { RuleId } from "../domain/Ids.ts"
import { SignalReceipt, SignalRequest, SignalToken } from "../domain/rule/SignalRequest.ts"
import { RequiredScope } from "./Authorization.ts"
import { failures, ok } from "./Envelope.ts"
import { Conflict, NotFound, NotOwner, Unauthenticated } from "./Errors.ts"
import { strict } from "./Requests.ts"

/** Makes the secret of a rule that waits for signals, in place of the one before; shown here and nowhere else. */
export const rotateSignalToken = HttpApiEndpoint.post("rotateSignalToken", "/trading/rules/:id/signal-token")
  .setPath(Schema.Struct({ id: RuleId }))
  .addSuccess(ok(SignalToken, 201))
  .addError(failures(NotFound, Conflict, NotOwner))
  .annotate(RequiredScope, "trade")

/** Open to everybody who knows the rule's own secret; a key of the user is neither needed nor looked at. */
export const receiveSignal = HttpApiEndpoint.post("receiveSignal", "/trading/signals/:ruleId")
  .setPath(Schema.Struct({ ruleId: RuleId }))
  .setPayload(strict(SignalRequest))
  .addSuccess(ok(SignalReceipt, 201))
  .addError(failures(Unauthenticated, Conflict, NotOwner))
