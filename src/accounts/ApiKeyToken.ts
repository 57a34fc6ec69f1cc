import { Redacted } from "effect"
import { hash, randomBytes, timingSafeEqual } from "node:crypto"

/**
 * `bk_<16 hex id>_<43 base64url secret>_<6 hex checksum>`, 70 characters. The secret has 256 random bits, so a fast hash
 * is the right one. The checksum refuses typing errors without a look at the database and lets scanners find leaked keys.
 */
const pattern = /^bk_([0-9a-f]{16})_([A-Za-z0-9_-]{43})_([0-9a-f]{6})$/

const bearer = /^Bearer ([^\s,]{1,8192})$/i

const sha256 = (text: string) => hash("sha256", text)

const checksumOf = (body: string) => sha256(body).slice(0, 6)

export const makeKeyId = (): string => randomBytes(8).toString("hex")

/** Another secret each time; of the tokens of one id only the newest, and for a while the one before, let in. */
export const makeToken = (id: string): Redacted.Redacted => {
  const body = `bk_${id}_${randomBytes(32).toString("base64url")}`
  return Redacted.make(`${body}_${checksumOf(body)}`)
}

/** Of the whole token: a hash of the secret alone would accept a key in many spellings. */
export const hashToken = sha256

/** What an `Authorization` header carries, whatever it is. */
export const bearerOf = (header: string | undefined): string | null =>
  header === undefined ? null : (bearer.exec(header)?.[1] ?? null)

/** It is meant to be a key of ours. */
export const isKey = (token: string): boolean => token.startsWith("bk_")

/** The id of a token whose checksum fits. */
export const idOf = (token: string): string | null => {
  const parts = pattern.exec(token)
  return parts !== null && checksumOf(token.slice(0, -7)) === parts[3] ? (parts[1] ?? null) : null
}

/** Which key a header that was refused pretends to carry; it need not exist. */
export const claimedId = (header: string | undefined): string | null => {
  const token = bearerOf(header)
  return token === null ? null : idOf(token)
}

/** Compared with when no key has the id, so that an unknown id takes as long as a wrong secret. */
export const unknownHash = sha256("no key has this id")

export const sameHash = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
