import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Option, Redacted, TestClock } from "effect"
import { renderFailure } from "../../src/api/Envelope.ts"
import { Overloaded } from "../../src/api/Errors.ts"
import { localServer } from "./localServer.ts"
import { patiently } from "./patience.ts"
import { patientClient } from "./Service.ts"

/** A client whose requests are refused so many times with this status and, where it says so, `Retry-After: 2`. */
const refused = (times: number, status: number, tells = true) => {
  let asked = 0
  const http = HttpClient.make((request) =>
    Effect.sync(() => {
      const init = asked++ < times ? { status, headers: tells ? { "retry-after": "2" } : {} } : {}
      return HttpClientResponse.fromWeb(request, new Response("", init))
    })
  )
  return { http: patiently(http), asked: () => asked }
}

const status = ({ status }: HttpClientResponse.HttpClientResponse) => status

describe("a patient client", () => {
  for (const refusing of [429, 503])
    it.effect(`asks again after the time that ${refusing} tells`, () =>
      Effect.gen(function* () {
        const { asked, http } = refused(2, refusing)
        const reading = yield* Effect.fork(http.get("http://service/"))
        yield* TestClock.adjust("3999 millis")
        assert.deepStrictEqual([asked(), Option.isNone(yield* Fiber.poll(reading))], [2, true])
        yield* TestClock.adjust("1 millis")
        assert.deepStrictEqual([status(yield* Fiber.join(reading)), asked()], [200, 3])
      })
    )

  it.effect("gives the refusal back after half a minute", () =>
    Effect.gen(function* () {
      const { asked, http } = refused(Number.POSITIVE_INFINITY, 503)
      const reading = yield* Effect.fork(http.get("http://service/"))
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual([status(yield* Fiber.join(reading)), asked()], [503, 16])
    })
  )

  for (const [what, times, refusing, tells] of [
    ["that does not say when to come back", 1, 503, false],
    ["of another kind", 1, 500, true]
  ] as const)
    it.effect(`takes a refusal ${what}`, () =>
      Effect.gen(function* () {
        const { asked, http } = refused(times, refusing, tells)
        assert.deepStrictEqual([status(yield* http.get("http://service/")), asked()], [refusing, 1])
      })
    )

  for (const method of ["post", "put", "patch", "del"] as const)
    it.effect(`asks for a ${method} once`, () =>
      Effect.gen(function* () {
        const { asked, http } = refused(1, 503)
        assert.deepStrictEqual([status(yield* http[method]("http://service/")), asked()], [503, 1])
      })
    )

  it.scopedLive("reads an answer of the service after its refusals", () =>
    Effect.gen(function* () {
      const refusal = renderFailure(new Overloaded({ message: "busy", retryable: true }), "request").body
      let asked = 0
      const url = yield* localServer((_, response) => {
        response.setHeader("content-type", "application/json")
        if (asked++ < 3) response.writeHead(503, { "retry-after": "0" }).end(refusal)
        else response.end(`{"success":true,"data":{"status":"up"}}`)
      })
      const api = yield* patientClient(url, Redacted.make("key"))
      assert.strictEqual((yield* api.status.getLiveness()).status, "up")
      assert.strictEqual(asked, 4)
    })
  )
})
