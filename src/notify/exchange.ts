import { type Array, Effect, Schema } from "effect"
import { type IncomingMessage, request as plainRequest } from "node:http"
import { request as tlsRequest } from "node:https"
import { isIP, type LookupFunction } from "node:net"
import type { SecureContext } from "node:tls"
import type { Target } from "./Target.ts"

/** The request went out, or tried to, and no answer is known. It may have arrived. */
export class Undelivered extends Schema.TaggedError<Undelivered>()("Undelivered", {
  reason: Schema.Literal("unreachable", "certificate", "timeout", "busy"),
  message: Schema.String
}) {}

/** All that is told of an answer: its text is nobody's business here, and must not show who asked what lies behind. */
export type StatusClass = "1xx" | "2xx" | "3xx" | "4xx" | "5xx"

export interface Message {
  readonly method: "GET" | "POST"
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** More of an answer is not read; the connection is then cut. */
const maxAnswerBytes = 1_024
const maxHeaderBytes = 8_192

/**
 * One request on a connection of its own, to one of the addresses and nowhere else. Redirects are answers like any other.
 * The name stays in the request and in the check of the certificate.
 */
export const exchange = (
  target: Target,
  addresses: Array.NonEmptyReadonlyArray<string>,
  { body, headers, method }: Message,
  secureContext: SecureContext
): Effect.Effect<StatusClass, Undelivered> =>
  Effect.async((resume) => {
    const options = {
      agent: false as const,
      host: target.host,
      port: target.port,
      path: target.path,
      method,
      headers: {
        "user-agent": "dipper",
        ...(body === undefined ? {} : { "content-length": Buffer.byteLength(body) }),
        ...headers
      },
      lookup: pinned(addresses),
      maxHeaderSize: maxHeaderBytes,
      // Said here, because a variable of the environment can turn the check off for everybody who does not.
      rejectUnauthorized: true,
      secureContext
    }
    const request = target.secure ? tlsRequest(options) : plainRequest(options)
    request.once("response", (answer) => {
      discard(answer, () => {
        resume(Effect.succeed(statusClass(answer)))
        request.destroy()
      })
    })
    // Also what comes after the answer: an error without a listener would end the process.
    request.on("error", (fault) => resume(Effect.fail(undelivered(fault))))
    request.end(body)
    return Effect.sync(() => request.destroy())
  })

/** Whatever is asked for, these are the addresses: between the check and the connection no name is looked up. */
const pinned =
  (addresses: Array.NonEmptyReadonlyArray<string>): LookupFunction =>
  (_, { all }, found) => {
    const [first] = addresses
    if (all === true)
      found(
        null,
        addresses.map((address) => ({ address, family: isIP(address) }))
      )
    else found(null, first, isIP(first))
  }

const discard = (answer: IncomingMessage, ended: () => void): void => {
  let read = 0
  answer.on("data", (chunk: Buffer) => {
    read += chunk.length
    if (read > maxAnswerBytes) ended()
  })
  answer.once("end", ended)
  // Cut off in the middle: its status counts all the same.
  answer.once("close", ended)
}

const classes = ["1xx", "2xx", "3xx", "4xx", "5xx"] as const

const statusClass = ({ statusCode = 0 }: IncomingMessage): StatusClass =>
  classes[Math.trunc(statusCode / 100) - 1] ?? "5xx"

const certificateFault = /CERT|SIGNATURE|ALTNAME|UNABLE_TO_(?:GET|VERIFY)/

const undelivered = (fault: NodeJS.ErrnoException): Undelivered =>
  certificateFault.test(fault.code ?? "")
    ? new Undelivered({ reason: "certificate", message: "The certificate of the host is not valid." })
    : new Undelivered({ reason: "unreachable", message: "The host did not answer." })
