import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Layer, Logger, Metric, Queue, Schedule, Scope } from "effect"
import { connect } from "node:net"
import type { NewEvent } from "../../../src/domain/Event.ts"
import { HttpServer } from "../../../src/http/HttpServer.ts"
import { Events } from "../../../src/store/Events.ts"
import { ann, append, bob, served } from "../kit/events.ts"
import { ask, bearer } from "../kit/server.ts"
import { listen } from "../kit/sse.ts"
import { anOrder } from "../kit/values.ts"

const reader = bearer("ann:read")

const url = Effect.map(HttpServer, (server) => `${server.url}/api/v1/account/events`)

const seqs = (body: unknown) =>
  (JSON.stringify(body).match(/"seq":(\d+),"at"/g) ?? []).map((text) => Number(/\d+/.exec(text)?.[0]))

describe("The event stream", () => {
  it.scopedLive("begins with a snapshot, then tells each change with its number", () =>
    Effect.gen(function* () {
      yield* append(3)
      const { message, response } = yield* listen(yield* url, reader)
      assert.strictEqual(response.status, 200)
      assert.strictEqual(response.headers.get("content-type"), "text/event-stream; charset=utf-8")
      assert.strictEqual(response.headers.get("cache-control"), "no-store")
      assert.isString(response.headers.get("x-request-id"))
      assert.isString(response.headers.get("ratelimit"))
      const first = yield* message
      assert.deepStrictEqual([first.id, first.event], ["3", "snapshot"])
      assert.include(JSON.stringify(first.data), `"seq":3,`)
      assert.include(JSON.stringify(first.data), anOrder.id)
      yield* Effect.flatMap(Events, (events) =>
        events.append(ann, { type: "order.changed", objectId: anOrder.id, data: anOrder })
      )
      const next = yield* message
      assert.deepStrictEqual([next.id, next.event], ["4", "order.changed"])
      assert.deepNestedInclude(next.data, { seq: 4, type: "order.changed", objectId: anOrder.id })
      assert.nestedProperty(next.data, "data.clientOrderId")
    }).pipe(Effect.provide(served()))
  )

  it.scopedLive("goes on where Last-Event-ID says, and where `since` says when there is none", () =>
    Effect.gen(function* () {
      yield* append(5)
      const resumed = yield* listen(yield* url, { ...reader, "last-event-id": "3" })
      assert.deepStrictEqual([(yield* resumed.message).id, (yield* resumed.message).id], ["4", "5"])
      const since = yield* listen(`${yield* url}?since=4`, reader)
      assert.strictEqual((yield* since.message).id, "5")
      yield* append(1)
      assert.strictEqual((yield* resumed.message).id, "6")
      const both = yield* listen(`${yield* url}?since=1`, { ...reader, "last-event-id": "5" })
      assert.strictEqual((yield* both.message).id, "6")
    }).pipe(Effect.provide(served()))
  )

  it.scopedLive("tells a gap when the place is no longer kept, then a new snapshot", () =>
    Effect.gen(function* () {
      yield* append(6)
      yield* Effect.flatMap(SqlClient.SqlClient, (sql) => sql`DELETE FROM events WHERE seq <= 4`)
      const { message } = yield* listen(yield* url, { ...reader, "last-event-id": "2" })
      const gap = yield* message
      assert.deepStrictEqual([gap.id, gap.event, gap.data], [undefined, "gap", { after: 2, keptFrom: 5, seq: 6 }])
      const snapshot = yield* message
      assert.deepStrictEqual([snapshot.id, snapshot.event], ["6", "snapshot"])
      yield* append(1)
      assert.strictEqual((yield* message).id, "7")
    }).pipe(Effect.provide(served()))
  )

  it.scopedLive("tells a gap for a place that this log never had", () =>
    Effect.gen(function* () {
      yield* append(2)
      const { message } = yield* listen(yield* url, { ...reader, "last-event-id": "900" })
      assert.deepStrictEqual((yield* message).data, { after: 900, keptFrom: 1, seq: 2 })
      assert.strictEqual((yield* message).id, "2")
    }).pipe(Effect.provide(served()))
  )

  it.scopedLive("shows a user nothing of another's", () =>
    Effect.gen(function* () {
      const { message } = yield* listen(yield* url, reader)
      yield* message
      yield* append(50, bob)
      yield* append(1)
      const next = yield* message
      assert.deepStrictEqual([next.id, next.event], ["1", "limits.changed"])
    }).pipe(Effect.provide(served()))
  )

  it.scopedLive("says that it is alive when nothing happens", () =>
    Effect.gen(function* () {
      const { message, next } = yield* listen(yield* url, reader)
      yield* message
      assert.deepInclude(yield* next, { comment: "heartbeat", event: undefined })
      assert.deepInclude(yield* next, { comment: "heartbeat", event: undefined })
    }).pipe(Effect.provide(served({}, { streams: { heartbeat: "30 millis" } })))
  )

  it.scopedLive("refuses who has no key, no scope or too many streams, with an envelope", () =>
    Effect.gen(function* () {
      const at = yield* url
      const stream = { accept: "text/event-stream" }
      assert.strictEqual((yield* ask(at, { headers: stream })).code, "UNAUTHENTICATED")
      assert.strictEqual((yield* ask(at, { headers: { ...stream, ...bearer("ann:trade") } })).code, "FORBIDDEN")
      const bad = yield* ask(at, { headers: { ...stream, ...reader, "last-event-id": "yesterday" } })
      assert.deepStrictEqual([bad.status, bad.code], [400, "VALIDATION_FAILED"])
      const one = yield* listen(at, reader)
      yield* one.message
      yield* listen(at, reader)
      const third = yield* ask(at, { headers: { ...stream, ...reader } })
      assert.deepStrictEqual([third.status, third.code], [429, "RATE_LIMITED"])
      const other = yield* listen(at, bearer("bob:read"))
      assert.strictEqual(other.response.status, 200)
    }).pipe(Effect.provide(served({}, { streams: { perUser: 2 } })))
  )

  it.scopedLive("gives a closed stream's place to the next", () =>
    Effect.gen(function* () {
      const at = yield* url
      for (let n = 0; n < 3; n++) {
        yield* Effect.scoped(Effect.flatMap(listen(at, reader), ({ message }) => message)).pipe(
          Effect.retry(Schedule.intersect(Schedule.spaced("20 millis"), Schedule.recurs(50)))
        )
      }
    }).pipe(Effect.provide(served({}, { streams: { perUser: 1 } })))
  )

  it.scopedLive("ends within the look when its key is revoked", () => {
    let good = true
    return Effect.gen(function* () {
      const { message, untilEnd } = yield* listen(yield* url, reader)
      yield* message
      good = false
      yield* untilEnd
    }).pipe(
      Effect.provide(served({ isStillGood: () => Effect.sync(() => good) }, { streams: { lookEvery: "20 millis" } }))
    )
  })

  it.scopedLive("ends when the service stops, which does not wait for it", () =>
    Effect.gen(function* () {
      const life = yield* Scope.make()
      const world = yield* Layer.buildWithScope(served(), life)
      const { message, untilEnd } = yield* listen(yield* Effect.provide(url, world), reader)
      yield* message
      const [took] = yield* Effect.timed(Scope.close(life, Exit.void))
      yield* untilEnd
      assert.isBelow(Duration.toMillis(took), 1_500)
    })
  )

  it.scopedLive("cuts off a reader that takes nothing, while another gets everything", () =>
    Effect.gen(function* () {
      const { port } = yield* HttpServer
      const at = yield* url
      const { closed } = yield* stalledReader(port)
      const { message } = yield* listen(at, reader)
      yield* message
      const big: NewEvent = {
        type: "notice.credentialsFailing",
        objectId: ann,
        data: { text: "x".repeat(200_000), since: 0, reason: null }
      }
      const events = yield* Events
      for (let n = 1; n <= 50; n++) {
        yield* events.append(ann, big)
        assert.strictEqual((yield* message).id, String(n))
      }
      yield* Effect.timeout(closed, "5 seconds")
      const { count } = yield* Metric.value(
        Metric.counter("dipper_event_readers_cut_off_total", {
          description: "Readers of event streams that took nothing for too long and were cut off.",
          incremental: true
        })
      )
      assert.isAtLeast(count, 1)
      const metrics = yield* ask(`${(yield* HttpServer).url}/metrics`, { headers: reader })
      assert.match(String(metrics.body), /^dipper_event_streams_open 1$/m)
      assert.match(String(metrics.body), /^dipper_event_readers_cut_off_total \d+$/m)
      assert.match(String(metrics.body), /^dipper_events_appended_total \d+$/m)
    }).pipe(Effect.provide(served({}, { streams: { lookEvery: "50 millis", stalled: "300 millis" } })))
  )
})

/** Opens a stream and never reads from it; gives what waits until the server has had enough. */
const stalledReader = (port: number) =>
  Effect.gen(function* () {
    const ends = yield* Queue.unbounded<void>()
    const socket = yield* Effect.acquireRelease(
      Effect.sync(() => connect({ host: "127.0.0.1", port })),
      (open) => Effect.sync(() => open.destroy())
    )
    socket.on("connect", () => {
      socket.write(
        `GET /api/v1/account/events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\nAuthorization: ${reader.authorization}\r\n\r\n`
      )
      socket.pause()
    })
    socket.on("error", () => undefined)
    // What is in the buffers is read at the end, to learn of the reset.
    const closed = Effect.zipRight(
      Effect.sync(() => {
        socket.on("close", () => void Queue.unsafeOffer(ends, undefined))
        socket.resume()
      }).pipe(Effect.delay("1500 millis")),
      Queue.take(ends)
    )
    return { closed }
  })

describe("The list of events", () => {
  it.scopedLive("is oldest first, page by page, with the place to go on from", () =>
    Effect.gen(function* () {
      yield* append(5)
      const at = yield* url
      const first = yield* ask(`${at}?limit=2`, { headers: reader })
      assert.strictEqual(first.headers.get("x-event-seq"), "5")
      assert.deepStrictEqual(seqs(first.body), [1, 2])
      assert.deepNestedInclude(first.body, { "data.nextCursor": "2", "data.seq": 5, "data.gap": null })
      const second = yield* ask(`${at}?limit=2&cursor=2`, { headers: reader })
      assert.deepStrictEqual(seqs(second.body), [3, 4])
      const last = yield* ask(`${at}?since=4`, { headers: reader })
      assert.deepStrictEqual(seqs(last.body), [5])
      assert.deepNestedInclude(last.body, { "data.nextCursor": null })
      assert.deepStrictEqual(seqs((yield* ask(`${at}?since=5`, { headers: reader })).body), [])
    }).pipe(Effect.provide(served()))
  )

  it.scopedLive("tells who asked for a place that is no longer kept", () =>
    Effect.gen(function* () {
      yield* append(5)
      yield* Effect.flatMap(SqlClient.SqlClient, (sql) => sql`DELETE FROM events WHERE seq <= 3`)
      const lost = yield* ask(`${yield* url}?since=1`, { headers: reader })
      assert.deepStrictEqual(seqs(lost.body), [4, 5])
      assert.deepNestedInclude(lost.body, { "data.gap.after": 1, "data.gap.keptFrom": 4, "data.gap.seq": 5 })
      const all = yield* ask(yield* url, { headers: reader })
      assert.deepNestedInclude(all.body, { "data.gap": null })
    }).pipe(Effect.provide(served()))
  )

  it.scopedLive("every read of the account and of trading says how new it is", () =>
    Effect.gen(function* () {
      const { url: base } = yield* HttpServer
      const asked = (path: string) =>
        Effect.map(ask(`${base}/api/v1${path}`, { headers: reader }), ({ headers }) => headers.get("x-event-seq"))
      assert.strictEqual(yield* asked("/trading/positions"), "0")
      yield* append(7)
      assert.strictEqual(yield* asked("/trading/positions"), "7")
      assert.strictEqual(yield* asked("/account/keys"), "7")
      assert.isNull(yield* asked("/status"))
    }).pipe(
      Effect.provide(
        served({ books: { positions: () => Effect.succeed([]) }, keys: { list: () => Effect.succeed([]) } })
      )
    )
  )
})

describe("A stream ticket", () => {
  const ticket = (server: string, token = "ann:read") =>
    Effect.map(ask(`${server}/api/v1/account/stream-tickets`, { method: "POST", headers: bearer(token) }), (answer) => {
      assert.strictEqual(answer.status, 201)
      return /"ticket":"([^"]+)"/.exec(JSON.stringify(answer.body))?.[1] ?? ""
    })

  it.scopedLive("opens one stream, once, for its user and with its scopes", () =>
    Effect.gen(function* () {
      yield* append(1)
      yield* append(2, bob)
      const { url: base } = yield* HttpServer
      const at = `${base}/api/v1/account/events?ticket=${yield* ticket(base)}`
      const { message, response } = yield* listen(at)
      assert.strictEqual(response.status, 200)
      assert.strictEqual((yield* message).id, "1")
      assert.strictEqual((yield* listen(at)).response.status, 401)
      const resumed = yield* listen(`${base}/api/v1/account/events?since=0&ticket=${yield* ticket(base)}`)
      assert.strictEqual((yield* resumed.message).event, "limits.changed")
    }).pipe(Effect.provide(served()))
  )

  it.scopedLive("opens nothing else, nothing beside a header, and nothing when its key is gone", () => {
    let good = true
    return Effect.gen(function* () {
      const { url: base } = yield* HttpServer
      const stream = { accept: "text/event-stream" }
      const at = (path: string, one: string) => `${base}/api/v1/account/${path}?ticket=${one}`
      assert.strictEqual((yield* ask(at("events", yield* ticket(base)))).code, "UNAUTHENTICATED")
      assert.strictEqual((yield* ask(at("keys", yield* ticket(base)), { headers: stream })).code, "VALIDATION_FAILED")
      const both = { ...stream, ...reader }
      assert.strictEqual((yield* ask(at("events", yield* ticket(base)), { headers: both })).code, "UNAUTHENTICATED")
      assert.strictEqual((yield* ask(at("events", "st_guess"), { headers: stream })).code, "UNAUTHENTICATED")
      const late = yield* ticket(base)
      good = false
      assert.strictEqual((yield* ask(at("events", late), { headers: stream })).code, "UNAUTHENTICATED")
    }).pipe(Effect.provide(served({ isStillGood: () => Effect.sync(() => good) })))
  })

  it.scopedLive("is in no log", () =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      const capture = Logger.replace(
        Logger.defaultLogger,
        Logger.map(Logger.jsonLogger, (line) => void lines.push(line))
      )
      const used = yield* Effect.gen(function* () {
        const { url: base } = yield* HttpServer
        const one = yield* ticket(base)
        yield* Effect.scoped(
          Effect.flatMap(listen(`${base}/api/v1/account/events?ticket=${one}`), ({ message }) => message)
        )
        yield* ask(`${base}/api/v1/account/events?ticket=${one}`, { headers: { accept: "text/event-stream" } })
        return one
      }).pipe(Effect.provide(served().pipe(Layer.provideMerge(capture))))
      assert.isAbove(lines.filter((line) => line.includes("/api/v1/account/events")).length, 0)
      assert.notInclude(lines.join("\n"), used)
    })
  )
})
