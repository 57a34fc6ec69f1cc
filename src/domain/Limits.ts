import { Schema } from "effect"
import { Decimal, greaterThan, NonNegativeDecimal, one } from "./Decimal.ts"

/** Limits are amounts of it; what is bought with another asset counts at its worth when the order was made. */
export const limitAsset = "USDT"

const absent = <A, I>(schema: Schema.Schema<A, I>) =>
  Schema.optionalWith(Schema.NullOr(schema), { default: () => null, exact: true })

/** What may be bought in a calendar day, week (from Monday) and month in UTC, fees included; null is no limit. */
const spending = {
  perDay: absent(NonNegativeDecimal),
  perWeek: absent(NonNegativeDecimal),
  perMonth: absent(NonNegativeDecimal)
}

export const SpendingLimits = Schema.Struct(spending)
export interface SpendingLimits extends Schema.Schema.Type<typeof SpendingLimits> {}

export const UserLimits = Schema.Struct({
  ...spending,
  maxOpenOrders: absent(Schema.Int.pipe(Schema.between(0, 100_000)))
}).annotations({ identifier: "UserLimits" })
export interface UserLimits extends Schema.Schema.Type<typeof UserLimits> {}

export const Share = NonNegativeDecimal.pipe(
  Schema.filter((share) => !greaterThan(share, one), { message: () => `expected a share from "0" to "1"` })
)

/** `maxShare` of everything the user owns, such as "0.25"; `maxPositionQuote` at cost. */
export const AssetLimit = Schema.Struct({
  asset: Schema.String.pipe(Schema.pattern(/^[A-Z0-9]{1,20}$/)).annotations({
    message: () => `expected the name of an asset such as "BTC"`,
    jsonSchema: { type: "string", examples: ["BTC"] }
  }),
  maxShare: absent(Share),
  maxPositionQuote: absent(NonNegativeDecimal)
}).annotations({ identifier: "AssetLimit" })
export interface AssetLimit extends Schema.Schema.Type<typeof AssetLimit> {}

/** What may be bought by orders that one API key places. */
export const KeyLimit = Schema.Struct({
  id: Schema.NonEmptyTrimmedString.pipe(Schema.maxLength(64)),
  ...spending
}).annotations({ identifier: "KeyLimit" })
export interface KeyLimit extends Schema.Schema.Type<typeof KeyLimit> {}

/** None unless given, each named once. */
const listOf = <A, I>(item: Schema.Schema<A, I>, what: string, nameOf: (item: A) => string) =>
  Schema.optionalWith(
    Schema.Array(item).pipe(
      Schema.maxItems(200),
      Schema.filter((items) => new Set(items.map(nameOf)).size === items.length, {
        message: () => `each ${what} may be named only once`
      })
    ),
    { default: () => [], exact: true }
  )

/** The budget firewall of one user: the whole of it is replaced at once. */
export const Limits = Schema.Struct({
  user: Schema.optionalWith(UserLimits, { default: () => noLimits, exact: true }),
  assets: listOf(AssetLimit, "asset", ({ asset }) => asset),
  keys: listOf(KeyLimit, "key", ({ id }) => id)
}).annotations({ identifier: "TradingLimits" })
export interface Limits extends Schema.Schema.Type<typeof Limits> {}

const noLimits: UserLimits = { perDay: null, perWeek: null, perMonth: null, maxOpenOrders: null }

export const unlimited: Limits = { user: noLimits, assets: [], keys: [] }

type Caps = Readonly<Record<string, Decimal | number | null>>

const isMore = (before: Decimal | number | null | undefined, after: Decimal | number | null | undefined): boolean => {
  if (before === null || before === undefined) return false
  if (after === null || after === undefined) return true
  return typeof before === "number" || typeof after === "number"
    ? Number(after) > Number(before)
    : greaterThan(after, before)
}

const anyMore = (before: Caps, after: Caps): boolean =>
  Object.keys(before).some((name) => isMore(before[name], after[name]))

const capsOf = ({ maxOpenOrders, perDay, perMonth, perWeek }: UserLimits): Caps => ({
  maxOpenOrders,
  perDay,
  perMonth,
  perWeek
})
const capsOfKey = (limit: KeyLimit | undefined): Caps =>
  limit === undefined ? {} : { perDay: limit.perDay, perWeek: limit.perWeek, perMonth: limit.perMonth }
const capsOfAsset = (limit: AssetLimit | undefined): Caps =>
  limit === undefined ? {} : { maxShare: limit.maxShare, maxPositionQuote: limit.maxPositionQuote }

/** Whether anything is allowed afterwards that was not before. */
export const loosens = (before: Limits, after: Limits): boolean =>
  anyMore(capsOf(before.user), capsOf(after.user)) ||
  before.keys.some((limit) => anyMore(capsOfKey(limit), capsOfKey(after.keys.find(({ id }) => id === limit.id)))) ||
  before.assets.some((limit) =>
    anyMore(capsOfAsset(limit), capsOfAsset(after.assets.find(({ asset }) => asset === limit.asset)))
  )

/** What of the user's limits is taken now: bought, and held for orders under way. */
export const LimitsUsed = Schema.Struct({
  day: Decimal,
  week: Decimal,
  month: Decimal,
  openOrders: Schema.Int
}).annotations({ identifier: "LimitsUsed" })
export interface LimitsUsed extends Schema.Schema.Type<typeof LimitsUsed> {}

export const LimitsInForce = Schema.Struct({
  ...Limits.fields,
  quoteAsset: Schema.String,
  used: LimitsUsed
}).annotations({ identifier: "LimitsInForce" })
export interface LimitsInForce extends Schema.Schema.Type<typeof LimitsInForce> {}
