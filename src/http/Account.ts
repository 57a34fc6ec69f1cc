import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import { Duration, Effect, Redacted } from "effect"
import { Accounts } from "../accounts/Accounts.ts"
import { ApiKeys, type CreatedKey } from "../accounts/ApiKeys.ts"
import { CredentialVault } from "../accounts/CredentialVault.ts"
import type { ApiKeyRequest } from "../api/Account.ts"
import { Api } from "../api/Api.ts"
import { CurrentUser } from "../api/Authorization.ts"
import { wholePage } from "../api/Requests.ts"
import { ClerkEvents } from "../service/ClerkEvents.ts"
import { UserStates } from "../service/UserStates.ts"
import { asUser } from "./Authentication.ts"
import { receiveClerkWebhook } from "./clerkWebhook.ts"
import { HttpGate } from "./HttpGate.ts"
import { makeListing } from "./events/listing.ts"
import { StreamTickets } from "./events/StreamTickets.ts"
import { Ledger } from "../portfolio/Ledger.ts"
import { Wallets } from "../portfolio/Wallets.ts"
import { makeTransactions } from "./portfolio/transactions.ts"

export const layer = HttpApiBuilder.group(Api, "account", (handlers) =>
  Effect.gen(function* () {
    const accounts = yield* Accounts
    const vault = yield* CredentialVault
    const keys = yield* ApiKeys
    const wallets = yield* Wallets
    const ledger = yield* Ledger
    const transactions = yield* makeTransactions
    const tickets = yield* StreamTickets
    const states = yield* UserStates
    const takeWebhook = receiveClerkWebhook(yield* ClerkEvents, yield* HttpGate)
    const listing = yield* makeListing
    return handlers
      .handle("getAccount", () => Effect.flatMap(CurrentUser, accounts.get))
      .handle("getCredentials", () => asUser((userId) => vault.describe(userId)))
      .handle("setCredentials", ({ payload }) => asUser((userId) => vault.set(userId, payload)))
      .handle("rotateCredentials", ({ payload }) => asUser((userId) => vault.rotate(userId, payload)))
      .handle("freezeCredentials", ({ payload: { reason = null } }) =>
        asUser((userId) => vault.freeze(userId, "user", reason))
      )
      .handle("unfreezeCredentials", () => asUser((userId) => vault.unfreeze(userId, "user")))
      .handle("setAddressBinding", ({ payload }) => asUser((userId) => vault.setBound(userId, payload.addressBound)))
      .handle("deleteCredentials", () => asUser((userId) => Effect.as(vault.remove(userId), { removed: true })))
      .handle("getWallet", () => asUser((userId) => wallets.get(userId)))
      .handle("refreshWallet", () => asUser((userId) => wallets.refresh(userId)))
      .handle("getAccountSettings", () =>
        asUser((userId) => Effect.map(ledger.costBasis(userId), (costBasis) => ({ costBasis })))
      )
      .handle("updateAccountSettings", ({ payload }) =>
        asUser((userId) => Effect.as(ledger.setCostBasis(userId, payload.costBasis), payload))
      )
      .handle("listTransactions", transactions)
      .handle("listKeys", () => asUser((userId) => Effect.map(keys.list(userId), wholePage)))
      .handle("createKey", ({ payload }) =>
        Effect.flatMap(CurrentUser, (caller) => Effect.map(keys.createFor(caller, toNewKey(payload)), shownOnce))
      )
      .handle("getKey", ({ path }) => asUser((userId) => keys.get(userId, path.id)))
      .handle("rotateKey", ({ path, payload: { graceHours = 24 } }) =>
        Effect.flatMap(CurrentUser, (caller) =>
          Effect.map(keys.rotateFor(caller, path.id, Duration.hours(graceHours)), shownOnce)
        )
      )
      .handle("revokeKey", ({ path }) => asUser((userId) => keys.revoke(userId, path.id)))
      .handle("listEvents", listing)
      .handle("deleteAccount", () => asUser((userId) => Effect.as(states.remove(userId), { removed: true })))
      .handle("receiveClerkWebhook", ({ headers }) => takeWebhook(headers))
      .handle("createStreamTicket", () => Effect.flatMap(CurrentUser, tickets.issue))
  })
)

const toNewKey = ({ addresses, expiresInDays, name, scopes }: ApiKeyRequest) => ({
  name: name ?? null,
  scopes,
  ...(addresses === undefined ? {} : { addresses }),
  ...(expiresInDays === undefined ? {} : { expiresIn: Duration.days(expiresInDays) })
})

const shownOnce = ({ token, ...key }: CreatedKey) => ({ ...key, key: Redacted.value(token) })
