import { it } from "@effect/vitest"
import { Effect, Either, Redacted } from "effect"
import { spawn, type ChildProcess } from "node:child_process"
import { createHmac } from "node:crypto"
import { connect } from "node:net"
import { join } from "node:path"
import * as Decimal from "../../src/domain/Decimal.ts"
import { Engine } from "../../src/paper/engine/Engine.ts"
import { encodeFact } from "../../src/paper/engine/Facts.ts"
import { deposit } from "../../src/paper/engine/ledger/Moving.ts"
import { place } from "../../src/paper/engine/orders/Placing.ts"
import { step } from "../../src/paper/engine/Stepping.ts"
import { listed } from "../../src/paper/market/Listed.ts"
import { cpuMs, print, spread } from "./kit.ts"
import { unlimitedPaper } from "./unlimitedPaper.ts"

const clients = 50
const ordersEach = 100
const rounds = 7

/** A price within five hundred-thousandths of the market: about half of the orders meet one of another client at once. */
const priceNear = (price: number, client: number, n: number): string =>
  (price * (1 + (((client * 7 + n * 13) % 11) - 5) * 1e-5)).toFixed(2)
const sideOf = (client: number, n: number) => (n % 2 === client % 2 ? "buy" : "sell")
const sizeOf = (n: number): string => `0.0${1 + (n % 8)}`

/** Everything a client sends in a round, signed beforehand: what is measured is the exchange. */
const requestsOf = (price: number, round: number, client: number): ReadonlyArray<Buffer> =>
  Array.from({ length: ordersEach }, (_, n) => {
    const side = sideOf(client, n).toUpperCase()
    const query = `symbol=BTCUSDT&side=${side}&type=LIMIT&quantity=${sizeOf(n)}&price=${priceNear(price, client, n)}&newClientOrderId=r${round}c${client}n${n}&recvWindow=60000&timestamp=${Date.now()}`
    const signature = createHmac("sha256", `secret${client}`).update(query).digest("hex")
    return Buffer.from(
      `POST /api/v3/order?${query}&signature=${signature} HTTP/1.1\r\nHost: paper\r\nX-MEXC-APIKEY: client${client}\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n`
    )
  })

/** One kept-alive connection that sends its next request when the last is answered. Any other status than 200 fails. */
const converse = (port: number, requests: ReadonlyArray<Buffer>) =>
  new Promise<void>((resolve, reject) => {
    const socket = connect(port, "127.0.0.1").setNoDelay(true)
    let sent = 0
    let answer = ""
    const next = () => {
      const request = requests[sent++]
      if (request !== undefined) return void socket.write(request)
      socket.end()
      resolve()
    }
    socket.on("connect", next).on("error", reject)
    socket.on("data", (data) => {
      answer += data.toString("latin1")
      const head = answer.indexOf("\r\n\r\n")
      const length = Number(/content-length: (\d+)/i.exec(answer)?.[1])
      if (head === -1 || answer.length < head + 4 + length) return
      if (!answer.startsWith("HTTP/1.1 200")) return reject(new Error(answer))
      answer = ""
      next()
    })
  })

const started = (child: ChildProcess) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const port = await new Promise<number>((resolve, reject) => {
        let text = ""
        child.on("exit", () => reject(new Error(`ended before it listened: ${text}`)))
        child.stdout?.on("data", (data) => {
          text += String(data)
          const found = /port (\d+)/.exec(text)
          if (found !== null) resolve(Number(found[1]))
        })
      })
      return { port, pid: child.pid ?? 0 }
    }),
    () => Effect.sync(() => child.kill("SIGKILL"))
  )

/** Answers every request with what an order is answered with. */
const bareServer = Effect.suspend(() =>
  started(
    spawn(process.execPath, [
      "-e",
      `const body=JSON.stringify({symbol:"BTCUSDT",orderId:"C02__1767225600000000001",orderListId:-1,price:"96000",origQty:"0.01",type:"LIMIT",side:"BUY",stpMode:"",transactTime:1767225600000});require("node:http").createServer((q,s)=>{s.writeHead(200,{"content-type":"application/json;charset=utf-8","content-length":Buffer.byteLength(body)});s.end(body)}).listen(0,"127.0.0.1",function(){console.log("port "+this.address().port)})`
    ])
  )
)

const exchange = (bundle: string, dataDir: string) =>
  Effect.suspend(() =>
    started(spawn(process.execPath, [bundle, String(clients), dataDir], { stdio: ["ignore", "pipe", "inherit"] }))
  )

interface Measured {
  readonly rate: number
  readonly cpu: number
}

const measure = (server: { readonly port: number; readonly pid: number }, price: number, round: number) =>
  Effect.promise(async (): Promise<Measured> => {
    const all = Array.from({ length: clients }, (_, client) => requestsOf(price, round, client))
    const cpu = cpuMs(server.pid)
    const from = performance.now()
    await Promise.all(all.map((requests) => converse(server.port, requests)))
    const orders = clients * ordersEach
    return {
      rate: (orders * 1_000) / (performance.now() - from),
      cpu: ((cpuMs(server.pid) - cpu) * 1_000) / orders
    }
  })

const priceAt = (port: number) =>
  Effect.promise(async () => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v3/ticker/price?symbol=BTCUSDT`)
    const body: { readonly price: string } = JSON.parse(await response.text())
    return Number(body.price)
  })

/** The same orders straight into the engine, journal lines written to nowhere. */
const engineAlone = (): number => {
  const listing = listed({
    symbol: "BTCUSDT",
    baseAsset: "BTC",
    quoteAsset: "USDT",
    fullName: "Bitcoin",
    scales: { price: 2, quantity: 6 }
  })
  const engine = new Engine([listing], { feeIn: "quote", restrictions: {}, still: false }, [])
  engine.run(() => {
    for (let i = 0; i < clients; i++) {
      const accountId = String(i)
      const secretKey = Redacted.make("secret")
      engine.record({ _tag: "accountOpened", at: 0, accountId, accessKey: accountId, secretKey, permissions: [] })
      deposit(engine, accountId, { asset: "USDT", amount: Decimal.unsafe("1000000000") }, 0)
      deposit(engine, accountId, { asset: "BTC", amount: Decimal.unsafe("10000") }, 0)
    }
    step(engine, { symbol: "BTCUSDT", at: 1, price: Decimal.unsafe("96000"), quantity: Decimal.one, takerSide: "buy" })
  })
  const orders = clients * ordersEach * 4
  const from = process.cpuUsage()
  for (let k = 0; k < orders; k++) {
    const [client, n] = [k % clients, Math.floor(k / clients)]
    const request = {
      symbol: "BTCUSDT",
      side: sideOf(client, n),
      type: "limit",
      quantity: Decimal.unsafe(sizeOf(n)),
      price: Either.getOrThrow(Decimal.parse(priceNear(96_000, client, n))),
      quoteOrderQty: null,
      clientOrderId: `c${k}`
    } as const
    const outcome = engine.run(() => place(engine, String(client), request, 2 + k))
    if (Either.isLeft(outcome.value)) throw new Error(outcome.value.left.message)
    outcome.facts.forEach(encodeFact)
  }
  const { system, user } = process.cpuUsage(from)
  return (user + system) / orders
}

it.scopedLive("paper orders of fifty clients, against bare node:http", () =>
  Effect.gen(function* () {
    const { folder, outfile } = yield* unlimitedPaper
    const bare = yield* bareServer
    const inMemory = yield* exchange(outfile, "")
    const onDisk = yield* exchange(outfile, join(folder, "data"))
    const price = yield* priceAt(inMemory.port)
    const all: Array<{ readonly bare: Measured; readonly inMemory: Measured; readonly onDisk: Measured }> = []
    for (let round = 0; round <= rounds; round++) {
      const measured = {
        bare: yield* measure(bare, price, round),
        inMemory: yield* measure(inMemory, price, round),
        onDisk: yield* measure(onDisk, price, round)
      }
      // The first round is the compiler's.
      if (round > 0) all.push(measured)
    }
    engineAlone()
    const engine = Array.from({ length: rounds }, engineAlone)
    print(
      `POST /api/v3/order, signed LIMIT orders of ${clients} clients that trade with each other, ${rounds} rounds`,
      [
        ["bare node:http, requests/s", spread(all.map((each) => each.bare.rate))],
        ["paper exchange, orders/s", spread(all.map((each) => each.inMemory.rate))],
        ["paper exchange with --data, orders/s", spread(all.map((each) => each.onDisk.rate))],
        ["bare node:http, CPU µs per request", spread(all.map((each) => each.bare.cpu))],
        ["paper exchange, CPU µs per order", spread(all.map((each) => each.inMemory.cpu))],
        ["paper exchange with --data, CPU µs per order", spread(all.map((each) => each.onDisk.cpu))],
        ["orders per second of one core's time", spread(all.map((each) => 1_000_000 / each.inMemory.cpu))],
        [
          "share of bare throughput per core, %",
          spread(
            all.map((each) => (100 * each.bare.cpu) / each.inMemory.cpu),
            1
          )
        ],
        ["engine and journal line alone, CPU µs per order", spread(engine)]
      ]
    )
  })
)
