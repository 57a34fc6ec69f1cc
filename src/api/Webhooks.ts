import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import { Schema } from "effect"
import { failures, ok } from "./Envelope.ts"
import { WebhookInvalid } from "./Errors.ts"

const text = Schema.optionalWith(Schema.String, { default: () => "" })

/** As Clerk (Svix) sends them; one that is missing proves nothing. */
const SvixHeaders = Schema.Struct({ "svix-id": text, "svix-timestamp": text, "svix-signature": text })

export const Received = Schema.Struct({ received: Schema.Boolean }).annotations({ identifier: "Received" })

/** Open to everybody who has the signing secret: Clerk. What the body holds is of Clerk's making and grows. */
export const receiveClerkWebhook = HttpApiEndpoint.post("receiveClerkWebhook", "/account/webhooks/clerk")
  .setHeaders(SvixHeaders)
  .setPayload(Schema.Record({ key: Schema.String, value: Schema.Unknown }).annotations({ identifier: "ClerkWebhook" }))
  .addSuccess(ok(Received))
  .addError(failures(WebhookInvalid))
