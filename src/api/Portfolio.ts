import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import { Schema } from "effect"
import { CostBasis } from "../domain/ledger/CostBasis.ts"
import { LedgerKind, Transaction } from "../domain/ledger/LedgerEntry.ts"
import { RequiredScope } from "./Authorization.ts"
import { ok } from "./Envelope.ts"
import { optional, page, paging, period, query, strict } from "./Requests.ts"

/** How the user's positions are counted. */
export const AccountSettings = Schema.Struct({ costBasis: CostBasis }).annotations({ identifier: "AccountSettings" })
export interface AccountSettings extends Schema.Schema.Type<typeof AccountSettings> {}

/** A page of the ledger; `format=csv`, or `Accept: text/csv`, answers everything that matches as one table instead. */
export const listTransactions = HttpApiEndpoint.get("listTransactions", "/account/transactions")
  .setUrlParams(
    query({
      asset: optional(Schema.NonEmptyTrimmedString.pipe(Schema.maxLength(32))),
      kind: optional(LedgerKind),
      format: optional(Schema.Literal("json", "csv")),
      ...period,
      ...paging
    })
  )
  .addSuccess(ok(page(Transaction)))
  .annotate(RequiredScope, "read")

export const getAccountSettings = HttpApiEndpoint.get("getAccountSettings", "/account/settings")
  .addSuccess(ok(AccountSettings))
  .annotate(RequiredScope, "read")

export const updateAccountSettings = HttpApiEndpoint.put("updateAccountSettings", "/account/settings")
  .setPayload(strict(AccountSettings))
  .addSuccess(ok(AccountSettings))
  .annotate(RequiredScope, "manage")
