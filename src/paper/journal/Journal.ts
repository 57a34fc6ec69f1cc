import * as FileSystem from "@effect/platform/FileSystem"
import { Context, Effect, Either, Layer, Schema } from "effect"
import { decodeFact, encodeFact, type Fact } from "../engine/Facts.ts"

/** The journal cannot be read as one: starting on a part of it would forget orders. */
export class JournalUnreadable extends Schema.TaggedError<JournalUnreadable>()("JournalUnreadable", {
  path: Schema.String,
  line: Schema.Int,
  detail: Schema.String
}) {
  override get message() {
    return `the paper exchange's journal ${this.path} cannot be read at line ${this.line}: ${this.detail}`
  }
}

/** The append-only record of everything that changed accounts and orders. */
export class Journal extends Context.Tag("dipper/paper/Journal")<
  Journal,
  {
    /** What the journal held at the start. */
    readonly past: ReadonlyArray<Fact>
    /** Returns when the facts are on disk. A disk that refuses them ends the exchange: it must not answer without. */
    readonly append: (facts: ReadonlyArray<Fact>) => Effect.Effect<void>
    readonly text: Effect.Effect<string>
  }
>() {
  static readonly layerMemory = Layer.sync(Journal, () => {
    const lines: Array<string> = []
    return {
      past: [],
      append: (facts) => Effect.sync(() => void lines.push(...facts.map(encodeFact))),
      text: Effect.sync(() => lines.map((line) => `${line}\n`).join(""))
    }
  })

  /** `<directory>/journal.jsonl`, readable by its owner only because it holds the accounts' secrets. */
  static readonly layerFile = (directory: string) => Layer.scoped(Journal, openFile(directory))
}

const openFile = Effect.fnUntraced(function* (directory: string) {
  const files = yield* FileSystem.FileSystem
  const path = `${directory}/journal.jsonl`
  yield* files.makeDirectory(directory, { recursive: true, mode: 0o700 })
  const before = (yield* files.exists(path)) ? yield* files.readFileString(path) : ""
  const whole = before.slice(0, before.lastIndexOf("\n") + 1)
  const past = yield* readFacts(path, whole)
  // A crash can tear the last line; nobody was answered on it, so it is cut off.
  if (whole.length < before.length) yield* files.truncate(path, FileSystem.Size(Buffer.byteLength(whole)))
  const file = yield* files.open(path, { flag: "a", mode: 0o600 })

  const append = Effect.fnUntraced(function* (facts: ReadonlyArray<Fact>) {
    const lines = facts.map((fact) => `${encodeFact(fact)}\n`).join("")
    yield* file.writeAll(new TextEncoder().encode(lines))
    yield* file.sync
  }, Effect.orDie)

  return { past, append, text: Effect.orDie(files.readFileString(path)) }
})

const readFacts = (path: string, text: string) =>
  Effect.forEach(text.split("\n").slice(0, -1), (line, index) =>
    Either.mapLeft(
      decodeFact(line),
      (error) => new JournalUnreadable({ path, line: index + 1, detail: error.message.slice(0, 200) })
    )
  )
