import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import { Effect, Layer, Redacted } from "effect"
import { connect } from "node:net"
import { Accounts } from "../../../src/accounts/Accounts.ts"
import { ApiKeys } from "../../../src/accounts/ApiKeys.ts"
import { Auth } from "../../../src/accounts/Auth.ts"
import { CredentialVault } from "../../../src/accounts/CredentialVault.ts"
import * as Client from "../../../src/api/Client.ts"
import { Unauthenticated } from "../../../src/api/Errors.ts"
import { UserId } from "../../../src/domain/Ids.ts"
import type { Principal, Scope } from "../../../src/domain/Principal.ts"
import { Listening } from "../../../src/http/edge/Listening.ts"
import { HttpServer, type ServerOptions } from "../../../src/http/HttpServer.ts"
import { Market } from "../../../src/market/Market.ts"
import { Orders } from "../../../src/orders/Orders.ts"
import { Halts } from "../../../src/orders/limits/Halts.ts"
import { TradingLimits } from "../../../src/orders/limits/TradingLimits.ts"
import { Books } from "../../../src/portfolio/Books.ts"
import { Ledger } from "../../../src/portfolio/Ledger.ts"
import { Wallets } from "../../../src/portfolio/Wallets.ts"
import { RuleRecords } from "../../../src/autobuy/RuleRecords.ts"
import { Signals } from "../../../src/autobuy/signal/Signals.ts"
import { Rules } from "../../../src/autobuy/Rules.ts"
import { Closing } from "../../../src/service/Closing.ts"
import { StepUp } from "../../../src/accounts/StepUp.ts"
import { ClerkEvents } from "../../../src/service/ClerkEvents.ts"
import { UserStates } from "../../../src/service/UserStates.ts"
import { Limiting } from "../../../src/service/Limiting.ts"
import { type Family, Gauges } from "../../../src/service/Gauges.ts"
import { Halting } from "../../../src/service/Halting.ts"
import { Readiness } from "../../../src/service/Readiness.ts"
import { Snapshots } from "../../../src/service/Snapshots.ts"
import { Audit } from "../../../src/store/Audit.ts"
import { Events } from "../../../src/store/Events.ts"
import { Ownership } from "../../../src/store/Ownership.ts"

/** Tokens of this file name their user, scopes and perhaps the address they are bound to: `ann:read+trade:203.0.113.7`. */
const principalOf = (token: string): Principal | null => {
  const [name, scopes, address] = token.split(":")
  if (name === undefined || scopes === undefined) return null
  const known: ReadonlyArray<Scope> = ["read", "trade", "manage"]
  return {
    userId: UserId.make(`local_${name}`),
    via: "apiKey",
    credentialId: `key-of-${name}`,
    scopes: new Set(known.filter((scope) => scopes.split("+").includes(scope))),
    freshMinutes: null,
    ...(address === undefined ? {} : { allows: (from: string) => from === address })
  }
}

const authenticate = (header: string | undefined) => principalOf(/^Bearer (\S+)$/i.exec(header ?? "")?.[1] ?? "")

const auth = (isStillGood: typeof Auth.Service.isStillGood, remembers: boolean) =>
  Layer.succeed(Auth, {
    authenticate: (header) => {
      const principal = authenticate(header)
      return principal === null
        ? Effect.fail(new Unauthenticated({ message: "A valid key is needed." }))
        : Effect.succeed(principal)
    },
    authenticateCached: (header) => (remembers ? (authenticate(header) ?? "unauthenticated") : undefined),
    isUsable: Effect.succeed(true),
    isStillGood
  })

/** Every service the handlers ask; a test gives the methods it needs. */
export interface Stubs {
  readonly accounts?: Partial<typeof Accounts.Service>
  readonly keys?: Partial<typeof ApiKeys.Service>
  readonly vault?: Partial<typeof CredentialVault.Service>
  readonly wallets?: Partial<typeof Wallets.Service>
  readonly ledger?: Partial<typeof Ledger.Service>
  readonly orders?: Partial<typeof Orders.Service>
  readonly books?: Partial<typeof Books.Service>
  readonly rules?: Partial<typeof Rules.Service>
  readonly records?: Partial<typeof RuleRecords.Service>
  readonly signals?: Partial<typeof Signals.Service>
  readonly market?: Partial<typeof Market.Service>
  readonly readiness?: Partial<typeof Readiness.Service>
  readonly audit?: Partial<typeof Audit.Service>
  readonly events?: Partial<typeof Events.Service>
  readonly ownership?: Partial<typeof Ownership.Service>
  readonly snapshots?: Partial<typeof Snapshots.Service>
  readonly halts?: Partial<typeof Halts.Service>
  readonly closing?: Partial<typeof Closing.Service>
  readonly halting?: Partial<typeof Halting.Service>
  readonly limits?: Partial<typeof TradingLimits.Service>
  readonly limiting?: Partial<typeof Limiting.Service>
  readonly states?: Partial<typeof UserStates.Service>
  readonly clerk?: Partial<typeof ClerkEvents.Service>
  readonly gauges?: ReadonlyArray<Family>
  readonly stepUp?: Layer.Layer<StepUp>
  /** Whether a credential is known before anything is looked up, as one that came a moment ago. */
  readonly remembers?: boolean
  readonly isStillGood?: typeof Auth.Service.isStillGood
}

const stubbed = (stubs: Stubs) =>
  Layer.mergeAll(
    auth(stubs.isStillGood ?? (() => Effect.succeed(true)), stubs.remembers === true),
    Layer.mock(Accounts, { ensure: () => Effect.void, isReady: () => true, ...stubs.accounts }),
    Layer.mock(ApiKeys, { ...stubs.keys }),
    Layer.mock(CredentialVault, { ...stubs.vault }),
    Layer.mock(Wallets, { changes: Effect.succeed(() => 0), ...stubs.wallets }),
    Layer.mock(Ledger, { pricesWanted: Effect.succeed([]), ...stubs.ledger }),
    Layer.mock(Orders, { ...stubs.orders }),
    Layer.mock(Books, { ...stubs.books }),
    Layer.mock(Rules, { ...stubs.rules }),
    Layer.mock(RuleRecords, { ...stubs.records }),
    Layer.mock(Signals, { ...stubs.signals }),
    Layer.mock(Market, { live: Effect.succeed({ ticker: () => null, orderBook: () => null }), ...stubs.market }),
    Layer.mock(Readiness, { ...stubs.readiness }),
    Layer.mock(Audit, { append: () => Effect.void, ...stubs.audit }),
    Layer.mock(Events, { seq: () => Effect.succeed(0), appendedHere: Effect.succeed(() => 0), ...stubs.events }),
    Layer.mock(Snapshots, { ...stubs.snapshots }),
    Layer.mock(Ownership, {
      assertOwner: Effect.void,
      assertNotTaken: Effect.void,
      fencingToken: 1,
      ...stubs.ownership
    }),
    Layer.mock(Halts, { ...stubs.halts }),
    Layer.mock(Closing, { ...stubs.closing }),
    Layer.mock(Halting, { ...stubs.halting }),
    Layer.mock(TradingLimits, { ...stubs.limits }),
    Layer.mock(Limiting, { ...stubs.limiting }),
    Layer.succeed(Gauges, { read: Effect.succeed(stubs.gauges ?? []) }),
    Layer.mock(UserStates, { ...stubs.states }),
    Layer.mock(ClerkEvents, { ...stubs.clerk }),
    stubs.stepUp ?? StepUp.layerLocal
  )

/** The real server on a free loopback port, before stubbed services. */
export const serve = (stubs: Stubs = {}, options: Partial<ServerOptions> = {}) =>
  serveOn(stubs, options).pipe(Layer.provide(Listening.layerOnce))

/** The same on a port that the test may keep. */
export const serveOn = (stubs: Stubs = {}, options: Partial<ServerOptions> = {}) =>
  HttpServer.layer({
    host: "127.0.0.1",
    port: 0,
    venue: "paper",
    version: "0.0.0-test",
    corsOrigins: [],
    trustProxy: 0,
    tls: null,
    ratePerMinute: 100_000,
    ...options,
    timeouts: { announceMs: 10, drainMs: 2_000, ...options.timeouts }
  }).pipe(Layer.provide(stubbed(stubs)))

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: unknown
  readonly code: string | undefined
}

/** A plain request, as somebody without our client would send it. */
export const ask = (url: string, init: RequestInit = {}): Effect.Effect<Answer> =>
  Effect.promise(async () => {
    const response = await fetch(url, { ...init, redirect: "error" })
    const text = await response.text()
    const json = response.headers.get("content-type")?.startsWith("application/json") === true
    const body: unknown = json && text !== "" ? JSON.parse(text) : text
    return { status: response.status, headers: response.headers, body, code: codeOf(body) }
  })

export const codeOf = (body: unknown): string | undefined => {
  const match = /^\{"success":false,"error":\{"code":"([A-Z_]+)","message":"/.exec(JSON.stringify(body))
  return match?.[1]
}

export const client = (token: string) =>
  Effect.flatMap(HttpServer, ({ url }) => Client.make({ baseUrl: url, token: Redacted.make(token) })).pipe(
    Effect.provide(FetchHttpClient.layer)
  )

/** Bytes as they are, to say what no HTTP client would. Ends when the server closes the connection. */
export const raw = (port: number, chunks: ReadonlyArray<string>, everyMs = 0): Effect.Effect<string> =>
  Effect.async((resume) => {
    let received = ""
    let next = 0
    const socket = connect({ host: "127.0.0.1", port })
    const send = () => {
      const chunk = chunks[next++]
      if (chunk !== undefined && socket.writable) socket.write(chunk)
    }
    const timer = setInterval(send, everyMs)
    const done = () => {
      clearInterval(timer)
      resume(Effect.succeed(received))
    }
    socket
      .setEncoding("utf8")
      .on("connect", send)
      .on("data", (text: string) => {
        received += text
      })
      .on("error", done)
      .on("close", done)
    return Effect.sync(() => {
      clearInterval(timer)
      socket.destroy()
    })
  })
