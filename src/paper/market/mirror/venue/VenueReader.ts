import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { Clock, Effect, Schema } from "effect"
import { boundedText } from "../../../../mexc/wire/boundedText.ts"
import { weightOf } from "../../../../mexc/wire/Weights.ts"
import { WeightWindow } from "./WeightWindow.ts"

/** The venue did not give a usable answer. */
export class UpstreamFailed extends Schema.TaggedError<UpstreamFailed>()("UpstreamFailed", {
  message: Schema.String
}) {}

/** Public data of a venue over HTTP. No request carries a key, a signature or any other header of ours. */
export interface VenueReader {
  readonly get: <A, I>(
    path: string,
    parameters: Readonly<Record<string, string>>,
    answer: Schema.Schema<A, I>
  ) => Effect.Effect<A, UpstreamFailed>
  readonly counts: () => { readonly requests: number; readonly failedRequests: number }
}

/** A fifth of what the venue grants an address: the mirror is a guest beside real trading. */
const weightPerWindow = 60
const windowMs = 10_000
const patience = "10 seconds"
/** exchangeInfo of two thousand pairs has about two million bytes. */
const maxBodyBytes = 16 * 1024 * 1024
/** Where the venue says "too much" without saying how long. */
const pauseMs = 10_000

const failed = (message: string) => new UpstreamFailed({ message })

export const makeVenueReader = Effect.fnUntraced(function* (base: string) {
  const client = (yield* HttpClient.HttpClient).pipe(
    HttpClient.withTracerDisabledWhen(() => true),
    HttpClient.withTracerPropagation(false)
  )
  const window = new WeightWindow(weightPerWindow, windowMs)
  const queue = yield* Effect.makeSemaphore(1)
  let requests = 0
  let failedRequests = 0

  const affordable = (weight: number) =>
    Effect.gen(function* () {
      for (;;) {
        const wait = window.spend(weight, yield* Clock.currentTimeMillis)
        if (wait === 0) return
        yield* Effect.sleep(wait)
      }
    }).pipe(queue.withPermits(1))

  const send = Effect.fnUntraced(function* (path: string, parameters: Readonly<Record<string, string>>) {
    const query = new URLSearchParams(parameters).toString()
    const url = `${base}/api/v3${path}${query === "" ? "" : `?${query}`}`
    const response = yield* client
      .execute(HttpClientRequest.get(url))
      .pipe(Effect.mapError(() => failed(`${base} does not answer`)))
    if (response.status === 429 || response.status === 418) {
      const seconds = Number(response.headers["retry-after"])
      const ms = Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : pauseMs
      window.pauseUntil((yield* Clock.currentTimeMillis) + ms)
    }
    if (response.status !== 200) return yield* failed(`${base} answers ${response.status} to ${path}`)
    return yield* readText(response)
  })

  const get = <A, I>(path: string, parameters: Readonly<Record<string, string>>, answer: Schema.Schema<A, I>) =>
    Effect.zipRight(
      affordable(weightOf("GET", path)),
      Effect.suspend(() => {
        requests += 1
        const onTimeout = () => failed(`${base} does not answer ${path} in time`)
        return Effect.timeoutFail(send(path, parameters), { duration: patience, onTimeout })
      })
    ).pipe(
      Effect.flatMap((text) =>
        Effect.mapError(Schema.decode(Schema.parseJson(answer))(text), () =>
          failed(`the answer of ${base} to ${path} is not what MEXC answers`)
        )
      ),
      Effect.tapError(() => Effect.sync(() => void (failedRequests += 1)))
    )

  return { get, counts: () => ({ requests, failedRequests }) } satisfies VenueReader
})

const readText = (response: HttpClientResponse.HttpClientResponse): Effect.Effect<string, UpstreamFailed> =>
  Effect.catchAll(boundedText(response, maxBodyBytes), (fault) =>
    failed(
      fault === "broken" ? "the answer of the venue broke off" : "the answer of the venue is larger than any real one"
    )
  )
