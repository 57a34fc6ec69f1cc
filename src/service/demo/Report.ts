import * as Decimal from "../../domain/Decimal.ts"
import type { Execution } from "../../domain/order/Execution.ts"
import type { Position } from "../../domain/Position.ts"
import { formatInstant } from "../../domain/Time.ts"
import type { CheckLine, Pair } from "./BooksCheck.ts"

type Row = ReadonlyArray<string>

const table = (title: string, head: Row, rows: ReadonlyArray<Row>): string => {
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const text = (row: Row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd()
  return [``, title, text(head), text(widths.map((width) => "-".repeat(width))), ...rows.map(text)].join("\n")
}

const amount = (value: Decimal.Decimal | null, decimals: number): string =>
  value === null ? "-" : Decimal.format(Decimal.round(value, decimals, "half-even"))

/** One line a firing, oldest first; times are market time. */
export const executionTable = (
  executions: ReadonlyArray<Execution>,
  nameOf: (execution: Execution) => string,
  pair: Pair
): string =>
  table(
    "Executions",
    ["triggered (UTC)", "rule", "outcome", pair.baseAsset, pair.quoteAsset, "average price", "reason"],
    executions.map((execution) => [
      formatInstant(execution.triggeredAt).slice(0, 19).replace("T", " "),
      nameOf(execution),
      execution.outcome ?? execution.state,
      Decimal.format(execution.executedQuantity),
      amount(execution.executedQuote, 4),
      amount(execution.averagePrice, 8),
      execution.reason?.code ?? ""
    ])
  )

/** What is held in the end, at average cost with fees, against the last price. */
export const positionTable = (positions: ReadonlyArray<Position>, pair: Pair): string =>
  table(
    "Position",
    ["symbol", pair.baseAsset, "average cost", "last price", "value", "unrealised", "fees"],
    positions.map((held) => [
      held.symbol,
      Decimal.format(held.quantity),
      amount(held.averageCost, 8),
      amount(held.markPrice, 8),
      amount(held.value, 4),
      amount(held.unrealisedPnl, 4),
      amount(held.fees, 8)
    ])
  )

/** Our books against the exchange's journal. */
export const checkTable = (lines: ReadonlyArray<CheckLine>): string =>
  table(
    "Books against the exchange's journal",
    ["what", "ours", "exchange", ""],
    lines.map((line) => [line.label, line.ours, line.exchange, line.holds ? "equal" : "DIFFERENT"])
  )
