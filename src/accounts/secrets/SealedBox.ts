import { Effect, Option, Redacted } from "effect"
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto"
import type { Ring } from "./KeyRing.ts"

/**
 * Envelope encryption of one stored secret: `v1.<master key id>.<iv>.<wrapped key>.<iv>.<ciphertext>`, base64url.
 * A fresh data key per secret is used once, so no nonce repeats; both layers are bound to user, record and field, so
 * that a text moved to another row or column does not open.
 */

/** Where a sealed text belongs; it opens nowhere else. */
export interface Place {
  readonly userId: string
  readonly recordId: string
  readonly field: string
}

const ivBytes = 12
const tagBytes = 16
const dataKeyBytes = 32

const boundTo = ({ userId, recordId, field }: Place) => ["exchange-credential", userId, recordId, field]
const contentAad = (place: Place) => JSON.stringify(boundTo(place))
const wrapAad = (place: Place, keyId: string) => JSON.stringify([...boundTo(place), keyId])

const encrypt = (key: Uint8Array, plain: Uint8Array, aad: string): readonly [iv: Buffer, sealed: Buffer] => {
  const iv = randomBytes(ivBytes)
  const cipher = createCipheriv("aes-256-gcm", key, iv)
  cipher.setAAD(Buffer.from(aad))
  return [iv, Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])]
}

const decrypt = (key: Uint8Array, iv: Buffer, sealed: Buffer, aad: string): Option.Option<Buffer> => {
  if (iv.length !== ivBytes || sealed.length < tagBytes) return Option.none()
  // Without the explicit length shorter tags would be accepted, and those can be guessed.
  const decipher = createDecipheriv("aes-256-gcm", key, iv, { authTagLength: tagBytes })
  decipher.setAAD(Buffer.from(aad))
  decipher.setAuthTag(sealed.subarray(-tagBytes))
  return Option.liftThrowable(() => Buffer.concat([decipher.update(sealed.subarray(0, -tagBytes)), decipher.final()]))()
}

/** Only the canonical spelling: Node skips foreign characters and ignores unused bits. */
const decodePart = (text: string): Option.Option<Buffer> => {
  const bytes = Buffer.from(text, "base64url")
  return bytes.toString("base64url") === text ? Option.some(bytes) : Option.none()
}

export const seal = (ring: Ring, place: Place, secret: Redacted.Redacted): Effect.Effect<string> =>
  Effect.gen(function* () {
    const masterKey = ring.keys.get(ring.current)
    if (masterKey === undefined) return yield* Effect.dieMessage("the key ring lacks its current key")
    return yield* Effect.sync(() => {
      const dataKey = randomBytes(dataKeyBytes)
      const wrapped = encrypt(Redacted.value(masterKey), dataKey, wrapAad(place, ring.current))
      const content = encrypt(dataKey, Buffer.from(Redacted.value(secret), "utf8"), contentAad(place))
      return ["v1", ring.current, ...[...wrapped, ...content].map((part) => part.toString("base64url"))].join(".")
    })
  })

/** The same secret under the ring's current key: only its data key is wrapped anew. None as for `open`. */
export const rewrap = (ring: Ring, place: Place, sealed: string): Option.Option<string> =>
  Option.gen(function* () {
    const { dataKey, iv, content } = yield* unwrapped(ring, place, sealed)
    // Nothing is kept that would not open.
    yield* decrypt(dataKey, iv, content, contentAad(place))
    const masterKey = yield* Option.fromNullable(ring.keys.get(ring.current))
    const wrapped = encrypt(Redacted.value(masterKey), dataKey, wrapAad(place, ring.current))
    return ["v1", ring.current, ...[...wrapped, iv, content].map((part) => part.toString("base64url"))].join(".")
  })

/** None for every reason alike: unknown version or key, damaged, moved, or not ours. */
export const open = (ring: Ring, place: Place, sealed: string): Option.Option<Redacted.Redacted> =>
  Option.gen(function* () {
    const { dataKey, iv, content } = yield* unwrapped(ring, place, sealed)
    const plain = yield* decrypt(dataKey, iv, content, contentAad(place))
    return Redacted.make(plain.toString("utf8"))
  })

const unwrapped = (ring: Ring, place: Place, sealed: string) =>
  Option.gen(function* () {
    const [version, keyId, ...parts] = sealed.split(".")
    if (version !== "v1" || keyId === undefined || parts.length !== 4) return yield* Option.none()
    const [wrapIv, wrapped, iv, content] = yield* Option.all(parts.map(decodePart))
    if (wrapIv === undefined || wrapped === undefined || iv === undefined || content === undefined)
      return yield* Option.none()
    const masterKey = yield* Option.fromNullable(ring.keys.get(keyId))
    const dataKey = yield* decrypt(Redacted.value(masterKey), wrapIv, wrapped, wrapAad(place, keyId))
    if (dataKey.length !== dataKeyBytes) return yield* Option.none()
    return { dataKey, iv, content }
  })
