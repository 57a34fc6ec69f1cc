import { createServer } from "node:http"
import { type WebSocket, WebSocketServer } from "ws"
import { acceptedFrame, pongFrame } from "../../../src/mexc/wire/Control.ts"
import { encodeFrame } from "../../../src/mexc/wire/Stream.ts"

/**
 * A venue of a few lines, as a process of its own: it acknowledges every subscription and pushes best prices and a trade
 * of every subscribed pair once in two seconds. Prints its port; told `tickers` in the query it lists them all.
 */
const pairs = Number(process.argv[2])
const names = Array.from({ length: pairs }, (_, i) => `COIN${i}USDT`)

const tickerOf = (symbol: string) => ({
  symbol,
  priceChangePercent: "0.01",
  lastPrice: "10.5",
  bidPrice: "10.49",
  bidQty: "3",
  askPrice: "10.51",
  askQty: "4",
  openPrice: "10.4",
  highPrice: "11",
  lowPrice: "10",
  volume: "1000",
  quoteVolume: "10500",
  closeTime: Date.now()
})

const server = createServer((request, response) => {
  const url = new URL(request.url ?? "/", "http://venue")
  const symbol = url.searchParams.get("symbol")
  const body =
    url.pathname === "/api/v3/time"
      ? { serverTime: Date.now() }
      : symbol === null
        ? names.map(tickerOf)
        : tickerOf(symbol)
  response.writeHead(200, { "content-type": "application/json" })
  response.end(JSON.stringify(body))
})
const streams = new WebSocketServer({ server, path: "/ws" })
const channels = new Map<WebSocket, Set<string>>()

streams.on("connection", (socket) => {
  const own = new Set<string>()
  channels.set(socket, own)
  socket.on("close", () => channels.delete(socket))
  socket.on("error", () => undefined)
  socket.on("message", (data) => {
    const asked = JSON.parse(String(data))
    if (asked.method === "PING") return socket.send(pongFrame)
    const wanted: Array<string> = asked.params
    for (const name of wanted) own.add(name)
    socket.send(acceptedFrame(asked.id, wanted))
  })
})

let version = 0
const push = (socket: WebSocket, channel: string) => {
  const symbol = channel.slice(channel.lastIndexOf("@") + 1)
  const sendTime = Date.now()
  const price = `10.${10 + (++version % 89)}`
  socket.send(
    encodeFrame(
      channel.includes("deals")
        ? {
            channel,
            symbol,
            sendTime,
            publicAggreDeals: { deals: [{ price, quantity: "2", tradeType: 1, time: sendTime, tradeId: `${version}` }] }
          }
        : {
            channel,
            symbol,
            sendTime,
            publicAggreBookTicker: {
              bidPrice: price,
              bidQuantity: "3",
              askPrice: "11",
              askQuantity: "4",
              version: `${version}`
            }
          }
    )
  )
}

setInterval(() => {
  for (const [socket, own] of channels) for (const channel of own) push(socket, channel)
}, 2_000)

server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  console.log(`venue ${typeof address === "object" ? address?.port : ""}`)
})
