import { STATUS_CODES } from "node:http"
import type { Duplex } from "node:stream"

/** Ends a connection that never became a request; like every refusal it carries a code. */
export const refuseConnection = (socket: Duplex, status: number): void => {
  socket.on("error", () => socket.destroy())
  if (!socket.writable) {
    socket.destroy()
    return
  }
  const reason = STATUS_CODES[status] ?? "Bad Request"
  const body = JSON.stringify({ code: status, msg: reason })
  socket.end(
    [
      `HTTP/1.1 ${status} ${reason}`,
      "Connection: close",
      "Content-Type: application/json;charset=utf-8",
      `Content-Length: ${Buffer.byteLength(body)}`,
      "",
      body
    ].join("\r\n")
  )
}
