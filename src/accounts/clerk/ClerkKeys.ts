import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import { Clock, Context, Deferred, Duration, Effect, Either, Layer, Option, Schedule, Schema } from "effect"
import { AuthUnavailable } from "../../api/Errors.ts"
import { boundedText } from "../../mexc/wire/boundedText.ts"
import { type RsaKey, rsaKeyOfJwk } from "./rsaKey.ts"

/** The public keys that a Clerk instance signs its session tokens with, by their ids. */
export class ClerkKeys extends Context.Tag("dipper/accounts/ClerkKeys")<
  ClerkKeys,
  {
    /** None when the instance has no such key. AuthUnavailable: nobody can tell now. */
    readonly find: (kid: string) => Effect.Effect<Option.Option<RsaKey>, AuthUnavailable>
    /** Tokens can be verified. */
    readonly isUsable: Effect.Effect<boolean>
  }
>() {
  /** One key, known beforehand: Clerk is never asked. */
  static readonly layerPinned = (key: RsaKey) =>
    Layer.succeed(ClerkKeys, { find: () => Effect.succeedSome(key), isUsable: Effect.succeed(true) })

  /** The instance's published set, kept fresh beside the requests, which never wait for it once it was read. */
  static readonly layer = (url: string) => Layer.scoped(ClerkKeys, make(url))
}

const answerTimeout = Duration.seconds(3)
const maxBodyBytes = 64 * 1024
/** An outage of Clerk up to this long lets everybody in who has a token. */
const usableForMs = Duration.toMillis("24 hours")
/** A new key is accepted this soon; whoever invents key ids causes no more than one request in this time. */
const lookAgainAfterMs = 30_000
const refreshing = Duration.minutes(5)
const untilRead = Schedule.exponential("1 second").pipe(Schedule.union(Schedule.spaced("30 seconds")))

const PublishedKeys = Schema.parseJson(Schema.Struct({ keys: Schema.Array(Schema.Unknown) }))
const PublishedKey = Schema.Struct({
  kty: Schema.Literal("RSA"),
  kid: Schema.String,
  n: Schema.String,
  e: Schema.String,
  use: Schema.optional(Schema.Literal("sig"))
})

class NoKeys extends Schema.TaggedError<NoKeys>()("NoKeys", { message: Schema.String }) {}

/** What is not a signing key of a safe length is left out; of two with one id the first counts. */
const keysOf = (published: ReadonlyArray<unknown>): ReadonlyMap<string, RsaKey> => {
  const keys = new Map<string, RsaKey>()
  for (const entry of published) {
    const found = Schema.decodeUnknownOption(PublishedKey)(entry)
    if (Option.isNone(found) || keys.has(found.value.kid)) continue
    const key = rsaKeyOfJwk(found.value.n, found.value.e)
    if (Either.isRight(key)) keys.set(found.value.kid, key.right)
  }
  return keys
}

const make = Effect.fnUntraced(function* (url: string) {
  const client = yield* HttpClient.HttpClient
  let keys: ReadonlyMap<string, RsaKey> = new Map()
  let readAt = Number.NEGATIVE_INFINITY
  let triedAt = Number.NEGATIVE_INFINITY
  let reading: Deferred.Deferred<void> | null = null
  const scope = yield* Effect.scope

  const published = client.execute(HttpClientRequest.get(url)).pipe(
    Effect.mapError(() => new NoKeys({ message: "the connection failed" })),
    Effect.filterOrFail(
      ({ status }) => status === 200,
      ({ status }) => new NoKeys({ message: `it answered ${status}` })
    ),
    Effect.flatMap((response) =>
      Effect.mapError(boundedText(response, maxBodyBytes), (fault) => new NoKeys({ message: `the body is ${fault}` }))
    ),
    Effect.flatMap((text) =>
      Effect.mapError(Schema.decode(PublishedKeys)(text), () => new NoKeys({ message: "the body is no key set" }))
    ),
    Effect.map(({ keys }) => keysOf(keys)),
    Effect.filterOrFail(
      (found) => found.size > 0,
      () => new NoKeys({ message: "the set has no key that can be used" })
    ),
    Effect.timeoutFail({ duration: answerTimeout, onTimeout: () => new NoKeys({ message: "no answer in time" }) })
  )

  /** Replaces all keys: one that is no longer published counts no more. */
  const read = Effect.gen(function* () {
    triedAt = yield* Clock.currentTimeMillis
    keys = yield* published
    readAt = yield* Clock.currentTimeMillis
  })

  /** Whoever asks while a reading is under way waits for that one, and nobody can break it off. */
  const readOnce = Effect.gen(function* () {
    if (reading !== null) return yield* Deferred.await(reading)
    const ours = yield* Deferred.make<void>()
    reading = ours
    yield* read.pipe(
      Effect.tapError(({ message }) => Effect.logWarning("Clerk's keys could not be read", { url, problem: message })),
      Effect.ignore,
      Effect.ensuring(Effect.suspend(() => ((reading = null), Deferred.succeed(ours, undefined)))),
      Effect.interruptible,
      Effect.forkIn(scope)
    )
    yield* Deferred.await(ours)
  })

  const isUsable = Effect.map(Clock.currentTimeMillis, (now) => now - readAt <= usableForMs)

  const isFresh = Effect.map(Clock.currentTimeMillis, (now) => now - readAt < Duration.toMillis(refreshing))

  /** The first attempt has ended, one way or the other. */
  const begun = yield* Deferred.make<void>()
  const keepFresh = Effect.zipRight(readOnce, isFresh).pipe(
    Effect.ensuring(Deferred.succeed(begun, undefined)),
    Effect.repeat({ schedule: untilRead, until: (fresh) => fresh }),
    Effect.zipRight(Effect.sleep(refreshing)),
    Effect.forever
  )
  yield* Effect.forkScoped(keepFresh)

  const find = Effect.fn("ClerkKeys.find")(function* (kid: string) {
    yield* Deferred.await(begun)
    if (!(yield* isUsable)) return yield* unavailable()
    const known = keys.get(kid)
    if (known !== undefined) return Option.some(known)
    if ((yield* Clock.currentTimeMillis) - triedAt >= lookAgainAfterMs) yield* readOnce
    return Option.fromNullable(keys.get(kid))
  })

  return ClerkKeys.of({ find, isUsable })
})

const unavailable = () =>
  new AuthUnavailable({
    message: "Sign-in tokens cannot be verified now, because Clerk's keys cannot be read. API keys still work.",
    retryable: true,
    retryAfterSeconds: 30
  })
