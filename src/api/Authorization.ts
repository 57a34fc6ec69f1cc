import * as HttpApiMiddleware from "@effect/platform/HttpApiMiddleware"
import * as HttpApiSecurity from "@effect/platform/HttpApiSecurity"
import { Context } from "effect"
import type { Principal, Scope } from "../domain/Principal.ts"
import { failures } from "./Envelope.ts"
import {
  AuthUnavailable,
  CredentialUnreadable,
  DatabaseUnavailable,
  ExchangeUnavailable,
  Forbidden,
  ImpersonationForbidden,
  NotOwner,
  Overloaded,
  RateLimited,
  ReverificationRequired,
  SessionPending,
  SetupRequired,
  TokenExpired,
  Unauthenticated,
  UserDisabled
} from "./Errors.ts"

/** The principal of the request under way; every handler behind {@link Authorization} has one. */
export class CurrentUser extends Context.Tag("dipper/api/CurrentUser")<CurrentUser, Principal>() {}

/** Annotation of an endpoint: the scope its caller needs. A secured endpoint without one stops the start. */
export class RequiredScope extends Context.Tag("dipper/api/RequiredScope")<RequiredScope, Scope>() {}

/** Annotation of an endpoint for which a stolen session or key must not be enough. */
export class FreshFactor extends Context.Tag("dipper/api/FreshFactor")<FreshFactor, true>() {}

// A user's first request opens the paper account; an instance that stands by refuses writes.
const refusals = failures(
  Unauthenticated,
  TokenExpired,
  SetupRequired,
  Forbidden,
  SessionPending,
  ImpersonationForbidden,
  ReverificationRequired,
  UserDisabled,
  RateLimited,
  DatabaseUnavailable,
  ExchangeUnavailable,
  CredentialUnreadable,
  NotOwner,
  Overloaded,
  AuthUnavailable
)
export type AuthorizationError = typeof refusals.Type

/** `Authorization: Bearer <token>`. The platform's bearer does not check the scheme; our implementation does. */
export class Authorization extends HttpApiMiddleware.Tag<Authorization>()("dipper/api/Authorization", {
  failure: refusals,
  provides: CurrentUser,
  security: { bearer: HttpApiSecurity.bearer }
}) {}
