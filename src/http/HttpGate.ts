import { Clock, Context, Effect, Layer, Random } from "effect"
import { Auth } from "../accounts/Auth.ts"
import { Gate } from "./gate/Gate.ts"
import { type PlainRoute, Routes } from "./gate/Routes.ts"

export interface GateSettings {
  readonly ratePerMinute: number
  readonly maxActive?: number
  readonly maxActivePerUser?: number
  readonly failuresPerMinute?: number
}

/** Served beside the contract: exceptions from the envelope. */
export const plainRoutes: ReadonlyArray<PlainRoute> = [
  { path: "/openapi.json", operation: "openApi", scope: null },
  { path: "/docs", operation: "docs", scope: null },
  { path: "/metrics", operation: "metrics", scope: "read" }
]

/** The one gate of this process, and the route table it counts by. */
export class HttpGate extends Context.Tag("dipper/http/HttpGate")<
  HttpGate,
  { readonly gate: Gate; readonly routes: Routes }
>() {
  static readonly layer = (settings: GateSettings) =>
    Layer.effect(
      HttpGate,
      Effect.gen(function* () {
        const { authenticateCached: authenticate } = yield* Auth
        const now = yield* Clock.currentTimeMillis
        const salt = yield* Random.nextIntBetween(0, 36 ** 4)
        const routes = new Routes(plainRoutes)
        const instance = `${now.toString(36)}${salt.toString(36).padStart(4, "0")}`
        return { routes, gate: new Gate({ ...settings, routes: routes.all, instance, authenticate }) }
      })
    )
}
