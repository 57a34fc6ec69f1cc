import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Disk, diceOf } from "./Disk.ts"
import { Expected } from "./Expected.ts"
import { type Call, readCalls } from "./recording.ts"
import type { Recorded } from "./workload.ts"

export interface Outcome {
  readonly cuts: number
  readonly calls: number
  readonly syncs: number
  /** Cuts at which something unsynced was at stake. */
  readonly atStake: number
  readonly expected: number
  readonly losing: number
  readonly broken: number
  readonly worst: number
  /** Of the first cuts that lost or broke something. */
  readonly examples: ReadonlyArray<string>
  readonly opened: number
}

/** Looks at one cut's files by the service itself; what it says is wrong with them. */
export type Open = (folder: string) => Promise<string | null>

/** Cuts the power at `cuts` random calls, and says what each would have cost. */
export const cutPower = async (options: {
  readonly recorded: Recorded
  readonly cuts: number
  readonly seed: number
  readonly scratch: string
  /** Every so many cuts the service's own program opens what is left. */
  readonly openEvery: number
  readonly open: Open
}): Promise<Outcome> => {
  const { cuts, recorded, scratch, seed } = options
  const calls = readCalls(recorded.log)
  const told = [...recorded.told].sort((left, right) => left.at - right.at)
  const dice = diceOf(seed)
  const places = Array.from({ length: cuts }, () => Math.floor(dice() * (calls.length + 1))).sort((a, b) => a - b)

  const disk = new Disk(recorded.data)
  const expected = new Expected()
  const image = join(scratch, "image")
  const examples: Array<string> = []
  let [done, heard, atStake, losing, broken, worst, opened] = [0, 0, 0, 0, 0, 0, 0]

  const advance = (place: number): void => {
    for (; done < place; done++) {
      const call = calls[done]
      if (call === undefined) return
      disk.apply(call)
      if (call.kind === "N") expected.sends(call.bytes.toString())
      for (; (told[heard]?.at ?? Infinity) <= call.end; heard++) {
        const fact = told[heard]
        if (fact !== undefined) expected.tell(fact)
      }
    }
  }

  for (const [number, place] of places.entries()) {
    advance(place)
    if (disk.unsynced > 0) atStake++
    rmSync(image, { recursive: true, force: true })
    mkdirSync(image, { mode: 0o700 })
    const files = disk.cut(diceOf(seed + 1 + number))
    for (const [name, bytes] of files) writeFileSync(join(image, name), bytes, { mode: 0o600 })
    const found = await expected.missingFrom(join(image, "dipper.db"))
    const refused = (number + 1) % options.openEvery === 0 ? await options.open(image) : null
    if ((number + 1) % options.openEvery === 0) opened++
    const headless = isHeadless(files.get("dipper.db-wal")) ? ["the log lost its header"] : []
    const wrong = [...found.broken, ...headless, ...(refused === null ? [] : [refused])]
    if (found.lost.length > 0) losing++
    if (wrong.length > 0) broken++
    worst = Math.max(worst, found.lost.length)
    const first = [...wrong, ...found.lost].slice(0, 3)
    if (first.length > 0 && examples.length < 5)
      examples.push(`cut ${number} after call ${place} of ${calls.length}: ${first.join("; ")}`)
  }
  const syncs = calls.filter(({ kind }: Call) => kind === "S").length
  const size = expected.size
  return { cuts, calls: calls.length, syncs, atStake, expected: size, losing, broken, worst, examples, opened }
}

/**
 * The service takes a log with frames and without a header for damage, and does not start: no cut may leave one. The
 * header ends with a sum of its first 24 bytes.
 */
const isHeadless = (log: Buffer | undefined): boolean => {
  if (log === undefined || log.length <= 32) return false
  const word = (at: number) => (log.readUInt32BE(0) === 0x377f0682 ? log.readUInt32LE(at) : log.readUInt32BE(at))
  let [left, right] = [0, 0]
  for (let at = 0; at < 24; at += 8) {
    left = (left + word(at) + right) % 2 ** 32
    right = (right + word(at + 4) + left) % 2 ** 32
  }
  return (
    log.readUInt32BE(0) >>> 1 !== 0x377f0682 >>> 1 || log.readUInt32BE(24) !== left || log.readUInt32BE(28) !== right
  )
}
