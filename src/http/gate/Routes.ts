import * as HttpApi from "@effect/platform/HttpApi"
import { Context, Option } from "effect"
import { Api } from "../../api/Api.ts"
import { Authorization, FreshFactor, RequiredScope } from "../../api/Authorization.ts"
import { HotRead } from "../../api/HotRead.ts"
import { EventStreamed } from "../../api/stream/Events.ts"
import type { Scope } from "../../domain/Principal.ts"
import { type Rank, rankOf, type RateClass, rateClassOf } from "./traffic.ts"

/** One method of one path, as the gate and the listener need to know it. */
export interface Route {
  /** Index into the gate's counters. */
  readonly id: number
  readonly method: string
  /** With its parameters as `:name`. */
  readonly path: string
  readonly operation: string
  /** null: open to everybody. */
  readonly scope: Scope | null
  /** A stolen session or key must not be enough. */
  readonly stepUp: boolean
  readonly takesBody: boolean
  /** Largest body that is read. */
  readonly maxBodyBytes: number
  readonly takesQuery: boolean
  /** Also answers as an event stream, and then takes a ticket. */
  readonly streams: boolean
  /** Served past the API builder where that is possible. */
  readonly hot: boolean
  /** What it is counted as. */
  readonly rateClass: RateClass
  /** How long it is served while there is too much to do; null: always. */
  readonly rank: Rank | null
}

/** What the listener finds for a method and a path. `allow` lists the methods a known path does have. */
export type Match =
  | { readonly type: "route"; readonly route: Route }
  | { readonly type: "otherMethod"; readonly allow: ReadonlyArray<string> }
  | { readonly type: "none" }

const none: Match = { type: "none" }

/** Largest body this API reads; a rule with everything in it is a twentieth of it. */
export const maxBodyBytes = 64 * 1024

/** What anybody may send, known or not, gets no more room than it needs. */
const bodyBytes: Readonly<Record<string, number>> = { receiveSignal: 4 * 1024 }

/** What the contract says; the rest is derived from it. */
type Described = Omit<Route, "id" | "rateClass" | "rank" | "maxBodyBytes">

/** A route that is not part of the contract: the document, its page, the metrics. */
export type PlainRoute = Pick<Route, "path" | "operation" | "scope">

const plainGet = { method: "GET", stepUp: false, takesBody: false, takesQuery: false, streams: false, hot: false }

interface Node {
  readonly names: Map<string, Node>
  parameter: Node | null
  readonly methods: Map<string, Route>
}

const makeNode = (): Node => ({ names: new Map(), parameter: null, methods: new Map() })

/** The contract as a table: what the platform's router cannot tell before it runs, above all 405 from 404. */
export class Routes {
  readonly all: ReadonlyArray<Route>
  readonly #root = makeNode()

  constructor(plain: ReadonlyArray<PlainRoute> = [], described: ReadonlyArray<Described> = contract()) {
    this.all = [...described, ...plain.map((route) => ({ ...route, ...plainGet }))].map((route, id) => ({
      ...route,
      id,
      rateClass: rateClassOf(route),
      rank: rankOf(route),
      maxBodyBytes: bodyBytes[route.operation] ?? maxBodyBytes
    }))
    for (const route of this.all) this.#add(route)
  }

  find(method: string, path: string): Match {
    const node = descend(this.#root, path.split("/"), 1)
    if (node === null) return none
    const route = node.methods.get(method === "HEAD" ? "GET" : method)
    return route === undefined
      ? { type: "otherMethod", allow: [...node.methods.keys()].sort() }
      : { type: "route", route }
  }

  #add(route: Route) {
    let node = this.#root
    for (const segment of route.path.split("/").slice(1)) {
      const next = segment.startsWith(":") ? (node.parameter ??= makeNode()) : (node.names.get(segment) ?? makeNode())
      if (!segment.startsWith(":")) node.names.set(segment, next)
      node = next
    }
    node.methods.set(route.method, route)
  }
}

/** A name wins over a parameter, as in the platform's router. */
const descend = (node: Node, segments: ReadonlyArray<string>, index: number): Node | null => {
  const segment = segments[index]
  if (segment === undefined) return node.methods.size === 0 ? null : node
  const named = node.names.get(segment)
  const found = named === undefined ? null : descend(named, segments, index + 1)
  if (found !== null) return found
  return node.parameter === null || segment === "" ? null : descend(node.parameter, segments, index + 1)
}

const contract = (): ReadonlyArray<Described> => {
  const routes: Array<Described> = []
  HttpApi.reflect(Api, {
    onGroup: () => {},
    onEndpoint: ({ endpoint, mergedAnnotations, middleware }) => {
      const scope = Option.getOrNull(Context.getOption(mergedAnnotations, RequiredScope))
      // Deny by default: a route is either open and says no scope, or secured and says which.
      const secured = [...middleware].some((tag) => tag.key === Authorization.key)
      if (secured !== (scope !== null)) {
        throw new TypeError(`${endpoint.name} must have both Authorization and RequiredScope, or neither`)
      }
      routes.push({
        method: endpoint.method,
        path: endpoint.path,
        operation: endpoint.name,
        scope,
        stepUp: Option.isSome(Context.getOption(mergedAnnotations, FreshFactor)),
        takesBody: Option.isSome(endpoint.payloadSchema),
        takesQuery: Option.isSome(endpoint.urlParamsSchema),
        streams: Option.isSome(Context.getOption(mergedAnnotations, EventStreamed)),
        hot: Option.isSome(Context.getOption(mergedAnnotations, HotRead))
      })
    }
  })
  return routes
}
