import { it } from "@effect/vitest"
import { Effect } from "effect"
import { execFileSync } from "node:child_process"
import { connect, type Socket } from "node:net"
import { cpuMs, print, residentMb } from "../bench/kit.ts"
import { unlimitedPaper } from "../bench/unlimitedPaper.ts"
import { dipper, run } from "../kit/Process.ts"
import { type Kind, type Outcome, percentile, send } from "./traffic.ts"

const users = 30
const seconds = 10
/** In which a crowd opens its connections. */
const arriving = 3
const slowClients = 1_000
/** Long enough for each of them to be cut off and to come again. */
const besideSlow = 20

const order = () =>
  JSON.stringify({ symbol: "BTCUSDT", side: "buy", type: "limit", price: "20000", quantity: "0.001", waitMs: 0 })

/** A day of many users, in the shares in which programs and pages ask. */
const day: ReadonlyArray<Kind> = [
  { name: "ticker", pace: { perSecond: 80 }, method: "GET", path: "/api/v1/market/tickers/BTCUSDT" },
  { name: "order book", pace: { perSecond: 20 }, method: "GET", path: "/api/v1/market/order-book/ETHUSDT" },
  { name: "candles", pace: { perSecond: 10 }, method: "GET", path: "/api/v1/market/candles/BTCUSDT?interval=1m" },
  { name: "wallet", pace: { perSecond: 20 }, method: "GET", path: "/api/v1/account/wallet" },
  { name: "orders, a list", pace: { perSecond: 20 }, method: "GET", path: "/api/v1/trading/orders" },
  { name: "rules, a list", pace: { perSecond: 10 }, method: "GET", path: "/api/v1/trading/rules" },
  { name: "an order", pace: { perSecond: 6 }, method: "POST", path: "/api/v1/trading/orders", body: order },
  { name: "cancel all", pace: { perSecond: 3 }, method: "DELETE", path: "/api/v1/trading/orders?symbol=BTCUSDT" }
]

/** Closed loops: every client asks again as soon as it has its answer or its refusal. */
const crowd = (loops: number): ReadonlyArray<Kind> => [
  { name: "orders, a list", pace: { loops }, method: "GET", path: "/api/v1/trading/orders" },
  { name: "positions", pace: { loops }, method: "GET", path: "/api/v1/trading/positions" }
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
  const failures = failed.length === 0 ? "none failed" : `${failed.length} failed (${[...new Set(failed)].join(", ")})`
  const times = [0.5, 0.99, 0.999].map((share) => at(admittedMs, share)).join(" /")
  return `${String(admittedMs.length).padStart(6)} answered, ${times} ms; ${refused}; ${failures}`
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

/** Over as many seconds as a crowd, so that they are not one. */
const slowEveryMs = (arriving * 1_000) / slowClients
/** As long as the service waits for one that takes nothing. */
const readsForMs = 15_000

/** Connections that say their headers a byte at a time, or ask for something long and take none of it, and come again when it ends. */
const slow = (url: string, token: string, count: number) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const { hostname, port } = new URL(url)
      const sockets = new Set<Socket>()
      let over = false
      const open = (n: number) => {
        if (over) return
        const socket = connect({ host: hostname, port: Number(port) })
        sockets.add(socket)
        socket.on("error", () => undefined)
        let pace: NodeJS.Timeout
        if (n % 2 === 0) {
          socket.resume()
          socket.write("GET /api/v1/status HTTP/1.1\r\nHost: x\r\nX-Slow: ")
          pace = setInterval(() => socket.writable && socket.write("x"), 1_000)
        } else {
          socket.pause()
          socket.write(
            `GET /api/v1/market/candles/BTCUSDT?interval=1m&limit=500 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`
          )
          pace = setTimeout(() => socket.destroy(), readsForMs)
        }
        socket.on("close", () => {
          clearTimeout(pace)
          sockets.delete(socket)
          open(n)
        })
      }
      for (let n = 0; n < count; n++) setTimeout(() => open(n), n * slowEveryMs)
      return () => {
        over = true
        for (const socket of sockets) socket.destroy()
      }
    }),
    (end) => Effect.sync(end)
  )

/** Puts a process and all its threads on one core. False where the system has no such command. */
const onCore = (pid: number, core: number): boolean => {
  try {
    execFileSync("taskset", ["-acp", String(core), String(pid)], { stdio: "ignore" })
    return true
  } catch {
    return false
  }
}

/**
 * The service has a core for itself, the clients and the exchange the other one, so that what the clients compute is not
 * taken for our time. The exchange has no limits and ours are far away: what waits for them says nothing of the boundary.
 */
const started = Effect.gen(function* () {
  const { folder, outfile } = yield* unlimitedPaper
  const paper = yield* dipper(["0"], { cwd: folder, program: outfile })
  const [, port = ""] = yield* paper.line(/port (\d+)/)
  const env = {
    PORT: "0",
    PAPER_URL: `http://127.0.0.1:${port}`,
    DATA_DIR: folder,
    API_RATE_PER_MINUTE: "1000000",
    LOG_LEVEL: "warn",
    MEXC_IP_WEIGHT: "10000",
    MEXC_UID_WEIGHT: "10000",
    MEXC_REQUESTS_PER_SECOND: "1000",
    MEXC_ORDERS_PER_SECOND: "1000"
  }
  const service = yield* dipper(["serve"], { cwd: folder, env })
  const [, url = ""] = yield* service.line(/dipper ready (\S+)/)
  const apart = onCore(service.pid, 0) && onCore(paper.pid, 1) && onCore(process.pid, 1)
  if (!apart) print("clients and service share all cores: no taskset here", [])
  return { env, folder, service, url }
})

it.scopedLive("a day's traffic, ten times too many clients, and a thousand slow ones", () =>
  Effect.gen(function* () {
    const { env, folder, service, url } = yield* started
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

    const saturating = yield* all(url, crowd(25), tokens)
    show("as much as it can, 50 clients in closed loops", saturating)

    // After that: in its first half minute a process still compiles, and the usual would look slower than it is.
    yield* all(url, day, tokens, 5)
    const usual = yield* all(url, day, tokens)
    const before = cpuMs(service.pid)
    show("a usual day, a fixed rate", usual)

    const crowded = yield* Effect.all(
      {
        crowd: all(url, crowd(250), tokens, arriving + seconds + 1),
        day: Effect.all({ first: all(url, day, tokens, arriving), then: all(url, day, tokens) })
      },
      { concurrency: 2 }
    )
    show("ten times as many clients: they", crowded.crowd)
    show(`the usual day in the ${arriving} seconds in which they come`, crowded.day.first)
    show("the usual day beside them after that", crowded.day.then)
    const after = yield* all(url, day, tokens, 5)
    show("the five seconds after it", after)

    const [quick = ""] = tokens
    yield* slow(url, quick, slowClients)
    const slowing = yield* all(url, day, tokens, arriving)
    show(`the usual day in the ${arriving} seconds in which ${slowClients} slow clients come`, slowing)
    const beside = yield* all(url, day, tokens, besideSlow)
    show(`beside ${slowClients} slow clients`, beside)

    const ratio = (one: number) => (one / p99Of(usual)).toFixed(2)
    print("in short", [
      ["p99 of a usual day, ms", p99Of(usual).toFixed(0)],
      ["while the crowd comes, p99 ÷ the usual p99", ratio(p99Of(crowded.day.first))],
      ["what is answered in the crowd, p99 ÷ the usual p99", ratio(p99Of(crowded.day.then))],
      ["five seconds after it, p99 ÷ the usual p99", ratio(p99Of(after))],
      ["while slow clients come, p99 ÷ the usual p99", ratio(p99Of(slowing))],
      ["beside slow clients, p99 ÷ the usual p99", ratio(p99Of(beside))],
      ["CPU since the usual day, s", ((cpuMs(service.pid) - before) / 1000).toFixed(1)],
      ["resident, MB", residentMb(service.pid).toFixed(0)]
    ])
  })
)
