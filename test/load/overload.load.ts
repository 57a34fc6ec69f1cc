import { it } from "@effect/vitest"
import { Effect } from "effect"
import { connect, type Socket } from "node:net"
import { dipper, run, temporaryFolder } from "../kit/Process.ts"
import { cpuMs, print, residentMb } from "../bench/kit.ts"
import { type Kind, type Outcome, percentile, send } from "./traffic.ts"

const users = 30
const seconds = 10
const slowClients = 1_000

const order = () =>
  JSON.stringify({ symbol: "BTCUSDT", side: "buy", type: "limit", price: "20000", quantity: "0.001", waitMs: 0 })

/** A day of many users, in the shares in which programs and pages ask. */
const day: ReadonlyArray<Kind> = [
  { name: "ticker", connections: 8, rate: 80, method: "GET", path: "/api/v1/market/tickers/BTCUSDT" },
  { name: "order book", connections: 4, rate: 20, method: "GET", path: "/api/v1/market/order-book/ETHUSDT" },
  { name: "candles", connections: 4, rate: 10, method: "GET", path: "/api/v1/market/candles/BTCUSDT?interval=1m" },
  { name: "wallet", connections: 4, rate: 20, method: "GET", path: "/api/v1/account/wallet" },
  { name: "orders, a list", connections: 4, rate: 20, method: "GET", path: "/api/v1/trading/orders" },
  { name: "rules, a list", connections: 4, rate: 10, method: "GET", path: "/api/v1/trading/rules" },
  { name: "an order", connections: 4, rate: 6, method: "POST", path: "/api/v1/trading/orders", body: order },
  { name: "cancel all", connections: 2, rate: 3, method: "DELETE", path: "/api/v1/trading/orders?symbol=BTCUSDT" }
]

/** Closed loops: every client asks again as soon as it has its answer or its refusal. */
const crowd = (connections: number): ReadonlyArray<Kind> => [
  { name: "orders, a list", connections, rate: null, method: "GET", path: "/api/v1/trading/orders" },
  { name: "positions", connections, rate: null, method: "GET", path: "/api/v1/trading/positions" }
]

const all = (url: string, kinds: ReadonlyArray<Kind>, tokens: ReadonlyArray<string>, time = seconds) =>
  Effect.promise(async () => {
    const outcomes = await Promise.all(
      kinds.map(async (kind) => [kind.name, await send(url, kind, tokens, time)] as const)
    )
    return new Map(outcomes)
  })

const line = ({ admittedMs, failed, refusedMs, withRetryAfter }: Outcome): string => {
  const at = (values: ReadonlyArray<number>, share: number) => percentile(values, share).toFixed(0).padStart(4)
  const refused =
    refusedMs.length === 0
      ? "none refused"
      : `${refusedMs.length} refused (p99 ${at(refusedMs, 0.99)} ms, ${withRetryAfter} with Retry-After)`
  const times = [0.5, 0.99, 0.999].map((share) => at(admittedMs, share)).join(" /")
  return `${String(admittedMs.length).padStart(6)} answered, ${times} ms; ${refused}; ${failed} failed`
}

const show = (title: string, outcomes: ReadonlyMap<string, Outcome>) =>
  print(
    `${title}: answered, p50 / p99 / p99.9`,
    [...outcomes].map(([name, outcome]) => [name, line(outcome)])
  )

const p99Of = (outcomes: ReadonlyMap<string, Outcome>): number =>
  percentile(
    [...outcomes.values()].flatMap(({ admittedMs }) => admittedMs),
    0.99
  )

/** Connections that ask for something long and read it a byte at a time, or say their headers so. */
const slow = (url: string, token: string, count: number) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const { hostname, port } = new URL(url)
      const sockets: Array<Socket> = []
      const open = (n: number) => {
        const socket = connect({ host: hostname, port: Number(port) })
        socket.on("error", () => undefined)
        if (n % 2 === 0) {
          const drip = setInterval(() => socket.writable && socket.write("x"), 1_000)
          socket.on("close", () => clearInterval(drip))
          socket.write("GET /api/v1/status HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        } else {
          socket.pause()
          socket.write(
            `GET /api/v1/market/candles/BTCUSDT?interval=1m&limit=500 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`
          )
        }
        // Whoever is cut off comes again.
        socket.on("close", () => {
          const at = sockets.indexOf(socket)
          if (at !== -1) sockets.splice(at, 1, open(n))
        })
        return socket
      }
      for (let n = 0; n < count; n++) sockets.push(open(n))
      return sockets
    }),
    (sockets) => Effect.sync(() => sockets.splice(0).forEach((socket) => socket.destroy()))
  )

it.scopedLive("a day's traffic, ten times too many clients, and a thousand slow ones", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    const env = { PORT: "0", PAPER_PORT: "0", DATA_DIR: folder, API_RATE_PER_MINUTE: "1000000", LOG_LEVEL: "warn" }
    const service = yield* dipper(["serve"], { cwd: folder, env })
    const [, url = ""] = yield* service.line(/dipper ready (\S+)/)
    const tokens = yield* Effect.forEach(
      Array.from({ length: users }, (_, n) => `user${n}`),
      (user) =>
        Effect.map(
          run(["keys", "create", "--user", user, "--scopes", "read,trade"], { cwd: folder, env }),
          ({ stdout }) => stdout.trim()
        )
    )
    // Each user's account is opened by the first request.
    yield* Effect.promise(() =>
      Promise.all(
        tokens.map((token) => fetch(`${url}/api/v1/account`, { headers: { authorization: `Bearer ${token}` } }))
      )
    )
    yield* all(url, day, tokens, 3)

    const usual = yield* all(url, day, tokens)
    const before = cpuMs(service.pid)
    show("a usual day, a fixed rate", usual)

    const saturating = yield* all(url, crowd(25), tokens)
    show("as much as it can, 50 clients in closed loops", saturating)

    const crowded = yield* Effect.all(
      { crowd: all(url, crowd(250), tokens), day: all(url, day, tokens) },
      { concurrency: 2 }
    )
    show("ten times as many clients: they", crowded.crowd)
    show("ten times as many clients: the usual day beside them", crowded.day)
    const after = yield* all(url, day, tokens, 5)
    show("the five seconds after it", after)

    const [quick = ""] = tokens
    yield* slow(url, quick, slowClients)
    const beside = yield* all(url, day, tokens)
    show(`beside ${slowClients} slow clients`, beside)

    const ratio = (one: number) => (one / p99Of(usual)).toFixed(2)
    print("in short", [
      ["p99 of a usual day, ms", p99Of(usual).toFixed(0)],
      ["what is answered in the crowd, p99 ÷ the usual p99", ratio(p99Of(crowded.day))],
      ["five seconds after it, p99 ÷ the usual p99", ratio(p99Of(after))],
      ["beside slow clients, p99 ÷ the usual p99", ratio(p99Of(beside))],
      ["CPU since the usual day, s", ((cpuMs(service.pid) - before) / 1000).toFixed(1)],
      ["resident, MB", residentMb(service.pid).toFixed(0)]
    ])
  })
)
