import { Clock, Effect } from "effect"
import { getWallet } from "../../api/Account.ts"
import type { UserId } from "../../domain/Ids.ts"
import type { Instant } from "../../domain/Time.ts"
import { Wallets } from "../../portfolio/Wallets.ts"
import { Events } from "../../store/Events.ts"
import { encoder, type Prepared, type Ready } from "./HotRoute.ts"

/** Prices in it, and what another process changed, are at most this old. */
const keptForMs = 1_000

/** The one asked for longest ago leaves first. */
const usersKept = 1_000

interface Shown {
  readonly ready: Ready
  readonly changes: number
  readonly appended: number
  readonly until: number
}

/**
 * A wallet is a question to the database and to the prices; who looks at it every moment is shown the last one for a second.
 * Whatever this process changes in it ends that at once: balances are counted, and every change of an order, which may
 * reserve something, appends an event.
 */
export const makeOwnWallet = Effect.gen(function* () {
  const wallets = yield* Wallets
  const events = yield* Events
  const changes = yield* wallets.changes
  const appendedHere = yield* events.appendedHere
  const encode = encoder(getWallet)
  const shown = new Map<UserId, Shown>()

  const marks = (userId: UserId) => ({ changes: changes(userId), appended: appendedHere(userId) })

  const keep = (userId: UserId, next: Shown) => {
    shown.delete(userId)
    const oldest = shown.size < usersKept ? undefined : shown.keys().next().value
    if (oldest !== undefined) shown.delete(oldest)
    shown.set(userId, next)
  }

  const read = Effect.fnUntraced(function* (userId: UserId) {
    // Both before the wallet: it shows at least as much as they say.
    const { appended, changes } = marks(userId)
    const eventSeq = yield* events.seq(userId)
    const ready = { ...encode(yield* wallets.get(userId)), eventSeq }
    keep(userId, { ready, changes, appended, until: (yield* Clock.currentTimeMillis) + keptForMs })
    return ready
  })

  const peek = (userId: UserId, now: Instant) => {
    const last = shown.get(userId)
    const { appended, changes } = marks(userId)
    const isCurrent = last !== undefined && now < last.until && last.changes === changes && last.appended === appended
    return isCurrent ? last.ready : null
  }

  const prepared: Prepared = {
    peek: (caller, now) => (caller === null ? null : peek(caller, now)),
    read: (caller) => (caller === null ? Effect.dieMessage("a wallet is always somebody's") : read(caller))
  }
  return prepared
})
