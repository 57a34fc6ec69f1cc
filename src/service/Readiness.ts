import { Context, type Effect } from "effect"
import type { Dependencies, Engine, Limits, ServiceStatus } from "../api/Status.ts"
import type { DatabaseUnavailable, NotReady } from "../api/Errors.ts"

/** What this process can say of itself, and of what it depends on. */
export class Readiness extends Context.Tag("dipper/service/Readiness")<
  Readiness,
  {
    readonly status: Effect.Effect<ServiceStatus>
    /**
     * Fails only for what makes every request fail: database and migrations. An exchange that is away leaves the
     * service `degraded` and reachable, because that is when its owner needs it.
     */
    readonly ready: Effect.Effect<"up" | "degraded", NotReady | DatabaseUnavailable>
    readonly dependencies: Effect.Effect<Dependencies>
    readonly limits: Effect.Effect<Limits>
    readonly engine: Effect.Effect<Engine>
  }
>() {}
