import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import { Console, Effect, Schema } from "effect"
import { type User, UsersRepo } from "../../accounts/UsersRepo.ts"
import type { UserId } from "../../domain/Ids.ts"
import { formatInstant, Instant } from "../../domain/Time.ts"
import { UserStates } from "../UserStates.ts"
import { existingUser, userOption, WrongOption } from "./userOption.ts"

const json = Options.boolean("json").pipe(Options.withDescription("print JSON"))

const stateOf = ({ deletedAt, disabledAt }: User): "active" | "disabled" | "deleted" =>
  deletedAt !== null ? "deleted" : disabledAt !== null ? "disabled" : "active"

const Listed = Schema.Array(
  Schema.Struct({ userId: Schema.String, state: Schema.Literal("active", "disabled", "deleted"), createdAt: Instant })
)

const list = Command.make(
  "list",
  { json },
  Effect.fnUntraced(function* (options) {
    const users = (yield* (yield* UsersRepo).list).map((user) => ({
      userId: user.userId,
      state: stateOf(user),
      createdAt: user.createdAt
    }))
    if (options.json) return yield* Console.log(JSON.stringify(yield* Schema.encode(Listed)(users)))
    for (const { createdAt, state, userId } of users)
      yield* Console.log(`${userId}  ${state}  since ${formatInstant(createdAt)}`)
  })
).pipe(Command.withDescription("list the users"))

const change = (name: "disable" | "enable", done: string, description: string) =>
  Command.make(
    name,
    { user: userOption },
    Effect.fnUntraced(function* (options) {
      const userId = yield* existingUser(options.user)
      yield* (yield* UserStates)[name](userId)
      yield* Console.log(`${done} ${options.user}`)
    })
  ).pipe(Command.withDescription(description))

const confirmed = (name: string, typed: string, userId: UserId) =>
  typed === name
    ? Effect.succeed(userId)
    : new WrongOption({ message: `--confirm: expected the name of the user again, ${name}; a deletion is for good` })

const remove = Command.make(
  "delete",
  {
    user: userOption,
    confirm: Options.text("confirm").pipe(Options.withDescription("the name again: a deletion is for good"))
  },
  Effect.fnUntraced(function* (options) {
    const userId = yield* confirmed(options.user, options.confirm, yield* existingUser(options.user))
    yield* (yield* UserStates).remove(userId)
    yield* Console.log(`deleted ${options.user}`)
  })
).pipe(
  Command.withDescription(
    "nobody comes in as the user any more; a running server cancels the orders and destroys the exchange key"
  )
)

/** Works beside a running server: what it writes counts from its commit on. */
export const usersCommand = Command.make("users").pipe(
  Command.withDescription("users of this service"),
  Command.withSubcommands([
    list,
    change("disable", "disabled", "lets nobody in as the user and stops their trading"),
    change("enable", "enabled", "lets the user in again and ends their halt; paused rules stay paused"),
    remove
  ])
)
