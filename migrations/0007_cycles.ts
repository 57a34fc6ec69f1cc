/** One statement per string: a database call runs one statement. Never edited once released. */
export default [
  // An entry, its ladder levels and its exits. What was bought and sold is in `executions` and `fills`; `memory` holds
  // only what they cannot tell: the highest price since the trailing stop was armed, and why the cycle is being sold.
  `CREATE TABLE cycles (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id TEXT NOT NULL,
    cycle_id TEXT NOT NULL UNIQUE,
    rule_id TEXT NOT NULL,
    rule_version INTEGER NOT NULL,
    symbol TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'closed')),
    reason TEXT,
    bought INTEGER NOT NULL,
    memory TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    closed_at INTEGER,
    FOREIGN KEY (user_id, rule_id) REFERENCES rules (user_id, rule_id)
  ) STRICT`,

  // A rule has one open cycle at most.
  `CREATE UNIQUE INDEX cycles_open ON cycles (user_id, rule_id) WHERE state = 'open'`,

  `CREATE INDEX cycles_of_rule ON cycles (user_id, rule_id, seq)`,

  `CREATE INDEX executions_of_cycle ON executions (user_id, cycle_id, seq)`,

  `CREATE INDEX orders_of_cycle ON orders (user_id, cycle_id) WHERE cycle_id IS NOT NULL`
] as const
