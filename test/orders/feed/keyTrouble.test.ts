import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, TestClock } from "effect"
import { CredentialsRejected, ExchangeUnavailable } from "../../../src/api/Errors.ts"
import { MarketClock } from "../../../src/MarketClock.ts"
import { makeKeyTrouble } from "../../../src/orders/feed/keyTrouble.ts"
import { Wallets } from "../../../src/portfolio/Wallets.ts"
import { Events } from "../../../src/store/Events.ts"
import * as TestDatabase from "../../kit/TestDatabase.ts"
import { addUsers, ann } from "../kit/orders.ts"

type Answer = "works" | "refused" | "away"

const world = (answer: () => Answer) =>
  Layer.mock(Wallets, {
    reread: () =>
      Effect.suspend((): Effect.Effect<void, CredentialsRejected | ExchangeUnavailable> => {
        if (answer() === "works") return Effect.void
        return answer() === "refused"
          ? new CredentialsRejected({ message: "Api key info invalid" })
          : new ExchangeUnavailable({ message: "connection refused" })
      })
  }).pipe(
    Layer.provideMerge(Events.layer),
    Layer.provideMerge(MarketClock.layer),
    Layer.provideMerge(TestDatabase.layer)
  )

const told = Effect.flatMap(Events, (events) =>
  Effect.map(events.since(ann, 0, 100), ({ events: all }) => all.map(({ type }) => type))
)

describe("A key that no longer works", () => {
  it.effect("is told once, after its second refusal, and anew after it has worked again", () => {
    let answer: Answer = "refused"
    return Effect.gen(function* () {
      yield* addUsers
      const { watched } = yield* makeKeyTrouble
      const wallets = yield* Wallets
      const ask = Effect.ignore(watched(ann, wallets.reread(ann)))
      yield* ask
      assert.deepStrictEqual(yield* told, [])
      for (let n = 0; n < 5; n++) yield* ask
      assert.deepStrictEqual(yield* told, ["notice.credentialsFailing"])
      answer = "works"
      yield* ask
      answer = "refused"
      for (let n = 0; n < 5; n++) yield* ask
      assert.strictEqual((yield* told).length, 2)
    }).pipe(Effect.provide(world(() => answer)))
  })

  it.effect("is not told again by a process that starts while it lasts", () =>
    Effect.gen(function* () {
      yield* addUsers
      const wallets = yield* Wallets
      for (let life = 0; life < 2; life++) {
        const { watched } = yield* makeKeyTrouble
        for (let n = 0; n < 3; n++) yield* Effect.ignore(watched(ann, wallets.reread(ann)))
      }
      assert.strictEqual((yield* told).length, 1)
    }).pipe(Effect.provide(world(() => "refused")))
  )

  it.scoped("is found also when the user's stream never connects; a venue that is away says nothing of it", () => {
    let answer: Answer = "away"
    return Effect.gen(function* () {
      yield* addUsers
      const { askSilent } = yield* makeKeyTrouble
      yield* Effect.forkScoped(askSilent(Effect.succeed([ann]), Effect.succeed(new Set())))
      yield* TestClock.adjust("5 minutes")
      assert.deepStrictEqual(yield* told, [])
      answer = "refused"
      yield* TestClock.adjust("61 seconds")
      assert.deepStrictEqual(yield* toldSoon, ["notice.credentialsFailing"])
    }).pipe(Effect.provide(world(() => answer)))
  })
})

/** The database answers in its own time, not in the test clock's. */
const turn = Effect.async<void>((resume) => void setImmediate(() => resume(Effect.void)))
const toldSoon = Effect.zipRight(turn, told).pipe(Effect.repeat({ until: (types) => types.length > 0 }))
