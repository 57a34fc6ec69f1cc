import { it } from "@effect/vitest"
import autocannon from "autocannon"
import { Effect } from "effect"
import { buildSync } from "esbuild"
import { spawn } from "node:child_process"
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { dipper, run, temporaryFolder } from "../kit/Process.ts"
import { cpuMs, print, residentMb, spread } from "./kit.ts"

const slices = 9
const sliceSeconds = 1
/** A user may have twenty requests under way. */
const connections = 16
const valuesEveryMs = 250

const folder = join(import.meta.dirname, "../../node_modules/.cache/dipper-bench")

const kinds = [
  { name: "ticker", path: "/api/v1/market/tickers/BTCUSDT", hot: true },
  { name: "order book of 20 levels", path: "/api/v1/market/order-book/BTCUSDT", hot: true },
  { name: "candles, 100 of a minute", path: "/api/v1/market/candles/BTCUSDT?interval=1m&limit=100", hot: true },
  { name: "wallet", path: "/api/v1/account/wallet", hot: true },
  { name: "symbol (API builder)", path: "/api/v1/market/symbols/BTCUSDT", hot: false }
]

const child = (script: string, args: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const process_ = spawn(process.execPath, [script, ...args], { stdio: ["pipe", "pipe", "inherit"] })
      const url = await new Promise<string>((resolve) =>
        process_.stdout.on("data", (data) => {
          const said = /ready (\S+)/.exec(String(data))?.[1]
          if (said !== undefined) resolve(said)
        })
      )
      return { url, pid: process_.pid ?? -1, tell: (line: string) => void process_.stdin.write(`${line}\n`), process_ }
    }),
    ({ process_ }) => Effect.sync(() => process_.kill("SIGKILL"))
  )

const bundled = (): string => {
  mkdirSync(folder, { recursive: true })
  const outfile = join(folder, "fastifyServer.mjs")
  const entry = join(import.meta.dirname, "http/fastifyServer.ts")
  buildSync({ entryPoints: [entry], outfile, bundle: true, platform: "node", format: "esm", packages: "external" })
  return outfile
}

/** One fixed text for every request, without reading it: all the room there is. */
const bare = `
let body = ""
process.stdin.setEncoding("utf8").on("data", (text) => (body = text.split("\\n").filter(Boolean).at(-1) ?? body))
require("node:http").createServer((q, s) => {
  s.writeHead(200, { "content-type": "application/json; charset=utf-8", "content-length": Buffer.byteLength(body) })
  s.end(body)
}).listen(0, "127.0.0.1", function () { console.log("ready http://127.0.0.1:" + this.address().port) })`

it.scopedLive("hot reads and others, against fastify doing the same work, and bare node:http", () =>
  Effect.gen(function* () {
    const data = yield* temporaryFolder
    const env = { PORT: "0", PAPER_PORT: "0", DATA_DIR: data, API_RATE_PER_MINUTE: "1000000", LOG_LEVEL: "warn" }
    const service = yield* dipper(["serve"], { cwd: data, env })
    const [, url = ""] = yield* service.line(/dipper ready (\S+)/)
    const key = yield* run(["keys", "create", "--user", "bench", "--scopes", "read"], { cwd: data, env })
    const token = key.stdout.trim()
    const headers = { authorization: `Bearer ${token}` }
    const fastify = yield* child(bundled(), [token])
    const floor = yield* child("-e", [bare])

    const valueOf = (path: string) =>
      Effect.promise(() =>
        fetch(`${url}${path}`, { headers }).then((response) => {
          if (response.status !== 200) throw new Error(`${path} answered ${response.status}`)
          return response.text()
        })
      )
    const refresh = Effect.forEach(kinds, ({ path }) =>
      Effect.map(valueOf(path), (text) => fastify.tell(`["${path}",${text}]`))
    )
    yield* refresh
    yield* Effect.forkScoped(Effect.forever(Effect.zipRight(Effect.sleep(valuesEveryMs), refresh)))

    const measure = (base: string, path: string, pid: number) =>
      Effect.promise(async () => {
        const before = cpuMs(pid)
        const result = await autocannon({ url: `${base}${path}`, connections, duration: sliceSeconds, headers })
        const bad = result.non2xx + result.errors + result.timeouts
        if (bad > 0) throw new Error(`${base}${path}: ${bad} requests failed`)
        const done = result["2xx"]
        return {
          rate: done / result.duration,
          cpu: ((cpuMs(pid) - before) * 1000) / done,
          p99: result.latency.p99
        }
      })

    for (const { hot, name, path } of kinds) {
      floor.tell(yield* valueOf(path))
      const round = Effect.all({
        fastify: measure(fastify.url, path, fastify.pid),
        ours: measure(url, path, service.pid),
        bare: measure(floor.url, path, floor.pid)
      })
      // Everybody's code is hot before it counts.
      yield* round
      const rounds = yield* Effect.replicateEffect(round, slices)
      const share = rounds.map(({ fastify, ours }) => (100 * ours.rate) / fastify.rate)
      print(`GET ${path} (${hot ? "hot" : "not hot"}), ${connections} connections, ${slices} slices each in turn`, [
        [`${name}: share of fastify, %`, spread(share)],
        ["share of bare node:http, %", spread(rounds.map(({ bare, ours }) => (100 * ours.rate) / bare.rate))],
        ["ours, requests/s", spread(rounds.map(({ ours }) => ours.rate))],
        ["fastify, requests/s", spread(rounds.map(({ fastify }) => fastify.rate))],
        ["bare, requests/s", spread(rounds.map(({ bare }) => bare.rate))],
        [
          "ours, CPU µs per request",
          spread(
            rounds.map(({ ours }) => ours.cpu),
            1
          )
        ],
        [
          "fastify, CPU µs per request",
          spread(
            rounds.map(({ fastify }) => fastify.cpu),
            1
          )
        ],
        ["ours, p99 ms", spread(rounds.map(({ ours }) => ours.p99))],
        ["fastify, p99 ms", spread(rounds.map(({ fastify }) => fastify.p99))]
      ])
    }
    print("resident after it, MB", [
      ["ours", residentMb(service.pid).toFixed(0)],
      ["fastify", residentMb(fastify.pid).toFixed(0)]
    ])
  })
)
