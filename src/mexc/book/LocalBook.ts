import type { BookLevel } from "../../domain/Market.ts"
import type { Instant } from "../../domain/Time.ts"
import { makeBookSide } from "./BookSide.ts"

interface Sides {
  readonly bids: ReadonlyArray<BookLevel>
  readonly asks: ReadonlyArray<BookLevel>
  readonly at: Instant
}

/** Quantities are absolute, zero removes the level; both versions are inclusive. */
export interface DepthDelta extends Sides {
  readonly fromVersion: bigint
  readonly toVersion: bigint
}

/** `truncated`: as many levels as were asked for, so that there may be more. */
export interface DepthSnapshot extends Sides {
  readonly version: bigint
  readonly truncated: boolean
}

/**
 * The venue's book kept from a snapshot and the deltas around it, by the six steps of its documentation. It is either
 * exact at its version, or it says that it waits for a snapshot.
 */
export interface LocalBook {
  /** Null while it waits for a snapshot. */
  readonly version: () => bigint | null
  /** Market time of what changed it last. */
  readonly at: () => Instant
  /** `gap`: a delta is missing, and a new snapshot is needed. */
  readonly apply: (delta: DepthDelta) => "buffered" | "applied" | "known" | "gap"
  /** `tooOld`: the snapshot ends before the deltas begin; another one is needed. */
  readonly load: (snapshot: DepthSnapshot) => "loaded" | "known" | "tooOld" | "gap"
  /** Best first; null while it waits, and for more levels than are known for certain. */
  readonly levels: (depth: number) => Pick<Sides, "bids" | "asks"> | null
  /** Forgets everything: the stream was interrupted, or the versions have begun anew. */
  readonly reset: () => void
}

/** Half a minute of deltas at ten a second; without the oldest of them the snapshot has only to be newer. */
const bufferedAtMost = 300

export const makeLocalBook = (): LocalBook => {
  const bids = makeBookSide("bids")
  const asks = makeBookSide("asks")
  let version: bigint | null = null
  let at: Instant = 0
  let buffer: Array<DepthDelta> = []

  const wait = (delta?: DepthDelta) => {
    version = null
    buffer = delta === undefined ? [] : [delta]
  }

  const keep = (delta: DepthDelta) => {
    const last = buffer.at(-1)
    if (last !== undefined && delta.toVersion <= last.toVersion) return "known"
    // A snapshot from before the loss would lead into it.
    if (last !== undefined && delta.fromVersion > last.toVersion + 1n) buffer = []
    buffer.push(delta)
    if (buffer.length > bufferedAtMost) buffer.shift()
    return "buffered"
  }

  const apply: LocalBook["apply"] = (delta) => {
    if (delta.fromVersion > delta.toVersion) {
      wait()
      return "gap"
    }
    if (version === null) return keep(delta)
    if (delta.toVersion <= version) return "known"
    if (delta.fromVersion > version + 1n) {
      wait(delta)
      return "gap"
    }
    // One that begins earlier was merged otherwise, by another connection; its quantities are those of its end.
    for (const level of delta.bids) bids.put(level)
    for (const level of delta.asks) asks.put(level)
    version = delta.toVersion
    at = Math.max(at, delta.at)
    return "applied"
  }

  const load: LocalBook["load"] = (snapshot) => {
    if (version !== null && snapshot.version <= version) return "known"
    const later = version === null ? buffer.filter(({ toVersion }) => toVersion > snapshot.version) : []
    const [first] = later
    if (first !== undefined && first.fromVersion > snapshot.version + 1n) return "tooOld"
    bids.replace(snapshot.bids, snapshot.truncated)
    asks.replace(snapshot.asks, snapshot.truncated)
    version = snapshot.version
    at = snapshot.at
    buffer = []
    for (const delta of later) if (apply(delta) === "gap") return "gap"
    return "loaded"
  }

  return {
    version: () => version,
    at: () => at,
    apply,
    load,
    levels: (depth) => {
      if (version === null) return null
      const bestBids = bids.best(depth)
      const bestAsks = asks.best(depth)
      return bestBids === null || bestAsks === null ? null : { bids: bestBids, asks: bestAsks }
    },
    reset: () => wait()
  }
}
