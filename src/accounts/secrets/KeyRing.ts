import * as SqlClient from "@effect/sql/SqlClient"
import * as SqlSchema from "@effect/sql/SqlSchema"
import { Context, Effect, Either, Layer, Redacted, Schema } from "effect"
import { randomBytes } from "node:crypto"
import { join } from "node:path"
import { Database } from "../../store/Database.ts"
import { readKeyFile, versionOfFile, writeKeyFile } from "./keyFile.ts"

/** The keys that wrap the data keys of stored secrets cannot be used; the message is the one line the operator reads. */
export class KeyRingRefused extends Schema.TaggedError<KeyRingRefused>()("KeyRingRefused", {
  message: Schema.String
}) {}

export type MasterKey = Redacted.Redacted<Uint8Array>

/** Master keys by id. */
export interface Ring {
  /** Seals what is new; the others only open what is old. */
  readonly current: string
  /** A map, because ids come from stored text and must not reach an object's prototype. */
  readonly keys: ReadonlyMap<string, MasterKey>
}

/** The master keys. Losing them loses the stored exchange keys, nothing else. */
export class KeyRing extends Context.Tag("dipper/accounts/KeyRing")<
  KeyRing,
  {
    /** As it is now: the command line may rotate it while the service runs. */
    readonly ring: Effect.Effect<Ring>
    /** The file it comes from; null when a setting holds it. */
    readonly file: string | null
  }
>() {
  /** From the setting, else from `DATA_DIR/master.keys`, which the first start makes. */
  static readonly layer = (options: { readonly dataDir: string; readonly masterKeys: Redacted.Redacted | null }) =>
    Layer.effect(KeyRing, load(options))
}

const keyBytes = 32
const entryPattern = /^([A-Za-z0-9_-]{1,32}):([A-Za-z0-9+/]+={0,2})$/
const example = "Example: MASTER_KEYS=k1:$(openssl rand -base64 32)"

const load = Effect.fnUntraced(function* (options: {
  readonly dataDir: string
  readonly masterKeys: Redacted.Redacted | null
}) {
  const needed = yield* keyIdsInUse
  const file = join(options.dataDir, "master.keys")
  const versionAtStart = versionOfFile(file)
  const ring: Ring =
    options.masterKeys !== null
      ? yield* parseKeyRing("MASTER_KEYS", Redacted.value(options.masterKeys))
      : yield* fromFile(file, needed)
  const missing = needed.filter((id) => !ring.keys.has(id))
  if (missing.length > 0)
    return yield* refuse(
      `MASTER_KEYS: stored exchange keys are sealed with ${missing.join(", ")}, which the key ring lacks; bring that key back (${file} or MASTER_KEYS). ${example}`
    )
  return options.masterKeys !== null
    ? KeyRing.of({ ring: Effect.succeed(ring), file: null })
    : KeyRing.of({ ring: following(file, ring, versionAtStart), file })
})

/** Looks at the file each time, and reads it when it is another. What cannot be read leaves the ring as it was. */
const following = (file: string, first: Ring, at: string | null): Effect.Effect<Ring> => {
  let ring = first
  let version = at
  return Effect.suspend(() => {
    const now = versionOfFile(file)
    if (now === version) return Effect.succeed(ring)
    version = now
    return readKeyRing(file).pipe(
      Effect.tap((read) => Effect.sync(() => (ring = read))),
      Effect.catchAll(({ message }) =>
        Effect.as(Effect.logError("The key ring changed and cannot be read; the one before counts", message), ring)
      )
    )
  })
}

/** The ring in a file that must be there. */
export const readKeyRing = (file: string): Effect.Effect<Ring, KeyRingRefused> =>
  readKeyFile(file).pipe(
    Effect.mapError((problem) => refused(`${file}: ${problem}`)),
    Effect.flatMap((text) => (text === null ? refuse(`${file} is missing. ${example}`) : parseKeyRing(file, text)))
  )

/** As `parseKeyRing` reads it, the current key first. */
export const writtenKeyRing = ({ current, keys }: Ring): string =>
  [current, ...[...keys.keys()].filter((id) => id !== current)]
    .flatMap((id) => {
      const key = keys.get(id)
      return key === undefined ? [] : [`${id}:${Buffer.from(Redacted.value(key)).toString("base64")}\n`]
    })
    .join("")

export const makeMasterKey = Effect.sync((): readonly [id: string, key: MasterKey] => [
  `k${randomBytes(4).toString("hex")}`,
  Redacted.make(Uint8Array.from(randomBytes(keyBytes)))
])

const fromFile = Effect.fnUntraced(function* (file: string, needed: ReadonlyArray<string>) {
  const found = yield* readKeyFile(file).pipe(Effect.mapError((problem) => refused(`${file}: ${problem}`)))
  if (found !== null) return yield* parseKeyRing(file, found)
  if (needed.length > 0)
    return yield* refuse(
      `${file} is missing, but stored exchange keys are sealed with ${needed.join(", ")}; bring the file back or set MASTER_KEYS. ${example}`
    )
  const written = yield* Effect.suspend(() =>
    writeKeyFile(file, `k${randomBytes(4).toString("hex")}:${randomBytes(keyBytes).toString("base64")}\n`)
  ).pipe(Effect.mapError((problem) => refused(`${file}: ${problem}`)))
  return yield* parseKeyRing(file, written)
})

const keyIdsInUse = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const database = yield* Database
  const rows = yield* database.read(
    SqlSchema.findAll({
      Request: Schema.Void,
      Result: Schema.Struct({ id: Schema.String }),
      execute: () => sql`SELECT DISTINCT key_ring_id AS id FROM exchange_credentials ORDER BY id`
    })()
  )
  return rows.map((row) => row.id)
})

const refused = (message: string) => new KeyRingRefused({ message })
const refuse = (message: string) => Effect.fail(refused(message))

/** Reads `id:base64,…`; commas or lines part the keys, the first is current. Never shows what it refuses. */
export const parseKeyRing = (source: string, text: string): Either.Either<Ring, KeyRingRefused> => {
  const keys = new Map<string, MasterKey>()
  const no = (problem: string) => Either.left(refused(`${source}: ${problem}. ${example}`))
  for (const entry of text.split(/[,\n]/).map((part) => part.trim())) {
    if (entry === "") continue
    const [, id, encoded] = entryPattern.exec(entry) ?? []
    if (id === undefined || encoded === undefined) return no(`key ${keys.size + 1} is not of the form id:base64`)
    if (keys.has(id)) return no(`key id ${id} appears twice`)
    const bytes = Buffer.from(encoded, "base64")
    if (bytes.length !== keyBytes) return no(`key ${id} has ${bytes.length} bytes instead of ${keyBytes}`)
    if (isGuessable(bytes)) return no(`key ${id} is not random (a pattern, readable text or an example)`)
    keys.set(id, Redacted.make(Uint8Array.from(bytes)))
  }
  const [current] = keys.keys()
  return current === undefined ? no("no key is given") : Either.right({ current, keys })
}

/** Constant, counting or printable bytes: what people type and what documentation shows. */
const isGuessable = (bytes: Uint8Array): boolean => {
  const step = (at: number) => ((bytes[at] ?? 0) - (bytes[at - 1] ?? 0)) & 0xff
  const counting = bytes.every((_, at) => at < 2 || step(at) === step(1))
  const printable = bytes.every((byte) => byte >= 0x09 && byte < 0x7f)
  return counting || printable || new Set(bytes).size < 8
}
