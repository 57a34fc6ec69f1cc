import { randomBytes } from "node:crypto"
import { Clock, Effect, Either, Option, Redacted } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import type { Engine } from "../engine/Engine.ts"
import type { AccountState, KeyState } from "../engine/ledger/Account.ts"
import type { KeyOfAccount } from "../engine/ledger/Ledger.ts"
import { ListenKeys } from "../engine/ListenKeys.ts"
import * as Refusals from "../Refusals.ts"
import { Permission, type AccountRequest, type KeyRequest, type PaperAccount } from "../Requests.ts"
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
    changeKey: (request: KeyRequest) => attempt((at) => addOrChange(engine, request, at)),
    accountByKey: (accessKey: string) =>
      Effect.sync(() =>
        Option.fromNullable(ledger.byAccessKey.get(accessKey)).pipe(
          Option.filter(({ key }) => !key.deleted),
          Option.map(publicView)
        )
      ),
    accounts: Effect.sync(() => [...ledger.accounts.values()].map(ofFirstKey)),
    accountById: (accountId: string) =>
      Effect.sync(() => Option.map(Option.fromNullable(ledger.accounts.get(accountId)), ofFirstKey)),
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
    const same = !known.key.deleted && Redacted.value(known.key.secretKey) === Redacted.value(secretKey)
    return same ? Either.right(publicView(known)) : Either.left(Refusals.keyInUse())
  }
  const accountId = String(10_000_001 + ledger.accounts.size)
  const rates = feeRates === undefined ? {} : { feeRates }
  const addresses = ips === undefined ? {} : { ips }
  engine.record({ _tag: "accountOpened", at, accountId, accessKey, secretKey, permissions, ...rates, ...addresses })
  for (const [asset, amount] of Object.entries(balances)) {
    if (Decimal.isPositive(amount)) engine.record({ _tag: "deposited", at, accountId, asset, amount })
  }
  return Either.right(ofFirstKey(ledger.account(accountId)))
}

const addOrChange = (
  engine: Engine,
  { accessKey, added, deleted, ips, permissions }: KeyRequest,
  at: number
): Either.Either<PaperAccount, VenueRejection> => {
  const { ledger } = engine
  const before = ledger.byAccessKey.get(accessKey)
  if (added === undefined) {
    if (before === undefined) return Either.left(Refusals.unknownKey())
    const { account, key } = before
    engine.record({
      _tag: "keyChanged",
      at,
      accountId: account.id,
      accessKey,
      permissions: permissions ?? [...key.permissions],
      ips: ips === undefined ? key.ips : ips,
      deleted: deleted ?? key.deleted
    })
    return Either.right(publicView(before))
  }
  if (before !== undefined) return Either.left(Refusals.keyInUse())
  const of = ledger.byAccessKey.get(added.of)
  if (of === undefined) return Either.left(Refusals.unknownKey())
  engine.record({
    _tag: "keyAdded",
    at,
    accountId: of.account.id,
    accessKey,
    secretKey: added.secretKey,
    permissions: permissions ?? defaultPermissions,
    ips: ips ?? null
  })
  const made = ledger.byAccessKey.get(accessKey)
  return made === undefined ? Either.left(Refusals.unknownKey()) : Either.right(publicView(made))
}

const ofFirstKey = (account: AccountState): PaperAccount => publicView({ account, key: account.key })

const publicView = ({ account: { id }, key }: KeyOfAccount): PaperAccount => {
  const { accessKey, ips, permissions, secretKey }: KeyState = key
  return { id, accessKey, secretKey, permissions, ips }
}
