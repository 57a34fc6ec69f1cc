import { Clock, Context, Effect, Layer } from "effect"
import { createHash, randomBytes } from "node:crypto"
import type { StreamTicket } from "../../api/stream/Events.ts"
import type { Principal } from "../../domain/Principal.ts"
import type { Instant } from "../../domain/Time.ts"

/** Tickets for streams, in memory: one that this process did not give opens nothing here. */
export class StreamTickets extends Context.Tag("dipper/http/StreamTickets")<
  StreamTickets,
  {
    /** For 30 s and one use, with the caller's own scopes. */
    readonly issue: (principal: Principal) => Effect.Effect<StreamTicket>
    /** Whose it was, or null: unknown, used or too old. It cannot be used again. */
    readonly redeem: (ticket: string) => Effect.Effect<Principal | null>
  }
>() {
  static readonly layer = Layer.sync(StreamTickets, () => make())
}

const lifeMs = 30_000
/** Far more than users ask for within 30 s; the oldest leave first. */
const maxTickets = 10_000

interface Issued {
  readonly principal: Principal
  readonly expiresAt: Instant
}

/** Only hashes are kept, so that a memory dump opens no stream. */
const hashOf = (ticket: string) => createHash("sha256").update(ticket).digest("base64")

const make = () => {
  // In the order of issue, which is that of expiry.
  const issued = new Map<string, Issued>()

  const forget = (now: Instant) => {
    for (const [hash, { expiresAt }] of issued) {
      if (expiresAt > now && issued.size < maxTickets) return
      issued.delete(hash)
    }
  }

  return StreamTickets.of({
    issue: (principal) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        forget(now)
        const ticket = `st_${randomBytes(32).toString("base64url")}`
        const expiresAt = now + lifeMs
        issued.set(hashOf(ticket), { principal, expiresAt })
        return { ticket, expiresAt }
      }),
    redeem: (ticket) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        const hash = hashOf(ticket)
        const found = issued.get(hash)
        issued.delete(hash)
        return found !== undefined && now < found.expiresAt ? found.principal : null
      })
  })
}
