import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { WebSocket } from "ws"
import { connect, toldServer } from "../kit/streamKit.ts"

const deals = "spot@public.aggre.deals.v3.api.pb@100ms@BTCUSDT"

/** What a fresh connection hears after it said this. */
const answerTo = (text: string) =>
  Effect.gen(function* () {
    const { port } = yield* toldServer
    const client = yield* connect(port)
    yield* client.say(text)
    return yield* client.answer
  }).pipe(Effect.scoped)

describe("a stream's client may write", () => {
  it.live("null for what it does not set", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* answerTo(`{"method":"PING","params":null,"id":null}`), `{"id":0,"code":0,"msg":"PONG"}`)
      assert.strictEqual(
        yield* answerTo(`{"id":null,"method":"SUBSCRIPTION","params":["${deals}"]}`),
        `{"id":0,"code":0,"msg":"${deals}"}`
      )
    })
  )

  it.live("an id with a ping, and hears it again", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* answerTo(`{"method":"PING","id":7}`), `{"id":7,"code":0,"msg":"PONG"}`)
    })
  )

  it.live("an id of nanoseconds, which comes back to the last digit", () =>
    Effect.gen(function* () {
      for (const id of ["1795485388894000123", "18446744073709551615", "9007199254740993"]) {
        assert.strictEqual(
          yield* answerTo(`{"method":"SUBSCRIPTION","params":["${deals}"],"id":${id}}`),
          `{"id":${id},"code":0,"msg":"${deals}"}`
        )
        assert.strictEqual(
          yield* answerTo(`{"id": ${id} , "method":"UNSUBSCRIPTION","params":["${deals}"]}`),
          `{"id":${id},"code":0,"msg":"${deals}"}`
        )
      }
    })
  )

  it.live("an id in quotes, which comes back as the number it is", () =>
    Effect.gen(function* () {
      assert.strictEqual(
        yield* answerTo(`{"method":"SUBSCRIPTION","params":["nope"],"id":"12"}`),
        `{"id":12,"code":0,"msg":"Not Subscribed successfully! [nope].  Reason： Blocked! "}`
      )
    })
  )

  it.live("nothing but whole numbers there", () =>
    Effect.gen(function* () {
      for (const id of [`"abc"`, "1.5", "1e400", "{}", `"1e3"`]) {
        assert.include(yield* answerTo(`{"method":"PING","id":${id}}`), "invalid", id)
      }
    })
  )
})

describe("a stream's address may be written", () => {
  const opens = (port: number, target: string) =>
    Effect.async<boolean>((resume) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}${target}`)
      socket.once("open", () => resume(Effect.sync(() => (socket.terminate(), true))))
      socket.once("error", () => resume(Effect.succeed(false)))
    })

  it.scopedLive("with a slash too many at either end of its path", () =>
    Effect.gen(function* () {
      const { port } = yield* toldServer
      for (const target of ["/ws", "//ws", "/ws/", "//ws?listenKey=good-key", "/ws/?listenKey=good-key"]) {
        assert.isTrue(yield* opens(port, target), target)
      }
      for (const target of ["/", "//", "/wss", "/api/ws", "/ws/x", "/?/ws"])
        assert.isFalse(yield* opens(port, target), target)
    })
  )
})
