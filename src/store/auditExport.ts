import { Chunk, Effect, Option, Stream } from "effect"
import type { DatabaseUnavailable } from "../api/Errors.ts"
import type { UserId } from "../domain/Ids.ts"
import type { Audit, AuditRow } from "./Audit.ts"
import { FileWriter } from "./audit/auditFile.ts"

const rowsAtOnce = 500

/** The trail as a file, up to what is its head now: of everything, or of one user. Page after page, at the reader's pace. */
export const exportTrail = (
  { after, head, ofUserAfter }: Audit["Type"],
  install: string,
  user: UserId | null
): Stream.Stream<string, DatabaseUnavailable> =>
  Stream.unwrap(
    Effect.map(head(user), ({ seq: end }) => {
      const writer = new FileWriter(install, user)
      const placeOf = (row: AuditRow): number => (user === null ? row.seq : (row.userSeq ?? 0))
      const page = (place: number) => (user === null ? after(place, rowsAtOnce) : ofUserAfter(user, place, rowsAtOnce))
      const entries = Stream.paginateChunkEffect(0, (place: number) =>
        Effect.map(page(place), (rows) => {
          const wanted = rows.filter((row) => placeOf(row) <= end)
          const last = wanted.at(-1)
          const text = wanted.map((row) => writer.entry(row)).join("")
          const next = last === undefined || wanted.length < rowsAtOnce ? Option.none() : Option.some(placeOf(last))
          return [Chunk.of(text), next] as const
        })
      )
      const line = (write: () => string) => Stream.fromEffect(Effect.sync(write))
      return line(() => writer.first()).pipe(Stream.concat(entries), Stream.concat(line(() => writer.last())))
    })
  )
