import { Clock, Duration, Effect, Layer, Schedule } from "effect"
import { sha256 } from "../domain/audit/chain.ts"
import { Config, describeSettings } from "../Config.ts"
import { Audit } from "../store/Audit.ts"
import { acceptedBreaks, checkTrail } from "../store/AuditCheck.ts"
import { StoreRefused } from "../store/StoreRefused.ts"

/** What a start looks at: a few ten milliseconds of it. `audit verify` follows the whole. */
const checkedAtStart = 1_000

/** The log gets the head of the trail after so many entries, or so long after an entry. */
const headEvery = { entries: 100, after: Duration.toMillis("1 minute") }
const looking = Schedule.spaced("5 seconds")

const refusal = (seq: number, problem: string) =>
  new StoreRefused({
    reason: "auditBroken",
    message: `the audit trail is broken at entry ${seq}: ${problem}. Somebody has changed the database past the service: find out who, run audit verify, then let it start with: npm run -s dipper -- audit accept ${seq} --reason "..."`
  })

/** A trail that was changed lately stops the start, unless the operator has seen it. */
const assertWhole = Effect.gen(function* () {
  const audit = yield* Audit
  const { breaks } = yield* checkTrail(audit, checkedAtStart)
  if (breaks.length === 0) return
  const accepted = yield* acceptedBreaks(audit)
  const found = breaks.find(({ seq }) => !accepted.has(seq))
  if (found !== undefined) return yield* refusal(found.seq, found.problem)
  yield* Effect.logWarning("The audit trail is broken where the operator knows it", {
    entries: breaks.map(({ seq }) => seq)
  })
})

/** Told when it is another than at the start before. */
const tellConfiguration = Effect.gen(function* () {
  const audit = yield* Audit
  const detail = Object.fromEntries(describeSettings(yield* Config))
  const after = sha256(JSON.stringify(detail))
  const [last] = yield* audit.ofInstallation("configurationChanged", 1)
  const before = last?.after ?? null
  if (before !== after)
    yield* audit.append({ action: "configurationChanged", user: null, objectId: null, before, after, detail })
})

/** Where the log is kept elsewhere, it tells of a trail that was cut or written anew. */
const tellHeads = Effect.gen(function* () {
  const audit = yield* Audit
  let told = { seq: 0, at: Number.NEGATIVE_INFINITY }
  const look = Effect.gen(function* () {
    const { hash, seq } = yield* audit.head(null)
    const now = yield* Clock.currentTimeMillis
    if (seq === told.seq) return
    if (seq - told.seq < headEvery.entries && now - told.at < headEvery.after) return
    told = { seq, at: now }
    yield* Effect.logInfo("audit head", { head: `${seq}:${hash}` })
  })
  // Not before the first while has passed: a start that is refused says so in one line.
  yield* Effect.forkScoped(
    Effect.schedule(
      Effect.catchAll(look, ({ message }) =>
        Effect.logDebug("The head of the audit trail could not be read", { message })
      ),
      looking
    )
  )
})

/** The audit trail as a running service looks after it. */
export const layer = Layer.scopedDiscard(
  assertWhole.pipe(Effect.zipRight(tellConfiguration), Effect.zipRight(tellHeads))
)
