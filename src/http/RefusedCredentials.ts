import { Clock, Context, Effect, Layer, Schedule } from "effect"
import type { UserId } from "../domain/Ids.ts"
import { Sampler } from "../store/audit/Sampler.ts"
import { Audit } from "../store/Audit.ts"
import type { Exchange } from "./gate/Gate.ts"

export interface Refused {
  /** The code of the answer. */
  readonly code: string
  /** Only when the credential itself was good. */
  readonly userId?: UserId
  /** The id that the credential claims; never the credential. */
  readonly claimed?: string | null
}

/** Who guesses writes the trail no faster than this; what is left out is counted in it. */
const perAddress = { most: 10, windowMs: 60_000 }
/** With many addresses neither. */
const together = { most: 300, windowMs: 60_000 }

/** Credentials that were refused, in the audit trail. */
export class RefusedCredentials extends Context.Tag("dipper/http/RefusedCredentials")<
  RefusedCredentials,
  {
    /** Never fails: a trail that cannot be written does not change the answer. */
    readonly note: (x: Exchange, refused: Refused) => Effect.Effect<void>
  }
>() {
  static readonly layer = Layer.scoped(
    RefusedCredentials,
    Effect.suspend(() => make)
  )
}

const make = Effect.gen(function* () {
  const audit = yield* Audit
  const addresses = new Sampler(perAddress)
  const all = new Sampler(together)
  /** Left out because too many addresses refuse at once. */
  let crowded = 0

  const append = (detail: Record<string, string>, { claimed = null, userId }: Partial<Refused>) =>
    audit
      .append({
        action: "authenticationFailed",
        user: userId ?? null,
        objectId: claimed,
        result: "refused",
        detail
      })
      .pipe(Effect.catchTag("DATABASE_UNAVAILABLE", ({ message }) => Effect.logWarning(message)))

  const note = Effect.fnUntraced(function* (x: Exchange, refused: Refused) {
    const now = yield* Clock.currentTimeMillis
    const leftOut = addresses.take(x.address, now)
    if (leftOut === null) return
    if (all.take("all", now) === null) {
      crowded += 1 + leftOut
      return
    }
    const detail = { code: refused.code, ...(leftOut === 0 ? {} : { leftOut: String(leftOut) }) }
    yield* append(detail, refused)
  })

  /** An address that goes away leaves its count to this. */
  const sum = Effect.gen(function* () {
    const leftOut = addresses.leftOut(yield* Clock.currentTimeMillis) + crowded
    crowded = 0
    if (leftOut > 0) yield* append({ leftOut: String(leftOut) }, {})
  })
  yield* Effect.forkScoped(Effect.repeat(sum, Schedule.spaced("1 minute")))

  return { note }
})
