import { Schema } from "effect"
import type { CycleMemory, CycleRow } from "../../../../src/autobuy/record/cycle/CycleRow.ts"
import type { CycleAsk, Kind, OpenOrder, Snapshot } from "../../../../src/autobuy/cycle/plan/Snapshot.ts"
import type { ExecutionRow } from "../../../../src/autobuy/record/rows.ts"
import * as Decimal from "../../../../src/domain/Decimal.ts"
import { ClientOrderId, CycleId, ExecutionId, OrderId, UserId } from "../../../../src/domain/Ids.ts"
import { isTerminal, type Order } from "../../../../src/domain/order/Order.ts"
import { foldLots } from "../../../../src/domain/order/lots.ts"
import { btc, d, document, ruleId, symbolInfo } from "../../../domain/rule/fixtures.ts"

const user = Schema.decodeSync(UserId)("local_alice")
const body = "01hzy3v7k2m4n6p8q0r2s4t6w8"
const cycleId = Schema.decodeSync(CycleId)(`cyc_${body}`)
const numbered = (n: number) => String(n).padStart(26, "0")
const orderId = (n: number) => Schema.decodeSync(OrderId)(`ord_${numbered(n)}`)
const executionId = (n: number) => Schema.decodeSync(ExecutionId)(`exe_${numbered(n)}`)
const clientId = Schema.decodeSync(ClientOrderId)

interface Sent {
  readonly kind: Kind
  readonly level: number
  readonly slot: string
  readonly at: number
  order: Order
  /** What the venue did, where the service does not know it yet. */
  hidden: { readonly placed: boolean } | null
}

interface Fill {
  readonly side: "buy" | "sell"
  readonly price: Decimal.Decimal
  readonly quantity: Decimal.Decimal
}

/** Rows of one cycle and a venue beside them, in memory: what the real ones would hold, and faults on demand. */
export class Model {
  readonly rule: Snapshot["document"]
  readonly sent: Array<Sent> = []
  readonly fills: Array<Fill> = []
  readonly refused = new Set<string>()
  ruleState: Snapshot["ruleState"] = "active"
  memory: CycleMemory = { high: null, exiting: null }
  price: Decimal.Decimal
  now = 1_000_000
  /** Sold from the rule's book by somebody else. */
  taken: Decimal.Decimal = Decimal.zero
  closed: string | null = null

  constructor(changes: Readonly<Record<string, unknown>>, price: string) {
    this.rule = document(changes)
    this.price = d(price)
  }

  get lots() {
    const pair = { baseAsset: "BTC", quoteAsset: "USDT" }
    const all = this.fills.map((fill) => ({
      ...fill,
      quoteQuantity: Decimal.multiply(fill.price, fill.quantity),
      fee: { asset: "USDT", amount: Decimal.zero }
    }))
    const total = (side: Fill["side"]) =>
      Decimal.sum(this.fills.filter((fill) => fill.side === side).map((fill) => fill.quantity))
    return { bought: total("buy"), sold: total("sell"), lots: foldLots(all, pair) }
  }

  get book(): Decimal.Decimal {
    const { bought, sold } = this.lots
    return Decimal.subtract(Decimal.subtract(bought, sold), this.taken)
  }

  /** What the venue would still let go: everything held but for what open sells have locked. */
  get free(): Decimal.Decimal {
    const locked = this.sent
      .filter(({ hidden, order }) => order.side === "sell" && !isTerminal(order.status) && hidden?.placed !== false)
      .map(({ order }) => Decimal.subtract(order.quantity ?? Decimal.zero, order.executedQuantity))
    return Decimal.subtract(this.book, Decimal.sum(locked))
  }

  get open(): ReadonlyArray<OpenOrder> {
    return this.sent.filter(({ order }) => !isTerminal(order.status))
  }

  snapshot(): Snapshot {
    const cycle: CycleRow = {
      user_id: user,
      cycle_id: cycleId,
      rule_id: ruleId,
      rule_version: 1,
      symbol: btc,
      state: "open",
      reason: null,
      bought: false,
      memory: this.memory,
      opened_at: 0,
      closed_at: null
    }
    const tick = d("0.1")
    return {
      cycle,
      document: this.rule,
      ruleState: this.ruleState,
      executions: this.sent.map((one, i) => this.execution(one, i)),
      open: this.open,
      lots: this.lots,
      book: this.book,
      free: this.free,
      symbol: symbolInfo,
      view: {
        last: this.price,
        bid: Decimal.subtract(this.price, tick),
        ask: Decimal.add(this.price, tick),
        asOf: this.now,
        ageMs: 0
      },
      last: this.price,
      price: this.price,
      nextCloseAt: null,
      now: this.now,
      resting: this.refused
    }
  }

  private execution({ at, kind, level, order, slot }: Sent, i: number): ExecutionRow {
    const running = !isTerminal(order.status)
    return {
      user_id: user,
      execution_id: executionId(i),
      rule_id: ruleId,
      rule_version: 1,
      cycle_id: cycleId,
      kind,
      level,
      slot,
      triggered_at: at,
      state: running ? "running" : "done",
      outcome: running ? null : Decimal.isPositive(order.executedQuantity) ? "executed" : "failed",
      reason: null,
      attempted: true,
      quote_asset: "USDT",
      requested_quote: d("50"),
      reserved_quote: Decimal.zero,
      spent_quote: order.executedQuote,
      expected_price: null,
      orders: [order.id],
      executed_quantity: order.executedQuantity,
      executed_quote: order.executedQuote,
      decide_ms: null,
      submit_ms: null,
      fill_ms: null,
      waits_until: null,
      resting: false
    }
  }

  /** The order as it is right after the venue took it. */
  place(
    ask: Pick<CycleAsk, "level" | "slot" | "type" | "price" | "quantity"> & { readonly kind: Kind },
    hidden: Sent["hidden"]
  ) {
    const order: Order = {
      id: orderId(this.sent.length),
      version: 1,
      venue: "paper",
      book: `rule:${ruleId}`,
      clientOrderId: clientId(`dp${this.sent.length}`),
      exchangeOrderId: null,
      symbol: btc,
      side: ask.kind === "exit" ? "sell" : "buy",
      type: ask.type,
      status: hidden === null ? "open" : "unknown",
      price: ask.price,
      quantity: ask.quantity,
      quoteAmount: null,
      executedQuantity: Decimal.zero,
      executedQuote: Decimal.zero,
      averagePrice: null,
      fees: [],
      origin: { type: "rule", ruleId, executionId: null, cycleId },
      note: null,
      rejectReason: null,
      unfilledReason: null,
      unknownSince: null,
      requestedAt: this.now,
      sentAt: this.now,
      terminalAt: null,
      updatedAt: this.now
    }
    const one: Sent = { kind: ask.kind, level: ask.level, slot: ask.slot, at: this.now, order, hidden }
    this.sent.push(one)
    return one
  }

  /** Fills a part of what is left of an order, on the venue's step. */
  fill(one: Sent, share: number, price: Decimal.Decimal): void {
    const left = Decimal.subtract(one.order.quantity ?? Decimal.zero, one.order.executedQuantity)
    const part = Decimal.quantise(Decimal.multiply(left, d(share.toFixed(4))), symbolInfo.quantityStep, "floor")
    const quantity = share >= 1 ? left : part
    if (!Decimal.isPositive(quantity)) return
    this.fills.push({ side: one.order.side, price, quantity })
    const executedQuantity = Decimal.add(one.order.executedQuantity, quantity)
    const isAll = Decimal.equals(executedQuantity, one.order.quantity ?? Decimal.zero)
    one.order = {
      ...one.order,
      executedQuantity,
      executedQuote: Decimal.add(one.order.executedQuote, Decimal.multiply(quantity, price)),
      status: isAll ? "filled" : "partiallyFilled"
    }
  }

  end(one: Sent): void {
    if (isTerminal(one.order.status)) return
    const touched = Decimal.isPositive(one.order.executedQuantity)
    one.order = { ...one.order, status: touched ? "partiallyCancelled" : "cancelled", terminalAt: this.now }
  }

  /** What rests at the venue meets the price. */
  match(share: number): void {
    for (const one of this.sent) {
      const { price, side, status } = one.order
      if (price === null || isTerminal(status) || status === "unknown") continue
      const meets = side === "buy" ? Decimal.lessOrEqual(this.price, price) : Decimal.greaterOrEqual(this.price, price)
      if (meets) this.fill(one, share, price)
    }
  }
}
