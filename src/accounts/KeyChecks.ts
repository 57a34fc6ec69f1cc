import { Clock, Duration, Effect, Layer, Option, Schedule, Stream } from "effect"
import type { UserId } from "../domain/Ids.ts"
import { MexcClient } from "../mexc/MexcClient.ts"
import { Events } from "../store/Events.ts"
import { Ownership } from "../store/Ownership.ts"
import { type Warning, warningsOf } from "./credentials/warnings.ts"
import { CredentialsRepo, type KeyOverview } from "./CredentialsRepo.ts"
import { CredentialVault } from "./CredentialVault.ts"

/** One key at a time, however many are due, so that the daily looks at a thousand of them are never a burst. */
const pace = Schedule.spaced("5 seconds")
/** An address that changed has every request of every user refused. */
const refusedAgainAfter = Duration.toMillis("5 minutes")
const refusedPace = Duration.seconds(2)
/** Between looks at a refused key that came to nothing, as when the venue or the database was busy; then it is left to the next refusal. */
const tryingAgain = Schedule.spaced(refusedPace).pipe(Schedule.intersect(Schedule.recurs(4)))
const watching = Schedule.spaced("10 seconds")

/** What is told as a notice; the rest has one of its own, or is for whoever looks. */
const toldKinds = ["cannotTrade", "addressNotBound", "endsSoon"] as const
type Told = (typeof toldKinds)[number]
interface ToldWarning extends Warning {
  readonly kind: Told
}
const isTold = (warning: Warning): warning is ToldWarning => toldKinds.some((kind) => kind === warning.kind)

/**
 * Looks after the exchange keys that people entered, where trading is owned: asks the venue once a day what each may do,
 * and at once when it refuses one for its address or its permissions; tells their owners of what to mind; and has streams
 * follow a key that another process has set.
 */
const make = Effect.gen(function* () {
  const events = yield* Events
  const mexc = yield* MexcClient
  const ownership = yield* Ownership
  const repo = yield* CredentialsRepo
  const vault = yield* CredentialVault
  const askedAt = new Map<UserId, number>()
  let records: ReadonlyMap<UserId, string> | null = null
  let told: ReadonlySet<string> = new Set()

  /** A key that is gone, refused as such or not to be opened is answered for: it is told of elsewhere. Fails without an answer. */
  const check = (userId: UserId) =>
    Effect.asVoid(vault.check(userId)).pipe(
      Effect.catchTags({
        CREDENTIALS_REJECTED: ({ message }) => Effect.logWarning(message, { userId }),
        CREDENTIAL_UNREADABLE: () => Effect.void,
        CREDENTIALS_MISSING: () => Effect.void
      })
    )

  const checkNext = Effect.gen(function* () {
    const due = yield* repo.nextDue(yield* Clock.currentTimeMillis)
    if (Option.isNone(due)) return
    const userId = due.value
    yield* Effect.catchAll(check(userId), (failure) =>
      Effect.logDebug("An exchange key could not be checked; trying again later", { userId }, failure)
    )
  }).pipe(Effect.catchAllCause((cause) => Effect.logWarning("Exchange keys could not be looked for", cause)))

  const checkRefused = Effect.fnUntraced(function* (userId: UserId) {
    const now = yield* Clock.currentTimeMillis
    if (now - (askedAt.get(userId) ?? Number.NEGATIVE_INFINITY) < refusedAgainAfter) return
    askedAt.set(userId, now)
    yield* Effect.retry(check(userId), tryingAgain).pipe(
      Effect.catchAllCause((cause) => {
        askedAt.delete(userId)
        return Effect.logWarning(
          "What a refused exchange key may do could not be asked; its next refusal has it asked again",
          { userId },
          cause
        )
      })
    )
    yield* Effect.sleep(refusedPace)
  })

  /** Of a key that was changed, nothing was asked yet. */
  const changed = Effect.fnUntraced(function* (userId: UserId) {
    askedAt.delete(userId)
    yield* Effect.ignoreLogged(noteOwn(userId))
  })

  /** Once for each stored key, by its record: one that is set again begins anew. */
  const tell = Effect.fnUntraced(function* (row: KeyOverview, { kind, text }: ToldWarning) {
    const objectId = `${row.record_id} ${kind}`
    if (!told.has(objectId)) {
      const data = { text, keyPrefix: row.access_prefix, warning: kind }
      if (yield* events.appendOnce(row.user_id, { type: "notice.keyWarning", objectId, data }))
        yield* Effect.logWarning(text, { userId: row.user_id, key: row.access_prefix })
    }
    return objectId
  })

  const tellWarnings = Effect.fnUntraced(function* (rows: ReadonlyArray<KeyOverview>) {
    const now = yield* Clock.currentTimeMillis
    const lasting = new Set<string>()
    for (const row of rows)
      for (const warning of warningsOf(row, now)) if (isTold(warning)) lasting.add(yield* tell(row, warning))
    for (const row of rows)
      for (const kind of toldKinds) {
        const objectId = `${row.record_id} ${kind}`
        if (told.has(objectId) && !lasting.has(objectId))
          yield* events.settle(row.user_id, "notice.keyWarning", objectId)
      }
    told = lasting
  })

  /** This process announces what it sets itself. */
  const announceOthers = Effect.fnUntraced(function* (rows: ReadonlyArray<KeyOverview>) {
    const before = records
    records = new Map(rows.map((row) => [row.user_id, row.record_id]))
    if (before === null) return
    for (const [userId, recordId] of records) if (before.get(userId) !== recordId) yield* vault.announce(userId)
  })

  const noteOwn = Effect.fnUntraced(function* (userId: UserId) {
    const row = Option.getOrNull(yield* repo.find(userId))
    if (row !== null && records !== null) records = new Map([...records, [userId, row.record_id]])
  })

  const watch = Effect.gen(function* () {
    const rows = yield* repo.overview
    yield* announceOthers(rows)
    yield* tellWarnings(rows)
  }).pipe(Effect.catchAllCause((cause) => Effect.logWarning("Exchange keys could not be looked over", cause)))

  if (!(yield* ownership.isOwner)) return
  yield* Effect.forkScoped(Stream.runForEach(mexc.refusedKeys, ({ userId }) => checkRefused(userId)))
  yield* Effect.forkScoped(Stream.runForEach(vault.changes, changed))
  yield* Effect.forkScoped(Effect.schedule(checkNext, pace))
  yield* Effect.forkScoped(Effect.repeat(watch, watching))
})

export const layer = Layer.scopedDiscard(make).pipe(Layer.provide(CredentialsRepo.layer))
