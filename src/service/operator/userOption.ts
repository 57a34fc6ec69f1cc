import * as Options from "@effect/cli/Options"
import { Effect, Option, Schema } from "effect"
import { localUserId, UsersRepo } from "../../accounts/UsersRepo.ts"
import { NotFound } from "../../api/Errors.ts"
import { UserId } from "../../domain/Ids.ts"

/** An option was understood, but its value makes no sense: exit code 2. */
export class WrongOption extends Schema.TaggedError<WrongOption>()("WrongOption", { message: Schema.String }) {}

export const userOption = Options.text("user").pipe(Options.withDescription("name of the user, such as me"))

/** A person of Clerk, by the id it gave them. */
const isClerkId = Schema.is(Schema.String.pipe(Schema.pattern(/^user_[A-Za-z0-9]+$/)))

/** The user of that name, who must exist: a slip of the pen makes none. */
export const existingUser = Effect.fnUntraced(function* (name: string) {
  if (isClerkId(name)) {
    const person = UserId.make(name)
    if (Option.isSome(yield* (yield* UsersRepo).find(person))) return person
  }
  const userId = yield* Effect.mapError(localUserId(name), (why) => new WrongOption({ message: `--user: ${why}` }))
  const found = yield* (yield* UsersRepo).find(userId)
  if (Option.isNone(found)) return yield* new NotFound({ message: `there is no user ${name}` })
  return userId
})
