import * as OpenApi from "@effect/platform/OpenApi"
import { AccountApi } from "./Account.ts"
import { makeApi } from "./Envelope.ts"
import {
  DatabaseUnavailable,
  HeadersTooLarge,
  HttpsRequired,
  Internal,
  LengthRequired,
  MalformedJson,
  MethodNotAllowed,
  NotReady,
  Overloaded,
  PayloadTooLarge,
  RateLimited,
  RequestTimeout,
  RouteNotFound,
  ShuttingDown,
  UnsupportedMediaType,
  ValidationFailed
} from "./Errors.ts"
import { MarketApi } from "./Market.ts"
import { StatusApi } from "./Status.ts"
import { TradingApi } from "./Trading.ts"

/** The public contract: routes, documents and typed client are derived from it. */
export class Api extends makeApi(
  "dipper",
  ValidationFailed,
  MalformedJson,
  RouteNotFound,
  MethodNotAllowed,
  RequestTimeout,
  LengthRequired,
  PayloadTooLarge,
  UnsupportedMediaType,
  RateLimited,
  HeadersTooLarge,
  HttpsRequired,
  Internal,
  NotReady,
  Overloaded,
  DatabaseUnavailable,
  ShuttingDown
)
  .add(StatusApi)
  .add(MarketApi)
  .add(AccountApi)
  .add(TradingApi)
  .prefix("/api/v1")
  .annotate(OpenApi.Title, "Dipper") {}
