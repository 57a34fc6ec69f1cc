import { Cause, Effect, Exit, Runtime } from "effect"
import type { ServerResponse } from "node:http"
import { Accounts } from "../../accounts/Accounts.ts"
import type { ApiError } from "../../api/Errors.ts"
import type { Instant } from "../../domain/Time.ts"
import { asApiError } from "../Boundary.ts"
import { limitHeaders } from "../edge/headers.ts"
import { type HotServe, refuse, tellLimits } from "../edge/Listener.ts"
import type { Exchange } from "../gate/Gate.ts"
import type { Route } from "../gate/Routes.ts"
import { HttpGate } from "../HttpGate.ts"
import { HotReads } from "./HotReads.ts"
import type { Caller, HotRoute, Parameters, Prepared, Ready } from "./HotRoute.ts"

/** URLs whose meaning is remembered; with ever new ones all are forgotten now and then. */
const urlsKept = 1_000

/**
 * In front of the API builder, for the routes that are asked most: nothing is composed per request, and what is there
 * already needs no fiber. It takes only what it can answer as the builder would: a plain GET of somebody whose credential is
 * known. Anything unusual is left to the builder, which also says what is wrong with it.
 */
export const makeHotListener = Effect.gen(function* () {
  const { routes } = yield* HttpGate
  const { isReady } = yield* Accounts
  const hot = tableOf(routes.all, yield* HotReads)
  const run = Runtime.runFork(yield* Effect.runtime())
  const understood = new Map<string, Prepared>()

  const understand = (url: string, route: Route): Prepared | null => {
    const before = understood.get(url)
    if (before !== undefined) return before
    const prepared = prepare(hot.get(route.id), url, route)
    if (prepared === null) return null
    if (understood.size >= urlsKept) understood.clear()
    understood.set(url, prepared)
    return prepared
  }

  const serveHot: HotServe = (request, response, x, head, dress) => {
    const { principal, route } = x
    if (route === null || !hot.has(route.id) || request.method !== "GET") return false
    const isOpen = route.scope === null
    if (!isOpen && (principal === null || !principal.scopes.has(route.scope) || !isReady(principal.userId)))
      return false
    const prepared = understand(request.url ?? "", route)
    if (prepared === null) return false

    const settle = (exit: Exit.Exit<Ready, ApiError>): void => {
      if (response.destroyed) return
      if (Exit.isSuccess(exit)) return reply(response, head, x, exit.value)
      if (Cause.isInterruptedOnly(exit.cause)) return
      dress()
      tellLimits(response, x)
      run(Effect.map(asApiError(exit.cause, x), (error) => refuse(response, error, x.requestId)))
    }
    const caller = isOpen ? null : (principal?.userId ?? null)
    const there = peek(prepared, caller, x.startedAt)
    if (there !== null) {
      reply(response, head, x, there)
      return true
    }
    const fiber = run(prepared.read(caller))
    // Many a fiber has ended when it is left.
    const exit = fiber.unsafePoll()
    if (exit === null) {
      fiber.addObserver(settle)
      response.once("close", () => fiber.unsafeInterruptAsFork(fiber.id()))
    } else settle(exit)
    return true
  }
  return serveHot
})

/** What cannot be shown is read, for there a fault is logged and answered. */
const peek = (prepared: Prepared, caller: Caller, now: Instant): Ready | null => {
  try {
    return prepared.peek(caller, now)
  } catch {
    return null
  }
}

const reply = (
  response: ServerResponse,
  head: ReadonlyArray<string>,
  x: Exchange,
  { eventSeq, length, text }: Ready
): void => {
  const headers = [...head, "X-Request-Id", x.requestId, "Content-Length", String(length), ...limitHeaders(x).flat()]
  if (eventSeq !== undefined) headers.push("X-Event-Seq", String(eventSeq))
  response.writeHead(200, headers)
  response.end(text)
}

/** The contract says which routes are hot, and each has a read: one without the other is a fault of ours. */
export const tableOf = (
  routes: ReadonlyArray<Route>,
  reads: ReadonlyArray<HotRoute>
): ReadonlyMap<number, HotRoute> => {
  const byOperation = new Map(reads.map((read) => [read.operation, read]))
  const table = new Map<number, HotRoute>()
  for (const { hot, id, operation } of routes) {
    const read = byOperation.get(operation)
    if (hot !== (read !== undefined)) throw new TypeError(`${operation} must be a HotRead and have a read, or neither`)
    if (read !== undefined) table.set(id, read)
  }
  return table
}

const prepare = (hot: HotRoute | undefined, url: string, route: Route): Prepared | null => {
  const query = url.indexOf("?")
  const path = query === -1 ? url : url.slice(0, query)
  const parameters = query === -1 ? {} : plainQuery(url.slice(query + 1))
  return hot === undefined || parameters === null ? null : hot.prepare(url, pathParameters(route, path), parameters)
}

/** As they are written; the schemas of these routes take nothing that would have to be escaped. */
const pathParameters = (route: Route, path: string): Parameters => {
  const given = path.split("/")
  return Object.fromEntries(
    route.path.split("/").flatMap((name, i) => (name.startsWith(":") ? [[name.slice(1), given[i] ?? ""]] : []))
  )
}

/** Null where a name comes twice: the builder makes a list of it. */
const plainQuery = (text: string): Parameters | null => {
  const all = [...new URLSearchParams(text)]
  return new Set(all.map(([name]) => name)).size === all.length ? Object.fromEntries(all) : null
}
