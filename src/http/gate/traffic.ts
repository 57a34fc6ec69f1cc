/** What a request is counted as, beside the overall quota of its user. */
export type RateClass = "market" | "account" | "orders" | "edits" | "secrets" | "stops"

/** In the order in which an overloaded service refuses: the last ones go on for the longest. */
export const ranks = ["lists", "reads", "edits", "orders", "stops"] as const
export type Rank = (typeof ranks)[number]

/** What ends a danger: it has a quota of its own, so that a poll or a loop of orders gone wild cannot use it up. */
const stopping = new Set([
  "cancelOrder",
  "cancelOrders",
  "setHalt",
  "pauseRule",
  "revokeKey",
  "deleteCredentials",
  "freezeCredentials",
  // Tells that somebody must not come in any more; its sender repeats what is refused, but late.
  "receiveClerkWebhook"
])

const trading = new Set(["placeOrder", "closePosition", "runRule", "resolveOrder", "receiveSignal"])

/** Each makes, or shows once, what opens something; most of them ask the exchange. */
const secret = new Set([
  "setCredentials",
  "rotateCredentials",
  "unfreezeCredentials",
  "createKey",
  "rotateKey",
  "rotateSignalToken",
  "deleteAccount"
])

/** A POST that changes nothing anybody could miss. */
const reading = new Set(["previewOrder", "previewRule", "refreshWallet", "createStreamTicket"])

interface Named {
  readonly method: string
  readonly operation: string
  readonly path: string
}

export const rateClassOf = ({ method, operation, path }: Named): RateClass => {
  if (stopping.has(operation)) return "stops"
  if (trading.has(operation)) return "orders"
  if (secret.has(operation)) return "secrets"
  if (method !== "GET" && !reading.has(operation)) return "edits"
  return path.startsWith("/api/v1/market/") ? "market" : "account"
}

/** Null: always served, because who looks whether the service lives must not be told that it is busy. */
export const rankOf = (route: Named): Rank | null => {
  const { operation, path } = route
  if (/^(\/metrics|\/api\/v1\/status(\/live|\/ready)?)$/.test(path)) return null
  if (!path.startsWith("/api/")) return "lists"
  const counted = rateClassOf(route)
  if (counted === "stops" || counted === "orders") return counted
  if (counted === "edits" || counted === "secrets") return "edits"
  return /^(list|explain|previewRule)/.test(operation) ? "lists" : "reads"
}
