/** One statement per string: a database call runs one statement. Never edited once released. */
export default [
  // Until then a firing may wait for its gates; null once it was decided for good.
  `ALTER TABLE executions ADD COLUMN waits_until INTEGER`,

  // 1 while more orders may follow: a resting order's end does not end its execution.
  `ALTER TABLE executions ADD COLUMN resting INTEGER NOT NULL DEFAULT 0`,

  // Skipped firings since the last one that was not.
  `ALTER TABLE rules ADD COLUMN skips INTEGER NOT NULL DEFAULT 0`,

  // 0: a skip, which may be swept once it is old. What was recorded before this column stays.
  `ALTER TABLE decisions ADD COLUMN kept INTEGER NOT NULL DEFAULT 1`,

  `CREATE INDEX decisions_to_sweep ON decisions (user_id, rule_id, seq) WHERE kept = 0`,

  `CREATE INDEX decisions_to_sweep_by_age ON decisions (at) WHERE kept = 0`,

  // The hash of the token that a rule's signals carry; the token itself is nowhere.
  `CREATE TABLE rule_signal_tokens (
    user_id TEXT NOT NULL,
    rule_id TEXT NOT NULL UNIQUE,
    token_hash TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, rule_id),
    FOREIGN KEY (user_id, rule_id) REFERENCES rules (user_id, rule_id)
  ) STRICT`
] as const
