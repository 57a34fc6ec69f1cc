import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { eventually } from "../kit/streamServer.ts"
import { type Answer, type Asked, credentials } from "../kit/venueServer.ts"
import { listen, pass, withStream } from "../kit/withStream.ts"

/** A venue that makes no more keys: the account has sixty. Those that cannot be renewed have just ended. */
const fullOfKeys =
  (ended: ReadonlyArray<string>) =>
  ({ method, path, query }: Asked): Answer => {
    if (path === "/time") return { json: { serverTime: 1_767_211_150_479 } }
    const key = query.get("listenKey")
    if (method === "POST") return { status: 400, json: { code: 730000, msg: "too many listen keys" } }
    if (method === "GET") return { json: { listenKey: ["old1", "old2", "old3"] } }
    return ended.includes(key ?? "") ? { status: 400, json: { code: 400, msg: "gone" } } : { json: { listenKey: key } }
  }

describe("an account that may have no more listen keys", () => {
  it.effect("listens with one it has, renews that at once and from then on, and does not close it", () =>
    withStream(
      (stream, server, venue) =>
        Effect.gen(function* () {
          const heard = yield* listen(stream.user(credentials))
          yield* eventually(() => heard.types() === "connected", "connected")
          assert.strictEqual(server.peers[0]?.url, "/ws?listenKey=old2")
          const verbs = () =>
            venue
              .calls("/userDataStream")
              .map(({ method, query }) => `${method} ${query.get("listenKey") ?? ""}`.trim())
          assert.deepStrictEqual([...verbs().slice(0, 2), verbs().at(-1)], ["POST", "GET", "PUT old2"])
          const before = verbs().length
          yield* pass(26)
          yield* eventually(() => verbs().slice(before).join() === "PUT old2", "the renewal")
          yield* Fiber.interrupt(heard.fiber)
          yield* eventually(() => server.peers.length === 0, "the connection closed")
          assert.notInclude(verbs().join(), "DELETE")
        }),
      fullOfKeys(["old1", "old3"])
    )
  )
})
