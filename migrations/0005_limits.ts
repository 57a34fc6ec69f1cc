/** One statement per string: a database call runs one statement. Never edited once released. */
export default [
  // A user's own halt, the operator's of that user, and the operator's of everybody (user_id '*').
  `CREATE TABLE halts (
    user_id TEXT NOT NULL,
    origin TEXT NOT NULL CHECK (origin IN ('user', 'operator')),
    halted INTEGER NOT NULL,
    scope TEXT NOT NULL CHECK (scope IN ('entries', 'all')),
    reason TEXT,
    since INTEGER,
    cancel_pending INTEGER NOT NULL,
    PRIMARY KEY (user_id, origin)
  ) STRICT`,

  `CREATE TABLE trading_limits (
    user_id TEXT NOT NULL PRIMARY KEY REFERENCES users (user_id),
    document TEXT NOT NULL,
    updated_at INTEGER NOT NULL
  ) STRICT`,

  // What a buy may cost at most, in its quote asset with fees, written with the intent and never changed. What it still
  // holds is derived from the order and its fills, so it cannot drift. `rate` is what one of the quote asset was worth.
  `CREATE TABLE reservations (
    user_id TEXT NOT NULL REFERENCES users (user_id),
    order_id TEXT NOT NULL,
    key_id TEXT,
    base_asset TEXT NOT NULL,
    quote_asset TEXT NOT NULL,
    worst_quote TEXT NOT NULL,
    rate TEXT,
    at INTEGER NOT NULL,
    PRIMARY KEY (user_id, order_id)
  ) STRICT, WITHOUT ROWID`,

  `CREATE INDEX fills_by_time ON fills (user_id, at)`,

  `CREATE INDEX orders_never_placed ON orders (user_id, terminal_at)
    WHERE status = 'rejected' AND sent_at IS NOT NULL AND refusal IS NULL`
] as const
