import { Cause, Clock, Effect, Fiber } from "effect"
import type { DatabaseUnavailable } from "../../api/Errors.ts"
import type { AuditActor } from "../../domain/audit/AuditEntry.ts"
import { byRule, whoActs } from "../../store/audit/acting.ts"
import { Sampler } from "../../store/audit/Sampler.ts"
import { Audit, type Audited } from "../../store/Audit.ts"
import type { OrderRow } from "../record/OrderRow.ts"

/** Why an order is cancelled that nobody but its owner, or a halt, could have ended. */
export type CancelCause = "asked" | "halt" | "ruleStopped"

/** A halt asks for the same order until it is over, and a program may as well: one hour of it is one entry. */
const ofOrder = { most: 1, windowMs: 3_600_000 }
/** So many are named in one entry; all are counted. */
const named = 50

interface Entry {
  readonly audited: Audited
  /** It could not be written. */
  readonly giveBack: () => void
}

const nameOf = ({ credentialId, via }: AuditActor) => `${via} ${credentialId ?? ""}`

const detailOf = (rows: ReadonlyArray<OrderRow>, cause: CancelCause, leftOut: number): Record<string, string> => {
  const [only] = rows
  return {
    cause,
    ...(rows.length === 1 && only !== undefined
      ? { symbol: only.symbol, side: only.side }
      : {
          count: String(rows.length),
          orders: rows
            .slice(0, named)
            .map(({ order_id: id }) => id)
            .join(",")
        }),
    ...(leftOut === 0 ? {} : { leftOut: String(leftOut) })
  }
}

/** What the audit trail is told of cancels. That it cannot be told never keeps an order from being cancelled. */
export const makeTellingCancels = Effect.gen(function* () {
  const audit = yield* Audit
  const orders = new Sampler(ofOrder)

  /** One entry for all that are asked for together; null: it was told lately. */
  const entryOf = Effect.fnUntraced(function* (rows: ReadonlyArray<OrderRow>, cause: CancelCause) {
    const now = yield* Clock.currentTimeMillis
    const [first] = rows
    const ruleId = cause === "ruleStopped" ? (first?.rule_id ?? null) : null
    const acting = ruleId === null ? yield* whoActs : byRule(ruleId)
    const keyOf = ({ order_id: id }: OrderRow) => `${nameOf(acting.by)} ${id}`
    const fresh: Array<OrderRow> = []
    let leftOut = 0
    for (const row of rows) {
      const before = orders.take(keyOf(row), now)
      if (before === null) continue
      fresh.push(row)
      leftOut += before
    }
    const [one] = fresh
    if (one === undefined) return null
    return {
      audited: {
        action: "orderCancelAsked",
        user: one.user_id,
        objectId: fresh.length === 1 ? one.order_id : null,
        detail: detailOf(fresh, cause, leftOut),
        acting
      },
      giveBack: () => fresh.forEach((row) => orders.giveBack(keyOf(row)))
    } satisfies Entry
  })

  /** Whatever went wrong with the entry, and be it a fault of ours: the order is cancelled all the same. */
  const orElse =
    <A, E2>({ audited, giveBack }: Entry, otherwise: Effect.Effect<A, E2>) =>
    <E>(telling: Effect.Effect<A, E>): Effect.Effect<A, E | E2> =>
      Effect.catchAllCause(telling, (cause): Effect.Effect<A, E | E2> => {
        giveBack()
        if (Cause.isInterrupted(cause)) return Effect.failCause(cause)
        return Effect.logError("The audit trail could not be told of a cancel", cause).pipe(
          Effect.annotateLogs({ ...audited.detail, objectId: audited.objectId }),
          Effect.zipRight(otherwise)
        )
      })

  /** Beside the cancel, which neither waits for it nor fails with it. The answer does wait, so that it is not lost. */
  const beside =
    (rows: ReadonlyArray<OrderRow>, cause: CancelCause) =>
    <A, E, R>(cancel: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
      Effect.gen(function* () {
        const entry = yield* entryOf(rows, cause)
        if (entry === null) return yield* cancel
        const telling = yield* Effect.fork(audit.append(entry.audited).pipe(orElse(entry, Effect.void)))
        return yield* Effect.ensuring(cancel, Fiber.await(telling))
      })

  /** In the transaction that ends an order which was not sent. When that fails it is tried again without the entry. */
  const within = <A>(
    row: OrderRow,
    cause: CancelCause,
    store: (also: Effect.Effect<void, DatabaseUnavailable>) => Effect.Effect<A, DatabaseUnavailable>
  ): Effect.Effect<A, DatabaseUnavailable> =>
    Effect.flatMap(entryOf([row], cause), (entry) =>
      entry === null ? store(Effect.void) : store(audit.append(entry.audited)).pipe(orElse(entry, store(Effect.void)))
    )

  return { beside, within }
})
