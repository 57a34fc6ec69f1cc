import { Duration } from "effect"
import type { Instant } from "../../domain/Time.ts"
import type { CredentialRow } from "../CredentialsRepo.ts"

/** What of a stored key there is to mind; its secrets are no part of it. */
export type KeyFacts = Pick<
  CredentialRow,
  "origin" | "permissions" | "problem" | "address_bound" | "created_at" | "tested_at"
>

export interface Warning {
  readonly kind: "notTested" | "refused" | "cannotTrade" | "addressNotBound" | "endsSoon"
  /** For the owner of the key. */
  readonly text: string
}

/** The venue ends a key without a bound address after 90 days; nothing it answers tells which keys are bound. */
const endsAfterDays = 90
const warnFromDay = 75

export const ageDaysOf = ({ created_at: since }: Pick<KeyFacts, "created_at">, now: Instant): number =>
  Math.max(0, Math.floor((now - since) / Duration.toMillis(Duration.days(1))))

/** One that its owner has not called bound is taken for unbound. */
export const endsByItself = ({ address_bound: bound, origin }: Pick<KeyFacts, "origin" | "address_bound">): boolean =>
  origin === "user" && bound !== 1

export const warningsOf = (row: KeyFacts, now: Instant): ReadonlyArray<Warning> =>
  row.origin === "paper" ? [] : [...ofTheVenue(row), ...ofItsAge(row, now)]

function* ofTheVenue({ permissions, problem }: KeyFacts): Generator<Warning> {
  if (problem !== null) {
    const text = `The exchange refused this key when it was checked last: ${problem.message}`
    yield { kind: "refused", text }
  }
  if (permissions === null) {
    if (problem === null) yield { kind: "notTested", text: "This key was not tested with the exchange yet." }
  } else if (!permissions.trade)
    yield { kind: "cannotTrade", text: "This key may not trade: orders and rules will be refused." }
}

function* ofItsAge(row: KeyFacts, now: Instant): Generator<Warning> {
  if (!endsByItself(row)) return
  yield {
    kind: "addressNotBound",
    text:
      "Nobody has said that this key is bound to an address: others could use it from anywhere, and the exchange ends " +
      "such a key after 90 days. Bind it at the exchange, then say so: `credentials bound`, or PUT /api/v1/account/credentials/binding."
  }
  const ageDays = ageDaysOf(row, now)
  if (ageDays < warnFromDay) return
  const left = endsAfterDays - ageDays
  const when =
    left > 0
      ? `the exchange ends it after 90, in ${left === 1 ? "a day" : `${left} days`}`
      : "the exchange ends it after 90"
  yield {
    kind: "endsSoon",
    text: `This key is ${ageDays} days old; without a bound address ${when}. Renew it there and set it again, or rotate.`
  }
}
