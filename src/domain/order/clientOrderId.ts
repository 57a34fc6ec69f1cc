import { createHash } from "node:crypto"
import { Schema } from "effect"
import { ClientOrderId, type RuleId, type UserId } from "../Ids.ts"

/** What makes ids of two installs, and of one install before and after a restore, different. */
export interface InstallEpoch {
  readonly installId: string
  readonly epoch: number
}

const decode = Schema.decodeSync(ClientOrderId)

// Hex keeps to the venue's safe characters; thirty digits are 120 bits, and "dp" marks the order as ours.
const derive = (parts: ReadonlyArray<string | number>): ClientOrderId =>
  decode(`dp${createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 30)}`)

/** The same slot of the same rule gives the same id, whoever computes it and however often. */
export const ruleOrderId = (
  install: InstallEpoch,
  order: { readonly ruleId: RuleId; readonly slot: string; readonly kind: string; readonly level: number }
): ClientOrderId =>
  derive(["rule", install.installId, install.epoch, order.ruleId, order.slot, order.kind, order.level])

/** `attempt` counts repetitions under one key after an attempt that provably never left. */
export const manualOrderId = (
  install: InstallEpoch,
  request: { readonly userId: UserId; readonly route: string; readonly key: string; readonly attempt: number }
): ClientOrderId =>
  derive(["manual", install.installId, install.epoch, request.userId, request.route, request.key, request.attempt])

/** Ids of our making, of any install. */
export const isOurs = (clientOrderId: string | null): boolean =>
  clientOrderId !== null && /^dp[0-9a-f]{30}$/.test(clientOrderId)
