import type { Effect } from "effect"
import type { Permission } from "../Requests.ts"
import type { VenueRejection } from "../VenueRejection.ts"
import type { ApiRequest, SignedRequest } from "./ApiRequest.ts"

type Answer<Request> = (request: Request) => Effect.Effect<unknown, VenueRejection>

/** A limit that one endpoint has besides the weights: so many requests in any such span. */
export interface OwnLimit {
  readonly requests: number
  readonly perMillis: number
}

/** One endpoint: what it costs, who may call it and what it answers. */
export type Route =
  | {
      readonly access: "public"
      /** Of the pool of the caller's address. */
      readonly weight: number
      /** Counted per address. */
      readonly limit: OwnLimit | null
      readonly answer: Answer<ApiRequest>
    }
  | {
      readonly access: "signed"
      readonly weight: number
      /** Of the pool of the account. */
      readonly uidWeight: number
      readonly permission: Permission | null
      /** Counts in the 12 per second an account has. */
      readonly orderOperation: boolean
      /** Counted per account. */
      readonly limit: OwnLimit | null
      readonly answer: Answer<SignedRequest>
    }
  /** Operators on the same machine only; costs nothing. */
  | { readonly access: "local"; readonly weight: 0; readonly answer: Answer<ApiRequest> }

/** By "METHOD /path". */
export type Routes = Readonly<Record<string, Route>>

export const open = (weight: number, answer: Answer<ApiRequest>, limit: OwnLimit | null = null): Route => ({
  access: "public",
  weight,
  limit,
  answer
})

export const signed = (
  weight: number,
  permission: Permission | null,
  answer: Answer<SignedRequest>,
  limit: OwnLimit | null = null
): Route => ({
  access: "signed",
  weight,
  uidWeight: 0,
  permission,
  orderOperation: false,
  limit,
  answer
})

/** The requests that share an account's 12 per second; placing also weighs on the account's own pool. */
export const orderOperation = (
  answer: Answer<SignedRequest>,
  { limit = null, uidWeight = 0 }: { readonly limit?: OwnLimit | null; readonly uidWeight?: number } = {}
): Route => ({
  access: "signed",
  weight: 1,
  uidWeight,
  permission: "SPOT_DEAL_WRITE",
  orderOperation: true,
  limit,
  answer
})

export const local = (answer: Answer<ApiRequest>): Route => ({ access: "local", weight: 0, answer })
