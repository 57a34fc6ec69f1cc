import type { Exact } from "../Exact.ts"
import { itemsOf } from "../journal/Client.ts"
import type { Line } from "../journal/Lines.ts"
import { amount, flag, instant, type Json, object, orNull, text } from "../Reading.ts"
import type { Check, Run } from "../Run.ts"
import { activeSpells, type Firing, firingsOf, isUnhindered, livesOf, type Span, type Spell } from "./Running.ts"

/**
 * I12, wakes: a rule that waits for a price fires when the price comes. That the service saw it is proven by what it showed
 * people, once on either side of the price; that it stayed, so that who was busy in that moment saw it afterwards, by the
 * exchange's journal.
 */
export const wakes: Check = function* (run) {
  const shown = shownOf(run)
  const lives = livesOf(run)
  for (const waiting of waitingOf(run))
    for (const life of lives)
      for (const [index, near] of shown.entries()) {
        if (near.symbol !== waiting.symbol || !isReached(waiting, near.price) || near.at > life.to) continue
        const far = shown.slice(0, index).findLast(({ symbol }) => symbol === near.symbol)
        if (far === undefined || isReached(waiting, far.price) || far.asOf < life.from) continue
        if (stays(run, waiting, near) && sleptThrough(waiting, life, far, near))
          yield {
            text: `${waiting.id} slept on when the price came that it waits for`,
            lines: [far.line, near.line, waiting.spell.line]
          }
      }
}

/** So long the price stays, at least, */
const stay = 2_500
/** and so long a firing may take to be begun. */
const patience = 10_000
/** After a start, a change or a firing a rule gets ready. */
const settled = 5_000
const rested = 1_000
/** A skip for the same reason as a moment ago is not recorded again. */
const silence = 65_000

/** A price that somebody was told. */
interface Shown {
  readonly line: Line
  readonly symbol: string
  readonly price: Exact
  readonly asOf: number
  readonly at: number
}

const shownOf = ({ client }: Run): ReadonlyArray<Shown> =>
  client.calls
    .flatMap(({ answer, method, path }) => {
      if (method !== "GET" || !/^\/market\/tickers(\/|$)/.test(path) || answer?.data == null) return []
      return itemsOf(answer.data)
        .filter((ticker) => !flag(ticker, "stale"))
        .flatMap((ticker): ReadonlyArray<Shown> => {
          const price = orNull(amount, ticker, "last")
          if (price === null) return []
          const symbol = text(ticker, "symbol")
          return [{ line: answer.line, symbol, price, asOf: instant(ticker, "asOf"), at: answer.at }]
        })
    })
    .toSorted((a, b) => a.asOf - b.asOf)

interface Waiting {
  readonly id: string
  readonly symbol: string
  readonly level: Exact
  readonly isBelow: boolean
  readonly spell: Spell
  readonly firings: ReadonlyArray<Firing>
  /** Of all rules of its owner. */
  readonly all: ReadonlyArray<Firing>
  readonly end: number
}

/** Rules that wait for a level, have nothing else to do, and fire again when the price was on the other side. */
const waitingOf = ({ users }: Run): ReadonlyArray<Waiting> =>
  users.flatMap(({ record }) => {
    const all = firingsOf(record)
    return record.rules.flatMap(({ value: rule }) =>
      activeSpells(record, rule.id).flatMap((spell): ReadonlyArray<Waiting> => {
        const document = spell.rule.raw
        const trigger = object(document, "trigger")
        if (trigger["type"] !== "price.level" || hasCycle(document) || !recovers(trigger)) return []
        const firings = all
          .filter(({ from, value }) => value.ruleId === rule.id && from >= spell.from && from < spell.to)
          .toSorted((a, b) => a.from - b.from)
        const side = text(trigger, "side")
        const end = Math.min(spell.to, record.at, orNull(instant, document, "endAt") ?? Infinity)
        const isBelow = side === "below" || side === "crossesBelow"
        return [
          {
            id: rule.id,
            symbol: text(document, "symbol"),
            level: amount(trigger, "price"),
            isBelow,
            spell,
            firings,
            all,
            end
          }
        ]
      })
    )
  })

const hasCycle = (document: Json): boolean =>
  orNull(object, document, "exit") !== null || orNull(object, document, "ladder") !== null

const recovers = (trigger: Json): boolean =>
  text(trigger, "side").startsWith("crosses") || (trigger["rearm"] ?? "recover") === "recover"

/** Beyond the level: at it one kind fires and another does not. */
const isReached = ({ isBelow, level }: Waiting, price: Exact): boolean => (isBelow ? price < level : price > level)

const stays = ({ exchange }: Run, waiting: Waiting, { asOf, symbol }: Shown): boolean => {
  const its = (exchange.prices.get(symbol) ?? []).filter(({ at }) => at > asOf && at <= asOf + stay)
  return its.length > 1 && its.every(({ price }) => isReached(waiting, price))
}

const sleptThrough = (waiting: Waiting, life: Span, far: Shown, near: Shown): boolean => {
  const { all, end, firings, spell } = waiting
  const until = near.at + patience
  if (until > Math.min(end, life.to) || far.asOf < Math.max(life.from, spell.from) + settled) return false
  const before = firings.findLast(({ from }) => from < far.asOf)
  // It has fired in this life: after a start a rule may wait for its owner's orders.
  if (before === undefined || before.from < life.from) return false
  if (before.to + rested > far.asOf || isSilent(before, near)) return false
  if (!isUnhindered(all, { from: far.asOf, to: near.asOf + stay })) return false
  return !firings.some(({ from, value }) => value.triggeredAt >= far.asOf - rested && from <= until)
}

const isSilent = ({ from, value }: Firing, near: Shown): boolean =>
  value.outcome === "skipped" && near.at - from < silence
