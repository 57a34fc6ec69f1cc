import { Context, Layer, Option } from "effect"
import { seedFor, uniform } from "../market/Noise.ts"
import { catalogue, type Entry } from "./Catalogue.ts"
import { type Fault, type FaultOf, type FaultType, isFaultOf } from "./Fault.ts"

/** What is about to happen, for the selectors of a fault. */
export interface Target {
  readonly method?: string
  readonly path?: string
  /** Access key. */
  readonly account?: string | null
  readonly symbol?: string | null
  readonly channel?: string
  /** Before or after a request takes effect, for faults that may happen at either. */
  readonly when?: "before" | "after"
}

export interface FaultState extends Entry {
  readonly type: FaultType
  /** How many times it will still happen; null: until it is cleared. */
  readonly left: number | null
  /** How many times it has happened since the exchange started. */
  readonly fired: number
}

/** Planned misbehaviour: what is planned, for whom, and how often each has happened. */
export class Faults extends Context.Tag("dipper/paper/Faults")<
  Faults,
  {
    /** The fault that happens to this target now, if one does; counts it. */
    readonly fire: <Type extends FaultType>(type: Type, target?: Target) => Option.Option<FaultOf<Type>>
    /** As `fire`, for a fault that may turn out to have no effect: the caller counts it when it has one. */
    readonly take: <Type extends FaultType>(type: Type, target?: Target) => Option.Option<FaultOf<Type>>
    readonly count: (type: FaultType) => void
    /** When a request of this target arrives that is under way now, where the way is stalled; counts each that waits. */
    readonly stalledUntil: (now: number, target: Target) => number | null
    /** Replaces what is planned of the types named; other types keep their plans. */
    readonly plan: (faults: ReadonlyArray<Fault>, now: number) => void
    /** Plans nothing more and shows what was hidden; the counters stay. */
    readonly clear: () => void
    /** Queries do not show this order until the wall clock says so. */
    readonly hideOrder: (orderId: string, until: number, now: number) => void
    /** Nothing is planned and nothing hidden, as at most times. */
    readonly isIdle: () => boolean
    readonly isHidden: (orderId: string, now: number) => boolean
    /** Milliseconds the venue's clock is ahead for this target; counts the clock faults that make it so. */
    readonly clockShift: (now: number, target?: Target) => number
    /** Every type, planned or not. */
    readonly describe: () => ReadonlyArray<FaultState>
  }
>() {
  static readonly layer = (options: { readonly seed: number }) => Layer.sync(Faults, () => make(options.seed))

  /** Nothing is ever planned. */
  static readonly layerNone = Faults.layer({ seed: 0 })
}

interface Planned {
  readonly fault: Fault
  readonly since: number
  left: number | null
}

const make = (seed: number): Context.Tag.Service<typeof Faults> => {
  const plans = new Map<FaultType, ReadonlyArray<Planned>>()
  const fired = new Map<FaultType, number>()
  const rolls = new Map<FaultType, number>()
  const hidden = new Map<string, number>()
  let stalls: ReadonlyArray<{ readonly fault: FaultOf<"stall">; readonly until: number }> = []

  /** The same requests in the same order meet the same faults. */
  const happens = ({ probability, type }: Fault): boolean => {
    if (probability === undefined) return true
    const position = rolls.get(type) ?? 0
    rolls.set(type, position + 1)
    return uniform(seedFor(seed, `fault ${type}`), position) < probability
  }

  const forget = (type: FaultType, done: Planned): void => {
    const others = plans.get(type)?.filter((planned) => planned !== done) ?? []
    if (others.length === 0) plans.delete(type)
    else plans.set(type, others)
  }

  const takePlan = (type: FaultType, target: Target): Planned | undefined => {
    const planned = plans.get(type)?.find(({ fault }) => matches(fault, target) && happens(fault))
    if (planned !== undefined && planned.left !== null && --planned.left === 0) forget(type, planned)
    return planned
  }
  const count = (type: FaultType): void => {
    fired.set(type, (fired.get(type) ?? 0) + 1)
  }
  const take = <Type extends FaultType>(type: Type, target: Target = {}): Option.Option<FaultOf<Type>> => {
    const fault = takePlan(type, target)?.fault
    return fault !== undefined && isFaultOf(fault, type) ? Option.some(fault) : Option.none()
  }
  const fire = <Type extends FaultType>(type: Type, target: Target = {}): Option.Option<FaultOf<Type>> => {
    const fault = take(type, target)
    if (Option.isSome(fault)) count(type)
    return fault
  }

  return {
    fire,
    take,
    count,
    stalledUntil: (now, target) => {
      stalls = stalls.filter(({ until }) => until > now)
      const open = stalls.find(({ fault }) => matches(fault, target))
      if (open !== undefined) {
        count("stall")
        return open.until
      }
      const begins = Option.getOrNull(fire("stall", target))
      if (begins === null) return null
      const until = now + begins.seconds * 1_000
      stalls = [...stalls, { fault: begins, until }]
      return until
    },
    plan: (faults, now) => {
      for (const type of new Set(faults.map((fault) => fault.type)))
        plans.set(
          type,
          faults
            .filter((fault) => fault.type === type)
            .map((fault) => ({ fault, since: now, left: fault.count ?? standardCount(fault) }))
        )
    },
    clear: () => {
      plans.clear()
      hidden.clear()
      stalls = []
    },
    hideOrder: (orderId, until, now) => {
      for (const [other, its] of hidden) if (its <= now) hidden.delete(other)
      hidden.set(orderId, until)
    },
    isIdle: () => plans.size === 0 && hidden.size === 0 && stalls.length === 0,
    isHidden: (orderId, now) => (hidden.get(orderId) ?? 0) > now,
    clockShift: (now, target = {}) => {
      const offset = Option.match(fire("clockOffset", target), { onNone: () => 0, onSome: ({ ms }) => ms })
      const drifting = takePlan("clockDrift", target)
      if (drifting === undefined || !isFaultOf(drifting.fault, "clockDrift")) return offset
      const drift = Math.round(((now - drifting.since) * drifting.fault.ppm) / 1_000_000)
      if (drift !== 0) count("clockDrift")
      return offset + drift
    },
    describe: () =>
      faultTypes.map((type) => ({
        type,
        ...catalogue[type],
        left: leftOf(plans.get(type) ?? []),
        fired: fired.get(type) ?? 0
      }))
  }
}

const leftOf = (planned: ReadonlyArray<Planned>): number | null =>
  planned.reduce<number | null>((sum, { left }) => (sum === null || left === null ? null : sum + left), 0)

/** Once; as often as the dice say; always where once would make no sense. */
const standardCount = ({ probability, type }: Fault): number | null =>
  probability !== undefined || catalogue[type].always === true ? null : 1

export const isFaultType = (name: string): name is FaultType => Object.hasOwn(catalogue, name)

export const faultTypes: ReadonlyArray<FaultType> = Object.keys(catalogue).filter(isFaultType)

const orderPaths: ReadonlyArray<string | undefined> = ["/api/v3/order", "/api/v3/batchOrders"]

const matches = (fault: Fault, target: Target): boolean =>
  withinReach(fault, target) &&
  (fault.account === undefined || fault.account === target.account) &&
  (fault.symbol === undefined || fault.symbol === target.symbol) &&
  (fault.channel === undefined || (target.channel?.startsWith(fault.channel) ?? false)) &&
  (!("when" in fault) || target.when === undefined || fault.when === target.when)

const withinReach = (fault: Fault, { method, path }: Target): boolean => {
  if (fault.path === undefined && fault.method === undefined)
    return catalogue[fault.type].reach !== "orders" || (method === "POST" && orderPaths.includes(path))
  return (
    (fault.method === undefined || fault.method === method) &&
    (fault.path === undefined || (path !== undefined && isUnder(fault.path, path)))
  )
}

const isUnder = (wanted: string, path: string): boolean =>
  wanted.endsWith("*") ? path.startsWith(wanted.slice(0, -1)) : path === wanted
