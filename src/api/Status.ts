import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import { Schema } from "effect"
import { SymbolName } from "../domain/Market.ts"
import { Instant } from "../domain/Time.ts"
import { Authorization, RequiredScope } from "./Authorization.ts"
import { ok } from "./Envelope.ts"
import { HotRead } from "./HotRead.ts"

/** `degraded`: serving, but something a user would miss is away. */
export const Health = Schema.Literal("up", "degraded", "down").annotations({ identifier: "Health" })
export type Health = typeof Health.Type

/** Open to everybody: up or down, and what this service is. */
export const ServiceStatus = Schema.Struct({
  status: Health,
  /** Of the instances that share a database one trades; a standby serves reads and takes over when that one is gone. */
  role: Schema.Literal("owner", "standby"),
  version: Schema.String,
  /** `paper` or the venue's host. */
  venue: Schema.String,
  exchangeHost: Schema.String,
  authMode: Schema.String,
  /** Another than `time` while a paper exchange runs at its own speed. */
  marketTime: Instant,
  time: Instant
}).annotations({ identifier: "ServiceStatus" })
export interface ServiceStatus extends Schema.Schema.Type<typeof ServiceStatus> {}

export const UpOrDown = Schema.Struct({ status: Health }).annotations({ identifier: "UpOrDown" })

const dependency = { status: Health, detail: Schema.NullOr(Schema.String) }

/** What the service needs from outside, one by one. `clockSkewMs` is the venue's clock less ours. */
export const Dependencies = Schema.Struct({
  database: Schema.Struct({ ...dependency, mode: Schema.String }),
  /** Whether people's session tokens can be verified; keys always can. */
  signIn: Schema.Struct(dependency),
  /** Whether users are compared with Clerk once a day, in case a webhook was lost; `comparedAt`: the last time it was done. */
  clerkComparison: Schema.Struct({ ...dependency, comparedAt: Schema.NullOr(Instant) }),
  exchangeRest: Schema.Struct({ ...dependency, lastAnswerAt: Schema.NullOr(Instant) }),
  publicStreams: Schema.Struct({ ...dependency, connections: Schema.Int, lastMessageAt: Schema.NullOr(Instant) }),
  privateStreams: Schema.Struct({ ...dependency, connections: Schema.Int }),
  /** Those kept by the stream; a resync is a book that was lost and read anew, since the start. */
  orderBooks: Schema.Struct({
    ...dependency,
    followed: Schema.Int,
    resyncing: Schema.Int,
    resyncs: Schema.Int
  }),
  /** The venue's pairs; a change is one that began or ceased to take orders, since the start. */
  symbols: Schema.Struct({
    ...dependency,
    pairs: Schema.Int,
    tradable: Schema.Int,
    readAt: Schema.NullOr(Instant),
    changes: Schema.Int,
    lastChange: Schema.NullOr(Schema.Struct({ symbol: SymbolName, tradable: Schema.Boolean, at: Instant }))
  }),
  /** What the venue sent beyond its documentation, by kind, since the start. */
  venueContract: Schema.Struct({
    ...dependency,
    drift: Schema.Record({ key: Schema.String, value: Schema.Int })
  }),
  clockSkewMs: Schema.NullOr(Schema.Number),
  disk: Schema.Struct({ ...dependency, freeBytes: Schema.NullOr(Schema.Number) }),
  syncLagMs: Schema.NullOr(Schema.Number),
  lastBackupAt: Schema.NullOr(Instant)
}).annotations({ identifier: "Dependencies" })
export interface Dependencies extends Schema.Schema.Type<typeof Dependencies> {}

/** One of the venue's limits: what this process has used of it in the window that ends now. */
export const Budget = Schema.Struct({
  name: Schema.Literal("ipWeight", "ipRequests", "accountWeight", "accountOrders"),
  capacity: Schema.Int,
  used: Schema.Int,
  windowMs: Schema.Int
}).annotations({ identifier: "Budget" })

/** Requests wait by class; while `pausedUntil` has not passed nothing is sent at all. */
export const VenueLimits = Schema.Struct({
  budgets: Schema.Array(Budget),
  waiting: Schema.Struct({ order: Schema.Int, account: Schema.Int, market: Schema.Int }),
  pausedUntil: Schema.NullOr(Instant)
}).annotations({ identifier: "VenueLimits" })
export interface VenueLimits extends Schema.Schema.Type<typeof VenueLimits> {}

/** The rule engine of this process, over all users. */
export const Engine = Schema.Struct({
  rules: Schema.Record({ key: Schema.String, value: Schema.Int }),
  fibers: Schema.Int,
  quarantined: Schema.Int,
  ticksPerSecond: Schema.Number
}).annotations({ identifier: "Engine" })
export interface Engine extends Schema.Schema.Type<typeof Engine> {}

export const getStatus = HttpApiEndpoint.get("getStatus", "/status")
  .addSuccess(ok(ServiceStatus))
  .annotate(HotRead, true)

export class StatusApi extends HttpApiGroup.make("status")
  .add(getStatus)
  .add(HttpApiEndpoint.get("getLiveness", "/status/live").addSuccess(ok(UpOrDown)))
  .add(HttpApiEndpoint.get("getReadiness", "/status/ready").addSuccess(ok(UpOrDown)))
  .add(
    HttpApiEndpoint.get("getDependencies", "/status/dependencies")
      .addSuccess(ok(Dependencies))
      .annotate(RequiredScope, "read")
      .middleware(Authorization)
  )
  .add(
    HttpApiEndpoint.get("getLimits", "/status/limits")
      .addSuccess(ok(VenueLimits))
      .annotate(RequiredScope, "read")
      .middleware(Authorization)
  )
  .add(
    HttpApiEndpoint.get("getEngine", "/status/engine")
      .addSuccess(ok(Engine))
      .annotate(RequiredScope, "read")
      .middleware(Authorization)
  ) {}
