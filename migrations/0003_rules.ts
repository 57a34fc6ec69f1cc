/** One statement per string: a database call runs one statement. Never edited once released. */
export default [
  // `runtime` is the trigger's memory between ticks and restarts; `spent_total` and `executed_count` are the sums of
  // finished executions, changed only in the transaction that settles one.
  `CREATE TABLE rules (
    user_id TEXT NOT NULL REFERENCES users (user_id),
    rule_id TEXT NOT NULL UNIQUE,
    version INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('draft', 'active', 'paused', 'completed', 'quarantined', 'archived')),
    pause_reason TEXT,
    symbol TEXT NOT NULL,
    document TEXT NOT NULL,
    runtime TEXT NOT NULL,
    failures INTEGER NOT NULL,
    spent_total TEXT NOT NULL,
    executed_count INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, rule_id)
  ) STRICT`,

  `CREATE INDEX rules_by_state ON rules (state)`,

  // Append-only.
  `CREATE TABLE rule_versions (
    user_id TEXT NOT NULL,
    rule_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    document TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, rule_id, version),
    FOREIGN KEY (user_id, rule_id) REFERENCES rules (user_id, rule_id)
  ) STRICT`,

  // `reserved_quote` is held against the rule's limits from the order's intent until its end, then `spent_quote` counts.
  `CREATE TABLE executions (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id TEXT NOT NULL,
    execution_id TEXT NOT NULL UNIQUE,
    rule_id TEXT NOT NULL,
    rule_version INTEGER NOT NULL,
    cycle_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    level INTEGER NOT NULL,
    slot TEXT NOT NULL,
    triggered_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('running', 'done')),
    outcome TEXT,
    reason TEXT,
    attempted INTEGER NOT NULL,
    quote_asset TEXT,
    requested_quote TEXT,
    reserved_quote TEXT NOT NULL,
    spent_quote TEXT NOT NULL,
    expected_price TEXT,
    orders TEXT NOT NULL,
    executed_quantity TEXT NOT NULL,
    executed_quote TEXT NOT NULL,
    decide_ms INTEGER,
    submit_ms INTEGER,
    fill_ms INTEGER,
    UNIQUE (user_id, execution_id),
    UNIQUE (user_id, rule_id, slot, kind, level),
    FOREIGN KEY (user_id, rule_id) REFERENCES rules (user_id, rule_id)
  ) STRICT`,

  `CREATE INDEX executions_of_rule ON executions (user_id, rule_id, triggered_at)`,

  `CREATE INDEX executions_of_rule_in_order ON executions (user_id, rule_id, seq)`,

  `CREATE INDEX executions_in_order ON executions (user_id, seq)`,

  `CREATE INDEX executions_running ON executions (user_id, rule_id) WHERE state = 'running'`,

  // Append-only.
  `CREATE TABLE decisions (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id TEXT NOT NULL,
    rule_id TEXT NOT NULL,
    execution_id TEXT,
    at INTEGER NOT NULL,
    record TEXT NOT NULL,
    FOREIGN KEY (user_id, rule_id) REFERENCES rules (user_id, rule_id)
  ) STRICT`,

  `CREATE INDEX decisions_of_rule ON decisions (user_id, rule_id, seq)`
] as const
