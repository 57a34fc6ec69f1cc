import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Context, Effect, Layer } from "effect"
import type { IncomingMessage, ServerResponse } from "node:http"
import { Accounts } from "../accounts/Accounts.ts"
import { claimedId } from "../accounts/ApiKeyToken.ts"
import { Auth } from "../accounts/Auth.ts"
import { StepUp } from "../accounts/StepUp.ts"
import { Authorization, type AuthorizationError, CurrentUser } from "../api/Authorization.ts"
import { Forbidden, RateLimited, Unauthenticated } from "../api/Errors.ts"
import type { UserId } from "../domain/Ids.ts"
import type { Principal } from "../domain/Principal.ts"
import { authorizationOf, exchangeOf, refusedUser, tellLimits } from "./edge/Listener.ts"
import { type Exchange, unknownExchange } from "./gate/Gate.ts"
import { Events } from "../store/Events.ts"
import { Ownership } from "../store/Ownership.ts"
import { asksForStream } from "./events/sse.ts"
import { StreamTickets } from "./events/StreamTickets.ts"
import { HttpGate } from "./HttpGate.ts"
import { type Refused, RefusedCredentials } from "./RefusedCredentials.ts"

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
      const events = yield* Events
      const ownership = yield* Ownership
      const refusals = yield* RefusedCredentials
      const stepUp = yield* StepUp
      const tickets = yield* StreamTickets

      /** A ticket opens a stream and nothing else, and is no second opinion beside a header. */
      const byTicket = (x: Exchange, request: IncomingMessage, ticket: string) =>
        Effect.gen(function* () {
          const stream = asksForStream(request.headers.accept) && request.headers.authorization === undefined
          const principal = stream ? yield* tickets.redeem(ticket) : null
          if (principal !== null && (yield* auth.isStillGood(principal))) return principal
          yield* refusals.note(x, { code: "UNAUTHENTICATED" })
          return yield* gate.refused(x) ? tooManyRefusals : badTicket()
        })

      const identify = (x: Exchange, request: IncomingMessage): Effect.Effect<Principal, AuthorizationError> => {
        const ticket = x.route?.streams === true ? ticketOf(request.url) : null
        if (ticket !== null) return byTicket(x, request, ticket)
        // The listener knew already.
        if (x.principal !== null) return Effect.succeed(x.principal)
        const header = authorizationOf(request)
        const asked = Effect.tapError(auth.authenticate(header), ({ _tag: code }) =>
          notRefused.has(code) ? Effect.void : refusals.note(x, { code, claimed: claimedId(header) })
        )
        return Effect.catchTags(asked, {
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
        if (principal.allows?.(x.address) === false)
          return Effect.zipRight(refusals.note(x, misplaced(principal)), Effect.fail(elsewhere))
        const refusal = refusedUser(gate, x, principal)
        tellLimits(response, x)
        if (refusal !== null) return Effect.fail(refusal)
        const scope = x.route?.scope ?? "manage"
        // What needs more than to read changes something, and only the owner of trading may.
        const place = scope === "read" ? Effect.void : ownership.assertNotTaken
        const proof = x.route?.stepUp === true ? stepUp.assert(principal) : Effect.void
        return principal.scopes.has(scope)
          ? proof.pipe(
              Effect.zipRight(place),
              Effect.zipRight(accounts.ensure(principal)),
              Effect.zipRight(tellPlace(x, response, principal.userId)),
              Effect.as(principal)
            )
          : Effect.fail(lacks(scope))
      }

      /** Read before the data: what the answer shows is at least as new as this event. */
      const tellPlace = (x: Exchange, response: ServerResponse, userId: UserId) =>
        x.route?.method === "GET" && placed.test(x.route.path)
          ? Effect.map(events.seq(userId), (seq) => void response.setHeader("X-Event-Seq", String(seq)))
          : Effect.void

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

/** Reads of the user's own things. */
const placed = /^\/api\/v1\/(account|trading)(\/|$)/

/** Nobody could look at the credential. */
const notRefused = new Set<string>(["AUTH_UNAVAILABLE", "DATABASE_UNAVAILABLE"])

/** A key that is good, but not from there. */
const misplaced = ({ credentialId, userId }: Principal): Refused => ({
  code: elsewhere._tag,
  userId,
  claimed: credentialId
})

const ticketOf = (url = ""): string | null => {
  const query = url.indexOf("?")
  return query === -1 ? null : new URLSearchParams(url.slice(query)).get("ticket")
}

const tooManyRefusals = new RateLimited({
  message: "Too many refused credentials from this address.",
  retryAfterSeconds: 60
})

const badTicket = () =>
  new Unauthenticated({
    message: "A valid ticket is needed: POST /account/stream-tickets gives one, for one stream within 30 s."
  })

const elsewhere = new Forbidden({
  message: "This key is bound to other addresses than the one this request came from."
})

const lacks = (scope: string) => new Forbidden({ message: `This needs a key with the scope "${scope}".` })
