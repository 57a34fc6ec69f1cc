import type { Invariant } from "../Run.ts"
import type { Draft } from "./Draft.ts"

/** One thing that goes wrong, and by what it must be found. */
export interface Defect {
  readonly name: string
  /** `unreadable`: the record is refused as a whole. */
  readonly foundBy: Invariant | "unreadable"
  /** What is said of it. */
  readonly says: RegExp
  /** Plants it; false when these journals have no occasion for it. */
  readonly plant: (draft: Draft) => boolean
}
