import type {
  BelowMinimum,
  Conflict,
  CredentialsMissing,
  CredentialsRejected,
  CredentialUnreadable,
  DatabaseUnavailable,
  ExchangeRateLimited,
  ExchangeUnavailable,
  IdempotencyInProgress,
  IdempotencyKeyReused,
  InsufficientBalance,
  NotFound,
  NotOwner,
  OrderRejected,
  PriceOutOfBand,
  StaleMarketData,
  SymbolNotTradable,
  ValidationFailed
} from "../api/Errors.ts"

/** No order exists: it was refused by us before its intent, or definitely refused by the venue. */
export type OrderRefused =
  SymbolNotTradable | BelowMinimum | PriceOutOfBand | InsufficientBalance | OrderRejected | StaleMarketData

/** The user's exchange key cannot be used. */
export type KeyUnusable = CredentialsMissing | CredentialsRejected | CredentialUnreadable

/** Nothing was sent; the same request may be repeated later. */
export type NotNow = ExchangeUnavailable | ExchangeRateLimited | DatabaseUnavailable | NotOwner

/** Why an order could not be placed; always means that no order exists. */
export type OrderError = ValidationFailed | OrderRefused | KeyUnusable | NotNow

export type PlaceError = OrderError | IdempotencyInProgress | IdempotencyKeyReused

export type CancelError = NotFound | Conflict | KeyUnusable | NotNow | OrderRejected
