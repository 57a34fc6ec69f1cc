import * as HttpClient from "@effect/platform/HttpClient"
import type { HttpClientError } from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { Duration, Effect, Predicate, Schema } from "effect"
import type { Reply } from "./Reply.ts"
import { boundedText } from "./wire/boundedText.ts"

/**
 * No complete answer. The platform's errors carry the whole request with key and signature, so nothing of them is
 * kept but a short word such as ECONNRESET.
 */
export class NoReply extends Schema.TaggedError<NoReply>()("NoReply", {
  message: Schema.String,
  /** The connection was never made: no byte has left. */
  neverSent: Schema.Boolean
}) {}

export interface Outgoing {
  readonly method: "GET" | "POST" | "PUT" | "DELETE"
  /** With the query; everything is sent there and the body stays empty. */
  readonly url: string
  readonly accessKey: string | null
  readonly headers: Readonly<Record<string, string>>
  readonly timeout: Duration.Duration
}

/** exchangeInfo of two thousand pairs has about two million bytes. */
const maxBodyBytes = 8 * 1024 * 1024

/** Codes that can only come before a connection exists. */
const beforeConnection = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN"])

const errorCode = (cause: unknown, depth = 0): string | null => {
  if (depth > 4 || !Predicate.isRecord(cause)) return null
  if (Predicate.isString(cause["code"])) return cause["code"]
  const inner = Array.isArray(cause["errors"]) ? cause["errors"][0] : cause["cause"]
  return errorCode(inner, depth + 1)
}

const fromClientError = (error: HttpClientError): NoReply => {
  const code = errorCode(error.cause)
  return new NoReply({
    message: code === null ? "The connection to the venue failed." : `The connection to the venue failed (${code}).`,
    neverSent: code !== null && beforeConnection.has(code)
  })
}

const broken = (message: string) => new NoReply({ message, neverSent: false })

const readText = (response: HttpClientResponse.HttpClientResponse): Effect.Effect<string, NoReply> =>
  Effect.mapError(boundedText(response, maxBodyBytes), (fault) =>
    broken(fault === "broken" ? "The venue's answer broke off." : "The venue's answer is larger than any real one.")
  )

/** One request, one complete reply; no redirects, no retries, no tracing of addresses that hold a signature. */
export const makeHttpExchange = (client: HttpClient.HttpClient) => {
  const untraced = client.pipe(
    HttpClient.withTracerDisabledWhen(() => true),
    HttpClient.withTracerPropagation(false)
  )
  return (outgoing: Outgoing): Effect.Effect<Reply, NoReply> => {
    const plain = HttpClientRequest.make(outgoing.method)(outgoing.url)
    const request =
      outgoing.accessKey === null
        ? plain
        : HttpClientRequest.setHeaders(plain, {
            ...outgoing.headers,
            "X-MEXC-APIKEY": outgoing.accessKey,
            // The venue answers 700013 to anything else, also without a body.
            "Content-Type": "application/json"
          })
    return untraced.execute(request).pipe(
      Effect.mapError(fromClientError),
      Effect.flatMap((response) =>
        Effect.map(readText(response), (text): Reply => ({
          status: response.status,
          retryAfter: response.headers["retry-after"],
          text
        }))
      ),
      // What the timeout cancels must be cancellable even where the caller is not.
      Effect.interruptible,
      Effect.timeoutFail({
        duration: outgoing.timeout,
        onTimeout: () => broken(`The venue did not answer within ${Duration.toMillis(outgoing.timeout)} ms.`)
      })
    )
  }
}
