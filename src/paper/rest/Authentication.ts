import { Effect, Option, Redacted } from "effect"
import type { Exchange } from "../Exchange.ts"
import type { Permission } from "../Requests.ts"
import * as Refusals from "../Refusals.ts"
import { VenueRejection } from "../VenueRejection.ts"
import type { Context } from "effect"
import type { ApiRequest, SignedRequest } from "./ApiRequest.ts"
import { isSignedBy, signedText } from "./Signature.ts"

const standardWindowMillis = 5_000
const widestWindowMillis = 60_000
/** A caller's clock may be ahead by less than this. */
const toleratedLeadMillis = 1_000

const refuse = (code: number, text: string) => Effect.fail(new VenueRejection({ code, text }))

/** Key, signature, time and permission, in that order, on the wall clock. */
export const authenticate = Effect.fnUntraced(function* (
  exchange: Context.Tag.Service<typeof Exchange>,
  request: ApiRequest,
  permission: Permission | null,
  /** The venue's time, which may not be the caller's. */
  now: number
) {
  if (request.apiKey === null) return yield* refuse(400, "api key required")
  if (!/^[A-Za-z0-9_-]{1,128}$/.test(request.apiKey)) return yield* refuse(700001, "API-key format invalid.")
  const found = yield* exchange.accountByKey(request.apiKey)
  if (Option.isNone(found)) return yield* refuse(10072, "Api key info invalid")
  const account = found.value

  const signature = request.parameters.get("signature") ?? ""
  if (signature === "") return yield* Refusals.parameterMissing("signature")
  const signed = signedText(request.query, request.body)
  if (!isSignedBy(Redacted.value(account.secretKey), signed, signature)) {
    return yield* refuse(700002, "Signature for this request is not valid.")
  }

  yield* checkTime(request, now)
  if (permission !== null && !account.permissions.has(permission)) {
    return yield* refuse(700007, "No permission to access the endpoint.")
  }
  if (account.ips !== null && !account.ips.includes(plainAddress(request.ip))) {
    return yield* refuse(700006, `IP [${plainAddress(request.ip)}] not in the ip white list`)
  }
  if (!isContentAccepted(request)) return yield* refuse(700013, "Invalid content Type.")
  const signedRequest: SignedRequest = { ...request, account }
  return signedRequest
})

/** IPv4 over a socket of both families. */
const plainAddress = (ip: string): string => ip.replace(/^::ffff:/, "")

const checkTime = (request: ApiRequest, now: number): Effect.Effect<void, VenueRejection> => {
  const timestamp = request.parameters.get("timestamp") ?? ""
  if (!/^\d{1,15}$/.test(timestamp)) return Refusals.parameterMissing("timestamp")
  const given = request.parameters.get("recvWindow") ?? ""
  const window = given === "" ? standardWindowMillis : Number(given)
  if (!Number.isFinite(window) || window < 0 || window > widestWindowMillis) {
    return refuse(700005, "recvWindow must less than 60000")
  }
  const at = Number(timestamp)
  return at < now + toleratedLeadMillis && now - at <= window
    ? Effect.void
    : refuse(700003, "Timestamp for this request is outside of the recvWindow.")
}

/** A wrong type is refused even without a body; without a body there need not be one. */
const isContentAccepted = ({ body, contentType }: ApiRequest): boolean =>
  contentType === "" ? body === "" : /^application\/(json|x-www-form-urlencoded)\b/i.test(contentType)
