import type { Options } from "../Options.ts"
import { type Action, actionsOf } from "./Actions.ts"
import { companionsOf, crowdOf } from "./Crowd.ts"
import { faultOf, type Injection, longPenalty } from "./Faults.ts"
import { random } from "./Random.ts"

/** From a start that became ready to the next kill, and what befalls the starts after it. */
export interface Life {
  readonly upMs: number
  /** `submit`: within 50 ms of an order's sending, the given time after it. */
  readonly by: "time" | "submit"
  readonly delayMs: number
  /** Each of the next starts is killed again so long after its beginning. */
  readonly recovery: ReadonlyArray<number>
  /** With a fail point: at which reaching of it. */
  readonly times: number
}

/** What the seed decides. What comes of it depends on the machine too: no two runs have the same microseconds. */
export interface Plan {
  readonly actions: ReadonlyArray<Action>
  readonly lives: ReadonlyArray<Life>
  readonly injections: ReadonlyArray<Injection>
}

const livesOf = ({ kills, minutes, seed }: Options): ReadonlyArray<Life> => {
  const dice = random(seed, "kills")
  const recoveries: Array<ReadonlyArray<number>> = []
  let left = kills
  while (left > 0) {
    left--
    // About a fifth of all kills hit a start, two to five in a row.
    const again = recoveries.length % 12 === 3 ? Math.min(left, dice.integer(2, 5)) : 0
    left -= again
    recoveries.push(Array.from({ length: again }, () => Math.round(dice.between(20, 1_800))))
  }
  const submits = new Set(dice.shuffled(recoveries.map((_, index) => index)).slice(0, Math.ceil(kills * 0.3)))
  const share = (minutes * 60_000) / Math.max(1, recoveries.length)
  const up = Math.max(600, share - 1_500)
  return recoveries.map((recovery, index) => ({
    upMs: Math.round(up * dice.between(0.3, 1.7)),
    by: submits.has(index) ? "submit" : "time",
    delayMs: Math.round(dice.between(0, 35)),
    recovery,
    times: dice.integer(1, 4)
  }))
}

const injectionsOf = ({ faults, isCrowded, minutes, seed }: Options, lasts: number): ReadonlyArray<Injection> => {
  const dice = random(seed, "faults")
  const injections: Array<Injection> = []
  let at = 1_500
  let round = 0
  // Each kind about twice in a short run; never so dense that nothing else happens any more.
  const gap = Math.max(1_500, (minutes * 60_000) / (2.2 * Math.max(1, faults.length)))
  while (faults.length > 0 && at < lasts)
    for (const name of roundOf(dice.shuffled(faults), round++)) {
      injections.push({ at: Math.round(at), fault: faultOf(name, dice) })
      for (const other of isCrowded ? companionsOf(name) : [])
        if (faults.includes(other.type)) injections.push({ at: Math.round(at), fault: other })
      at += gap * dice.between(0.4, 1.6)
    }
  return injections
}

const roundOf = (names: ReadonlyArray<string>, round: number): ReadonlyArray<string> =>
  round % 6 === 0 || names.length === 1 ? names : names.filter((name) => name !== longPenalty)

export const planOf = (options: Options): Plan => {
  const { minutes, rules, seed, users } = options
  // Restarts may take longer than thought; what is planned beyond the last kill is left out.
  const lasts = minutes * 60_000 * 1.5 + 60_000
  const actions = Array.from({ length: users }, (_, user) => {
    const its = Math.floor(rules / users) + (user < rules % users ? 1 : 0)
    return actionsOf(seed, user, random(seed, `user ${user}`), its, lasts, options.isCrowded)
  })
  const crowd = options.isCrowded
    ? crowdOf(seed, users, options.faults, lasts, actions.flat())
    : { actions: [], injections: [] }
  return {
    actions: [...actions.flat(), ...crowd.actions].toSorted((a, b) => a.at - b.at),
    lives: livesOf(options),
    injections: [...injectionsOf(options, lasts), ...crowd.injections].toSorted((a, b) => a.at - b.at)
  }
}
