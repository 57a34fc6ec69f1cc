/** This many refused requests inside the time a caller was told to wait are forgiven; the next one is a ban. */
const forgivenRequests = 10
const firstBanMillis = 120_000
const longestBanMillis = 3 * 86_400_000
/** After so long without a ban the next one is short again. */
const memoryMillis = 3_600_000

interface Offender {
  waitUntil: number
  ignored: number
  bannedUntil: number
  nextBanMillis: number
}

/** Who goes on asking after 429 is locked out, each time for twice as long. */
export class Bans {
  readonly #offenders = new Map<string, Offender>()
  #bans = 0

  /** Milliseconds until the ban of this address ends, 0 without one. */
  left(ip: string, at: number): number {
    return Math.max(0, (this.#offenders.get(ip)?.bannedUntil ?? 0) - at)
  }

  /** A request of this address was refused; answers whether that is one too many. */
  refused(ip: string, waitMillis: number, at: number): boolean {
    const offender = this.#offenderAt(ip, at)
    offender.ignored = at < offender.waitUntil ? offender.ignored + 1 : 0
    offender.waitUntil = Math.max(offender.waitUntil, at + waitMillis)
    if (offender.ignored <= forgivenRequests) return false
    offender.ignored = 0
    offender.bannedUntil = at + offender.nextBanMillis
    offender.nextBanMillis = Math.min(longestBanMillis, offender.nextBanMillis * 2)
    this.#bans++
    return true
  }

  get count(): number {
    return this.#bans
  }

  forgetIdle(at: number): void {
    for (const [ip, offender] of this.#offenders) if (isForgiven(offender, at)) this.#offenders.delete(ip)
  }

  #offenderAt(ip: string, at: number): Offender {
    const known = this.#offenders.get(ip)
    if (known !== undefined && !isForgiven(known, at)) return known
    const made = { waitUntil: 0, ignored: 0, bannedUntil: 0, nextBanMillis: firstBanMillis }
    this.#offenders.set(ip, made)
    return made
  }
}

const isForgiven = ({ bannedUntil, waitUntil }: Offender, at: number): boolean =>
  Math.max(bannedUntil === 0 ? 0 : bannedUntil + memoryMillis, waitUntil) <= at
