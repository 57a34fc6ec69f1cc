import { addTo, plain } from "../Exact.ts"
import type { Entry } from "./Draft.ts"
import { type Actor, amount, quoteOf, type Scene } from "./Scene.ts"

export interface Terms {
  readonly symbol?: string
  readonly side: "buy" | "sell"
  readonly type: string
  readonly price: string
  readonly quantity: string
  readonly rule?: Entry
  readonly execution?: Entry
  readonly external?: boolean
}

/** Every change is a new version, with the event that tells of it. */
const change = (scene: Scene, actor: Actor, order: Entry, fields: Entry): void => {
  scene.wait(1)
  Object.assign(order, fields, { version: Number(order["version"]) + 1, updatedAt: scene.iso() })
  scene.event(actor, "order.changed", String(order["id"]), order)
}

/** An intent, committed and not sent. */
export const intend = (scene: Scene, actor: Actor, terms: Terms): Entry => {
  const { execution, external = false, price, quantity, rule, side, symbol = "BTCUSDT", type } = terms
  const origin = external
    ? "external"
    : rule === undefined
      ? "manual"
      : execution?.["kind"] === "exit"
        ? "exit"
        : "rule"
  const order: Entry = {
    id: scene.id("ord"),
    version: 0,
    venue: "paper",
    book: rule === undefined ? "manual" : `rule:${String(rule["id"])}`,
    clientOrderId: scene.hex(),
    exchangeOrderId: null,
    symbol,
    side,
    type,
    status: "pending",
    price,
    quantity,
    quoteAmount: null,
    executedQuantity: "0",
    executedQuote: "0",
    averagePrice: null,
    fees: [],
    origin: {
      type: origin,
      ruleId: rule?.["id"] ?? null,
      executionId: execution?.["id"] ?? null,
      cycleId: execution?.["cycleId"] ?? null
    },
    note: null,
    rejectReason: null,
    unfilledReason: null,
    unknownSince: null,
    requestedAt: scene.iso(),
    sentAt: null,
    terminalAt: null,
    updatedAt: scene.iso()
  }
  actor.orders.push(order)
  if (execution !== undefined) execution["orders"] = [...[execution["orders"]].flat(), order["id"]]
  change(scene, actor, order, {})
  return order
}

/** The exchange books it; `told` is false when the answer is lost. */
export const send = (scene: Scene, actor: Actor, order: Entry, told = true): void => {
  change(scene, actor, order, { sentAt: scene.iso() })
  accept(scene, actor, order, order["clientOrderId"])
  if (told) know(scene, actor, order)
}

export const accept = (scene: Scene, actor: Actor, order: Entry, clientOrderId: unknown): void => {
  const quote = plain(quoteOf(String(order["price"]), String(order["quantity"])))
  scene.fact({
    _tag: "orderAccepted",
    orderId: `X${String(order["id"])}`,
    accountId: actor.accountId,
    clientOrderId,
    symbol: order["symbol"],
    side: order["side"],
    type: order["type"],
    price: order["price"],
    quantity: order["quantity"],
    quoteAmount: quote,
    quoteSized: false,
    baseAsset: "BTC",
    quoteAsset: "USDT",
    lock: quote
  })
}

export const know = (scene: Scene, actor: Actor, order: Entry): void =>
  change(scene, actor, order, { status: "open", exchangeOrderId: `X${String(order["id"])}`, unknownSince: null })

export const doubt = (scene: Scene, actor: Actor, order: Entry): void =>
  change(scene, actor, order, { status: "unknown", unknownSince: scene.iso() })

export const refuse = (scene: Scene, actor: Actor, order: Entry): void =>
  change(scene, actor, order, {
    status: "rejected",
    rejectReason: { code: "INSUFFICIENT_BALANCE", text: "The balance is too small.", params: {} },
    terminalAt: scene.iso()
  })

/** A part is executed: at the exchange, in the fills, in the ledger and in the order. */
export const fill = (scene: Scene, actor: Actor, order: Entry, quantity: string): void => {
  const price = String(order["price"])
  const quote = quoteOf(price, quantity)
  const fee = quote / 2_000n
  const tradeId = `T${scene.id("t")}`
  const sign = order["side"] === "buy" ? 1n : -1n
  scene.fact({
    _tag: "filled",
    tradeId,
    orderId: `X${String(order["id"])}`,
    accountId: actor.accountId,
    clientOrderId: order["clientOrderId"],
    symbol: order["symbol"],
    side: order["side"],
    price,
    quantity,
    quoteQuantity: plain(quote),
    fee: plain(fee),
    feeAsset: "USDT",
    maker: false,
    selfTrade: false,
    release: "0"
  })
  actor.fills.push({
    order: order["id"],
    data: {
      id: `fill_${tradeId}`,
      tradeId,
      orderId: order["id"],
      price,
      quantity,
      quoteQuantity: plain(quote),
      fee: { asset: "USDT", amount: plain(fee) },
      maker: false,
      at: scene.iso()
    }
  })
  if (order["book"] !== "manual") addTo(actor.books, String(order["book"]), sign * amount(quantity))
  const source = `fill:${String(order["symbol"])}:${tradeId}`
  scene.post(actor, "fill", "BTC", sign * amount(quantity), source)
  scene.post(actor, "fill", "USDT", -sign * quote, source)
  scene.post(actor, "fee", "USDT", -fee, source)
  const executed = amount(String(order["executedQuantity"])) + amount(quantity)
  const executedQuote = amount(String(order["executedQuote"])) + quote
  const fees = plain(executedQuote / 2_000n)
  const done = executed === amount(String(order["quantity"]))
  change(scene, actor, order, {
    status: done ? "filled" : "partiallyFilled",
    executedQuantity: plain(executed),
    executedQuote: plain(executedQuote),
    averagePrice: price,
    fees: [{ asset: "USDT", amount: fees }],
    terminalAt: done ? scene.iso() : null
  })
}

export const close = (scene: Scene, actor: Actor, order: Entry): void => {
  scene.fact({ _tag: "orderClosed", orderId: `X${String(order["id"])}` })
  const status = order["executedQuantity"] === "0" ? "cancelled" : "partiallyCancelled"
  change(scene, actor, order, { status, terminalAt: scene.iso() })
}
