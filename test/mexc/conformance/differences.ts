import * as SqlClient from "@effect/sql/SqlClient"
import { Effect, Schema } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { Orders } from "../../../src/orders/Orders.ts"
import { Wallets } from "../../../src/portfolio/Wallets.ts"
import { type Intent, operator } from "./scenario.ts"
import { type Truth, truthOf } from "./truth.ts"
import { credentials, user } from "./world.ts"

const FillRow = Schema.Struct({ trade_id: Schema.String, order_id: Schema.NullOr(Schema.String) })

/** Everything on which our side and the exchange's record do not agree; empty is what a suite waits for. */
export const differences = (intents: ReadonlyArray<Intent>) =>
  Effect.gen(function* () {
    const { control } = yield* operator
    const truth = yield* truthOf(yield* operator)
    const orders = yield* Orders
    const wallets = yield* Wallets
    const sql = yield* SqlClient.SqlClient
    const ours = (yield* orders.list(user, { limit: 500 })).items
    const kept = yield* Effect.flatMap(
      sql`SELECT trade_id, order_id FROM fills WHERE user_id = ${user}`,
      Schema.decodeUnknown(Schema.Array(FillRow))
    )

    const accounts: ReadonlyArray<{ accessKey: string; balances: ReadonlyArray<Record<string, string>> }> =
      (yield* control("GET", "/paper/v1/accounts")).body.accounts
    const held = accounts.find(({ accessKey }) => accessKey === credentials.accessKey)?.balances ?? []
    const wallet = yield* wallets.get(user)

    return [
      ...ofIntents(intents, truth),
      ...truth.orders.flatMap(({ clientOrderId, orderId }) =>
        clientOrderId === null || [...intents, ...ours].some((known) => known.clientOrderId === clientOrderId)
          ? []
          : [`${orderId} exists and nobody wished for it`]
      ),
      ...ours.flatMap((order) => {
        // An order made elsewhere keeps no client order id of ours.
        const real = truth.orders.find(({ clientOrderId, orderId }) =>
          order.origin.type === "external" ? orderId === order.exchangeOrderId : clientOrderId === order.clientOrderId
        )
        if (real === undefined)
          return order.status === "unknown" || order.status === "rejected"
            ? []
            : [`${order.clientOrderId} exists only here`]
        const mine = kept.flatMap((fill) => (fill.order_id === order.id ? fill.trade_id : [])).sort()
        return [
          ...differ(`${order.clientOrderId} status`, order.status, real.status),
          ...differ(`${order.clientOrderId} quantity`, Decimal.format(order.executedQuantity), real.executedQuantity),
          ...differ(`${order.clientOrderId} quote`, Decimal.format(order.executedQuote), real.executedQuote),
          ...differ(`${order.clientOrderId} fills`, mine.join(), real.tradeIds.join())
        ]
      }),
      ...differ(
        "all fills",
        kept
          .map((fill) => fill.trade_id)
          .sort()
          .join(),
        truth.tradeIds.join()
      ),
      ...held.flatMap(({ asset = "", free = "", locked = "" }) => {
        const own = wallet.assets.find((one) => one.asset === asset)
        return [
          ...differ(`${asset} free`, own === undefined ? "0" : Decimal.format(own.free), free),
          ...differ(`${asset} locked`, own === undefined ? "0" : Decimal.format(own.locked), locked),
          ...differ(
            `${asset} by the record`,
            Decimal.format(Decimal.add(Decimal.unsafe(free), Decimal.unsafe(locked))),
            truth.totals.get(asset) ?? "0"
          )
        ]
      }),
      ...wallet.assets.flatMap(({ asset, total }) =>
        held.some((one) => one["asset"] === asset) ? [] : differ(`${asset} total`, Decimal.format(total), "0")
      )
    ]
  })

const differ = (what: string, ours: string, theirs: string): ReadonlyArray<string> =>
  ours === theirs ? [] : [`${what}: ours ${ours}, theirs ${theirs}`]

/** One venue order for an intent that has one, none for an intent that was refused, and never two. */
const ofIntents = (intents: ReadonlyArray<Intent>, truth: Truth): ReadonlyArray<string> =>
  intents.flatMap(({ clientOrderId, name, said }) => {
    if (clientOrderId === null) return []
    const count = truth.orders.filter((order) => order.clientOrderId === clientOrderId).length
    if (count > 1) return [`${name} has ${count} orders`]
    return said === "refused" && count === 1 ? [`${name} was said to be refused and exists`] : []
  })
