import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as FileSystem from "@effect/platform/FileSystem"
import * as NodeSink from "@effect/platform-node/NodeSink"
import { Console, Effect, Either, type Layer, Option, Schema, Stream } from "effect"
import type { UsersRepo } from "../../accounts/UsersRepo.ts"
import { beginning, type Head } from "../../domain/audit/chain.ts"
import { Audit } from "../../store/Audit.ts"
import { FileCheck } from "../../store/audit/FileCheck.ts"
import { acceptedBreaks, checkTrail } from "../../store/AuditCheck.ts"
import { exportTrail } from "../../store/auditExport.ts"
import { Meta } from "../../store/Meta.ts"
import { existingUser, userOption, WrongOption } from "./userOption.ts"

/** The trail, or a file of it, is not what was written; the message is the first fault. */
export class AuditBroken extends Schema.TaggedError<AuditBroken>()("AuditBroken", { message: Schema.String }) {}

const json = Options.boolean("json").pipe(Options.withDescription("print JSON"))

const written = ({ hash, seq }: Head): string => `${seq}:${hash}`

const readHead = (text: string): Either.Either<Head, WrongOption> => {
  const [, seq, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? []
  return seq === undefined || hash === undefined
    ? Either.left(
        new WrongOption({ message: `--head: expected SEQ:HASH as the log or audit head tells it, got "${text}"` })
      )
    : Either.right({ seq: Number(seq), hash })
}

const userOf = (name: Option.Option<string>) =>
  Option.match(name, { onNone: () => Effect.succeed(null), onSome: existingUser })

const exported = Command.make(
  "export",
  { user: Options.optional(userOption) },
  Effect.fnUntraced(function* (options) {
    const user = yield* userOf(options.user)
    const trail = exportTrail(yield* Audit, (yield* Meta).installId, user)
    yield* Stream.run(trail, NodeSink.stdout)
  })
).pipe(Command.withDescription("print the trail, a JSON object a line; of one user, or everything"))

const head = Command.make(
  "head",
  { user: Options.optional(userOption) },
  Effect.fnUntraced(function* (options) {
    const user = yield* userOf(options.user)
    yield* Console.log(written(yield* (yield* Audit).head(user)))
  })
).pipe(Command.withDescription("print the number and the hash of the newest entry, to keep them elsewhere"))

const checkFile = Effect.fnUntraced(function* (file: string, kept: Head) {
  const files = yield* FileSystem.FileSystem
  const check = new FileCheck(kept)
  yield* files.stream(file).pipe(
    Stream.takeWhile((chunk) => check.push(chunk)),
    Stream.runDrain,
    Effect.mapError(() => new WrongOption({ message: `${file} cannot be read` }))
  )
  return yield* Either.mapLeft(check.end(), (problem) => new AuditBroken({ message: `${file}: ${problem}` }))
})

/** What the operator has accepted is told and is no failure. */
const checkStore = Effect.fnUntraced(function* (kept: Head) {
  const audit = yield* Audit
  const { breaks, entries, head: end } = yield* checkTrail(audit)
  const accepted = yield* acceptedBreaks(audit)
  const [first, ...others] = breaks.filter(({ seq }) => !accepted.has(seq))
  if (first !== undefined) {
    const more = others.length === 0 ? "" : ` (and ${others.length} more)`
    return yield* new AuditBroken({ message: `the stored trail: entry ${first.seq}: ${first.problem}${more}` })
  }
  const [found] = kept.seq === 0 ? [] : yield* audit.after(kept.seq - 1, 1)
  if (kept.seq > 0 && (found?.seq !== kept.seq || found.hash !== kept.hash))
    return yield* new AuditBroken({
      message: `the stored trail: entry ${kept.seq} is not the one whose head was kept: the end was cut off, or all was written anew`
    })
  return { user: null, entries, head: end, from: null, to: null, accepted: breaks.map(({ seq }) => seq) }
})

const accept = Command.make(
  "accept",
  {
    entry: Args.integer({ name: "entry" }).pipe(Args.withDescription("number of the entry that audit verify names")),
    reason: Options.text("reason").pipe(Options.withDescription("what was found out; it goes into the trail"))
  },
  Effect.fnUntraced(function* ({ entry, reason }) {
    const audit = yield* Audit
    const found = (yield* checkTrail(audit)).breaks.find(({ seq }) => seq === entry)
    if (found === undefined)
      return yield* new WrongOption({
        message: `the stored trail is not broken at entry ${entry}; audit verify tells where`
      })
    const detail = { reason, problem: found.problem }
    yield* audit.append({ action: "auditBreakAccepted", user: null, objectId: String(entry), detail })
    yield* Console.log(`accepted the break at entry ${entry}`)
  })
).pipe(Command.withDescription("say that a break of the stored trail is known, so that the service starts again"))

/** The file alone is enough for it: the store is only opened where no file is named. */
const verifyWith = <E>(store: Layer.Layer<Audit, E>) =>
  Command.make(
    "verify",
    {
      file: Args.text({ name: "file" }).pipe(
        Args.withDescription("an exported trail; without it the stored one"),
        Args.optional
      ),
      head: Options.text("head").pipe(
        Options.withDescription("SEQ:HASH that was kept elsewhere; tells also when the end was cut off"),
        Options.optional
      ),
      json
    },
    Effect.fnUntraced(function* (options) {
      const kept = Option.isSome(options.head) ? yield* readHead(options.head.value) : beginning
      const found = yield* Option.match(options.file, {
        onSome: (file) => Effect.map(checkFile(file, kept), (file) => ({ ...file, accepted: [] })),
        onNone: () => Effect.provide(checkStore(kept), store)
      })
      if (options.json) return yield* Console.log(JSON.stringify(found))
      const whose = found.user === null ? "" : ` of ${found.user}`
      const times = found.from !== null ? `, from ${found.from} to ${found.to}` : ""
      const known = found.accepted.length === 0 ? "" : `, known breaks at ${found.accepted.join(", ")}`
      yield* Console.log(`ok: ${found.entries} entries${whose}${times}, head ${written(found.head)}${known}`)
    })
  ).pipe(Command.withDescription("follow the chain; exit 1 and the first bad entry where it does not hold"))

/** Works beside a running server; `verify FILE` also without any data at all. */
export const auditCommand = <E>(store: Layer.Layer<Audit | Meta | UsersRepo, E>) =>
  Command.make("audit").pipe(
    Command.withDescription("who did what, in a chain that shows every change"),
    Command.withSubcommands([
      Command.provide(exported, store),
      Command.provide(head, store),
      Command.provide(accept, store),
      verifyWith(store)
    ])
  )
