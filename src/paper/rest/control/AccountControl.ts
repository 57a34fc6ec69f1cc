import { Effect, Option, Schema } from "effect"
import { NonNegativeDecimal, PositiveDecimal } from "../../../domain/Decimal.ts"
import { OrderType, Side } from "../../../domain/Market.ts"
import { Exchange } from "../../Exchange.ts"
import * as Refusals from "../../Refusals.ts"
import { Permission, type PaperAccount } from "../../Requests.ts"
import * as Payloads from "../Payloads.ts"
import { local, type Routes } from "../Route.ts"
import { controlBody } from "./ControlBody.ts"

const given = <A, I>(schema: Schema.Schema<A, I>) => Schema.optionalWith(schema, { exact: true })
const orNull = <A, I>(schema: Schema.Schema<A, I>) =>
  Schema.optionalWith(Schema.NullOr(schema), { default: () => null })

const addresses = Schema.Array(Schema.NonEmptyString).pipe(Schema.maxItems(10))

const AccountBody = Schema.Struct({
  accessKey: Schema.String.pipe(Schema.pattern(/^[A-Za-z0-9_-]{1,128}$/)),
  secretKey: Schema.Redacted(Schema.NonEmptyString),
  balances: Schema.optionalWith(Schema.Record({ key: Schema.NonEmptyString, value: NonNegativeDecimal }), {
    default: () => ({})
  }),
  permissions: given(Schema.Array(Permission)),
  feeRates: given(Schema.Struct({ maker: NonNegativeDecimal, taker: NonNegativeDecimal })),
  ips: given(addresses)
})
const KeyBody = Schema.Struct({
  accessKey: Schema.String.pipe(Schema.pattern(/^[A-Za-z0-9_-]{1,128}$/)),
  permissions: given(Schema.Array(Permission)),
  ips: given(Schema.NullOr(addresses)),
  deleted: given(Schema.Boolean),
  added: given(Schema.Struct({ of: Schema.String, secretKey: Schema.Redacted(Schema.NonEmptyString) }))
})
const moved = { accessKey: Schema.String, asset: Schema.NonEmptyString, amount: PositiveDecimal }
const DepositBody = Schema.Struct({
  ...moved,
  network: given(Schema.String),
  address: given(Schema.String),
  txId: given(Schema.String)
})
const WithdrawBody = Schema.Struct({
  ...moved,
  fee: given(NonNegativeDecimal),
  network: given(Schema.String),
  address: given(Schema.String),
  memo: given(Schema.String),
  withdrawOrderId: given(Schema.String),
  remark: given(Schema.String)
})
const OrderBody = Schema.Struct({
  accessKey: Schema.String,
  symbol: Schema.String,
  side: Side,
  type: OrderType,
  quantity: orNull(PositiveDecimal),
  quoteAmount: orNull(PositiveDecimal),
  price: orNull(PositiveDecimal),
  clientOrderId: orNull(Schema.String)
})

/** Accounts, money that comes and goes, and orders placed as if on the venue's web site. */
export const accountControl = Effect.gen(function* () {
  const exchange = yield* Exchange

  const accountOf = (accessKey: string) =>
    Effect.flatMap(
      exchange.accountByKey(accessKey),
      Option.match({ onNone: () => Effect.fail(Refusals.unknownKey()), onSome: Effect.succeed })
    )
  const shown = ({ accessKey, id, permissions }: PaperAccount) =>
    Effect.map(exchange.balances(id), (balances) => ({
      accountId: id,
      accessKey,
      permissions: [...permissions],
      balances: balances.map((balance) => encodeBalance(balance))
    }))

  const routes: Routes = {
    "GET /paper/v1/accounts": local(() =>
      Effect.flatMap(exchange.accounts, (accounts) =>
        Effect.map(Effect.forEach(accounts, shown), (all) => ({ accounts: all }))
      )
    ),
    "POST /paper/v1/accounts": local((request) =>
      Effect.flatMap(Effect.flatMap(controlBody(AccountBody, request), exchange.openAccount), shown)
    ),
    "POST /paper/v1/keys": local((request) =>
      Effect.flatMap(Effect.flatMap(controlBody(KeyBody, request), exchange.changeKey), shown)
    ),
    "POST /paper/v1/deposit": local((request) =>
      Effect.gen(function* () {
        const { accessKey, ...deposit } = yield* controlBody(DepositBody, request)
        const account = yield* accountOf(accessKey)
        yield* exchange.deposit(account.id, deposit)
        return yield* shown(account)
      })
    ),
    "POST /paper/v1/withdraw": local((request) =>
      Effect.gen(function* () {
        const { accessKey, ...withdrawal } = yield* controlBody(WithdrawBody, request)
        const account = yield* accountOf(accessKey)
        yield* exchange.withdraw(account.id, withdrawal)
        return yield* shown(account)
      })
    ),
    "POST /paper/v1/orders": local((request) =>
      Effect.gen(function* () {
        const { accessKey, quoteAmount, ...order } = yield* controlBody(OrderBody, request)
        const account = yield* accountOf(accessKey)
        return Payloads.order(yield* exchange.placeOrder(account.id, { ...order, quoteOrderQty: quoteAmount }))
      })
    )
  }
  return routes
})

const BalanceText = Schema.Struct({ asset: Schema.String, free: NonNegativeDecimal, locked: NonNegativeDecimal })
const encodeBalance = Schema.encodeSync(BalanceText)
