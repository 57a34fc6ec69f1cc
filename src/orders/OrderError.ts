import type {
  BelowMinimum,
  BudgetExceeded,
  Conflict,
  CredentialsMissing,
  CredentialsRejected,
  CredentialTooPowerful,
  CredentialUnreadable,
  DatabaseUnavailable,
  ExchangeRateLimited,
  ExchangeUnavailable,
  IdempotencyInProgress,
  IdempotencyKeyReused,
  InsufficientBalance,
  NotFound,
  NotOwner,
  NotReady,
  OrderRejected,
  PriceOutOfBand,
  StaleMarketData,
  SymbolNotFound,
  SymbolNotTradable,
  TradingHalted,
  ValidationFailed
} from "../api/Errors.ts"

/** No order exists: it was refused by us before its intent, or definitely refused by the venue. */
export type OrderRefused =
  SymbolNotTradable | BelowMinimum | PriceOutOfBand | InsufficientBalance | OrderRejected | StaleMarketData

/** The user's exchange key cannot be used. */
export type KeyUnusable = CredentialsMissing | CredentialsRejected | CredentialUnreadable

/** Nothing was sent; the same request may be repeated later. */
export type NotNow = ExchangeUnavailable | ExchangeRateLimited | DatabaseUnavailable | NotOwner

/** Why an order could not even be rehearsed. */
export type PreviewError = ValidationFailed | OrderRefused | KeyUnusable | NotNow

/** Why an order could not be placed; always means that no order exists. `CONFLICT`: it was cancelled before it was sent. */
export type OrderError = PreviewError | TradingHalted | CredentialTooPowerful | BudgetExceeded | Conflict | NotReady

export type PlaceError = OrderError | IdempotencyInProgress | IdempotencyKeyReused

/** Why a book could not be sold. */
export type CloseError = PlaceError | SymbolNotFound

export type CancelError = NotFound | Conflict | KeyUnusable | NotNow | OrderRejected
