import { TokenVerificationError, TokenVerificationErrorReason } from "@clerk/backend/errors"
import { verifyJwt } from "@clerk/backend/jwt"
import { Context, Data, Effect, Layer, Option, type ParseResult, Schema } from "effect"
import {
  type AuthUnavailable,
  ImpersonationForbidden,
  SessionPending,
  TokenExpired,
  Unauthenticated
} from "../../api/Errors.ts"
import { UserId } from "../../domain/Ids.ts"
import type { Instant } from "../../domain/Time.ts"
import { ClerkKeys } from "./ClerkKeys.ts"
import type { RsaKey } from "./rsaKey.ts"

/** A person who is signed in with Clerk. */
export interface Session {
  readonly userId: UserId
  readonly sessionId: string
  /** Of the token, which lives for a minute; the session lives on. */
  readonly expiresAt: Instant
  /** Minutes since the person last proved who they are; null when Clerk does not say. */
  readonly freshMinutes: number | null
  readonly org: { readonly id: string; readonly role: string } | null
}

type Refused = Unauthenticated | TokenExpired | SessionPending | ImpersonationForbidden | AuthUnavailable

export interface ClerkPolicy {
  /** The front-end API of our instance, `https://…`: a token of another one is none. */
  readonly issuer: string
  /** Origins of the pages that may ask for tokens; one at least. */
  readonly authorizedParties: ReadonlyArray<string>
}

/** Verifies Clerk's session tokens without asking Clerk, and lets no other token of the instance pass for one. */
export class ClerkSessions extends Context.Tag("dipper/accounts/ClerkSessions")<
  ClerkSessions,
  {
    readonly verify: (token: string) => Effect.Effect<Session, Refused>
    /** Tokens can be verified now. */
    readonly isUsable: Effect.Effect<boolean>
  }
>() {
  static readonly layer = (policy: ClerkPolicy) => Layer.effect(ClerkSessions, make(policy))
}

const longestToken = 8_192
const longestLifeSeconds = 3_600
const clockSkewMs = 5_000

/** What a header may say. A critical extension that nobody here knows is refused, as RFC 7515 §4.1.11 asks. */
const Header = Schema.Struct({
  alg: Schema.Literal("RS256"),
  typ: Schema.Literal("JWT"),
  kid: Schema.String.pipe(Schema.pattern(/^[A-Za-z0-9_-]{1,128}$/)),
  /** A session token; Clerk's machine tokens have another one. */
  cat: Schema.optional(Schema.Literal("cl_B7d4PD111AAA")),
  crit: Schema.optional(Schema.Never)
})

const Seconds = Schema.Number.pipe(Schema.finite())

/**
 * The claims of a session token, version 1 and 2. A token that was made from a template has no `sid` and is for another
 * service; the organisation of version 1 (`org_id`) is worth nothing in a token of version 2.
 */
const Claims = Schema.Struct({
  sub: UserId.pipe(Schema.pattern(/^user_[A-Za-z0-9]+$/)),
  sid: Schema.String.pipe(Schema.pattern(/^sess_[A-Za-z0-9]+$/)),
  azp: Schema.String,
  iss: Schema.String,
  iat: Seconds,
  nbf: Seconds,
  exp: Seconds,
  sts: Schema.optional(Schema.String),
  act: Schema.optional(Schema.Unknown),
  fva: Schema.optional(Schema.Tuple([Schema.Number], Schema.Number)),
  o: Schema.optional(Schema.Struct({ id: Schema.String, rol: Schema.String }))
})

const Json = Schema.parseJson(Schema.Unknown)

/** What the library threw, which may be anything. */
class NotVerified extends Data.TaggedError("NotVerified")<{ readonly fault: unknown }> {}

const make = Effect.fnUntraced(function* ({ authorizedParties, issuer }: ClerkPolicy) {
  const keys = yield* ClerkKeys

  const signed = (token: string, key: RsaKey) =>
    Effect.tryPromise({
      try: () =>
        verifyJwt(token, { key, issuer, authorizedParties: [...authorizedParties], clockSkewInMs: clockSkewMs }),
      catch: (fault) => new NotVerified({ fault })
    }).pipe(Effect.catchAll(({ fault }) => refusalOf(fault)))

  const verify = Effect.fn("ClerkSessions.verify")(function* (token: string) {
    const { kid } = yield* Effect.mapError(headerOf(token), unauthenticated)
    const key = yield* keys.find(kid)
    if (Option.isNone(key)) return yield* refused("no such key")
    const payload = yield* signed(token, key.value)
    const claims = yield* Effect.mapError(Schema.decodeUnknown(Claims)(payload), unauthenticated)
    if (claims.iss !== issuer || !authorizedParties.includes(claims.azp)) return yield* refused("issuer or party")
    if (claims.exp - claims.iat > longestLifeSeconds) return yield* refused("life")
    if (claims.act !== undefined)
      return yield* new ImpersonationForbidden({ message: "Nobody may act for somebody else here." })
    if (claims.sts !== undefined && claims.sts !== "active")
      return yield* new SessionPending({
        message: "Finish signing in first: the session has a task left at Clerk, such as choosing an organisation."
      })
    const fresh = claims.fva?.[0]
    return {
      userId: claims.sub,
      sessionId: claims.sid,
      expiresAt: claims.exp * 1_000 + clockSkewMs,
      freshMinutes: fresh === undefined || fresh < 0 ? null : fresh,
      org: claims.o === undefined ? null : { id: claims.o.id, role: `org:${claims.o.rol}` }
    } satisfies Session
  })

  return ClerkSessions.of({ verify, isUsable: keys.isUsable })
})

/** Only the canonical spelling of a token counts, so that one token has one hash. */
const isCanonical = (part: string): boolean => Buffer.from(part, "base64url").toString("base64url") === part

const headerOf = (token: string): Effect.Effect<typeof Header.Type, ParseResult.ParseError | "form"> => {
  const parts = token.length > longestToken ? [] : token.split(".")
  const [header] = parts
  return parts.length === 3 && header !== undefined && parts.every((part) => part !== "" && isCanonical(part))
    ? Effect.flatMap(
        Schema.decodeUnknown(Json)(Buffer.from(header, "base64url").toString("utf8")),
        Schema.decodeUnknown(Header)
      )
    : Effect.fail("form" as const)
}

/** Nothing but that a token ran out is told: the rest would help who guesses. */
const refusalOf = (fault: unknown): Effect.Effect<never, Unauthenticated | TokenExpired> => {
  if (!(fault instanceof TokenVerificationError))
    return Effect.zipRight(Effect.logError("A session token could not be verified", fault), refused("fault"))
  const { reason } = fault
  switch (reason) {
    case TokenVerificationErrorReason.TokenExpired:
      return new TokenExpired({ message: "The session token has run out; ask Clerk for a new one." })
    case TokenVerificationErrorReason.TokenNotActiveYet:
    case TokenVerificationErrorReason.TokenIatInTheFuture:
      return Effect.zipRight(
        Effect.logWarning("A session token is of the future: the clock of this machine may be wrong", { reason }),
        refused(reason)
      )
    default:
      return refused(reason)
  }
}

const unauthenticated = () => new Unauthenticated({ message: "A valid session token or key is needed." })

const refused = (reason: string) =>
  Effect.zipRight(Effect.logDebug("A session token was refused", { reason }), unauthenticated())
