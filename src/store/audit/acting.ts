import { Effect, FiberRef } from "effect"
import type { AuditActor } from "../../domain/audit/AuditEntry.ts"

/** Who acts now, and by which request. */
export interface Acting {
  readonly by: AuditActor
  readonly requestId: string | null
  readonly address: string | null
}

const alone = (via: "operator" | "service" | "webhook"): Acting => ({
  by: { via, credentialId: null },
  requestId: null,
  address: null
})

/** The command line. */
export const operator = alone("operator")
/** Nobody asked for it. */
export const service = alone("service")

/** A rule's own decisions, also where its program was started by somebody's request. */
export const byRule = (ruleId: string): Acting => ({ ...service, by: { via: "rule", credentialId: ruleId } })

/** Read when an entry is written: a request is answered for before it is known who asks. */
const acting = FiberRef.unsafeMake<() => Acting>(() => service)

export const whoActs: Effect.Effect<Acting> = Effect.map(FiberRef.get(acting), (who) => who())

/** Set at the doors: by each request, the command line, the service. What is forked inside belongs to it as well. */
export const actingAs = (who: () => Acting) => Effect.locally(acting, who)

/** `actingAs` for a fiber that ends with its request: there is nothing to go back to. */
export const actsAs = (who: () => Acting): Effect.Effect<void> => FiberRef.set(acting, who)

/** Clerk, by the request that is under way. */
export const actingAsWebhook = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(whoActs, (request) => Effect.locally(effect, acting, () => ({ ...request, by: alone("webhook").by })))
