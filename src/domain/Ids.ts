import { Clock, Effect, Random, Schema } from "effect"

const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
const body = "[0-9a-hjkmnp-tv-z]{26}"

const prefixed = <Brand extends string>(prefix: string, brand: Brand) =>
  Schema.String.pipe(Schema.pattern(new RegExp(`^${prefix}_${body}$`)), Schema.brand(brand)).annotations({
    identifier: brand,
    message: () => `expected an id such as "${prefix}_01hzy3v7k2m4n6p8q0r2s4t6w8"`,
    jsonSchema: { type: "string", examples: [`${prefix}_01hzy3v7k2m4n6p8q0r2s4t6w8`] }
  })

/** Our own user key: `local_<name>` in local mode, Clerk's `user_…` in Clerk mode. */
export const UserId = Schema.NonEmptyTrimmedString.pipe(Schema.maxLength(128), Schema.brand("UserId"))
export type UserId = typeof UserId.Type

export const RuleId = prefixed("rule", "RuleId")
export type RuleId = typeof RuleId.Type

export const OrderId = prefixed("ord", "OrderId")
export type OrderId = typeof OrderId.Type

export const ExecutionId = prefixed("exe", "ExecutionId")
export type ExecutionId = typeof ExecutionId.Type

/** A buy with its ladder levels and exits; counters belong to the rule, positions to the cycle. */
export const CycleId = prefixed("cyc", "CycleId")
export type CycleId = typeof CycleId.Type

/** At most 32 of `[A-Za-z0-9]`, unique for ever: MEXC documents no window for reuse. */
export const ClientOrderId = Schema.String.pipe(Schema.pattern(/^[A-Za-z0-9]{1,32}$/), Schema.brand("ClientOrderId"))
export type ClientOrderId = typeof ClientOrderId.Type

const encodeBase32 = (value: bigint, length: number): string => {
  let text = ""
  for (let rest = value, i = 0; i < length; i++, rest >>= 5n) text = alphabet.charAt(Number(rest & 31n)) + text
  return text
}

/** Ten characters of time and sixteen of randomness, so that ids sort by creation. */
const sortableBody = Effect.gen(function* () {
  const now = yield* Clock.currentTimeMillis
  let random = 0n
  for (let i = 0; i < 4; i++) random = (random << 20n) | BigInt(yield* Random.nextIntBetween(0, 1 << 20))
  return encodeBase32(BigInt(now), 10) + encodeBase32(random, 16)
})

const make =
  <A>(prefix: string, decode: (text: string) => A) =>
  (): Effect.Effect<A> =>
    Effect.map(sortableBody, (text) => decode(`${prefix}_${text}`))

export const makeRuleId = make("rule", Schema.decodeSync(RuleId))
export const makeOrderId = make("ord", Schema.decodeSync(OrderId))
export const makeExecutionId = make("exe", Schema.decodeSync(ExecutionId))
export const makeCycleId = make("cyc", Schema.decodeSync(CycleId))
