import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Effect, Layer, Schema, Stream } from "effect"
import { Accounts } from "../../../src/accounts/Accounts.ts"
import { CredentialVault } from "../../../src/accounts/CredentialVault.ts"
import { UserId } from "../../../src/domain/Ids.ts"
import { SymbolName } from "../../../src/domain/Market.ts"
import { Symbols } from "../../../src/market/Symbols.ts"
import { TickerHub } from "../../../src/market/TickerHub.ts"
import { TickerReader } from "../../../src/market/feed/TickerReader.ts"
import { MarketClock } from "../../../src/MarketClock.ts"
import { defaultLimits } from "../../../src/mexc/budget/Pools.ts"
import { ContractDrift } from "../../../src/mexc/ContractDrift.ts"
import { MexcClient } from "../../../src/mexc/MexcClient.ts"
import { MexcStream } from "../../../src/mexc/MexcStream.ts"
import { RateBudget } from "../../../src/mexc/RateBudget.ts"
import { MexcEndpoint } from "../../../src/mexc/wire/Endpoint.ts"
import { Inquiry } from "../../../src/orders/Inquiry.ts"
import { OrderChanges } from "../../../src/orders/OrderChanges.ts"
import { Orders } from "../../../src/orders/Orders.ts"
import { OrdersRepo } from "../../../src/orders/OrdersRepo.ts"
import { Reconciled } from "../../../src/orders/reconcile/Reconciled.ts"
import { VenueAccounts } from "../../../src/orders/reconcile/VenueAccounts.ts"
import { Reconciler } from "../../../src/orders/Reconciler.ts"
import { RiskInputs } from "../../../src/orders/RiskInputs.ts"
import { Submission } from "../../../src/orders/Submission.ts"
import { UserFeed } from "../../../src/orders/UserFeed.ts"
import { PaperExchange } from "../../../src/paper/PaperExchange.ts"
import { Books } from "../../../src/portfolio/Books.ts"
import { Ledger } from "../../../src/portfolio/Ledger.ts"
import { Wallets } from "../../../src/portfolio/Wallets.ts"
import { Events } from "../../../src/store/Events.ts"
import { Idempotency } from "../../../src/store/Idempotency.ts"
import * as TestDatabase from "../../kit/TestDatabase.ts"
import { unlimited } from "../../orders/kit/layers.ts"
import { account, alice, stillExchange } from "../../paper/kit/SignedClient.ts"

/** One user of our service, and an exchange of her own on loopback whose prices only the scenario moves. */

export const user = Schema.decodeSync(UserId)("local_alice")
export const symbol = Schema.decodeSync(SymbolName)("BTCUSDT")

const opening = account(alice, { USDT: "10000", BTC: "1" })
export const credentials = { userId: user, accessKey: opening.accessKey, secretKey: opening.secretKey }

const exchange = PaperExchange.layer({ ...stillExchange, accounts: [opening] })

const endpoint = Layer.effect(
  MexcEndpoint,
  Effect.map(PaperExchange, ({ url, wsUrl }) => MexcEndpoint.make(url, wsUrl))
).pipe(Layer.provideMerge(exchange))

const venue = MexcStream.layer.pipe(
  Layer.provideMerge(MexcClient.layer),
  Layer.provideMerge(ContractDrift.layer),
  Layer.provide(RateBudget.layer(defaultLimits)),
  Layer.provide(NodeHttpClient.layerUndici),
  Layer.provideMerge(endpoint)
)

const accounts = Layer.mergeAll(
  Layer.mock(Accounts, { isReady: () => true, listActive: Effect.succeed<ReadonlyArray<UserId>>([user]) }),
  Layer.mock(CredentialVault, { get: () => Effect.succeed(credentials), changes: Stream.never })
)

const market = TickerHub.layer.pipe(Layer.provide(TickerReader.layer), Layer.provideMerge(Symbols.layer))

/** Everything between the venue's wire and the user's orders, as the service composes it. */
export const world = Layer.mergeAll(Orders.layer, UserFeed.layer, Reconciler.layer).pipe(
  Layer.provideMerge(Layer.mergeAll(Inquiry.layer, Submission.layer, RiskInputs.layer)),
  Layer.provide(Layer.mergeAll(Reconciled.layer, VenueAccounts.layer)),
  Layer.provideMerge(Layer.mergeAll(OrdersRepo.layer, Books.layer, Wallets.layer)),
  Layer.provide(Ledger.layer),
  Layer.provide(Layer.mergeAll(OrderChanges.layer, Idempotency.layer, accounts)),
  Layer.provide(unlimited),
  Layer.provide(Events.layer),
  Layer.provideMerge(market),
  Layer.provideMerge(venue),
  Layer.provide(MarketClock.layer),
  Layer.provideMerge(TestDatabase.layer)
)
