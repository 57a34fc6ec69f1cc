import * as HttpApiClient from "@effect/platform/HttpApiClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import { type Effect, Redacted } from "effect"
import { Api } from "./Api.ts"
import { follow } from "./stream/EventFollower.ts"

export { type FollowOptions, StreamMessage } from "./stream/EventFollower.ts"

export interface ClientOptions {
  /** Where the service listens, such as `http://127.0.0.1:3000`. */
  readonly baseUrl: string
  readonly token: Redacted.Redacted
}

/** The typed client: values of the contract's types, and the contract's error classes in the failure channel. */
export const make = (options: ClientOptions) =>
  HttpApiClient.make(Api, {
    baseUrl: options.baseUrl,
    transformClient: HttpClient.mapRequest(HttpClientRequest.bearerToken(Redacted.value(options.token)))
  })

export type Client = Effect.Effect.Success<ReturnType<typeof make>>

/**
 * The user's events as they happen: a snapshot, then each change with the whole object. It connects again by itself, goes
 * on after the last event it gave and says where something is lost; see `EventFollower`.
 */
export const stream = follow
