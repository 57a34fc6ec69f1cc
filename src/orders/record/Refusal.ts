import { Schema } from "effect"
import {
  BelowMinimum,
  Conflict,
  CredentialsRejected,
  CredentialTooPowerful,
  ExchangeRateLimited,
  ExchangeUnavailable,
  InsufficientBalance,
  NotOwner,
  OrderRejected,
  PriceOutOfBand,
  StaleMarketData,
  SymbolNotTradable,
  TradingHalted,
  VenueAnswer
} from "../../api/Errors.ts"
import type { RiskCode } from "../../domain/order/PlaceOrder.ts"
import type { RiskProblem, RiskRefused } from "../../domain/order/risk.ts"
import { reason, type Reason, type ReasonCode } from "../../domain/Reason.ts"
import type { BudgetUnavailable, VenueRateLimited, VenueRefused, VenueUnavailable } from "../../mexc/VenueFailure.ts"

const codes = {
  ORDER_REJECTED: { error: OrderRejected, reason: "VENUE_REFUSED" },
  INSUFFICIENT_BALANCE: { error: InsufficientBalance, reason: "INSUFFICIENT_FUNDS" },
  SYMBOL_NOT_TRADABLE: { error: SymbolNotTradable, reason: "NOT_TRADABLE" },
  BELOW_MINIMUM: { error: BelowMinimum, reason: "BELOW_MIN_NOTIONAL" },
  PRICE_OUT_OF_BAND: { error: PriceOutOfBand, reason: "PRICE_OUT_OF_BAND" },
  CREDENTIALS_REJECTED: { error: CredentialsRejected, reason: "CREDENTIALS_REJECTED" },
  EXCHANGE_UNAVAILABLE: { error: ExchangeUnavailable, reason: "NOT_PLACED" },
  EXCHANGE_RATE_LIMITED: { error: ExchangeRateLimited, reason: "NOT_PLACED" },
  CONFLICT: { error: Conflict, reason: "CANCELLED" },
  NOT_OWNER: { error: NotOwner, reason: "NOT_PLACED" },
  TRADING_HALTED: { error: TradingHalted, reason: "HALTED" },
  KEY_FROZEN: { error: TradingHalted, reason: "KEY_FROZEN" },
  CREDENTIAL_TOO_POWERFUL: { error: CredentialTooPowerful, reason: "KEY_FROZEN" }
} as const satisfies Record<string, { readonly error: unknown; readonly reason: ReasonCode }>

export const RefusalCode = Schema.Literal(
  "ORDER_REJECTED",
  "INSUFFICIENT_BALANCE",
  "SYMBOL_NOT_TRADABLE",
  "BELOW_MINIMUM",
  "PRICE_OUT_OF_BAND",
  "CREDENTIALS_REJECTED",
  "EXCHANGE_UNAVAILABLE",
  "EXCHANGE_RATE_LIMITED",
  "CONFLICT",
  "NOT_OWNER",
  "TRADING_HALTED",
  "KEY_FROZEN",
  "CREDENTIAL_TOO_POWERFUL"
)
export type RefusalCode = typeof RefusalCode.Type

/** Why an intent ended without an order: kept with it, so that a repeated request gets the same answer. */
export const Refusal = Schema.Struct({
  code: RefusalCode,
  message: Schema.String,
  venue: Schema.NullOr(VenueAnswer),
  retryAfterSeconds: Schema.NullOr(Schema.Int)
})
export interface Refusal extends Schema.Schema.Type<typeof Refusal> {}

/** Nothing was wrong with the order, it only never reached the venue: the same key may try again. */
export const mayRepeat = ({ code }: Refusal): boolean => repeatable.has(code)

const repeatable = new Set<RefusalCode>([
  "EXCHANGE_UNAVAILABLE",
  "EXCHANGE_RATE_LIMITED",
  "NOT_OWNER",
  "TRADING_HALTED",
  "KEY_FROZEN",
  "CREDENTIAL_TOO_POWERFUL"
])

export const reasonOf = ({ code, message, venue }: Refusal): Reason =>
  reason(codes[code].reason, venue === null ? {} : { venueCode: String(venue.code) }, message)

export type RefusalError = InstanceType<(typeof codes)[RefusalCode]["error"]>

export const errorOf = (refusal: Refusal): RefusalError =>
  new codes[refusal.code].error({
    message: refusal.message,
    ...(refusal.venue === null ? {} : { venue: refusal.venue }),
    ...(mayRepeat(refusal) ? { retryable: true } : {}),
    ...(refusal.retryAfterSeconds === null ? {} : { retryAfterSeconds: refusal.retryAfterSeconds }),
    reason: reasonOf(refusal)
  })

// "Symbol not support api", suspended, trading disabled.
const untradable = new Set([10007, 30000, 30016])
const underfunded = new Set([10101, 30004, 30005])

// Unknown or ended; its address is not on its list; it lacks the permission.
const keyRefused = new Set([10072, 700002, 700006, 700007])

const codeOf = (failure: VenueRefused): RefusalCode => {
  const { code, kind } = failure
  if (kind === "auth") return "CREDENTIALS_REJECTED"
  if (code === undefined) return "ORDER_REJECTED"
  if (code === 30002) return "BELOW_MINIMUM"
  if (code === 30087) return "PRICE_OUT_OF_BAND"
  if (underfunded.has(code)) return "INSUFFICIENT_BALANCE"
  if (keyRefused.has(code)) return "CREDENTIALS_REJECTED"
  return untradable.has(code) ? "SYMBOL_NOT_TRADABLE" : "ORDER_REJECTED"
}

const sentenceOf = (code: RefusalCode, told: string): string => {
  switch (code) {
    case "CREDENTIALS_REJECTED":
      return `The venue refused the stored exchange key; no order exists: ${told}`
    case "SYMBOL_NOT_TRADABLE":
      return "The venue does not accept this order for the symbol now; no order exists."
    default:
      return `The venue refused the order: ${told}`
  }
}

/** A definite no of the venue, or a request that provably never reached it. */
export const refusalOf = (failure: VenueRefused | VenueRateLimited | VenueUnavailable | BudgetUnavailable): Refusal => {
  switch (failure._tag) {
    case "VenueRefused": {
      const code = codeOf(failure)
      return {
        code,
        message: sentenceOf(code, failure.message),
        venue: failure.code === undefined ? null : { code: failure.code, message: failure.message },
        retryAfterSeconds: null
      }
    }
    case "VenueUnavailable":
      return notPlaced("EXCHANGE_UNAVAILABLE", "The venue could not be reached; no order exists.", 5_000)
    case "VenueRateLimited":
      return notPlaced("EXCHANGE_RATE_LIMITED", "The venue asked for a pause; no order exists.", failure.retryAfterMs)
    case "BudgetUnavailable":
      return notPlaced(
        "EXCHANGE_RATE_LIMITED",
        "The venue's request budget was used up; no order exists.",
        failure.retryAfterMs
      )
  }
}

const ours = (code: RefusalCode, message: string): Refusal => ({
  code,
  message,
  venue: null,
  retryAfterSeconds: null
})

export const withdrawal = ours("CONFLICT", "The order was cancelled before it was sent; no order exists.")

export const notOurs = ours("NOT_OWNER", "Another instance owns trading on this database; no order exists.")

/** A halt, or a freeze of the key, that came while the order waited. */
export const stoppedBy = ({ _tag, message, reason: why }: TradingHalted | CredentialTooPowerful): Refusal =>
  ours(_tag === "TRADING_HALTED" && why?.code === "KEY_FROZEN" ? "KEY_FROZEN" : _tag, message)

export const notPlaced = (
  code: "EXCHANGE_UNAVAILABLE" | "EXCHANGE_RATE_LIMITED",
  message: string,
  retryAfterMs: number
): Refusal => ({ code, message, venue: null, retryAfterSeconds: Math.max(1, Math.ceil(retryAfterMs / 1_000)) })

const riskErrors = {
  SYMBOL_NOT_TRADABLE: SymbolNotTradable,
  BELOW_MINIMUM: BelowMinimum,
  ORDER_REJECTED: OrderRejected,
  PRICE_OUT_OF_BAND: PriceOutOfBand,
  INSUFFICIENT_BALANCE: InsufficientBalance,
  STALE_MARKET_DATA: StaleMarketData
} as const

const detailsOf = (problems: ReadonlyArray<RiskProblem>) =>
  problems.flatMap(({ message, path }) => (path === null ? [] : [{ path, message }]))

export type RiskError = InstanceType<(typeof riskErrors)[RiskCode]>

/** The first problem decides the code; all of them are told. */
export const riskError = ({ problems }: RiskRefused): RiskError => {
  const [first] = problems
  return new riskErrors[first.code]({ message: first.message, details: detailsOf(problems), reason: first.reason })
}
