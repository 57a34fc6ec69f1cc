import * as HttpClient from "@effect/platform/HttpClient"
import { Array as Arrays, Console, Effect, Option, type Redacted, Schedule, Schema, Stream } from "effect"
import * as ApiClient from "../../api/Client.ts"
import * as Decimal from "../../domain/Decimal.ts"
import type { Execution } from "../../domain/order/Execution.ts"
import type { Order } from "../../domain/order/Order.ts"
import { RuleRequest } from "../../domain/Rule.ts"
import { formatInstant, type Instant } from "../../domain/Time.ts"
import { decodeFact } from "../../paper/engine/Facts.ts"
import { checkBooks, type OurBooks, type Pair } from "./BooksCheck.ts"
import { checkTable, executionTable, positionTable } from "./Report.ts"

export interface DemoOptions {
  /** A running service on a paper exchange, and a key with every scope. */
  readonly apiUrl: string
  readonly paperUrl: string
  readonly token: Redacted.Redacted
  readonly pair: Pair
  /** How far below the 24 h high the dip rule buys, percent. */
  readonly drop: Decimal.Decimal
  /** Market time at which the story ends. */
  readonly until: Instant
  /** Market time of the calendar rule's buy. */
  readonly calendarAt: Instant
  /** Shows where the market stands; called about twice a second. */
  readonly onProgress: (line: string) => Effect.Effect<void>
}

/** Twice a second is lively and stays far below the API's own limit. */
const watching = Schedule.spaced("500 millis")
/** Wall time an order may take to settle after the market stopped. */
const settling = Schedule.upTo(watching, "15 seconds")

/**
 * Two rules live through a market, as a client of the API: what they did, what they own, and whether our books equal
 * the exchange's journal. True when the books hold and both rules bought.
 */
export const tell = Effect.fn("Demo.tell")(function* (options: DemoOptions) {
  const { pair } = options
  const client = yield* ApiClient.make({ baseUrl: options.apiUrl, token: options.token })
  const opening = yield* client.account.getWallet()
  yield* Console.log(`wallet     ${Decimal.format(opening.totalValue)} ${opening.quoteAsset}`)

  const calendar = yield* createRule(client, "Calendar", calendarDocument(options))
  const dip = yield* createRule(client, "Dip", dipDocument(options))
  yield* Console.log(`rule       Calendar: ${calendar.computed.next?.text ?? "waits"}`)
  yield* Console.log(`rule       Dip: ${dip.computed.next?.text ?? "waits"}`)
  const names = new Map([
    [calendar.id, "Calendar"],
    [dip.id, "Dip"]
  ])
  const nameOf = (execution: Execution) => names.get(execution.ruleId) ?? execution.ruleId

  const told = new Set<string>()
  const watch = Effect.gen(function* () {
    const { marketTime } = yield* client.status.getStatus()
    const ticker = yield* client.market.getTicker({ path: { symbol: calendar.symbol } })
    const { items } = yield* client.trading.listExecutions({ urlParams: {} })
    const done = items.filter((execution) => execution.state === "done")
    for (const execution of Arrays.reverse(done.filter(({ id }) => !told.has(id)))) {
      told.add(execution.id)
      yield* Console.log(eventLine(execution, nameOf(execution)))
    }
    yield* options.onProgress(`${formatInstant(marketTime)}  ${pair.symbol} ${Decimal.format(ticker.last)}`)
    return { marketTime, running: items.length > done.length }
  })
  yield* Effect.repeat(watch, { schedule: watching, until: (seen) => seen.marketTime >= options.until })
  yield* Effect.repeat(watch, { schedule: settling, until: (seen) => !seen.running })

  const { items: executions } = yield* client.trading.listExecutions({ urlParams: { limit: 500 } })
  const books = yield* readBooks(client)
  const checks = checkBooks(books, yield* readJournal(options.paperUrl), [pair])
  yield* Console.log(executionTable(Arrays.reverse(executions), nameOf, pair))
  yield* Console.log(positionTable(books.positions, pair))
  yield* Console.log(checkTable(checks))

  const bought = new Set(executions.filter((execution) => execution.outcome === "executed").map(nameOf))
  const idle = [...names.values()].filter((name) => !bought.has(name))
  const holds = checks.every((check) => check.holds)
  yield* Console.log(holds ? "\nThe books agree with the exchange." : "\nThe books DO NOT agree with the exchange.")
  if (idle.length > 0) yield* Console.log(`${idle.join(" and ")} did not buy; try a smaller --drop.`)
  return holds && idle.length === 0
})

const calendarDocument = ({ calendarAt, pair }: DemoOptions) => ({
  symbol: pair.symbol,
  trigger: { type: "schedule.calendar", on: { type: "daily" }, at: [formatInstant(calendarAt).slice(11, 16)] },
  size: { type: "quote", amount: "100" },
  limits: { total: "1000" }
})

/** The dip rule of the contract's example. */
const dipDocument = ({ drop, pair }: DemoOptions) => ({
  symbol: pair.symbol,
  trigger: { type: "price.drop", percent: Decimal.format(drop), from: { type: "highOf", window: "PT24H" } },
  size: { type: "quote", amount: "50" },
  limits: { total: "1000" }
})

const createRule = (client: ApiClient.Client, name: string, document: object) =>
  Effect.flatMap(Schema.decodeUnknown(RuleRequest)({ name, ...document }), (payload) =>
    client.trading.createRule({
      payload,
      headers: { "idempotency-key": `demo-rule-${name.padEnd(12, "-")}` }
    })
  )

const eventLine = (execution: Execution, name: string): string => {
  const at = formatInstant(execution.triggeredAt).slice(0, 19).replace("T", " ")
  if (execution.outcome !== "executed") return `${execution.outcome}    ${at}  ${name}: ${execution.reason?.text ?? ""}`
  const price = execution.averagePrice === null ? "" : ` at ${Decimal.format(execution.averagePrice)}`
  return `bought     ${at}  ${name}: ${Decimal.format(execution.executedQuantity)}${price}`
}

const everyOrder = (client: ApiClient.Client) =>
  Stream.paginateEffect(undefined, (cursor: string | undefined) =>
    Effect.map(
      client.trading.listOrders({ urlParams: { limit: 500, ...(cursor === undefined ? {} : { cursor }) } }),
      ({ items, nextCursor }) => [items, Option.fromNullable(nextCursor)] as const
    )
  ).pipe(Stream.runFold<ReadonlyArray<Order>, ReadonlyArray<Order>>([], (all, items) => [...all, ...items]))

const readBooks = Effect.fnUntraced(function* (client: ApiClient.Client) {
  const wallet = yield* client.account.refreshWallet()
  const positions = yield* client.trading.listPositions()
  const orders = yield* everyOrder(client)
  const fills = yield* Effect.forEach(orders, (order) => client.trading.listFills({ path: { id: order.id } }))
  const books: OurBooks = {
    orders,
    fills: fills.flatMap((page) => page.items),
    positions: positions.items,
    assets: wallet.assets
  }
  return books
})

/** The exchange's own record; the demo's is its only account. */
const readJournal = Effect.fnUntraced(function* (paperUrl: string) {
  const response = yield* HttpClient.get(`${paperUrl}/paper/v1/journal`)
  const text = yield* response.text
  return yield* Effect.forEach(
    text.split("\n").filter((line) => line !== ""),
    (line) => decodeFact(line)
  )
})
