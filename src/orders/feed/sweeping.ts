import { Clock, Duration, Effect, Schedule } from "effect"
import { CredentialVault } from "../../accounts/CredentialVault.ts"
import type { UserId } from "../../domain/Ids.ts"
import type { SymbolName } from "../../domain/Market.ts"
import { MexcClient } from "../../mexc/MexcClient.ts"
import { Wallets } from "../../portfolio/Wallets.ts"
import { Inquiry } from "../Inquiry.ts"
import { OrdersRepo } from "../OrdersRepo.ts"
import type { makeKeyTrouble } from "./keyTrouble.ts"
import { passingOver } from "./passingOver.ts"

/** A push that is lost leaves no trace, so everything is read again this often, by wall time. */
const balancesEvery = Duration.toMillis("30 seconds")
const fillsEvery = Duration.toMillis("60 seconds")
/** Orders made elsewhere; our own open ones the reconciler asks about more often. */
const ordersEvery = Duration.toMillis("60 seconds")

const looking = Schedule.spaced("1 second")
/** A third of what the venue allows an address, however many users there are: with many, each waits longer. */
const weightPerSecond = 10
const burst = 30

/** Fills are read again from a little before the last one known: they can arrive out of order. */
export const overlapMs = 600_000
const orphansAtOnce = 3

type Job =
  | { readonly type: "balances"; readonly every: number; readonly weight: number }
  | { readonly type: "orders"; readonly every: number; readonly weight: number }
  | { readonly type: "fills"; readonly symbol: SymbolName; readonly every: number; readonly weight: number }

const keyOf = (job: Job): string => (job.type === "fills" ? `fills ${job.symbol}` : job.type)

const jobsOf = (symbols: ReadonlyArray<SymbolName>): ReadonlyArray<Job> => [
  { type: "balances", every: balancesEvery, weight: 10 },
  { type: "orders", every: ordersEvery, weight: 3 + 2 * orphansAtOnce },
  ...symbols.map((symbol) => ({ type: "fills", symbol, every: fillsEvery, weight: 10 }) as const)
]

interface Swept {
  symbols: ReadonlyArray<SymbolName>
  readonly at: Map<string, number>
}

/** Reads accounts again whose streams seem well: balances, fills pair after pair, and orders made elsewhere. */
export const makeSweeping = Effect.fnUntraced(function* (
  live: Effect.Effect<ReadonlySet<UserId>>,
  { watched }: Effect.Effect.Success<typeof makeKeyTrouble>
) {
  const inquiry = yield* Inquiry
  const mexc = yield* MexcClient
  const repo = yield* OrdersRepo
  const vault = yield* CredentialVault
  const wallets = yield* Wallets
  const users = new Map<UserId, Swept>()
  let allowance = burst

  const run = Effect.fnUntraced(function* (userId: UserId, swept: Swept, job: Job) {
    const credentials = yield* vault.get(userId)
    switch (job.type) {
      case "balances":
        yield* watched(userId, wallets.reread(userId))
        swept.symbols = (yield* repo.lastFills(userId)).map(({ symbol }) => symbol)
        return
      case "orders":
        yield* inquiry.sweep(credentials)
        return yield* inquiry.nameOrphans(credentials, orphansAtOnce)
      case "fills": {
        const last = (yield* repo.lastFills(userId)).find(({ symbol }) => symbol === job.symbol)
        if (last === undefined) return
        const asked = Effect.flatMap(
          mexc.fills(credentials, { symbol: job.symbol, from: last.at - overlapMs }),
          (found) => inquiry.hearFills(userId, job.symbol, found.rows)
        )
        return yield* passingOver(job.symbol, asked)
      }
    }
  })

  /** Whoever has just gone live has just caught up. */
  const remember = (active: ReadonlySet<UserId>, now: number) => {
    for (const userId of users.keys()) if (!active.has(userId)) users.delete(userId)
    for (const userId of active)
      if (!users.has(userId))
        users.set(userId, {
          symbols: [],
          at: new Map([
            ["orders", now],
            ["balances", now]
          ])
        })
  }

  /** What is late by most, as a share of how often it should be. */
  const latest = (now: number) => {
    let found: { readonly userId: UserId; readonly swept: Swept; readonly job: Job } | null = null
    let most = 1
    for (const [userId, swept] of users)
      for (const job of jobsOf(swept.symbols)) {
        const at = swept.at.get(keyOf(job))
        if (at === undefined) {
          swept.at.set(keyOf(job), now)
          continue
        }
        if ((now - at) / job.every < most) continue
        most = (now - at) / job.every
        found = { userId, swept, job }
      }
    return found
  }

  const look = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    remember(yield* live, now)
    allowance = Math.min(burst, allowance + weightPerSecond)
    for (let next = latest(now); next !== null && allowance > 0; next = latest(now)) {
      const { job, swept, userId } = next
      swept.at.set(keyOf(job), now)
      allowance -= job.weight
      yield* Effect.catchAllCause(run(userId, swept, job), (cause) =>
        Effect.logDebug("An account could not be read again", { user: userId, what: keyOf(job) }, cause)
      )
    }
  })

  return { sweep: Effect.schedule(look, looking) }
})
