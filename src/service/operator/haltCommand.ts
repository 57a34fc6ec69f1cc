import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import { Console, Effect, Option } from "effect"
import { type HaltChange, type Halted, Halts } from "../../orders/limits/Halts.ts"
import { existingUser, userOption, WrongOption } from "./userOption.ts"

const whom = {
  user: Options.optional(userOption),
  all: Options.boolean("all").pipe(Options.withDescription("everybody"))
}

const readWhom = Effect.fnUntraced(function* (options: {
  readonly user: Option.Option<string>
  readonly all: boolean
}) {
  if (Option.isSome(options.user) === options.all)
    return yield* new WrongOption({ message: "expected either --user NAME or --all" })
  return Option.isSome(options.user) ? yield* existingUser(options.user.value) : ("everybody" as const)
})

const set = (who: Halted, change: HaltChange) => Effect.flatMap(Halts, (halts) => halts.set(who, "operator", change))

const on = Command.make(
  "on",
  {
    ...whom,
    scope: Options.choice("scope", ["entries", "all"]).pipe(
      Options.withDescription("entries: nothing is bought; all: no order is sent at all"),
      Options.withDefault("entries" as const)
    ),
    keepOpen: Options.boolean("keep-open").pipe(Options.withDescription("leave the orders that wait")),
    reason: Options.text("reason").pipe(Options.optional)
  },
  Effect.fnUntraced(function* (options) {
    const who = yield* readWhom(options)
    const { keepOpen, reason, scope } = options
    yield* set(who, { halted: true, scope, cancelOpen: !keepOpen, reason: Option.getOrNull(reason) })
    yield* Console.log(`halted ${Option.getOrElse(options.user, () => "everybody")} (${scope})`)
  })
).pipe(Command.withDescription("from now on nothing is sent; a running server cancels the orders that wait"))

const off = Command.make(
  "off",
  whom,
  Effect.fnUntraced(function* (options) {
    const who = yield* readWhom(options)
    yield* set(who, { halted: false, scope: "entries", cancelOpen: false, reason: null })
    yield* Console.log(`released ${Option.getOrElse(options.user, () => "everybody")}`)
  })
).pipe(Command.withDescription("ends the operator's halt; of one user the user's own halt too"))

/** Works beside a running server: what it writes counts from its commit on. */
export const haltCommand = Command.make("halt").pipe(
  Command.withDescription("the kill switch"),
  Command.withSubcommands([on, off])
)
