import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Context, Effect, Layer } from "effect"
import type { IncomingMessage, ServerResponse } from "node:http"
import { Accounts } from "../accounts/Accounts.ts"
import { Auth } from "../accounts/Auth.ts"
import { Authorization, type AuthorizationError, CurrentUser } from "../api/Authorization.ts"
import { Forbidden, RateLimited } from "../api/Errors.ts"
import type { UserId } from "../domain/Ids.ts"
import type { Principal } from "../domain/Principal.ts"
import { limitHeaders } from "./edge/headers.ts"
import { exchangeOf } from "./edge/Listener.ts"
import { type Exchange, unknownExchange } from "./gate/Gate.ts"
import { HttpGate } from "./HttpGate.ts"

/** Who asks, once the gate has let them through: credential, quota, scope, and an account that exists. */
export class Authentication extends Context.Tag("dipper/http/Authentication")<
  Authentication,
  {
    readonly principal: Effect.Effect<Principal, AuthorizationError, HttpServerRequest.HttpServerRequest>
  }
>() {
  static readonly layer = Layer.effect(
    Authentication,
    Effect.gen(function* () {
      const { gate } = yield* HttpGate
      const auth = yield* Auth
      const accounts = yield* Accounts

      const identify = (x: Exchange, request: IncomingMessage): Effect.Effect<Principal, AuthorizationError> => {
        const header = authorizationOf(request)
        const known = gate.authenticate(header, x.startedAt)
        if (typeof known === "object") return Effect.succeed(known)
        return Effect.catchTags(auth.authenticate(header), {
          UNAUTHENTICATED: (refused) => Effect.fail(gate.refused(x) ? tooManyRefusals : refused),
          SETUP_REQUIRED: (refused) => Effect.fail(gate.refused(x) ? tooManyRefusals : refused)
        })
      }

      const admit = (
        x: Exchange,
        response: ServerResponse,
        principal: Principal
      ): Effect.Effect<Principal, AuthorizationError> => {
        x.principal = principal
        const allowed = gate.limit(x, principal.userId)
        for (const [name, value] of limitHeaders(x)) response.setHeader(name, value)
        if (!allowed) return Effect.fail(tooMany(x))
        const scope = x.route?.scope ?? "manage"
        return principal.scopes.has(scope)
          ? Effect.as(accounts.ensure(principal), principal)
          : Effect.fail(lacks(scope))
      }

      return {
        principal: Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
          const incoming = NodeHttpServerRequest.toIncomingMessage(request)
          const x = exchangeOf(incoming) ?? unknownExchange
          return Effect.flatMap(identify(x, incoming), (principal) =>
            admit(x, NodeHttpServerRequest.toServerResponse(request), principal)
          )
        })
      }
    })
  )

  /** The contract's middleware. Its token argument is not used: the platform cuts it out without looking at the scheme. */
  static readonly middleware = Layer.effect(
    Authorization,
    Effect.map(Authentication, ({ principal }) => ({ bearer: () => principal }))
  )
}

/** A handler's work for the caller. */
export const asUser = <A, E, R>(work: (userId: UserId) => Effect.Effect<A, E, R>) =>
  Effect.flatMap(CurrentUser, ({ userId }) => work(userId))

/** Two headers are two opinions about who asks: none counts. */
const authorizationOf = (request: IncomingMessage): string | undefined => {
  const given = request.headersDistinct["authorization"]
  return given?.length === 1 ? given[0] : undefined
}

const tooManyRefusals = new RateLimited({
  message: "Too many refused credentials from this address.",
  retryAfterSeconds: 60
})

const tooMany = (x: Exchange) =>
  new RateLimited({
    message: "The quota of requests per minute is used up.",
    retryable: true,
    retryAfterSeconds: x.resetSeconds
  })

const lacks = (scope: string) => new Forbidden({ message: `This needs a key with the scope "${scope}".` })
