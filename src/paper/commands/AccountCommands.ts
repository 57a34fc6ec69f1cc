import { randomBytes } from "node:crypto"
import { Clock, Effect, Either, Option, Redacted } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import type { Engine } from "../engine/Engine.ts"
import type { AccountState } from "../engine/ledger/Account.ts"
import { ListenKeys } from "../engine/ListenKeys.ts"
import * as Refusals from "../Refusals.ts"
import { Permission, type AccountRequest, type PaperAccount } from "../Requests.ts"
import type { VenueRejection } from "../VenueRejection.ts"
import type { Commanding } from "./Commanding.ts"

/** Everything but withdrawing, which a key for trading should not be able to do. */
const defaultPermissions = Permission.literals.filter((each) => each !== "SPOT_WITHDRAW_WRITE")

/** Accounts by key, their fees, and the keys of their private streams. */
export const accountCommands = ({ attempt, engine, read }: Commanding) => {
  const { ledger } = engine
  const listenKeys = new ListenKeys()
  const atWallTime = <A>(command: (now: number) => A) => Effect.map(Clock.currentTimeMillis, command)
  return {
    openAccount: (request: AccountRequest) => attempt((at) => openOrFind(engine, request, at)),
    accountByKey: (accessKey: string) =>
      Effect.sync(() => Option.map(Option.fromNullable(ledger.byAccessKey.get(accessKey)), publicView)),
    accounts: Effect.sync(() => [...ledger.accounts.values()].map(publicView)),
    accountById: (accountId: string) =>
      Effect.sync(() => Option.map(Option.fromNullable(ledger.accounts.get(accountId)), publicView)),
    feeRates: (accountId: string, symbol: string) =>
      Effect.flatten(
        read(() =>
          Either.map(engine.market(symbol), (market) => engine.feeTerms(market, ledger.account(accountId)).rates)
        )
      ),
    createListenKey: (accountId: string) =>
      Effect.flatten(atWallTime((now) => listenKeys.create(accountId, randomBytes(32).toString("hex"), now))),
    listenKeys: (accountId: string) => atWallTime((now) => listenKeys.of(accountId, now)),
    extendListenKey: (accountId: string, key: string) =>
      Effect.flatten(atWallTime((now) => listenKeys.extend(accountId, key, now))),
    removeListenKey: (accountId: string, key: string) => Effect.suspend(() => listenKeys.remove(accountId, key)),
    accountOfListenKey: (key: string) => atWallTime((now) => Option.fromNullable(listenKeys.accountOf(key, now)))
  }
}

const openOrFind = (
  engine: Engine,
  request: AccountRequest,
  at: number
): Either.Either<PaperAccount, VenueRejection> => {
  const { ledger } = engine
  const { accessKey, balances, feeRates, ips, permissions = defaultPermissions, secretKey } = request
  const known = ledger.byAccessKey.get(accessKey)
  if (known !== undefined) {
    const same = Redacted.value(known.secretKey) === Redacted.value(secretKey)
    return same ? Either.right(publicView(known)) : Either.left(Refusals.keyInUse())
  }
  const accountId = String(10_000_001 + ledger.accounts.size)
  const rates = feeRates === undefined ? {} : { feeRates }
  const addresses = ips === undefined ? {} : { ips }
  engine.record({ _tag: "accountOpened", at, accountId, accessKey, secretKey, permissions, ...rates, ...addresses })
  for (const [asset, amount] of Object.entries(balances)) {
    if (Decimal.isPositive(amount)) engine.record({ _tag: "deposited", at, accountId, asset, amount })
  }
  return Either.right(publicView(ledger.account(accountId)))
}

const publicView = ({ accessKey, id, ips, permissions, secretKey }: AccountState): PaperAccount => ({
  id,
  accessKey,
  secretKey,
  permissions,
  ips
})
