import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import { Console, Effect, Either, Option, Record, Schema } from "effect"
import { NonNegativeDecimal } from "../../domain/Decimal.ts"
import { AssetLimit, KeyLimit, Limits, Share, UserLimits } from "../../domain/Limits.ts"
import { LimitsRepo } from "../../orders/limits/LimitsRepo.ts"
import { existingUser, userOption, WrongOption } from "./userOption.ts"

const amount = (name: string, what: string) =>
  Options.text(name).pipe(Options.withDescription(`${what}, or none`), Options.optional)

type Given = Option.Option<string>

/** What was given, over what is in force; `none` takes a limit away. */
const merged = (before: Readonly<Record<string, unknown>>, given: Readonly<Record<string, Given>>) => ({
  ...before,
  ...Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) =>
      Option.isNone(value) ? [] : [[name, value.value === "none" ? null : value.value]]
    )
  )
})

const read = <A, I>(schema: Schema.Schema<A, I>, value: unknown) =>
  Effect.mapError(
    Schema.decodeUnknown(schema, { errors: "all" })(value),
    ({ message }) => new WrongOption({ message: message.replaceAll(/\s+/g, " ") })
  )

/** How the value of an option is judged, and what its refusal says. */
interface Rule {
  readonly isRight: (text: string) => boolean
  readonly expected: string
  readonly example: string
}

const isOf =
  <A>(schema: Schema.Schema<A, string>) =>
  (text: string) =>
    text === "none" || Either.isRight(Schema.decodeEither(schema)(text))

const money = (example: string): Rule => ({
  isRight: isOf(NonNegativeDecimal),
  expected: "USDT of zero or more as a decimal, or none",
  example
})

const rules = {
  "per-day": money("250.50"),
  "per-week": money("1000"),
  "per-month": money("3000"),
  "max-open-orders": {
    isRight: (text) => text === "none" || (/^\d{1,6}$/.test(text) && Number(text) <= 100_000),
    expected: "a whole number from 0 to 100000, or none",
    example: "20"
  },
  asset: {
    isRight: (text) => /^[A-Z0-9]{1,20}$/.test(text),
    expected: "the name of an asset in capitals",
    example: "BTC"
  },
  "max-share": { isRight: isOf(Share), expected: "a share from 0 to 1, or none", example: "0.25" },
  "max-position": money("5000"),
  key: {
    isRight: (text) => text.trim() === text && text !== "" && text.length <= 64,
    expected: "the id of an API key, as keys list shows it",
    example: "key_1"
  }
} satisfies Readonly<Record<string, Rule>>

const judge = (given: Readonly<Record<keyof typeof rules, Given>>) =>
  Effect.forEach(Record.toEntries(given), ([name, value]) => {
    const { example, expected, isRight } = rules[name]
    return Option.isNone(value) || isRight(value.value)
      ? Effect.void
      : new WrongOption({
          message: `--${name}: expected ${expected}, got "${value.value}". Example: --${name} ${example}`
        })
  })

const choices = {
  user: userOption,
  perDay: amount("per-day", "USDT that may be spent in a day (UTC)"),
  perWeek: amount("per-week", "USDT that may be spent in a week from Monday"),
  perMonth: amount("per-month", "USDT that may be spent in a calendar month"),
  maxOpenOrders: amount("max-open-orders", "orders open at once"),
  asset: Options.text("asset").pipe(Options.withDescription("such as BTC, for the next two"), Options.optional),
  maxShare: amount("max-share", `of everything owned, from "0" to "1"`),
  maxPosition: amount("max-position", "USDT that may be held of the asset, at cost"),
  key: Options.text("key").pipe(
    Options.withDescription("id of an API key: the limits per day, week and month are then that key's"),
    Options.optional
  )
}

type Asked = Command.Command.ParseConfig<typeof choices>

/** What of them the options name, over what is in force. */
const revised = (options: Asked) =>
  Effect.fnUntraced(function* (inForce: Limits) {
    const before = yield* Schema.encode(Limits)(inForce)
    const spending = { perDay: options.perDay, perWeek: options.perWeek, perMonth: options.perMonth }
    const ofAsset = { maxShare: options.maxShare, maxPositionQuote: options.maxPosition }
    const open = Option.map(options.maxOpenOrders, (text) => (text === "none" ? null : Number(text)))
    const key = Option.getOrNull(options.key)
    const asset = Option.getOrNull(options.asset)
    const user = yield* read(UserLimits, {
      ...merged(before.user ?? {}, key === null ? spending : {}),
      ...(Option.isSome(open) ? { maxOpenOrders: open.value } : {})
    })
    const changed = <A extends object, I extends object>(
      all: ReadonlyArray<I>,
      isIt: (item: I) => boolean,
      schema: Schema.Schema<A, I>,
      fresh: object | null,
      given: Readonly<Record<string, Given>>
    ) =>
      Effect.gen(function* () {
        const others = yield* Effect.forEach(
          all.filter((item) => fresh === null || !isIt(item)),
          (item) => read(schema, item)
        )
        if (fresh === null) return others
        return [...others, yield* read(schema, merged({ ...all.find(isIt), ...fresh }, given))]
      })
    const assets = yield* changed(
      before.assets ?? [],
      (item) => item.asset === asset,
      AssetLimit,
      asset === null ? null : { asset },
      ofAsset
    )
    const keys = yield* changed(
      before.keys ?? [],
      (item) => item.id === key,
      KeyLimit,
      key === null ? null : { id: key },
      spending
    )
    return { user, assets, keys } satisfies Limits
  })

const set = Command.make(
  "set",
  choices,
  Effect.fnUntraced(function* (options) {
    yield* judge({
      "per-day": options.perDay,
      "per-week": options.perWeek,
      "per-month": options.perMonth,
      "max-open-orders": options.maxOpenOrders,
      asset: options.asset,
      "max-share": options.maxShare,
      "max-position": options.maxPosition,
      key: options.key
    })
    if (Option.isNone(options.asset) && [options.maxShare, options.maxPosition].some(Option.isSome))
      return yield* new WrongOption({
        message: "--max-share and --max-position need --asset. Example: --asset BTC --max-share 0.25"
      })
    const userId = yield* existingUser(options.user)
    const limits = yield* Effect.flatMap(LimitsRepo, (repo) => repo.change(userId, revised(options)))
    yield* Console.log(JSON.stringify(yield* Schema.encode(Limits)(limits)))
  })
).pipe(Command.withDescription("change the limits that are named, leave the others; prints all of them"))

/** Works beside a running server: the next order meets the new limits. */
export const limitsCommand = Command.make("limits").pipe(
  Command.withDescription("what a user's orders may spend"),
  Command.withSubcommands([set])
)
