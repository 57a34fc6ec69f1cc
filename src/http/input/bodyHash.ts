import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import { Effect } from "effect"
import { hashBody } from "../../store/Idempotency.ts"
import { parseJson } from "./parseJson.ts"

/** What makes two requests the same one. The body was read and parsed before, so it cannot fail now. */
export const bodyHash = (request: HttpServerRequest.HttpServerRequest): Effect.Effect<string> =>
  request.text.pipe(Effect.flatMap(parseJson), Effect.orDie, Effect.map(hashBody))
