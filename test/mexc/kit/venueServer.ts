import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Effect, Layer, Redacted, Schema } from "effect"
import type { IncomingMessage, ServerResponse } from "node:http"
import { UserId } from "../../../src/domain/Ids.ts"
import { MarketClock } from "../../../src/MarketClock.ts"
import { type BudgetLimits, defaultLimits } from "../../../src/mexc/budget/Pools.ts"
import type { Credentials } from "../../../src/mexc/Credentials.ts"
import { ContractDrift } from "../../../src/mexc/ContractDrift.ts"
import { MexcClient } from "../../../src/mexc/MexcClient.ts"
import { RateBudget } from "../../../src/mexc/RateBudget.ts"
import { MexcEndpoint } from "../../../src/mexc/wire/Endpoint.ts"
import { localServer } from "../../kit/localServer.ts"

export interface Asked {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly rawQuery: string
  readonly headers: IncomingMessage["headers"]
}

export type Answer =
  | { readonly status?: number; readonly json: unknown; readonly headers?: Record<string, string> }
  | { readonly status?: number; readonly text: string; readonly headers?: Record<string, string> }
  /** Anything a correct server would not do. */
  | { readonly raw: (response: ServerResponse) => void }

export const secretKey = "45d0b3c26f2644f19bfb98b07741b2f5"
export const accessKey = "mx0vglTestAccessKey1"

export const credentials: Credentials = {
  userId: Schema.decodeSync(UserId)("local_tester"),
  accessKey,
  secretKey: Redacted.make(secretKey)
}

/** A venue of a few lines on loopback: it keeps what it was asked and answers what the test scripts. */
export const scriptedVenue = (answer: (asked: Asked) => Answer) =>
  Effect.gen(function* () {
    const asked: Array<Asked> = []
    const url = yield* localServer((request, response) => {
      const target = new URL(request.url ?? "/", "http://localhost")
      const seen: Asked = {
        method: request.method ?? "",
        path: target.pathname.replace("/api/v3", ""),
        query: target.searchParams,
        rawQuery: target.search.slice(1),
        headers: request.headers
      }
      asked.push(seen)
      const reply = answer(seen)
      if ("raw" in reply) return reply.raw(response)
      response.writeHead(reply.status ?? 200, { "content-type": "application/json", ...reply.headers })
      response.end("json" in reply ? JSON.stringify(reply.json) : reply.text)
    })
    const calls = (path: string) => asked.filter((one) => one.path === path)
    return { url, asked, calls }
  })

export const clientLayer = (url: string, limits: BudgetLimits = defaultLimits) =>
  Layer.provideMerge(
    MexcClient.layer,
    Layer.mergeAll(
      RateBudget.layer(limits),
      ContractDrift.layer,
      MarketClock.layer,
      MexcEndpoint.layer(url, url.replace("http", "ws")),
      NodeHttpClient.layerUndici
    )
  )

/** Runs a test against a client of a venue that answers the time by itself and the rest as scripted. */
export const withVenue = <A, E>(
  answer: (asked: Asked) => Answer,
  test: (
    client: typeof MexcClient.Service,
    venue: Effect.Effect.Success<ReturnType<typeof scriptedVenue>>,
    budget: typeof RateBudget.Service,
    drift: typeof ContractDrift.Service
  ) => Effect.Effect<A, E>
) =>
  Effect.scoped(
    Effect.gen(function* () {
      const venue = yield* scriptedVenue((asked) =>
        asked.path === "/time" ? { json: { serverTime: Date.now() } } : answer(asked)
      )
      return yield* Effect.gen(function* () {
        return yield* test(yield* MexcClient, venue, yield* RateBudget, yield* ContractDrift)
      }).pipe(Effect.provide(clientLayer(venue.url)))
    })
  )
