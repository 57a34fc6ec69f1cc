/**
 * What an order must look like, said without a join: from everything heard so far, whatever the order of arrival and
 * however often. Whole numbers instead of decimals, a set of heard messages instead of columns. Keep it small enough
 * to be checked by reading.
 */
export type Message =
  | { readonly type: "ack" }
  /** A push of the order, or an answer about it: what was executed in all, and whether it is over. */
  | {
      readonly type: "told"
      readonly status: "open" | "partiallyFilled" | "filled" | "cancelled" | "partiallyCancelled" | "unrecognised"
      readonly executed: number
      readonly quote: number
      readonly at: number
    }
  | {
      readonly type: "fill"
      readonly id: string
      readonly quantity: number
      readonly price: number
      readonly at: number
    }
  /** Ours: the answer was lost; and: absence was proven. */
  | { readonly type: "lost" }
  | { readonly type: "absent" }

export interface Look {
  readonly status: string
  readonly executed: number
  readonly quote: number
  readonly fees: number
  readonly explained: boolean
  readonly endedAt: number | null
}

const sum = (values: ReadonlyArray<number>): number => values.reduce((total, value) => total + value, 0)

/** `asked` is the base quantity, null for an order sized in quote. Each fill costs a fee of one. */
export const expected = (heard: ReadonlyArray<Message>, asked: number | null): Look => {
  const told = heard.filter((message) => message.type === "told")
  const fills = [...new Map(heard.flatMap((one) => (one.type === "fill" ? [[one.id, one] as const] : []))).values()]
  const venueSpoke = told.length > 0 || fills.length > 0 || heard.some(({ type }) => type === "ack")
  if (!venueSpoke) {
    const status = heard.some(({ type }) => type === "absent")
      ? "rejected"
      : heard.some(({ type }) => type === "lost")
        ? "unknown"
        : "pending"
    return { status, executed: 0, quote: 0, fees: 0, explained: true, endedAt: status === "rejected" ? 99 : null }
  }

  const filled = sum(fills.map(({ quantity }) => quantity))
  const most = Math.max(0, ...told.map(({ executed }) => executed))
  const explained = filled >= most
  const executed = explained ? filled : most
  const quote = explained
    ? sum(fills.map(({ price, quantity }) => price * quantity))
    : Math.max(...told.filter((one) => one.executed === most).map((one) => one.quote))

  const isFilled = told.some(({ status }) => status === "filled") || (asked !== null && executed >= asked)
  const isCancelled = told.some(({ status }) => status === "cancelled" || status === "partiallyCancelled")
  const status = isFilled
    ? "filled"
    : isCancelled
      ? executed > 0
        ? "partiallyCancelled"
        : "cancelled"
      : executed > 0
        ? "partiallyFilled"
        : "open"

  const ends = told.filter(({ status: one }) => ["filled", "cancelled", "partiallyCancelled"].includes(one))
  const lastFill = fills.length === 0 ? null : Math.max(...fills.map(({ at }) => at))
  const endedAt = !(isFilled || isCancelled) ? null : ends.length > 0 ? Math.min(...ends.map(({ at }) => at)) : lastFill
  return { status, executed, quote, fees: fills.length, explained, endedAt }
}
