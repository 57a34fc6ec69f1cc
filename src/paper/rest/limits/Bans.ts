/** This many refused requests inside the time a caller was told to wait are forgiven; the next one is a ban. */
const forgivenRequests = 10
/** What was sent before the first refusal could be heard ignores nothing. */
const roundTripMillis = 300
/** An account over a limit of its own costs its address, and with it others, a ban only when it goes on for so long. */
const persistenceMillis = 3_000
const firstBanMillis = 120_000
const longestBanMillis = 3 * 86_400_000
/** After so long without a ban the next one is short again. */
const memoryMillis = 3_600_000

interface Wait {
  readonly refusedAt: number
  until: number
  ignored: number
}

interface Ban {
  until: number
  nextMillis: number
}

/** Who goes on asking after 429 is locked out, each time for twice as long. */
export class Bans {
  /** By whom the refusals were for: an address or an account. */
  readonly #waits = new Map<string, Wait>()
  /** By address. */
  readonly #banned = new Map<string, Ban>()
  #bans = 0

  /** Milliseconds until the ban of this address ends, 0 without one. */
  left(ip: string, at: number): number {
    return Math.max(0, (this.#banned.get(ip)?.until ?? 0) - at)
  }

  /** A request was refused over a limit of `caller`, the address or an account; answers whether that is one too many. */
  refused(ip: string, caller: string, waitMillis: number, at: number): boolean {
    const wait = this.#waitOf(caller, at)
    const since = at - wait.refusedAt
    if (since >= roundTripMillis) wait.ignored++
    wait.until = Math.max(wait.until, at + waitMillis)
    if (wait.ignored <= forgivenRequests || (caller !== ip && since < persistenceMillis)) return false
    this.#waits.delete(caller)
    const ban = this.#banOf(ip, at)
    ban.until = at + ban.nextMillis
    ban.nextMillis = Math.min(longestBanMillis, ban.nextMillis * 2)
    this.#bans++
    return true
  }

  get count(): number {
    return this.#bans
  }

  forgetIdle(at: number): void {
    for (const [caller, { until }] of this.#waits) if (until <= at) this.#waits.delete(caller)
    for (const [ip, ban] of this.#banned) if (isForgotten(ban, at)) this.#banned.delete(ip)
  }

  #waitOf(caller: string, at: number): Wait {
    const known = this.#waits.get(caller)
    if (known !== undefined && at < known.until) return known
    const made = { refusedAt: at, until: 0, ignored: 0 }
    this.#waits.set(caller, made)
    return made
  }

  #banOf(ip: string, at: number): Ban {
    const known = this.#banned.get(ip)
    if (known !== undefined && !isForgotten(known, at)) return known
    const made = { until: 0, nextMillis: firstBanMillis }
    this.#banned.set(ip, made)
    return made
  }
}

const isForgotten = ({ until }: Ban, at: number): boolean => until + memoryMillis <= at
