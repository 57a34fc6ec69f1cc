import { Clock, Effect, Option, ParseResult, Schema } from "effect"
import { NonNegativeDecimal, PositiveDecimal, zero } from "../../domain/Decimal.ts"
import { MarketClock } from "../../MarketClock.ts"
import { Driver } from "../Driver.ts"
import { Exchange } from "../Exchange.ts"
import { PaperClock } from "../PaperClock.ts"
import * as Refusals from "../Refusals.ts"
import type { ApiRequest } from "./ApiRequest.ts"
import { Fault } from "../faults/Fault.ts"
import { Faults } from "../faults/Faults.ts"
import type { Meter } from "./Meter.ts"
import { local, open, type Routes } from "./Route.ts"

const AccountBody = Schema.Struct({
  accessKey: Schema.String.pipe(Schema.pattern(/^[A-Za-z0-9_-]{1,128}$/)),
  secretKey: Schema.Redacted(Schema.NonEmptyString),
  balances: Schema.optionalWith(Schema.Record({ key: Schema.NonEmptyString, value: NonNegativeDecimal }), {
    default: () => ({})
  }),
  permissions: Schema.optional(
    Schema.Array(Schema.Literal("SPOT_ACCOUNT_READ", "SPOT_DEAL_READ", "SPOT_DEAL_WRITE", "SPOT_WITHDRAW_WRITE"))
  )
})
const TransferBody = Schema.Struct({ accessKey: Schema.String, asset: Schema.NonEmptyString, amount: PositiveDecimal })
const PriceBody = Schema.Struct({
  symbol: Schema.String,
  price: PositiveDecimal,
  quantity: Schema.optionalWith(NonNegativeDecimal, { default: () => zero }),
  takerSide: Schema.optionalWith(Schema.Literal("buy", "sell"), { default: () => "buy" as const })
})
const AdvanceBody = Schema.Struct({ ms: Schema.Int.pipe(Schema.nonNegative()) })
const FaultsBody = Schema.Struct({ faults: Schema.Array(Fault) })

/** `/paper/v1`: what the operator of an exchange does and a venue has no API for. The clock may be read by anybody. */
export const controlRoutes = Effect.fnUntraced(function* (meter: Meter, control: boolean) {
  const faults = yield* Faults
  const exchange = yield* Exchange
  const marketClock = yield* MarketClock
  const clock = yield* PaperClock
  const driver = yield* Driver

  const accountOf = (accessKey: string) =>
    Effect.flatMap(
      exchange.accountByKey(accessKey),
      Option.match({ onNone: () => Effect.fail(Refusals.unknownKey()), onSome: Effect.succeed })
    )
  const balancesOf = (accountId: string) =>
    Effect.map(exchange.balances(accountId), (balances) => ({
      accountId,
      balances: balances.map((balance) => encodeBalance(balance))
    }))
  const moved = (
    request: ApiRequest,
    move: (accountId: string, body: typeof TransferBody.Type) => Effect.Effect<unknown, Refusals.Refusal>
  ) =>
    Effect.gen(function* () {
      const body = yield* decode(TransferBody, request)
      const account = yield* accountOf(body.accessKey)
      yield* move(account.id, body)
      return yield* balancesOf(account.id)
    })

  const described = Effect.sync(() => ({ faults: faults.describe() }))
  const always: Routes = { "GET /paper/v1/clock": open(0, () => clock.describe) }
  const controlled: Routes = {
    "POST /paper/v1/accounts": local((request) =>
      Effect.gen(function* () {
        const { permissions, ...wanted } = yield* decode(AccountBody, request)
        const account = yield* exchange.openAccount(permissions === undefined ? wanted : { ...wanted, permissions })
        return yield* balancesOf(account.id)
      })
    ),
    "POST /paper/v1/deposit": local((request) =>
      moved(request, (accountId, { amount, asset }) => exchange.deposit(accountId, { asset, amount }))
    ),
    "POST /paper/v1/withdraw": local((request) =>
      moved(request, (accountId, { amount, asset }) => exchange.withdraw(accountId, { asset, amount }))
    ),
    "POST /paper/v1/price": local((request) =>
      Effect.gen(function* () {
        const step = yield* decode(PriceBody, request)
        yield* exchange.book(step.symbol, 1)
        yield* exchange.applySteps([{ ...step, at: yield* marketClock.now }])
        return { marketNow: yield* marketClock.now }
      })
    ),
    "POST /paper/v1/advance": local((request) =>
      Effect.gen(function* () {
        const { ms } = yield* decode(AdvanceBody, request)
        if (clock.advance === null) return yield* Refusals.inputWrong("market time runs by itself: start with speed 0")
        const marketNow = yield* clock.advance(ms)
        yield* driver.caughtUp
        return { marketNow }
      })
    ),
    "GET /paper/v1/journal": local(() => Effect.map(exchange.journal, (text) => new JsonLines(withoutSecrets(text)))),
    "GET /paper/v1/counters": local(() => Effect.sync(() => meter.counters())),
    "GET /paper/v1/faults": local(() => described),
    "POST /paper/v1/faults": local((request) =>
      Effect.flatMap(decode(FaultsBody, request), (body) => {
        return Effect.flatMap(Clock.currentTimeMillis, (now) => {
          faults.plan(body.faults, now)
          return described
        })
      })
    ),
    "DELETE /paper/v1/faults": local(() => {
      faults.clear()
      return described
    })
  }
  return control ? { ...always, ...controlled } : always
})

/** An answer that is JSON lines instead of one JSON value. */
export class JsonLines {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** The file needs the accounts' secrets to rebuild them; who reads the journal over HTTP does not. */
const withoutSecrets = (journal: string): string =>
  journal.replace(/"secretKey":"(?:[^"\\]|\\.)*"/g, '"secretKey":"<redacted>"')

const BalanceText = Schema.Struct({ asset: Schema.String, free: NonNegativeDecimal, locked: NonNegativeDecimal })
const encodeBalance = Schema.encodeSync(BalanceText)

const decode = <A, I>(schema: Schema.Schema<A, I>, request: ApiRequest) =>
  Effect.mapError(Schema.decode(Schema.parseJson(schema))(request.body), (error) =>
    Refusals.inputWrong(ParseResult.TreeFormatter.formatErrorSync(error))
  )
