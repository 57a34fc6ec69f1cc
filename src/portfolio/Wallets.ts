import { Context, type Effect } from "effect"
import type {
  CredentialsMissing,
  CredentialsRejected,
  CredentialUnreadable,
  DatabaseUnavailable,
  ExchangeRateLimited,
  ExchangeUnavailable
} from "../api/Errors.ts"
import type { Decimal } from "../domain/Decimal.ts"
import type { UserId } from "../domain/Ids.ts"
import type { VenueBalance } from "../domain/Order.ts"
import type { Instant } from "../domain/Time.ts"
import type { Wallet } from "../domain/Wallet.ts"

export type WalletError =
  | CredentialsMissing
  | CredentialsRejected
  | CredentialUnreadable
  | DatabaseUnavailable
  | ExchangeRateLimited
  | ExchangeUnavailable

/** What a user has on the venue, kept by the private stream and re-read when that is silent. */
export class Wallets extends Context.Tag("dipper/portfolio/Wallets")<
  Wallets,
  {
    /** Kept balances; asks the venue when none are kept yet. */
    readonly get: (userId: UserId) => Effect.Effect<Wallet, WalletError>
    /** Asks the venue now. */
    readonly refresh: (userId: UserId) => Effect.Effect<Wallet, WalletError>
    /** Available (free less reserved) of one asset. */
    readonly freeOf: (userId: UserId, asset: string) => Effect.Effect<Decimal, WalletError>
    /** Joins one pushed balance; an older one than the kept changes nothing. */
    readonly record: (userId: UserId, balance: VenueBalance, at: Instant) => Effect.Effect<void, DatabaseUnavailable>
    /** The private stream is up or down: balances are stale while it is down. */
    readonly setLive: (userId: UserId, live: boolean) => Effect.Effect<void>
  }
>() {}
