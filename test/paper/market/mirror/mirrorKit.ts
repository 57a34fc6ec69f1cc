import { Effect, Layer, Schedule } from "effect"
import { PaperExchange } from "../../../../src/paper/PaperExchange.ts"
import { account, alice, bob, clients, makeClient, stillExchange } from "../../kit/SignedClient.ts"

/** An exchange whose prices the test moves, and a mirror of it on another port. */
export const upstreamExchange = { ...stillExchange, accounts: [account(bob, { USDT: "1000000", BTC: "100" })] }

export const mirrorOf = (rest: string, stream: string) => ({
  ...stillExchange,
  market: "mirror" as const,
  upstream: { rest, stream },
  accounts: [account(alice, { USDT: "1000000", BTC: "100" }), account(bob, { USDT: "1000000", BTC: "100" })]
})

export const startUpstream = Effect.gen(function* () {
  const context = yield* Layer.build(PaperExchange.layer(upstreamExchange))
  return yield* Effect.provide(clients, context)
})

export const startMirror = (rest: string, stream: string) =>
  Effect.gen(function* () {
    const context = yield* Layer.build(PaperExchange.layer(mirrorOf(rest, stream)))
    return yield* Effect.provide(clients, context)
  })

export const anybody = (url: string) => makeClient(url, "", "")

/** Asks again until the answer is as wanted. */
export const eventually = <A, E>(ask: Effect.Effect<A, E>, wanted: (answer: A) => boolean) =>
  Effect.repeat(ask, { until: wanted, schedule: Schedule.spaced("20 millis") }).pipe(
    Effect.zipRight(ask),
    Effect.timeoutFail({ duration: "8 seconds", onTimeout: () => new Error("it never became so") })
  )
