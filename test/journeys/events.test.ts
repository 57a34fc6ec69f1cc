import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Option, Ref, Schema, Stream } from "effect"
import { createServer } from "node:net"
import * as Client from "../../src/api/Client.ts"
import { unsafe } from "../../src/domain/Decimal.ts"
import type { Event } from "../../src/domain/Event.ts"
import { SymbolName } from "../../src/domain/Market.ts"
import { temporaryFolder } from "../kit/Process.ts"
import { client, createKey, eventually, paperExchange, ruleRequest, service } from "../kit/Service.ts"

const symbol = Schema.decodeSync(SymbolName)("BTCUSDT")

/** A port that stays the same over a restart, as a real service's does. */
const freePort = Effect.async<string>((resume) => {
  const server = createServer()
  server.listen(0, "127.0.0.1", () => {
    const address = server.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    server.close(() => resume(Effect.succeed(String(port))))
  })
})

it.scopedLive(
  "a reader loses no event and hears none twice, whatever is killed while orders are placed",
  () =>
    Effect.gen(function* () {
      const paper = yield* paperExchange
      yield* paper.price("BTCUSDT", "60000")
      const folder = yield* temporaryFolder
      const env = { PORT: yield* freePort, API_RATE_PER_MINUTE: "100000" }
      const first = yield* service(folder, paper, env)
      const token = yield* createKey(first.command)
      const heard = yield* Ref.make<ReadonlyArray<Event>>([])
      const place = (from: string, n: number) =>
        Effect.flatMap(client(from, token), (api) =>
          api.trading.placeOrder({
            headers: { "idempotency-key": `journey-events-${String(n).padStart(4, "0")}` },
            payload: { symbol, side: "buy", type: "market", quoteAmount: unsafe("10"), waitMs: 2_000 }
          })
        )

      const reader = yield* Client.stream({ baseUrl: first.url, token, after: 0 }).pipe(
        Stream.runForEach((message) =>
          message._tag === "Event"
            ? Ref.update(heard, (events) => [...events, message.event])
            : Effect.fail(`a ${message._tag} came`)
        ),
        Effect.provide(FetchHttpClient.layer),
        Effect.fork
      )
      for (let n = 1; n <= 5; n++) yield* place(first.url, n)

      // Killed with an order on its way: its events are written by the next life.
      yield* paper.fault("delayAnswer", 60_000)
      const cutOff = yield* Effect.fork(place(first.url, 6))
      yield* eventually("the order at the venue", paper.faultsFired("delayAnswer"), (fired) => fired === 1)
      yield* first.process.stop("SIGKILL")
      yield* Fiber.await(cutOff)

      const second = yield* service(folder, paper, env)
      for (let n = 6; n <= 10; n++) yield* place(second.url, n)
      const api = yield* client(second.url, token)
      const orders = yield* eventually(
        "all orders filled",
        api.trading.listOrders({ urlParams: { limit: 50 } }),
        (page) => page.items.length === 10 && page.items.every(({ status }) => status === "filled")
      )
      const log = yield* eventually(
        "the log at rest",
        api.account.listEvents({ urlParams: { limit: 500 }, headers: {} }),
        (page) =>
          orders.items.every((order) =>
            page.items.some(
              (event) => event.type === "order.changed" && event.data.id === order.id && event.data.status === "filled"
            )
          )
      )
      const events = yield* eventually("the reader at the end", Ref.get(heard), (all) => all.at(-1)?.seq === log.seq)
      yield* Fiber.interrupt(reader)

      assert.deepStrictEqual(
        events.map(({ seq }) => seq),
        Array.from({ length: log.seq }, (_, n) => n + 1)
      )
      assert.deepStrictEqual(events, log.items)
      for (const order of orders.items) {
        const changes = events.flatMap((event) =>
          event.type === "order.changed" && event.data.id === order.id ? [event.data] : []
        )
        assert.deepStrictEqual(changes.at(-1)?.status, "filled")
        assert.deepStrictEqual(
          changes.map(({ version }) => version),
          [...changes.map(({ version }) => version)].sort((a, b) => a - b)
        )
      }
    }),
  120_000
)

it.scopedLive(
  "what a user's rule does is told with whole objects, and the snapshot has what is alive",
  () =>
    Effect.gen(function* () {
      const paper = yield* paperExchange
      yield* paper.price("BTCUSDT", "60000")
      const { command, process, url } = yield* service(yield* temporaryFolder, paper)
      const token = yield* createKey(command)
      const api = yield* client(url, token)
      const rule = yield* api.trading.createRule({
        headers: { "idempotency-key": "journey-events-rule" },
        payload: ruleRequest({
          name: "Dip",
          symbol,
          trigger: { type: "price.level", side: "below", price: "50000" },
          size: { type: "quote", amount: "50" },
          limits: { total: "1000" }
        })
      })
      yield* paper.price("BTCUSDT", "49990")
      const told = yield* Client.stream({ baseUrl: url, token, after: 0 }).pipe(
        Stream.filterMap((message) => (message._tag === "Event" ? Option.some(message.event) : Option.none())),
        Stream.takeUntil((event) => event.type === "execution.changed" && event.data.outcome === "executed"),
        Stream.runCollect,
        Effect.provide(FetchHttpClient.layer),
        Effect.timeout("20 seconds")
      )
      const types = new Set([...told].map(({ type }) => type))
      for (const type of ["rule.changed", "execution.changed", "order.changed"] as const)
        assert.isTrue(types.has(type), type)
      assert.isTrue([...told].every((event) => event.type !== "rule.changed" || event.data.id === rule.id))

      const snapshot = yield* Client.stream({ baseUrl: url, token }).pipe(
        Stream.runHead,
        Effect.provide(FetchHttpClient.layer)
      )
      assert.strictEqual(snapshot._tag, "Some")
      if (snapshot._tag === "Some" && snapshot.value._tag === "Snapshot") {
        assert.deepStrictEqual(
          snapshot.value.snapshot.rules.map(({ id }) => id),
          [rule.id]
        )
        assert.isFalse(snapshot.value.snapshot.halt.halted)
      } else assert.fail("no snapshot came")
      assert.strictEqual(yield* process.stop("SIGTERM"), 0)
    }),
  60_000
)
