import { Clock, Context, Duration, Effect, Layer } from "effect"
import type { DatabaseUnavailable } from "../../api/Errors.ts"
import type { UserId } from "../../domain/Ids.ts"
import type { Instant } from "../../domain/Time.ts"
import { type Acting, whoActs } from "../../store/audit/acting.ts"
import { Audit } from "../../store/Audit.ts"
import { Database } from "../../store/Database.ts"

interface Seen {
  readonly userId: UserId
  readonly sessionId: string
}

/** Sessions of Clerk in the audit trail: one entry when the first request of one comes, and one at its end. */
export class SessionTrail extends Context.Tag("dipper/accounts/SessionTrail")<
  SessionTrail,
  {
    /**
     * Call it with a session that is let in. Of one that is known it costs a look into memory; else it is told beside the
     * request, which neither waits for it nor fails with it.
     */
    readonly seen: (session: Seen) => Effect.Effect<void>
    /** Call it in the transaction that ends the session. Of one that was never seen here there is nothing to tell. */
    readonly ended: (session: Seen, how: string) => Effect.Effect<void, DatabaseUnavailable>
  }
>() {
  static readonly layer = Layer.scoped(
    SessionTrail,
    Effect.suspend(() => make)
  ).pipe(Layer.provide(Audit.layer))
}

/** Sessions that are remembered; of one that was forgotten the trail itself knows. */
const maxKnown = 10_000
/** What could not be written is tried again with a request that comes so much later. */
const againAfter = Duration.toMillis("1 minute")

const make = Effect.gen(function* () {
  const audit = yield* Audit
  const database = yield* Database
  const scope = yield* Effect.scope
  /** Those that are told, or are being told now; and from when on one that could not be is tried again. */
  const known = new Map<string, "told" | Instant>()

  const remember = (sessionId: string, state: "told" | Instant) => {
    const oldest = known.size < maxKnown ? undefined : known.keys().next().value
    if (oldest !== undefined) known.delete(oldest)
    known.set(sessionId, state)
  }

  const tell = ({ sessionId, userId }: Seen, acting: Acting) =>
    database.write(
      Effect.gen(function* () {
        if (yield* audit.has(userId, "sessionBegun", sessionId)) return
        yield* audit.append({
          action: "sessionBegun",
          user: userId,
          objectId: sessionId,
          acting: { ...acting, by: { via: "clerk", credentialId: sessionId } }
        })
      })
    )

  const seen = Effect.fn("SessionTrail.seen")(function* (session: Seen) {
    const state = known.get(session.sessionId)
    if (state === "told") return
    const now = yield* Clock.currentTimeMillis
    if (state !== undefined && now < state) return
    remember(session.sessionId, "told")
    yield* tell(session, yield* whoActs).pipe(
      Effect.catchAllCause((cause) => {
        remember(session.sessionId, now + againAfter)
        return Effect.logWarning("The audit trail could not be told of a session", cause)
      }),
      Effect.forkIn(scope)
    )
  })

  const ended = Effect.fn("SessionTrail.ended")(function* ({ sessionId, userId }: Seen, how: string) {
    if (!(yield* audit.has(userId, "sessionBegun", sessionId))) return
    if (yield* audit.has(userId, "sessionEnded", sessionId)) return
    yield* audit.append({ action: "sessionEnded", user: userId, objectId: sessionId, detail: { how } })
  })

  return SessionTrail.of({ seen, ended })
})
