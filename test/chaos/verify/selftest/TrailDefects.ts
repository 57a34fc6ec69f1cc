import { hashOf, entryOf, noHash } from "../journal/Trail.ts"
import type { Defect } from "./Defect.ts"
import { alter, dataOf, drop, type Entry, repeat } from "./Draft.ts"

const isEntry = (line: Entry) => line["kind"] === "audit"
const isDecision = (line: Entry) => isEntry(line) && dataOf(line)["action"] === "orderDecided"

/** Numbers and hashes of all trails, as of a service that wrote these entries: newest first. */
const chained = (service: ReadonlyArray<Entry>): void => {
  const heads = new Map<unknown, { readonly seq: number; readonly hash: string }>()
  for (const line of service.filter(isEntry).toReversed()) {
    const before = heads.get(line["user"]) ?? { seq: 0, hash: noHash }
    const seq = before.seq + 1
    const head = { seq, hash: hashOf(before.hash, seq, entryOf(dataOf(line))) }
    Object.assign(dataOf(line), head)
    heads.set(line["user"], head)
  }
}

const whole = (planted: boolean, service: ReadonlyArray<Entry>): boolean => {
  if (planted) chained(service)
  return planted
}

/** What a service does wrong that writes a whole chain, and what somebody does who writes into it. */
export const trailDefects: ReadonlyArray<Defect> = [
  {
    name: "an order has no entry in the trail",
    foundBy: "I14",
    says: /has 0 entries in the trail/,
    plant: ({ service }) => whole(drop(service, isDecision), service)
  },
  {
    name: "an order has two entries in the trail",
    foundBy: "I14",
    says: /has 2 entries in the trail/,
    plant: ({ service }) => whole(repeat(service, isDecision), service)
  },
  {
    name: "the trail tells of an order that was never made",
    foundBy: "I14",
    says: /that was never made/,
    plant: ({ service }) =>
      whole(
        repeat(service, isDecision, (copy) => {
          dataOf(copy)["objectId"] = "ord_99999999999999999999999999"
        }),
        service
      )
  },
  {
    name: "an entry of the trail was changed",
    foundBy: "I14",
    says: /does not fit/,
    plant: ({ service }) =>
      alter(service, isDecision, (line) => {
        dataOf(line)["detail"] = { symbol: "ETHUSDT" }
      })
  },
  {
    name: "an entry was taken out of the trail",
    foundBy: "I14",
    says: /the trail of .* goes from/,
    plant: ({ service }) => drop(service, (line) => isEntry(line) && !isDecision(line))
  }
]
