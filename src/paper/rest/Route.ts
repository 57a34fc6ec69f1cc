import { Data, type Effect } from "effect"
import type { Permission } from "../Requests.ts"
import type { VenueRejection } from "../VenueRejection.ts"
import type { ApiRequest, SignedRequest } from "./ApiRequest.ts"

/** A planned fault ends the connection instead of an answer. */
export class ConnectionDropped extends Data.TaggedError("ConnectionDropped")<{}> {}

type Answer<Request> = (request: Request) => Effect.Effect<unknown, VenueRejection | ConnectionDropped>

/** One endpoint: what it costs, who may call it and what it answers. */
export type Route =
  | { readonly access: "public"; readonly weight: number; readonly answer: Answer<ApiRequest> }
  | {
      readonly access: "signed"
      readonly weight: number
      readonly permission: Permission | null
      /** Counts in the 12 per second an account has. */
      readonly orderOperation: boolean
      readonly answer: Answer<SignedRequest>
    }
  /** Operators on the same machine only; costs nothing. */
  | { readonly access: "local"; readonly weight: 0; readonly answer: Answer<ApiRequest> }

/** By "METHOD /path". */
export type Routes = Readonly<Record<string, Route>>

export const open = (weight: number, answer: Answer<ApiRequest>): Route => ({ access: "public", weight, answer })

export const signed = (weight: number, permission: Permission | null, answer: Answer<SignedRequest>): Route => ({
  access: "signed",
  weight,
  permission,
  orderOperation: false,
  answer
})

export const orderOperation = (answer: Answer<SignedRequest>): Route => ({
  access: "signed",
  weight: 1,
  permission: "SPOT_DEAL_WRITE",
  orderOperation: true,
  answer
})

export const local = (answer: Answer<ApiRequest>): Route => ({ access: "local", weight: 0, answer })
