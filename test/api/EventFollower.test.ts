import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Chunk, Effect, Fiber, Redacted, Stream } from "effect"
import * as Client from "../../src/api/Client.ts"
import { HttpServer } from "../../src/http/HttpServer.ts"
import { Events } from "../../src/store/Events.ts"
import { ann, append, changed, served } from "../http/kit/events.ts"
import { localServer } from "../kit/localServer.ts"

const token = Redacted.make("ann:read")

const shown = (message: Client.StreamMessage) =>
  Client.StreamMessage.$match(message, {
    Snapshot: ({ snapshot }) => `snapshot ${snapshot.seq}`,
    Gap: ({ gap }) => `gap ${gap.after} ${gap.keptFrom}`,
    Event: ({ event }) => `${event.type} ${event.seq}`
  })

const heard = (baseUrl: string, count: number, after?: number) =>
  Client.stream({ baseUrl, token, ...(after === undefined ? {} : { after }) }).pipe(
    Stream.map(shown),
    Stream.take(count),
    Stream.runCollect,
    Effect.map(Chunk.toReadonlyArray),
    Effect.provide(FetchHttpClient.layer)
  )

describe("Client.stream", () => {
  it.scopedLive("gives a snapshot and then the changes, typed", () =>
    Effect.gen(function* () {
      const { url } = yield* HttpServer
      yield* append(2)
      const reader = yield* Effect.fork(heard(url, 3))
      const writer = yield* Effect.fork(Effect.forever(Effect.delay(append(1), "5 millis")))
      const [snapshot, ...events] = yield* Fiber.join(reader)
      yield* Fiber.interrupt(writer)
      const at = Number(snapshot?.replace("snapshot ", ""))
      assert.deepStrictEqual(events, [`limits.changed ${at + 1}`, `limits.changed ${at + 2}`])
    }).pipe(Effect.provide(served()))
  )

  it.scopedLive("tells a gap, and goes on after it", () =>
    Effect.gen(function* () {
      const { url } = yield* HttpServer
      yield* append(6)
      yield* Effect.flatMap(SqlClient.SqlClient, (sql) => sql`DELETE FROM events WHERE seq <= 4`)
      assert.deepStrictEqual(yield* heard(url, 2, 2), ["gap 2 5", "snapshot 6"])
    }).pipe(Effect.provide(served()))
  )

  it.scopedLive("fails with the code when it is refused for good", () =>
    Effect.gen(function* () {
      const { url } = yield* HttpServer
      const refused = yield* Client.stream({ baseUrl: url, token: Redacted.make("ann:trade") }).pipe(
        Stream.runDrain,
        Effect.flip,
        Effect.provide(FetchHttpClient.layer)
      )
      assert.strictEqual(refused._tag, "FORBIDDEN")
    }).pipe(Effect.provide(served()))
  )

  it.scopedLive(
    "loses and repeats nothing when its connection breaks again and again, and waits while the service is away",
    () =>
      Effect.gen(function* () {
        const { port } = yield* HttpServer
        const door = yield* breakingDoor(port)
        const total = 120
        const reader = yield* Effect.fork(heard(door.url, total, 0))
        const events = yield* Events
        for (let n = 1; n <= total; n++) {
          yield* events.append(ann, changed(n))
          if (n === 40 || n === 80) yield* door.cut
          yield* Effect.sleep("2 millis")
        }
        assert.deepStrictEqual(
          yield* Effect.timeout(Fiber.join(reader), "20 seconds"),
          Array.from({ length: total }, (_, n) => `limits.changed ${n + 1}`)
        )
        assert.isAtLeast(door.connections(), 3)
      }).pipe(Effect.provide(served()))
  )
})

/** A proxy in front of the service whose connections a test breaks, and which refuses every second request. */
const breakingDoor = (port: number) =>
  Effect.gen(function* () {
    let connections = 0
    let asked = 0
    const open = new Set<() => void>()
    const url = yield* localServer((request, response) => {
      if (asked++ % 2 === 1) {
        response.writeHead(503, { "content-type": "application/json" })
        return void response.end(`{"success":false,"error":{"code":"SHUTTING_DOWN","message":"stopping"}}`)
      }
      connections++
      const abort = new AbortController()
      const headers = Object.fromEntries(
        ["authorization", "accept", "last-event-id"].flatMap((name) => {
          const value = request.headers[name]
          return typeof value === "string" ? [[name, value]] : []
        })
      )
      open.add(() => {
        abort.abort()
        response.destroy()
      })
      void fetch(`http://127.0.0.1:${port}${request.url}`, { headers, signal: abort.signal })
        .then(async (upstream) => {
          response.writeHead(upstream.status, { "content-type": upstream.headers.get("content-type") ?? "" })
          for await (const chunk of upstream.body ?? []) response.write(chunk)
          response.end()
        })
        .catch(() => response.destroy())
    })
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        for (const cut of open) cut()
      })
    )
    return {
      url,
      connections: () => connections,
      /** Breaks the connection, once there is one. */
      cut: Effect.sync(() => {
        const found = open.size > 0
        for (const cut of open) cut()
        open.clear()
        return found
      }).pipe(Effect.delay("10 millis"), Effect.repeat({ until: (found) => found }))
    }
  })
