import { Effect, type Scope } from "effect"
import { type AddressInfo, connect, createServer } from "node:net"

export interface Seen {
  readonly request: string
  /** Wall time in ms at which its first bytes were there. */
  readonly at: number
}

/** A port that passes everything on to another and notes when requests come. */
export const tap = (
  target: string
): Effect.Effect<{ readonly url: string; readonly seen: ReadonlyArray<Seen> }, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.async<{ readonly seen: Array<Seen>; readonly server: ReturnType<typeof createServer> }>((resume) => {
        const { hostname, port } = new URL(target)
        const seen: Array<Seen> = []
        const server = createServer((socket) => {
          const onward = connect(Number(port), hostname).setNoDelay(true)
          socket.setNoDelay(true)
          const end = () => {
            socket.destroy()
            onward.destroy()
          }
          socket.on("data", (bytes) => {
            const at = Date.now()
            const [, request] = /^((?:GET|POST|PUT|DELETE) [^?\s]+)/.exec(bytes.toString("latin1")) ?? []
            if (request !== undefined) seen.push({ request, at })
            onward.write(bytes)
          })
          onward.on("data", (bytes) => socket.write(bytes))
          for (const side of [socket, onward]) side.on("error", end).on("close", end)
        })
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed({ seen, server })))
      }),
      ({ server }) => Effect.sync(() => server.close())
    ),
    ({ seen, server }) => ({ seen, url: `http://127.0.0.1:${portOf(server.address())}` })
  )

const portOf = (address: AddressInfo | string | null): number =>
  address === null || typeof address === "string" ? Number.NaN : address.port
