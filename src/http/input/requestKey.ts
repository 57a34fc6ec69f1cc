import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import { Effect } from "effect"
import type { RequestKey } from "../../orders/Orders.ts"
import { hashBody } from "../../store/Idempotency.ts"
import { parseJson } from "./parseJson.ts"

interface Keyed {
  readonly headers: { readonly "idempotency-key": string }
  readonly request: HttpServerRequest.HttpServerRequest
}

/** What makes two requests the same one. The body was read and parsed before, so it cannot fail now. */
export const requestKey = ({ headers, request }: Keyed): Effect.Effect<RequestKey> =>
  request.text.pipe(
    Effect.flatMap(parseJson),
    Effect.orDie,
    Effect.map((body) => ({ idempotencyKey: headers["idempotency-key"], bodyHash: hashBody(body) }))
  )
