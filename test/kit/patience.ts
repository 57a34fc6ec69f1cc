import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { Clock, Effect } from "effect"

/** A service that refuses for longer than this has another reason than a busy machine. */
const patienceMs = 30_000

type Asked<E, R> = Effect.Effect<HttpClientResponse.HttpClientResponse, E, R>

/** When it may be asked again; null for an answer that says nothing of it. Its text is left to who decodes it. */
const againAfterMs = ({ headers, status }: HttpClientResponse.HttpClientResponse): number | null => {
  const seconds = Number(headers["retry-after"])
  return (status === 429 || status === 503) && Number.isInteger(seconds) ? seconds * 1_000 : null
}

const askUntil = <E, R>(ask: Asked<E, R>, end: number): Asked<E, R> =>
  Effect.gen(function* () {
    const answer = yield* ask
    const wait = againAfterMs(answer)
    if (wait === null || (yield* Clock.currentTimeMillis) + wait > end) return answer
    return yield* Effect.delay(askUntil(ask, end), wait)
  })

/** Asks again, as it is told, where a service that has too much to do refuses a read. What writes is asked for once. */
export const patiently = <E, R>(http: HttpClient.HttpClient.With<E, R>) =>
  HttpClient.transform(http, (ask, { method }) =>
    method === "GET" ? Effect.flatMap(Clock.currentTimeMillis, (now) => askUntil(ask, now + patienceMs)) : ask
  )
