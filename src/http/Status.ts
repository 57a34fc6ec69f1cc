import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import { Effect } from "effect"
import { Api } from "../api/Api.ts"
import { Readiness } from "../service/Readiness.ts"
import { asUser } from "./Authentication.ts"

export const layer = HttpApiBuilder.group(Api, "status", (handlers) =>
  Effect.map(Readiness, (readiness) =>
    handlers
      .handle("getStatus", () => readiness.status)
      .handle("getLiveness", () => Effect.succeed({ status: "up" as const }))
      .handle("getReadiness", () => Effect.map(readiness.ready, (status) => ({ status })))
      .handle("getDependencies", () => readiness.dependencies)
      .handle("getLimits", () => asUser(readiness.limits))
      .handle("getEngine", () => readiness.engine)
  )
)
