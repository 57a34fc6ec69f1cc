import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import { Schema } from "effect"
import { AddressRange } from "../domain/AddressRange.ts"
import { KeyFreeze } from "../domain/KeyFreeze.ts"
import { Scope } from "../domain/Principal.ts"
import { Instant } from "../domain/Time.ts"
import { Wallet } from "../domain/Wallet.ts"
import { listAudit } from "./AuditTrail.ts"
import { Authorization, FreshFactor, RequiredScope } from "./Authorization.ts"
import { failures, ok } from "./Envelope.ts"
import { HotRead } from "./HotRead.ts"
import {
  Conflict,
  CredentialsMissing,
  CredentialsRejected,
  CredentialTooPowerful,
  CredentialUnreadable,
  ExchangeRateLimited,
  ExchangeUnavailable,
  NotFound,
  NotOwner,
  QuotaExceeded
} from "./Errors.ts"
import { createStreamTicket, listEvents } from "./stream/Events.ts"
import { getAccountSettings, listTransactions, updateAccountSettings } from "./Portfolio.ts"
import { optional, page, strict } from "./Requests.ts"
import { receiveClerkWebhook } from "./Webhooks.ts"

/** The user behind the credential, and what the credential may do. */
export const Account = Schema.Struct({
  userId: Schema.String,
  venue: Schema.String,
  scopes: Schema.Array(Scope),
  credentialId: Schema.String,
  createdAt: Instant
}).annotations({ identifier: "Account" })
export interface Account extends Schema.Schema.Type<typeof Account> {}

/** Why the exchange told nothing of the key's permissions when it was asked last; `code` is its own. */
export const KeyProblem = Schema.Struct({ code: Schema.NullOr(Schema.Int), message: Schema.String }).annotations({
  identifier: "KeyProblem"
})

/** The stored exchange key; its secret never leaves. `ageDays` and `warnings` tell when it should be renewed. */
export const CredentialInfo = Schema.Struct({
  keyPrefix: Schema.String,
  /** Tells two keys with the same first characters apart. */
  fingerprint: Schema.String,
  /** As the exchange showed them last, some of `read`, `trade`, `withdraw`. */
  permissions: Schema.Array(Schema.String),
  problem: Schema.NullOr(KeyProblem),
  /** Why no order is sent under it, or nothing that buys; null: it is free. */
  frozen: Schema.NullOr(KeyFreeze),
  /** What the owner said; the exchange does not tell. */
  addressBound: Schema.Boolean,
  warnings: Schema.Array(Schema.String),
  ageDays: Schema.Int,
  createdAt: Instant,
  /** When the exchange was asked last what the key may do, and answered. */
  checkedAt: Schema.NullOr(Instant),
  lastUsedAt: Schema.NullOr(Instant)
}).annotations({ identifier: "CredentialInfo" })
export interface CredentialInfo extends Schema.Schema.Type<typeof CredentialInfo> {}

const secretText = Schema.String.pipe(Schema.pattern(/^[\x21-\x7e]{1,256}$/)).annotations({
  message: () => "expected 1 to 256 printable characters without spaces"
})

/** A key pair of the venue, as its web site gave it. */
export const CredentialRequest = Schema.Struct({
  accessKey: secretText.annotations({ jsonSchema: { type: "string", maxLength: 256, examples: ["mx0vglExample"] } }),
  secretKey: Schema.Redacted(secretText).annotations({
    jsonSchema: { type: "string", maxLength: 256, writeOnly: true, examples: ["the secret shown once"] }
  }),
  /** The owner's word that it is bound to an address at the venue; without it the key is taken for unbound. */
  addressBound: optional(Schema.Boolean)
}).annotations({ identifier: "CredentialRequest" })
export interface CredentialRequest extends Schema.Schema.Type<typeof CredentialRequest> {}

export const AddressBinding = Schema.Struct({ addressBound: Schema.Boolean }).annotations({
  identifier: "AddressBinding"
})

/** No order is sent under a frozen key; cancels and questions go on. */
export const FreezeRequest = Schema.Struct({
  reason: optional(Schema.NullOr(Schema.String.pipe(Schema.maxLength(500))))
}).annotations({ identifier: "FreezeRequest" })

/** A key of this service. The key itself is shown once, when it is created. */
export const ApiKey = Schema.Struct({
  id: Schema.String,
  name: Schema.NullOr(Schema.String),
  scopes: Schema.Array(Scope),
  createdAt: Instant,
  expiresAt: Instant,
  lastUsedAt: Schema.NullOr(Instant),
  revokedAt: Schema.NullOr(Instant),
  rotatedAt: Schema.NullOr(Instant),
  /** The secret before the last rotation lets in until then. */
  previousUntil: Schema.NullOr(Instant),
  /** From which alone the key lets in; empty: from anywhere. */
  addresses: Schema.Array(AddressRange)
}).annotations({ identifier: "ApiKey" })
export interface ApiKey extends Schema.Schema.Type<typeof ApiKey> {}

export const CreatedApiKey = Schema.Struct({ ...ApiKey.fields, key: Schema.String }).annotations({
  identifier: "CreatedApiKey"
})
export interface CreatedApiKey extends Schema.Schema.Type<typeof CreatedApiKey> {}

/** A new key has at most the scopes of the key that asks for it. */
export const ApiKeyRequest = Schema.Struct({
  name: optional(Schema.NonEmptyTrimmedString.pipe(Schema.maxLength(100))),
  scopes: Schema.NonEmptyArray(Scope),
  expiresInDays: optional(Schema.Int.pipe(Schema.between(1, 365))),
  addresses: optional(Schema.Array(AddressRange).pipe(Schema.maxItems(20)))
}).annotations({ identifier: "ApiKeyRequest" })
export interface ApiKeyRequest extends Schema.Schema.Type<typeof ApiKeyRequest> {}

/** How long the secret before still lets in; a day unless given. */
export const KeyRotation = Schema.Struct({
  graceHours: optional(Schema.Int.pipe(Schema.between(0, 168)))
}).annotations({ identifier: "KeyRotation" })

export const Removed = Schema.Struct({ removed: Schema.Boolean }).annotations({ identifier: "Removed" })

const venueAway = [ExchangeUnavailable, ExchangeRateLimited] as const
const keyUnusable = [CredentialsMissing, CredentialsRejected, CredentialUnreadable] as const

export const getWallet = HttpApiEndpoint.get("getWallet", "/account/wallet")
  .addSuccess(ok(Wallet))
  .addError(failures(...keyUnusable, ...venueAway))
  .annotate(RequiredScope, "read")
  .annotate(HotRead, true)

export class AccountApi extends HttpApiGroup.make("account")
  .add(
    HttpApiEndpoint.get("getAccount", "/account")
      .addSuccess(ok(Account))
      .addError(failures(NotFound))
      .annotate(RequiredScope, "read")
  )
  .add(
    HttpApiEndpoint.get("getCredentials", "/account/credentials")
      .addSuccess(ok(CredentialInfo))
      .addError(failures(CredentialsMissing))
      .annotate(RequiredScope, "read")
  )
  .add(
    HttpApiEndpoint.put("setCredentials", "/account/credentials")
      .setPayload(strict(CredentialRequest))
      .addSuccess(ok(CredentialInfo))
      .addError(failures(CredentialsRejected, CredentialTooPowerful, NotOwner, ...venueAway))
      .annotate(RequiredScope, "manage")
      .annotate(FreshFactor, true)
  )
  .add(
    HttpApiEndpoint.post("rotateCredentials", "/account/credentials/rotate")
      .setPayload(strict(CredentialRequest))
      .addSuccess(ok(CredentialInfo))
      .addError(
        failures(CredentialsMissing, Conflict, CredentialsRejected, CredentialTooPowerful, NotOwner, ...venueAway)
      )
      .annotate(RequiredScope, "manage")
      .annotate(FreshFactor, true)
  )
  .add(
    // The safe direction, as switching a halt on.
    HttpApiEndpoint.post("freezeCredentials", "/account/credentials/freeze")
      .setPayload(strict(FreezeRequest))
      .addSuccess(ok(CredentialInfo))
      .addError(failures(CredentialsMissing, NotOwner))
      .annotate(RequiredScope, "trade")
  )
  .add(
    HttpApiEndpoint.post("unfreezeCredentials", "/account/credentials/unfreeze")
      .addSuccess(ok(CredentialInfo))
      .addError(failures(...keyUnusable, Conflict, CredentialTooPowerful, NotOwner, ...venueAway))
      .annotate(RequiredScope, "manage")
      .annotate(FreshFactor, true)
  )
  .add(
    HttpApiEndpoint.put("setAddressBinding", "/account/credentials/binding")
      .setPayload(strict(AddressBinding))
      .addSuccess(ok(CredentialInfo))
      .addError(failures(CredentialsMissing, NotOwner))
      .annotate(RequiredScope, "manage")
  )
  .add(
    HttpApiEndpoint.del("deleteCredentials", "/account/credentials")
      .addSuccess(ok(Removed))
      .addError(failures(CredentialsMissing, Conflict, NotOwner))
      .annotate(RequiredScope, "manage")
      .annotate(FreshFactor, true)
  )
  .add(getWallet)
  .add(
    HttpApiEndpoint.post("refreshWallet", "/account/wallet/refresh")
      .addSuccess(ok(Wallet))
      .addError(failures(...keyUnusable, ...venueAway))
      .annotate(RequiredScope, "read")
  )
  .add(
    HttpApiEndpoint.get("listKeys", "/account/keys")
      .addSuccess(ok(page(ApiKey)))
      .annotate(RequiredScope, "read")
  )
  .add(
    HttpApiEndpoint.post("createKey", "/account/keys")
      .setPayload(strict(ApiKeyRequest))
      .addSuccess(ok(CreatedApiKey, 201))
      .addError(failures(QuotaExceeded))
      .annotate(RequiredScope, "manage")
      .annotate(FreshFactor, true)
  )
  .add(
    HttpApiEndpoint.get("getKey", "/account/keys/:id")
      .setPath(Schema.Struct({ id: Schema.String }))
      .addSuccess(ok(ApiKey))
      .addError(failures(NotFound))
      .annotate(RequiredScope, "read")
  )
  .add(
    HttpApiEndpoint.post("rotateKey", "/account/keys/:id/rotate")
      .setPath(Schema.Struct({ id: Schema.String }))
      .setPayload(strict(KeyRotation))
      .addSuccess(ok(CreatedApiKey))
      .addError(failures(NotFound, Conflict))
      .annotate(RequiredScope, "manage")
      .annotate(FreshFactor, true)
  )
  .add(
    HttpApiEndpoint.del("revokeKey", "/account/keys/:id")
      .setPath(Schema.Struct({ id: Schema.String }))
      .addSuccess(ok(ApiKey))
      .addError(failures(NotFound))
      .annotate(RequiredScope, "manage")
  )
  .add(getAccountSettings)
  .add(updateAccountSettings)
  .add(listTransactions)
  .add(listEvents)
  .add(listAudit)
  .add(createStreamTicket)
  .add(
    HttpApiEndpoint.del("deleteAccount", "/account")
      .addSuccess(ok(Removed))
      .addError(failures(NotOwner))
      .annotate(RequiredScope, "manage")
      .annotate(FreshFactor, true)
  )
  // Of the endpoints so far: a webhook comes without a user, with a signature of its own.
  .middlewareEndpoints(Authorization)
  .add(receiveClerkWebhook) {}
