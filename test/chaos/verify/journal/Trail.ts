import { createHash } from "node:crypto"
import { type Json, number, object, orNull, text } from "../Reading.ts"

/** An entry of a user's audit trail, as the service shows it. */
export interface TrailEntry {
  readonly seq: number
  readonly hash: string
  readonly user: string | null
  readonly action: string
  readonly objectId: string | null
  /** What is hashed. */
  readonly entry: string
}

/** Before the first. */
export const noHash = "0".repeat(64)

/** By docs/audit.md, of a user's own chain. */
export const hashOf = (before: string, seq: number, entry: string): string =>
  createHash("sha256").update(`user\n${before}\n${seq}\n${entry}`).digest("hex")

/** The fields in the order of docs/audit.md, without spaces. */
export const entryOf = (raw: Json): string => {
  const by = object(raw, "by")
  return JSON.stringify({
    at: text(raw, "at"),
    user: orNull(text, raw, "user"),
    by: { via: text(by, "via"), credentialId: orNull(text, by, "credentialId") },
    action: text(raw, "action"),
    objectId: orNull(text, raw, "objectId"),
    requestId: orNull(text, raw, "requestId"),
    address: orNull(text, raw, "address"),
    result: text(raw, "result"),
    before: orNull(text, raw, "before"),
    after: orNull(text, raw, "after"),
    detail: object(raw, "detail")
  })
}

export const trailEntryOf = (raw: Json): TrailEntry => ({
  seq: number(raw, "seq"),
  hash: text(raw, "hash"),
  user: orNull(text, raw, "user"),
  action: text(raw, "action"),
  objectId: orNull(text, raw, "objectId"),
  entry: entryOf(raw)
})
