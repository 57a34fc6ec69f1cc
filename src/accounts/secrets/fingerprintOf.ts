import { createHash } from "node:crypto"

/** Tells exchange keys apart without showing them. */
export const fingerprintOf = (accessKey: string): string =>
  createHash("sha256").update(accessKey).digest("hex").slice(0, 16)
