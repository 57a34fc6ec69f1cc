import { Context, Effect } from "effect"

/**
 * The steps between which a crash must lose nothing and repeat nothing. A test starts the service so that it kills
 * itself at one of them; in the program as it is shipped reaching one does nothing.
 */
export const failPoints = {
  "submit.approved": "An order is checked and rounded; the transaction of its intent is open.",
  "submit.intentCommitted": "The intent is stored; nothing was sent.",
  "submit.sentAtCommitted": "It is stored that the bytes leave now; they have not.",
  "submit.answered": "The venue has answered; the answer is not stored.",
  "submit.outcomeCommitted": "The answer is stored; nobody has heard of it.",
  "cancel.asked": "The owner wants an order cancelled; the venue has not been asked.",
  "cancel.answered": "The venue has cancelled an order; that is not stored.",
  "cancel.committed": "The cancellation is stored; nobody has heard of it.",
  "fill.heard": "A fill has arrived; it is not stored.",
  "fill.stored": "A fill and its ledger entries are written; the transaction is open.",
  "fill.committed": "A fill is stored; its order's rule has not heard of it.",
  "tick.fires": "A trigger fires; its slot is not claimed.",
  "tick.claimed": "A slot is claimed; nothing is decided.",
  "tick.decided": "A rule has decided to buy; there is no intent.",
  "tick.settled": "A firing is closed; what follows from it for its rule is not stored.",
  "cycle.decided": "It is stored that a cycle's position is given up; nothing is cancelled or sold.",
  "cycle.cancelled": "What a cycle had waiting at the venue is cancelled; nothing is sold.",
  "cycle.sent": "An order of a cycle is proven and joined; what follows from it is not decided.",
  "cycle.ends": "Nothing of a cycle is left to do; its end is not stored.",
  "migration.begun": "A migration's transaction is open; some of its statements are done.",
  "migration.applied": "A migration is committed; the next has not begun."
} as const

export type FailPoint = keyof typeof failPoints

export class FailPoints extends Context.Reference<FailPoints>()("dipper/FailPoints", {
  defaultValue: () => ({ reached: (_: FailPoint): Effect.Effect<void> => Effect.void })
}) {}

export const failPoint = (point: FailPoint): Effect.Effect<void> =>
  Effect.flatMap(FailPoints, ({ reached }) => reached(point))
