import { it } from "@effect/vitest"
import { Effect } from "effect"
import { dipper, run, temporaryFolder } from "../kit/Process.ts"
import { bareServer, cpuMs, load, print, spread } from "./kit.ts"

const slices = 9
const sliceMs = 1_500
const connections = 16

it.scopedLive("a cached ticker through the full stack, against bare node:http", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    const env = { PORT: "0", PAPER_PORT: "0", DATA_DIR: folder, API_RATE_PER_MINUTE: "1000000", LOG_LEVEL: "warn" }
    const service = yield* dipper(["serve"], { cwd: folder, env })
    const [, url = ""] = yield* service.line(/dipper ready (\S+)/)
    const key = yield* run(["keys", "create", "--user", "bench", "--scopes", "read"], { cwd: folder, env })
    const headers = { authorization: `Bearer ${key.stdout.trim()}` }
    const ticker = `${url}/api/v1/market/tickers/BTCUSDT`
    const body = yield* Effect.promise(() => fetch(ticker, { headers }).then((response) => response.text()))
    const bare = yield* bareServer(body)

    const measure = (target: string, pid: number) =>
      Effect.gen(function* () {
        const before = cpuMs(pid)
        const done = yield* load(target, headers, connections, sliceMs)
        return { rate: (done / sliceMs) * 1000, cpu: ((cpuMs(pid) - before) * 1000) / done }
      })
    yield* measure(ticker, service.pid)
    const rounds = yield* Effect.replicateEffect(
      Effect.all({ bare: measure(bare.url, bare.child.pid ?? 0), ours: measure(ticker, service.pid) }),
      slices
    )
    print(`GET /market/tickers/BTCUSDT, ${connections} connections, ${slices} slices each in turn`, [
      ["bare node:http, requests/s", spread(rounds.map((round) => round.bare.rate))],
      ["full stack, requests/s", spread(rounds.map((round) => round.ours.rate))],
      [
        "share of bare throughput, %",
        spread(
          rounds.map((round) => (100 * round.ours.rate) / round.bare.rate),
          1
        )
      ],
      [
        "bare, CPU µs per request",
        spread(
          rounds.map((round) => round.bare.cpu),
          1
        )
      ],
      [
        "full stack, CPU µs per request",
        spread(
          rounds.map((round) => round.ours.cpu),
          1
        )
      ]
    ])
  })
)
