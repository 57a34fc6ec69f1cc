import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import { Context, Duration, Effect, Layer, Option, type Redacted, Schema } from "effect"
import { UserId } from "../../domain/Ids.ts"
import type { Instant } from "../../domain/Time.ts"
import { boundedText } from "../../mexc/wire/boundedText.ts"
import { ClerkKeys } from "./ClerkKeys.ts"

/** A person as Clerk knows them now. */
export interface ClerkUser {
  /** Neither banned nor locked. */
  readonly mayEnter: boolean
  /** By Clerk's clock. */
  readonly updatedAt: Instant
}

/** The secret key is none of the instance whose people sign in here, or of none at all: asking on is of no use. */
export class ClerkRefuses extends Schema.TaggedError<ClerkRefuses>()("ClerkRefuses", { message: Schema.String }) {}

/** Clerk has been asked too much. */
export class ClerkBusy extends Schema.TaggedError<ClerkBusy>()("ClerkBusy", {
  message: Schema.String,
  retryAfter: Schema.DurationFromSelf
}) {}

/** No answer, or one that nobody can read; it says nothing about anybody. */
export class ClerkAway extends Schema.TaggedError<ClerkAway>()("ClerkAway", { message: Schema.String }) {}

interface Options {
  /** Of the API, without a path. */
  readonly url: string
  readonly secretKey: Redacted.Redacted
}

export type ClerkFailure = ClerkRefuses | ClerkBusy | ClerkAway

/**
 * Clerk's backend API, as far as it tells of people. Two calls need no library: that of Clerk has no timeout, and would be
 * six megabytes in memory for what is asked once a day.
 */
export class ClerkUsers extends Context.Tag("dipper/accounts/ClerkUsers")<
  ClerkUsers,
  {
    /** Why nobody is asked; null when Clerk can be asked. */
    readonly off: string | null
    /** Fails with ClerkRefuses unless the secret key is of the instance whose sign-ins count here. */
    readonly assertOurs: Effect.Effect<void, ClerkFailure>
    /** None: Clerk has nobody of this id, any more or at all. */
    readonly find: (userId: UserId) => Effect.Effect<Option.Option<ClerkUser>, ClerkFailure>
  }
>() {
  static readonly layer = (options: Options) => Layer.effect(ClerkUsers, make(options))

  static readonly layerNone = (why: string) =>
    Layer.succeed(ClerkUsers, { off: why, assertOurs: Effect.void, find: () => new ClerkAway({ message: why }) })
}

const answerTimeout = Duration.seconds(10)
/** A person with all that an application may store with them has some tens of kilobytes. */
const maxBodyBytes = 1_048_576
/** What `@clerk/backend` 3.25.0 asks for: the answers keep this form. */
const apiVersion = "2026-05-12"
const defaultWait = Duration.minutes(1)

const Person = Schema.parseJson(
  Schema.Struct({ id: UserId, banned: Schema.Boolean, locked: Schema.Boolean, updated_at: Schema.Int })
)

/** As Clerk says it: a 404 of anything between Clerk and us is none. */
const NotFound = Schema.parseJson(
  Schema.Struct({ errors: Schema.NonEmptyArray(Schema.Struct({ code: Schema.Literal("resource_not_found") })) })
)

const Jwks = Schema.parseJson(Schema.Struct({ keys: Schema.Array(Schema.Unknown) }))
const Jwk = Schema.Struct({ kid: Schema.String, n: Schema.String })

/** Clerk gives seconds. */
const waitOf = (retryAfter: string | undefined): Duration.Duration =>
  retryAfter !== undefined && /^\d{1,6}$/.test(retryAfter) ? Duration.seconds(Number(retryAfter)) : defaultWait

const unreadable = () => new ClerkAway({ message: "Clerk's answer cannot be read" })
const noConnection = () => new ClerkAway({ message: "Clerk cannot be reached" })
const tooLate = () => new ClerkAway({ message: "Clerk did not answer in time" })
const nobody = { onFailure: unreadable, onSuccess: () => Option.none<ClerkUser>() }

const make = Effect.fnUntraced(function* ({ secretKey, url }: Options) {
  const client = yield* HttpClient.HttpClient
  const keys = yield* ClerkKeys

  const ask = Effect.fnUntraced(
    function* (path: string) {
      const request = HttpClientRequest.get(`${url}/v1${path}`, { headers: { "clerk-api-version": apiVersion } })
      const response = yield* client.execute(HttpClientRequest.bearerToken(request, secretKey))
      const { headers, status } = response
      if (status === 401 || status === 403)
        return yield* new ClerkRefuses({ message: `Clerk refuses CLERK_SECRET_KEY with ${status}` })
      if (status === 429)
        return yield* new ClerkBusy({
          message: "Clerk was asked too often",
          retryAfter: waitOf(headers["retry-after"])
        })
      if (status !== 200 && status !== 404) return yield* new ClerkAway({ message: `Clerk answered ${status}` })
      return { status, text: yield* Effect.mapError(boundedText(response, maxBodyBytes), unreadable) }
    },
    Effect.catchTags({ RequestError: noConnection, ResponseError: noConnection }),
    Effect.timeoutFail({ duration: answerTimeout, onTimeout: tooLate })
  )

  const find = Effect.fn("ClerkUsers.find")(function* (userId: UserId) {
    const { status, text } = yield* ask(`/users/${encodeURIComponent(userId)}`)
    if (status === 404) return yield* Effect.mapBoth(Schema.decode(NotFound)(text), nobody)
    const person = yield* Effect.mapError(Schema.decode(Person)(text), unreadable)
    if (person.id !== userId) return yield* unreadable()
    return Option.some({ mayEnter: !person.banned && !person.locked, updatedAt: person.updated_at })
  })

  /** The tokens that let in are signed with the keys of an instance; what the secret key opens must have one of them. */
  const isOurs = (entry: unknown) =>
    Option.match(Schema.decodeUnknownOption(Jwk)(entry), {
      onNone: () => Effect.succeed(false),
      onSome: ({ kid, n }) =>
        Effect.map(
          keys.find(kid),
          Option.exists((key) => key.n === n)
        )
    })

  const assertOurs = Effect.gen(function* () {
    const { text } = yield* ask("/jwks")
    const { keys: published } = yield* Effect.mapError(Schema.decode(Jwks)(text), unreadable)
    if (yield* Effect.exists(published, isOurs)) return
    return yield* new ClerkRefuses({ message: "CLERK_SECRET_KEY is of another Clerk instance than the sign-ins" })
  }).pipe(Effect.catchTag("AUTH_UNAVAILABLE", ({ message }) => new ClerkAway({ message })))

  return ClerkUsers.of({ off: null, assertOurs, find })
})
