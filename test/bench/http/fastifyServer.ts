import fastify from "fastify"
import type { FastifyReply, FastifyRequest } from "fastify"
import { hashToken } from "../../../src/accounts/ApiKeyToken.ts"
import { UserId } from "../../../src/domain/Ids.ts"
import type { Principal } from "../../../src/domain/Principal.ts"
import { commonHeaders, limitHeaders } from "../../../src/http/edge/headers.ts"
import { type Exchange, Gate } from "../../../src/http/gate/Gate.ts"
import { Routes } from "../../../src/http/gate/Routes.ts"

/**
 * What fastify users would write: hooks for id, key, quota, headers and metrics, and answers by response schemas. The gate,
 * and with it what a key check, a quota and a counter cost, is the service's own; values come by standard input and are
 * replaced as often as they are sent there.
 */
const [token = ""] = process.argv.slice(2)
const values = new Map<string, unknown>()

const principal: Principal = {
  userId: UserId.make("local_bench"),
  via: "apiKey",
  credentialId: "bench",
  scopes: new Set(["read"]),
  freshMinutes: null
}
const known = new Map([[hashToken(token), principal]])
const routes = new Routes()
const gate = new Gate({
  routes: routes.all,
  ratePerMinute: 100_000_000,
  instance: "bench",
  authenticate: (header) => known.get(hashToken(/^Bearer (\S+)$/i.exec(header ?? "")?.[1] ?? "")) ?? "unauthenticated"
})
const headers = commonHeaders("paper", false)

const text = { type: "string" }
const orNull = { type: ["string", "null"] }
const flag = { type: "boolean" }
const envelope = (data: object) => ({
  schema: { response: { 200: { type: "object", properties: { success: flag, data } } } }
})
const object = (properties: object) => ({ type: "object", properties })
const listOf = (items: object) => ({ type: "array", items })

const freshness = { asOf: text, source: text, stale: flag }
const ticker = object({
  symbol: text,
  last: text,
  bid: text,
  bidQuantity: orNull,
  ask: text,
  askQuantity: orNull,
  open: text,
  high: text,
  low: text,
  volume: text,
  quoteVolume: orNull,
  changePercent: { type: "number" },
  ...freshness
})
const candle = object({
  openTime: text,
  open: text,
  high: text,
  low: text,
  close: text,
  volume: text,
  quoteVolume: text,
  closed: flag,
  synthetic: flag
})
const candles = object({ symbol: text, interval: text, items: listOf(candle), nextCursor: orNull, ...freshness })
const level = { type: "array", items: text }
const book = object({ symbol: text, bids: listOf(level), asks: listOf(level), version: text, ...freshness })
const wallet = object({
  venue: text,
  assets: listOf(
    object({
      asset: text,
      free: text,
      locked: text,
      reserved: text,
      available: text,
      total: text,
      price: orNull,
      value: orNull
    })
  ),
  totalValue: text,
  quoteAsset: text,
  ...freshness
})
/** As it is: a symbol has fields of every kind. */
const any = { type: "object", additionalProperties: true }

const server = fastify({ logger: false })
const exchanges = new WeakMap<FastifyRequest, Exchange>()

server.addHook("onRequest", (request: FastifyRequest, reply: FastifyReply, next) => {
  const given = request.headers["x-request-id"]
  const x = gate.enter(typeof given === "string" ? given : undefined, request.ip, Date.now())
  exchanges.set(request, x)
  for (const [name, value] of headers) void reply.header(name, value)
  void reply.header("X-Request-Id", x.requestId)
  const match = routes.find(request.method, (request.url.split("?")[0] ?? "").toString())
  if (match.type === "route") x.route = match.route
  const who = gate.authenticate(request.headers.authorization, x.startedAt)
  if (typeof who !== "object") return void reply.code(401).send({ success: false })
  x.principal = who
  if (!gate.limitUser(x, who.userId)) return void reply.code(429).send({ success: false })
  for (const [name, value] of limitHeaders(x)) void reply.header(name, value)
  next()
})
server.addHook("onResponse", (request, reply, next) => {
  const x = exchanges.get(request)
  if (x !== undefined) gate.leave(x, reply.statusCode, Date.now())
  next()
})

const route = (path: string, data: object) =>
  server.get(path, envelope(data), (request) => ({ success: true, data: values.get(request.url) }))
route("/api/v1/market/tickers/:symbol", ticker)
route("/api/v1/market/candles/:symbol", candles)
route("/api/v1/market/order-book/:symbol", book)
route("/api/v1/account/wallet", wallet)
route("/api/v1/market/symbols/:symbol", any)

let rest = ""
process.stdin.setEncoding("utf8").on("data", (chunk: string) => {
  const lines = (rest + chunk).split("\n")
  rest = lines.pop() ?? ""
  for (const line of lines) {
    const [url, value]: [string, { data: unknown }] = JSON.parse(line)
    values.set(url, value.data)
  }
})
// Whoever started this has ended.
process.stdin.on("end", () => process.exit(0))
void server.listen({ host: "127.0.0.1", port: 0 }).then((url) => console.log(`ready ${url}`))
