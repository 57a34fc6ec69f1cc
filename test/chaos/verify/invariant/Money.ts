import { addTo, type Exact, plain } from "../Exact.ts"
import { toldBalances } from "../journal/Exchange.ts"
import { amount, flag, type Json, objects, text } from "../Reading.ts"
import type { Check, Pairing, Run, Violation } from "../Run.ts"

/**
 * I5, money: of each user and asset what the ledger adds up to, what the service shows, what the exchange's facts add up to
 * and what the exchange says are one number; each fill is in the ledger once with exactly its amounts; the lots of all books
 * of a pair are what there is of its asset.
 */
export const money: Check = function* (run) {
  const told = toldBalances(run.exchange)
  for (const pairing of run.users) {
    yield* balances(run, pairing, told.get(pairing.accountId) ?? new Map())
    yield* postings(run, pairing)
    yield* books(pairing)
  }
}

const balances = function* (
  run: Run,
  { accountId, record }: Pairing,
  told: ReadonlyMap<string, Exact>
): Iterable<Violation> {
  const ledger = new Map<string, Exact>()
  for (const { value } of record.transactions) addTo(ledger, text(value, "asset"), amount(value, "amount"))
  const shown = new Map<string, Exact>()
  for (const asset of objects(record.wallet.value, "assets")) {
    const both = amount(asset, "free") + amount(asset, "locked")
    shown.set(text(asset, "asset"), both)
    if (
      amount(asset, "total") !== both ||
      amount(asset, "available") !== amount(asset, "free") - amount(asset, "reserved")
    )
      yield { text: `${text(asset, "asset")} of ${record.user} does not add up`, lines: [record.wallet.line] }
    if (amount(asset, "reserved") !== 0n)
      yield { text: `${text(asset, "asset")} of ${record.user} is reserved for no order`, lines: [record.wallet.line] }
  }
  const facts = run.exchange.accounts.get(accountId)?.balances ?? new Map<string, Exact>()
  const sources = [
    ["the exchange says", told],
    ["its facts add up to", facts],
    ["the ledger adds up to", ledger],
    ["the service shows", shown]
  ] as const
  for (const asset of new Set(sources.flatMap(([, amounts]) => [...amounts.keys()]))) {
    const its = sources.map(([who, amounts]) => [who, amounts.get(asset) ?? 0n] as const)
    if (new Set(its.map(([, value]) => value)).size > 1)
      yield {
        text: `${asset} of ${record.user}: ${its.map(([who, value]) => `${who} ${plain(value)}`).join(", ")}`,
        lines: [record.wallet.line, ...unexplained(record.transactions, asset)]
      }
  }
}

/** What the service itself could not explain. */
const unexplained = (transactions: Pairing["record"]["transactions"], asset: string) =>
  transactions.filter(({ value }) => value["asset"] === asset && value["kind"] === "adjustment").map(({ line }) => line)

const postings = function* (run: Run, { accountId, record }: Pairing): Iterable<Violation> {
  const posted = new Map<string, Map<string, Exact>>()
  const lines = new Map<string, Array<(typeof record.transactions)[number]["line"]>>()
  const ids = new Set<string>()
  for (const { line, value } of record.transactions) {
    const id = text(value, "id")
    if (ids.has(id)) yield { text: `the entry ${id} is there twice`, lines: [line] }
    ids.add(id)
    const kind = text(value, "kind")
    const source = text(value, "source")
    if (!source.startsWith("fill:")) {
      if (kind === "fill") yield { text: `the entry ${id} is a fill's and names none`, lines: [line] }
      continue
    }
    const amounts = posted.get(source) ?? new Map<string, Exact>()
    if (kind === "fill" || kind === "fee") addTo(amounts, text(value, "asset"), amount(value, "amount"))
    posted.set(source, amounts)
    lines.set(source, [...(lines.get(source) ?? []), line])
  }
  for (const fill of run.exchange.fills) {
    const order = run.exchange.orders.get(fill.orderId)
    if (fill.accountId !== accountId || order === undefined) continue
    const source = `fill:${fill.symbol}:${fill.tradeId}`
    const sign = fill.side === "buy" ? 1n : -1n
    const expected = new Map<string, Exact>()
    addTo(expected, order.baseAsset, sign * fill.quantity)
    addTo(expected, order.quoteAsset, -sign * fill.quoteQuantity)
    addTo(expected, fill.feeAsset, -fill.fee)
    const found = posted.get(source) ?? new Map<string, Exact>()
    posted.delete(source)
    for (const asset of new Set([...expected.keys(), ...found.keys()]))
      if ((expected.get(asset) ?? 0n) !== (found.get(asset) ?? 0n))
        yield {
          text: `the ledger has ${plain(found.get(asset) ?? 0n)} ${asset} for ${source}, not ${plain(expected.get(asset) ?? 0n)}`,
          lines: [fill.line, ...(lines.get(source) ?? [])]
        }
  }
  for (const source of posted.keys())
    yield { text: `the ledger of ${record.user} has ${source}, the exchange has not`, lines: lines.get(source) ?? [] }
}

const books = function* ({ record }: Pairing): Iterable<Violation> {
  const assets = new Map(objects(record.wallet.value, "assets").map((asset) => [text(asset, "asset"), asset]))
  for (const position of record.positions) {
    const symbol = text(position, "symbol")
    if (flag(position, "incomplete") || !symbol.endsWith("USDT")) continue
    const lots = objects(position, "books").reduce((total, book) => total + amount(book, "quantity"), 0n)
    const asset: Json | undefined = assets.get(symbol.slice(0, -4))
    const there = asset === undefined ? 0n : amount(asset, "total")
    if (lots !== amount(position, "quantity") || lots !== there)
      yield {
        text: `the books of ${symbol} of ${record.user} have ${plain(lots)}, there is ${plain(there)}: ${JSON.stringify(position)}`,
        lines: [record.wallet.line]
      }
  }
}
