import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as PlatformOpenApi from "@effect/platform/OpenApi"
import { Context, Effect, Layer } from "effect"
import { openApi } from "../api/openapi/OpenApi.ts"
import { boundary } from "./Boundary.ts"
import { json } from "./edge/headers.ts"

/** The page runs what it carries and loads nothing: it works without a network. */
const pagePolicy =
  "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; frame-ancestors 'none'"

/** `/openapi.json` and `/docs`. Both are made when first asked for: neither costs the start anything. */
export const layer = (version: string) =>
  HttpApiBuilder.Router.use((router) =>
    Effect.gen(function* () {
      const document = yield* Effect.cached(Effect.sync(() => openApi(version)))
      const text = yield* Effect.cached(Effect.map(document, (value) => JSON.stringify(value)))
      const page = yield* Effect.cached(Effect.flatMap(document, swaggerPage))
      yield* router.get(
        "/openapi.json",
        Effect.map(text, (body) => HttpServerResponse.text(body, { contentType: json }))
      )
      yield* router.get("/docs", page)
    })
  )

/** The platform's page, whose assets are inlined, around our document. */
const swaggerPage = (document: object) =>
  Effect.gen(function* () {
    const { layer: swagger } = yield* Effect.promise(() => import("@effect/platform/HttpApiSwagger"))
    const described = HttpApi.make("docs").annotate(PlatformOpenApi.Override, { ...document })
    const page = swagger().pipe(
      Layer.provide(HttpApiBuilder.api(described)),
      Layer.provideMerge(HttpApiBuilder.Router.Live)
    )
    const router = yield* Context.get(yield* Layer.build(page), HttpApiBuilder.Router).router
    const response = yield* boundary(yield* HttpRouter.toHttpApp(router))
    return HttpServerResponse.setHeader(response, "Content-Security-Policy", pagePolicy)
  })
