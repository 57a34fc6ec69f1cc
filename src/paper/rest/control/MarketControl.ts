import { Effect, Option, Schema } from "effect"
import { NonNegativeDecimal, PositiveDecimal, zero } from "../../../domain/Decimal.ts"
import { MarketClock } from "../../../MarketClock.ts"
import { Driver } from "../../Driver.ts"
import { type Pair, PairChange } from "../../engine/Pair.ts"
import { Exchange } from "../../Exchange.ts"
import { pairSettings } from "../../faults/pairSettings.ts"
import { PaperClock } from "../../PaperClock.ts"
import * as Refusals from "../../Refusals.ts"
import { local, type Routes } from "../Route.ts"
import { controlBody } from "./ControlBody.ts"
import { makePricePath } from "./PricePath.ts"

const PriceStepBody = Schema.Struct({
  symbol: Schema.String,
  price: PositiveDecimal,
  quantity: Schema.optionalWith(NonNegativeDecimal, { default: () => zero }),
  takerSide: Schema.optionalWith(Schema.Literal("buy", "sell"), { default: () => "buy" as const })
})
const farthest = 366 * 86_400_000
const PricesBody = Schema.Struct({
  /** In milliseconds of market time from now. */
  path: Schema.Array(
    Schema.Struct({ ...PriceStepBody.fields, afterMs: Schema.Int.pipe(Schema.between(0, farthest)) })
  ).pipe(Schema.minItems(1), Schema.maxItems(5_000))
})
const AdvanceBody = Schema.Struct({ ms: Schema.Int.pipe(Schema.nonNegative()) })
const PairBody = Schema.Struct({ symbol: Schema.String, ...PairChange.fields })

/** Prices, time and what may be traded. */
export const marketControl = Effect.gen(function* () {
  const exchange = yield* Exchange
  const marketClock = yield* MarketClock
  const clock = yield* PaperClock
  const driver = yield* Driver
  const pricePath = yield* makePricePath

  /** Prices of a mirror are its venue's. */
  const movable = Effect.flatMap(exchange.upstream, (upstream) =>
    Option.isSome(upstream) ? Refusals.inputWrong("the prices of a mirror come from its venue") : Effect.void
  )
  const listed = (symbol: string) => Effect.zipRight(movable, exchange.book(symbol, 1))

  const routes: Routes = {
    "POST /paper/v1/price": local((request) =>
      Effect.gen(function* () {
        const step = yield* controlBody(PriceStepBody, request)
        yield* listed(step.symbol)
        yield* exchange.applySteps([{ ...step, at: yield* marketClock.now }])
        return { marketNow: yield* marketClock.now }
      })
    ),
    "POST /paper/v1/prices": local((request) =>
      Effect.gen(function* () {
        const { path } = yield* controlBody(PricesBody, request)
        for (const { symbol } of path) yield* listed(symbol)
        const now = yield* marketClock.now
        const steps = path.map(({ afterMs, ...step }) => ({ ...step, at: now + afterMs }))
        yield* pricePath.follow(steps.toSorted((a, b) => a.at - b.at))
        return { marketNow: now, steps: steps.length, endsAt: Math.max(...steps.map(({ at }) => at)) }
      })
    ),
    "POST /paper/v1/advance": local((request) =>
      Effect.gen(function* () {
        const { ms } = yield* controlBody(AdvanceBody, request)
        if (clock.advance === null) return yield* Refusals.inputWrong("market time runs by itself: start with speed 0")
        const marketNow = yield* clock.advance(ms)
        yield* driver.caughtUp
        yield* pricePath.caughtUp
        yield* exchange.noteTime(marketNow)
        return { marketNow }
      })
    ),
    "GET /paper/v1/mirror": local(() =>
      Effect.flatMap(
        exchange.upstream,
        Option.match({ onNone: () => Refusals.inputWrong("this exchange mirrors no venue"), onSome: Effect.succeed })
      )
    ),
    "GET /paper/v1/pairs": local(() => Effect.map(exchange.pairs, (pairs) => ({ pairs: pairs.map(pairText) }))),
    "POST /paper/v1/pairs": local((request) =>
      Effect.gen(function* () {
        const { symbol, ...change } = yield* controlBody(PairBody, request)
        return pairText(yield* exchange.changePair(symbol, change))
      })
    )
  }
  return routes
})

const encodePair = Schema.encodeSync(PairBody)

const pairText = (pair: Pair) => encodePair({ symbol: pair.listing.symbol, ...pairSettings(pair) })
