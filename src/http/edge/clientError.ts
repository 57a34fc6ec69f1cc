import type { Duplex } from "node:stream"
import { renderFailure } from "../../api/Envelope.ts"
import { type ApiError, HeadersTooLarge, MethodNotAllowed, RequestTimeout, ValidationFailed } from "../../api/Errors.ts"
import { commonHeaders } from "./headers.ts"

/**
 * What node cannot parse never becomes a request: without this its answer would have no body. Bytes after an answer
 * that is already on its way cannot be answered at all.
 */
export const answerClientError = (venue: string, tls: boolean, requestId: () => string) => {
  const common = commonHeaders(venue, tls)
  return (fault: { readonly code?: string }, socket: Duplex): void => {
    if (fault.code === "ECONNRESET" || !socket.writable || alreadyAnswering(socket)) return void socket.destroy()
    socket.end(rawAnswer(asApiError(fault.code), requestId(), common))
  }
}

/** CONNECT asks for a tunnel; there is none. */
export const answerConnect = (venue: string, tls: boolean, requestId: () => string) => {
  const common = commonHeaders(venue, tls)
  return (_request: unknown, socket: Duplex): void => {
    socket.end(rawAnswer(new MethodNotAllowed({ message: "CONNECT is not served." }), requestId(), common))
  }
}

const asApiError = (code: string | undefined): ApiError => {
  if (code === "HPE_HEADER_OVERFLOW") return new HeadersTooLarge({ message: "The headers are larger than 16 KiB." })
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") {
    return new RequestTimeout({ message: "The request did not arrive completely in time.", retryable: true })
  }
  return new ValidationFailed({ message: "The request is not valid HTTP." })
}

const phrases: Readonly<Record<number, string>> = {
  400: "Bad Request",
  405: "Method Not Allowed",
  408: "Request Timeout",
  431: "Request Header Fields Too Large"
}

const rawAnswer = (error: ApiError, requestId: string, common: ReturnType<typeof commonHeaders>): string => {
  const { status, body } = renderFailure(error, requestId)
  const headers = [
    ...common,
    ["X-Request-Id", requestId],
    ["Content-Length", String(Buffer.byteLength(body))],
    ["Connection", "close"]
  ]
  const head = headers.map(([name, value]) => `${name}: ${value}`).join("\r\n")
  return `HTTP/1.1 ${status} ${phrases[status] ?? ""}\r\n${head}\r\n\r\n${body}`
}

/** Node keeps the response under way on the socket, and its own handler looks there as well. */
const alreadyAnswering = (socket: Duplex): boolean => {
  const message = "_httpMessage" in socket ? socket._httpMessage : null
  return typeof message === "object" && message !== null && "headersSent" in message && message.headersSent === true
}
