import { Effect, Layer, Redacted } from "effect"
import { KeyFreezes } from "../../../src/accounts/KeyFreezes.ts"
import { CredentialVault } from "../../../src/accounts/CredentialVault.ts"
import { Symbols } from "../../../src/market/Symbols.ts"
import { MarketClock } from "../../../src/MarketClock.ts"
import { Inquiry } from "../../../src/orders/Inquiry.ts"
import { Halts } from "../../../src/orders/limits/Halts.ts"
import { TradingLimits } from "../../../src/orders/limits/TradingLimits.ts"
import { OrderChanges } from "../../../src/orders/OrderChanges.ts"
import { Orders } from "../../../src/orders/Orders.ts"
import { OrdersRepo } from "../../../src/orders/OrdersRepo.ts"
import { Reconciled } from "../../../src/orders/reconcile/Reconciled.ts"
import { VenueAccounts } from "../../../src/orders/reconcile/VenueAccounts.ts"
import { RiskInputs } from "../../../src/orders/RiskInputs.ts"
import { Submission } from "../../../src/orders/Submission.ts"
import { Ledger } from "../../../src/portfolio/Ledger.ts"
import { Events } from "../../../src/store/Events.ts"
import { Idempotency } from "../../../src/store/Idempotency.ts"
import * as TestDatabase from "../../kit/TestDatabase.ts"
import * as FakeVenue from "./FakeVenue.ts"
import { btcInfo, d } from "./orders.ts"

export const vault = Layer.mock(CredentialVault, {
  get: (userId) => Effect.succeed({ userId, accessKey: "mx0test", secretKey: Redacted.make("secret") })
})

export const listed = Layer.unwrapEffect(
  Effect.map(FakeVenue.FakeVenue, ({ asked }) =>
    Layer.mock(Symbols, {
      get: () => Effect.succeed(btcInfo),
      recheck: Effect.sync(() => void asked.push("pairs"))
    })
  )
)

/** 10,000 USDT, 5 BTC, bid 99.9 and ask 100.1. */
export const inputs = Layer.succeed(RiskInputs, {
  assertHeld: () => Effect.void,
  gather: () =>
    Effect.succeed({
      symbol: btcInfo,
      quote: { bid: d("99.9"), ask: d("100.1"), stale: false },
      availableQuote: d("10000"),
      availableBase: d("5"),
      bookQuantity: d("5"),
      asOf: 0
    })
})

/** No limit but those of the exchange; halts and frozen keys are the real ones. */
export const unlimited = Layer.mergeAll(
  Halts.layer,
  KeyFreezes.layer,
  Layer.mock(TradingLimits, { prepare: () => Effect.succeed(() => Effect.void) })
)

/** Everything an order needs, over a database that outlives the layer and a venue in memory. */
export const servicesOver = (risk: Layer.Layer<RiskInputs>) =>
  Orders.layer.pipe(
    Layer.provideMerge(Layer.mergeAll(Inquiry.layer, Submission.layer)),
    Layer.provide(listed),
    Layer.provideMerge(Layer.mergeAll(Reconciled.layer, VenueAccounts.layer)),
    Layer.provideMerge(OrdersRepo.layer),
    Layer.provideMerge(unlimited),
    Layer.provideMerge(OrderChanges.layer),
    Layer.provide(Ledger.layer),
    Layer.provideMerge(Events.layer),
    Layer.provide(Layer.mergeAll(risk, Idempotency.layer)),
    Layer.provideMerge(Layer.mergeAll(vault, MarketClock.layer)),
    Layer.fresh
  )
export const services = servicesOver(inputs)

export const withVenue = services.pipe(Layer.provideMerge(FakeVenue.layer), Layer.provideMerge(TestDatabase.layer))
