import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Prompt from "@effect/cli/Prompt"
import * as NodeStream from "@effect/platform-node/NodeStream"
import { Console, Effect, Option, Redacted, Schema, Stream } from "effect"
import { stdin } from "node:process"
import { missing } from "../../accounts/credentials/refusals.ts"
import { CredentialVault } from "../../accounts/CredentialVault.ts"
import { CredentialInfo } from "../../api/Account.ts"
import { NotFound } from "../../api/Errors.ts"
import type { KeyFreeze } from "../../domain/KeyFreeze.ts"
import { formatInstant } from "../../domain/Time.ts"
import { existingUser, userOption as user, WrongOption } from "./userOption.ts"

const json = Options.boolean("json").pipe(Options.withDescription("print JSON"))

/** `ACCESS_KEY:SECRET` from a pipe; a person is asked, so that the secret stays out of the shell's history. */
const readPair = Effect.gen(function* () {
  const text = stdin.isTTY
    ? Redacted.value(yield* Prompt.password({ message: "ACCESS_KEY:SECRET" }))
    : yield* NodeStream.stdin.pipe(Stream.decodeText(), Stream.mkString, Effect.orDie)
  const [accessKey = "", secretKey = "", ...rest] = text.trim().split(":")
  if (accessKey === "" || secretKey === "" || rest.length > 0)
    return yield* new WrongOption({ message: "expected ACCESS_KEY:SECRET on standard input" })
  return { accessKey, secretKey: Redacted.make(secretKey) }
})

const whoFroze = { user: "its owner", operator: "the operator", service: "the service" } as const

const frozenLine = ({ by, reason, since }: KeyFreeze) =>
  `frozen by ${whoFroze[by]} since ${formatInstant(since)}${reason === null ? "" : `: ${reason}`}`

const show = Effect.fnUntraced(function* (info: CredentialInfo, asJson: boolean) {
  if (asJson) return yield* Console.log(JSON.stringify(yield* Schema.encode(CredentialInfo)(info)))
  yield* Console.log(`key ${info.keyPrefix}… (${info.fingerprint})`)
  yield* Console.log(`permissions ${info.permissions.join(", ")}`)
  if (info.frozen !== null) yield* Console.log(frozenLine(info.frozen))
  for (const warning of info.warnings) yield* Console.log(`warning: ${warning}`)
})

/** Keys make users; a slip of the pen makes none. */
const madeBefore = (name: string) =>
  Effect.catchTag(
    existingUser(name),
    "NOT_FOUND",
    () =>
      new NotFound({
        message: `there is no user ${name} yet; make one: keys create --user ${name} --scopes read,trade,manage`
      })
  )

const holder = (name: string) => Effect.catchTag(existingUser(name), "NOT_FOUND", () => missing)

const bound = Options.boolean("bound").pipe(
  Options.withDescription("the key is bound to an address at the exchange, which does not tell")
)
const saidOf = (isBound: boolean) => (isBound ? { addressBound: true } : {})

const set = Command.make(
  "set",
  { user, bound, json },
  Effect.fnUntraced(function* (options) {
    const userId = yield* madeBefore(options.user)
    const given = { ...(yield* readPair), ...saidOf(options.bound) }
    yield* show(yield* (yield* CredentialVault).set(userId, given), options.json)
  })
).pipe(Command.withDescription("store an exchange key, read from standard input as ACCESS_KEY:SECRET"))

const rotate = Command.make(
  "rotate",
  { user, bound, json },
  Effect.fnUntraced(function* (options) {
    const userId = yield* holder(options.user)
    const given = { ...(yield* readPair), ...saidOf(options.bound) }
    yield* show(yield* (yield* CredentialVault).rotate(userId, given), options.json)
  })
).pipe(
  Command.withDescription("put another key of the same exchange account in place of the stored one, once it is proven")
)

const test = Command.make(
  "test",
  { user, json },
  Effect.fnUntraced(function* (options) {
    const userId = yield* holder(options.user)
    yield* show(yield* (yield* CredentialVault).test(userId), options.json)
  })
).pipe(Command.withDescription("ask the exchange what the stored key may do"))

const remove = Command.make(
  "remove",
  { user },
  Effect.fnUntraced(function* (options) {
    yield* (yield* CredentialVault).remove(yield* holder(options.user))
    yield* Console.log("removed")
  })
).pipe(Command.withDescription("forget the stored key"))

const freeze = Command.make(
  "freeze",
  { user, reason: Options.text("reason").pipe(Options.optional), json },
  Effect.fnUntraced(function* (options) {
    const userId = yield* holder(options.user)
    yield* show(
      yield* (yield* CredentialVault).freeze(userId, "operator", Option.getOrNull(options.reason)),
      options.json
    )
  })
).pipe(Command.withDescription("from now on no order is sent under the key, also by a running server; cancels go on"))

const unfreeze = Command.make(
  "unfreeze",
  { user, json },
  Effect.fnUntraced(function* (options) {
    const userId = yield* holder(options.user)
    yield* show(yield* (yield* CredentialVault).unfreeze(userId, "operator"), options.json)
  })
).pipe(Command.withDescription("asks the exchange about the key as set does, then ends the freeze, the owner's too"))

const setBound = Command.make(
  "bound",
  { user, not: Options.boolean("not").pipe(Options.withDescription("it is not, or no longer")), json },
  Effect.fnUntraced(function* (options) {
    const userId = yield* holder(options.user)
    yield* show(yield* (yield* CredentialVault).setBound(userId, !options.not), options.json)
  })
).pipe(Command.withDescription("say that the stored key is bound to an address at the exchange"))

/** Works beside a running server: what it writes counts from its commit on. */
export const credentialsCommand = Command.make("credentials").pipe(
  Command.withDescription("exchange keys of a user"),
  Command.withSubcommands([set, rotate, test, setBound, freeze, unfreeze, remove])
)
