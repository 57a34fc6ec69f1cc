import * as Command from "@effect/cli/Command"
import { Console, Effect } from "effect"
import { MasterKeyRotation } from "../../accounts/MasterKeyRotation.ts"

const rotate = Command.make(
  "rotate",
  {},
  Effect.fnUntraced(function* () {
    const { rotate } = yield* MasterKeyRotation
    const { current, retired, rewrapped } = yield* rotate((done, all) =>
      Console.error(`${done} of ${all} exchange keys`)
    )
    yield* Console.log(`${rewrapped} exchange keys are sealed anew; all are sealed with ${current}`)
    if (retired.length > 0) yield* Console.log(`no longer used: ${retired.join(", ")}`)
  })
).pipe(
  Command.withDescription(
    "seal all stored exchange keys with another master key, beside a running server; begun again it goes on"
  )
)

const exported = Command.make(
  "export",
  {},
  Effect.fnUntraced(function* () {
    yield* Console.log((yield* (yield* MasterKeyRotation).written).trimEnd())
  })
).pipe(Command.withDescription("print the key ring, to keep a copy apart from the backups of the database"))

export const masterKeyCommand = Command.make("master-key").pipe(
  Command.withDescription("the keys that seal stored exchange keys"),
  Command.withSubcommands([rotate, exported])
)
