import { Context, Effect, Layer, Option } from "effect"
import type { DatabaseUnavailable } from "../api/Errors.ts"
import { Audit } from "../store/Audit.ts"
import { Database } from "../store/Database.ts"
import { type CredentialRow, CredentialsRepo, placeOf } from "./CredentialsRepo.ts"
import { appendKeyFile, replaceKeyFile } from "./secrets/keyFile.ts"
import { KeyRing, KeyRingRefused, makeMasterKey, readKeyRing, type Ring, writtenKeyRing } from "./secrets/KeyRing.ts"
import { rewrap } from "./secrets/SealedBox.ts"

export interface Rotated {
  readonly current: string
  /** Exchange keys that were sealed anew by this run. */
  readonly rewrapped: number
  /** Master keys that nothing is sealed with any more: taken out of the file, or to be taken out of the setting. */
  readonly retired: ReadonlyArray<string>
}

/**
 * Another master key for all stored exchange keys, while the service runs. Begun again after a crash it goes on where it
 * was: a key that is new is on the disk before anything is sealed with it, and the old one stays until nothing is.
 */
export class MasterKeyRotation extends Context.Tag("dipper/accounts/MasterKeyRotation")<
  MasterKeyRotation,
  {
    readonly rotate: (
      tell: (done: number, all: number) => Effect.Effect<void>
    ) => Effect.Effect<Rotated, KeyRingRefused | DatabaseUnavailable>
    /** The ring as a key file holds it; that somebody has it is told to the audit trail first. */
    readonly written: Effect.Effect<string, DatabaseUnavailable>
  }
>() {
  static readonly layer = Layer.effect(
    MasterKeyRotation,
    Effect.suspend(() => make)
  ).pipe(Layer.provide([CredentialsRepo.layer, Audit.layer]))
}

/** A service that seals a key while the ring changes has stored it by then. */
const stragglersAfter = "5 seconds"

const make = Effect.gen(function* () {
  const audit = yield* Audit
  const database = yield* Database
  const keyRing = yield* KeyRing
  const repo = yield* CredentialsRepo

  const refuse = (message: string) => new KeyRingRefused({ message })

  const sealedWithOthers = ({ current }: Ring) =>
    Effect.map(repo.countSealed, (counts) =>
      counts.filter(({ key_ring_id: id }) => id !== current).reduce((sum, { sealed }) => sum + sealed, 0)
    )

  /** In a transaction, so that of two commands at once the second sees the key that the first one made. */
  const begin = (file: string) =>
    database.write(
      Effect.gen(function* () {
        const ring = yield* readKeyRing(file)
        // One that was not finished goes on with the key it made.
        if ((yield* sealedWithOthers(ring)) > 0) return ring
        const [id, key] = yield* makeMasterKey
        const next: Ring = { current: id, keys: new Map([[id, key], ...ring.keys]) }
        yield* audit.append({ action: "masterKeyRotated", user: null, objectId: id })
        yield* Effect.mapError(replaceKeyFile(file, writtenKeyRing(next)), (problem) => refuse(`${file}: ${problem}`))
        return next
      })
    )

  const rewrapRow = Effect.fnUntraced(function* (ring: Ring, row: CredentialRow) {
    const sealed = Option.all({
      sealed_access_key: rewrap(ring, placeOf(row, "accessKey"), row.sealed_access_key),
      sealed_secret_key: rewrap(ring, placeOf(row, "secretKey"), row.sealed_secret_key)
    })
    if (Option.isNone(sealed))
      return yield* refuse(
        `the stored exchange key of ${row.user_id} does not open with the key ring; nothing of it was changed. Remove it with credentials remove, or bring back the ring that opens it`
      )
    return yield* repo.rewrap(row, { ...row, ...sealed.value, key_ring_id: ring.current })
  })

  const rewrapAll = Effect.fnUntraced(function* (ring: Ring, tell: (done: number, all: number) => Effect.Effect<void>) {
    const all = yield* sealedWithOthers(ring)
    let done = 0
    for (;;) {
      const rows = yield* repo.sealedOtherwise(ring.current)
      if (rows.length === 0) return done
      for (const row of rows) if (yield* rewrapRow(ring, row)) done += 1
      yield* tell(done, Math.max(all, done))
    }
  })

  /** Kept beside the ring, because a backup from before the rotation opens with nothing else. */
  const retire = (file: string, ring: Ring) =>
    database.write(
      Effect.gen(function* () {
        const found = yield* readKeyRing(file)
        const used = new Set((yield* repo.countSealed).map(({ key_ring_id: id }) => id))
        const isOld = (id: string) => id !== found.current && !used.has(id)
        const [first, ...others] = [...found.keys.keys()].filter(isOld)
        if (found.current !== ring.current || first === undefined) return []
        const of = (keep: (id: string) => boolean) => new Map([...found.keys].filter(([id]) => keep(id)))
        const kept: Ring = { current: found.current, keys: of((id) => !isOld(id)) }
        const text = writtenKeyRing({ current: first, keys: of(isOld) })
        yield* audit.append({
          action: "masterKeyRetired",
          user: null,
          objectId: found.current,
          detail: { retired: [first, ...others].join(",") }
        })
        yield* Effect.mapError(
          Effect.zipRight(appendKeyFile(`${file}.retired`, text), replaceKeyFile(file, writtenKeyRing(kept))),
          (problem) => refuse(`${file}: ${problem}`)
        )
        return [first, ...others]
      })
    )

  const rotate = Effect.fn("MasterKeyRotation.rotate")(function* (
    tell: (done: number, all: number) => Effect.Effect<void>
  ) {
    const { file } = keyRing
    const ring = file === null ? yield* keyRing.ring : yield* begin(file)
    let rewrapped = yield* rewrapAll(ring, tell)
    if (file === null && rewrapped > 0)
      yield* audit.append({ action: "masterKeyRotated", user: null, objectId: ring.current })
    if (file === null) return { current: ring.current, rewrapped, retired: [...ring.keys.keys()].slice(1) }
    yield* Effect.sleep(stragglersAfter)
    rewrapped += yield* rewrapAll(ring, tell)
    return { current: ring.current, rewrapped, retired: yield* retire(file, ring) }
  })

  const written = Effect.gen(function* () {
    const ring = yield* keyRing.ring
    yield* audit.append({
      action: "masterKeyExported",
      user: null,
      objectId: ring.current,
      detail: { keys: [...ring.keys.keys()].join(",") }
    })
    return writtenKeyRing(ring)
  })

  return MasterKeyRotation.of({ rotate, written })
})
