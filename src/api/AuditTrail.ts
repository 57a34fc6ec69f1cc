import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import { AuditAction, AuditRecord } from "../domain/audit/AuditEntry.ts"
import { RequiredScope } from "./Authorization.ts"
import { ok } from "./Envelope.ts"
import { optional, page, paging, period, query } from "./Requests.ts"

/** What was done with the user's account, by them, their keys, their rules or the operator; newest first, by wall time. */
export const listAudit = HttpApiEndpoint.get("listAudit", "/account/audit")
  .setUrlParams(query({ action: optional(AuditAction), ...period, ...paging }))
  .addSuccess(ok(page(AuditRecord)))
  .annotate(RequiredScope, "read")
