import { Clock, Context, Effect, Layer, Schedule } from "effect"
import type { UserId } from "../domain/Ids.ts"
import { Sampler } from "../store/audit/Sampler.ts"
import { Audit, type Audited } from "../store/Audit.ts"
import type { Hearing } from "./Boundary.ts"
import type { Exchange } from "./gate/Gate.ts"

export interface Refused {
  /** The code of the answer. */
  readonly code: string
  /** Only when the credential itself was good. */
  readonly userId?: UserId
  /** The id that the credential claims; never the credential. */
  readonly claimed?: string | null
}

/** What a good credential was not enough for. */
export interface RefusedAccess {
  readonly code: string
  readonly userId: UserId
  /** As the caller is told. */
  readonly missing: string
}

/** Who guesses writes the trail no faster than this; what is left out is counted in it. A user's refused access as well. */
const perKey = { most: 10, windowMs: 60_000 }
/** With many addresses, or users, neither. */
const together = { most: 300, windowMs: 60_000 }

/** Credentials that were refused, and good ones that were not enough, in the audit trail. */
export class RefusedCredentials extends Context.Tag("dipper/http/RefusedCredentials")<
  RefusedCredentials,
  {
    /** Never fails: a trail that cannot be written does not change the answer. */
    readonly note: (x: Exchange, refused: Refused) => Effect.Effect<void>
    /** The same for a request whose credential is good; one that was noted already is not noted again. */
    readonly noteAccess: (x: Exchange, refused: RefusedAccess) => Effect.Effect<void>
  }
>() {
  static readonly layer = Layer.scoped(
    RefusedCredentials,
    Effect.suspend(() => make)
  )
}

type Told = Pick<Audited, "detail" | "objectId" | "user">

const make = Effect.gen(function* () {
  const audit = yield* Audit

  const sampling = Effect.fnUntraced(function* (action: "authenticationFailed" | "accessRefused") {
    const keys = new Sampler(perKey)
    const all = new Sampler(together)
    /** Left out because too many refuse at once. */
    let crowded = 0

    const append = (told: Told) =>
      audit
        .append({ action, result: "refused", ...told })
        .pipe(Effect.catchTag("DATABASE_UNAVAILABLE", ({ message }) => Effect.logWarning(message)))

    /** Who goes away leaves the count to this. */
    const sum = Effect.gen(function* () {
      const leftOut = keys.leftOut(yield* Clock.currentTimeMillis) + crowded
      crowded = 0
      if (leftOut > 0) yield* append({ user: null, objectId: null, detail: { leftOut: String(leftOut) } })
    })
    yield* Effect.forkScoped(Effect.repeat(sum, Schedule.spaced("1 minute")))

    return Effect.fnUntraced(function* (key: string, { detail, ...told }: Told) {
      const now = yield* Clock.currentTimeMillis
      const leftOut = keys.take(key, now)
      if (leftOut === null) return
      if (all.take("all", now) === null) {
        crowded += 1 + leftOut
        return
      }
      yield* append({ ...told, detail: { ...detail, ...(leftOut === 0 ? {} : { leftOut: String(leftOut) }) } })
    })
  })

  const credentials = yield* sampling("authenticationFailed")
  const access = yield* sampling("accessRefused")
  const noted = new WeakSet<Exchange>()

  const note = (x: Exchange, { claimed = null, code, userId }: Refused) =>
    Effect.suspend(() => {
      noted.add(x)
      return credentials(x.address, { user: userId ?? null, objectId: claimed, detail: { code } })
    })

  const noteAccess = (x: Exchange, { code, missing, userId }: RefusedAccess) =>
    Effect.suspend(() =>
      noted.has(x)
        ? Effect.void
        : access(userId, {
            user: userId,
            objectId: null,
            detail: { code, operation: x.route?.operation ?? "none", missing }
          })
    )

  return { note, noteAccess }
})

const notEnough = new Set<string>(["FORBIDDEN", "REVERIFICATION_REQUIRED"])

/** Whoever refuses: at the door for a scope or a proof, or a handler for what was asked. */
export const tellingAccess =
  (noteAccess: RefusedCredentials["Type"]["noteAccess"]): Hearing =>
  (x, { _tag: code, message }) =>
    x.principal !== null && notEnough.has(code)
      ? noteAccess(x, { code, userId: x.principal.userId, missing: message })
      : Effect.void
