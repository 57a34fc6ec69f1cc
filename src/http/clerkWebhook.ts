import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Effect } from "effect"
import { MalformedJson, RateLimited } from "../api/Errors.ts"
import type { ClerkEvents } from "../service/ClerkEvents.ts"
import { exchangeOf } from "./edge/Listener.ts"
import { unknownExchange } from "./gate/Gate.ts"
import type { HttpGate } from "./HttpGate.ts"
import type { RefusedCredentials } from "./RefusedCredentials.ts"

interface Headers {
  readonly "svix-id": string
  readonly "svix-timestamp": string
  readonly "svix-signature": string
}

/** What was signed are the bytes as they came: the body is read again as a text. */
export const receiveClerkWebhook = (
  events: ClerkEvents["Type"],
  { gate }: HttpGate["Type"],
  refusals: RefusedCredentials["Type"]
) =>
  Effect.fnUntraced(function* (headers: Headers) {
    const request = yield* HttpServerRequest.HttpServerRequest
    const x = exchangeOf(NodeHttpServerRequest.toIncomingMessage(request)) ?? unknownExchange
    const body = yield* Effect.mapError(
      request.text,
      () => new MalformedJson({ message: "The body could not be read." })
    )
    const given = {
      id: headers["svix-id"],
      timestamp: headers["svix-timestamp"],
      signature: headers["svix-signature"]
    }
    yield* Effect.catchTag(events.receive(given, body), "WEBHOOK_INVALID", (refused) =>
      Effect.zipRight(refusals.note(x, { code: refused._tag }), Effect.fail(gate.refused(x) ? tooMany : refused))
    )
    return { received: true }
  })

const tooMany = new RateLimited({
  message: "Too many requests from this address that are no webhooks.",
  retryable: true,
  retryAfterSeconds: 60
})
