/** How a connection is asked whether it lives, in milliseconds: a dead one is noticed after the sum, and two looks. */
export interface Pulse {
  readonly pingEvery: number
  readonly answeredWithin: number
  readonly lookEvery: number
}

/** The venue wants a ping every 15 to 20 s and answers within ten. */
export const publicPulse: Pulse = { pingEvery: 15_000, answeredWithin: 10_000, lookEvery: 5_000 }

/** An account's stream is usually silent, and what it would tell is money: other clients ask every 8 s too. */
export const accountPulse: Pulse = { pingEvery: 8_000, answeredWithin: 5_000, lookEvery: 1_000 }
