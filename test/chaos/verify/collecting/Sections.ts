/** What is asked of the service for each user, in this order: the events last, so that they tell of all the rest. */
export const sections = [
  "account",
  "settings",
  "orders",
  "fills",
  "rules",
  "executions",
  "decisions",
  "positions",
  "wallet",
  "transactions",
  "halt",
  "limits",
  "audit",
  "events"
] as const
export type Section = (typeof sections)[number]

export const ruleStates = ["draft", "active", "paused", "completed", "quarantined", "archived"] as const

/** What is asked once: how the service itself is. */
export const statusPaths = [
  "/status",
  "/status/ready",
  "/status/dependencies",
  "/status/limits",
  "/status/engine"
] as const
