import { Context, Effect, Layer } from "effect"
import type { EventSnapshot } from "../api/stream/Events.ts"
import type { DatabaseUnavailable, ValidationFailed } from "../api/Errors.ts"
import { Rules } from "../autobuy/Rules.ts"
import type { UserId } from "../domain/Ids.ts"
import { MarketClock } from "../MarketClock.ts"
import { Halts } from "../orders/limits/Halts.ts"
import { Orders } from "../orders/Orders.ts"
import { Events } from "../store/Events.ts"

/** What is alive of a user's, for a reader who starts now. */
export class Snapshots extends Context.Tag("dipper/service/Snapshots")<
  Snapshots,
  { readonly of: (userId: UserId) => Effect.Effect<EventSnapshot, DatabaseUnavailable> }
>() {
  static readonly layer = Layer.effect(
    Snapshots,
    Effect.suspend(() => make)
  )
}

/** In the order in which an order goes through them. */
const openStatuses = ["pending", "unknown", "open", "partiallyFilled"] as const

const make = Effect.gen(function* () {
  const events = yield* Events
  const orders = yield* Orders
  const rules = yield* Rules
  const halts = yield* Halts
  const clock = yield* MarketClock

  return Snapshots.of({
    of: Effect.fn("Snapshots.of")(function* (userId) {
      // Before the objects: what changes meanwhile comes as an event after it.
      const seq = yield* events.seq(userId)
      const open = yield* Effect.forEach(openStatuses, (status) =>
        everyPage((at) => orders.list(userId, { status, ...at }))
      )
      const active = yield* everyPage((at) => rules.list(userId, { state: "active", ...at }))
      return {
        seq,
        at: yield* clock.now,
        halt: yield* halts.state(userId),
        orders: newestFirst(open.flat()),
        rules: active.map(({ computed: _computed, ...rule }) => rule)
      }
    })
  })
})

interface Page<A> {
  readonly items: ReadonlyArray<A>
  readonly nextCursor: string | null
}

const everyPage = <A>(
  list: (at: {
    readonly limit: number
    readonly cursor?: string
  }) => Effect.Effect<Page<A>, ValidationFailed | DatabaseUnavailable>
) =>
  Effect.gen(function* () {
    const items: Array<A> = []
    let page = yield* list({ limit: 500 })
    items.push(...page.items)
    while (page.nextCursor !== null) {
      page = yield* list({ limit: 500, cursor: page.nextCursor })
      items.push(...page.items)
    }
    return items
  }).pipe(Effect.catchTag("VALIDATION_FAILED", Effect.die))

/** One that moved on between two reads is in both: the later one counts. */
const newestFirst = <A extends { readonly id: string }>(items: ReadonlyArray<A>) =>
  [...new Map(items.map((item) => [item.id, item])).values()].sort((a, b) => (a.id < b.id ? 1 : -1))
