import type { Instant } from "../../domain/Time.ts"

/** An event as it is kept: `data` is the JSON text of its API encoding, so that nobody who only passes it on reads it. */
export interface StoredEvent {
  readonly seq: number
  readonly at: Instant
  readonly type: string
  readonly objectId: string
  readonly data: string
}

/** The asked place is not in the log: swept after 30 days, or of a log that a restore has undone. */
export interface Gap {
  /** The reader had seen everything up to here. */
  readonly after: number
  /** The oldest event there is; one more than `seq` when there is none. */
  readonly keptFrom: number
  /** The newest event there is. */
  readonly seq: number
}

/** Part of the log, ascending. With a gap it begins at the oldest event there is. */
export interface Slice {
  readonly events: ReadonlyArray<StoredEvent>
  readonly gap: Gap | null
}

/** The event as its own JSON text. */
export const renderEvent = ({ at, data, objectId, seq, type }: StoredEvent): string =>
  `{"seq":${seq},"at":"${new Date(at).toISOString()}","type":"${type}","objectId":${JSON.stringify(objectId)},"data":${data}}`
