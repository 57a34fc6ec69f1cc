import { connect, createServer, type Socket } from "node:net"
import { Effect, Layer, Schema, type Scope } from "effect"
import { PaperExchange, type PaperExchangeOptions } from "../../../../src/paper/PaperExchange.ts"
import { account, alice, bob, clients, type Json, makeClient, stillExchange } from "../../kit/SignedClient.ts"

export type Client = ReturnType<typeof makeClient>

const rich = { USDT: "100000000", BTC: "1000" }
/** Of the upstream only. */
export const carol = { accessKey: "mx0carol", secretKey: "carol-secret" }

const built = (options: PaperExchangeOptions) =>
  Effect.flatMap(Layer.build(PaperExchange.layer(options)), (context) => Effect.provide(clients, context))

/** An exchange whose prices the test moves. */
export const startUpstream = Effect.map(
  built({ ...stillExchange, accounts: [account(carol, rich)] }),
  ({ port, url, wsUrl }) => {
    const client = makeClient(url, carol.accessKey, carol.secretKey)
    const price = (at: string, more: Json = {}) =>
      client.control("POST", "/paper/v1/price", { symbol: "BTCUSDT", price: at, ...more })
    return { port, url, wsUrl, client, price }
  }
)

export const mirrorOptions = (rest: string, stream: string): PaperExchangeOptions => ({
  ...stillExchange,
  market: "mirror",
  upstream: { rest, stream },
  // These tests ask often.
  limits: { ipWeight: 1_000_000 },
  accounts: [account(alice, rich), account(bob, rich)]
})

export const startMirror = (rest: string, stream: string, more: Partial<PaperExchangeOptions> = {}) =>
  built({ ...mirrorOptions(rest, stream), ...more })

/** What stands between a mirror and its venue: keeps what the mirror says, and can be cut. */
export const wireTo = (
  port: number
): Effect.Effect<
  { readonly port: number; readonly heard: () => string; readonly cut: () => void; readonly mend: () => void },
  never,
  Scope.Scope
> =>
  Effect.async((resume) => {
    const open = new Set<Socket>()
    const heard: Array<Buffer> = []
    let isCut = false
    const server = createServer((near) => {
      if (isCut) {
        near.destroy()
        return
      }
      const far = connect(port, "127.0.0.1")
      for (const [socket, other] of [
        [near, far],
        [far, near]
      ] as const) {
        open.add(socket)
        socket.on("error", () => other.destroy())
        socket.on("close", () => {
          open.delete(socket)
          other.destroy()
        })
      }
      near.on("data", (data) => heard.push(data))
      near.pipe(far)
      far.pipe(near)
    })
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      resume(
        Effect.acquireRelease(
          Effect.succeed({
            port: typeof address === "object" && address !== null ? address.port : 0,
            heard: () => Buffer.concat(heard).toString("latin1"),
            cut: () => {
              isCut = true
              for (const socket of open) socket.destroy()
            },
            mend: () => {
              isCut = false
            }
          }),
          () =>
            Effect.sync(() => {
              for (const socket of open) socket.destroy()
              server.close()
            })
        )
      )
    })
  })

/** A mirror behind such a wire, and the upstream at 50,000. */
export const connected = Effect.gen(function* () {
  const upstream = yield* startUpstream
  yield* upstream.price("50000", { quantity: "0.5" })
  const wire = yield* wireTo(upstream.port)
  const rest = `http://127.0.0.1:${wire.port}`
  const stream = `ws://127.0.0.1:${wire.port}/ws`
  return { upstream, wire, mirror: yield* startMirror(rest, stream), rest, stream }
})

export class NeverSo extends Schema.TaggedError<NeverSo>()("NeverSo", { message: Schema.String }) {}

/** Asks again until the answer is as wanted. */
export const eventually = <A, E>(
  ask: Effect.Effect<A, E>,
  wanted: (answer: A) => boolean
): Effect.Effect<A, E | NeverSo> =>
  Effect.gen(function* () {
    for (let left = 500; ; left--) {
      const answer = yield* ask
      if (wanted(answer)) return answer
      if (left === 0) return yield* new NeverSo({ message: `it stayed ${JSON.stringify(answer).slice(0, 500)}` })
      yield* Effect.sleep("20 millis")
    }
  })

export const get = (client: Client, path: string) => Effect.map(client.raw("GET", path), ({ body }): Json => body)

export const bookOf = (client: Client) => get(client, "/api/v3/depth?symbol=BTCUSDT&limit=5000")

/** Until the mirror shows exactly the upstream's book. */
export const sameBook = (mirror: Client, upstream: Client) =>
  Effect.flatMap(bookOf(upstream), (wanted) =>
    eventually(
      bookOf(mirror),
      (found) =>
        found.bids?.length > 0 &&
        JSON.stringify([found.bids, found.asks]) === JSON.stringify([wanted.bids, wanted.asks])
    )
  )

export const limitOrder = (client: Client, side: "BUY" | "SELL", price: string, quantity: string) =>
  client.signed("POST", "/api/v3/order", { symbol: "BTCUSDT", side, type: "LIMIT", price, quantity })

export const orderOf = (client: Client, orderId: string) =>
  Effect.map(client.signed("GET", "/api/v3/order", { symbol: "BTCUSDT", orderId }), ({ body }): Json => body)
