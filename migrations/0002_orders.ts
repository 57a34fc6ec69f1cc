/** One statement per string: a database call runs one statement. Never edited once released. */
export default [
  // The intent, what became of it, and the join of all facts the venue told of it (the `told_…`, `closed…` columns).
  `CREATE TABLE orders (
    user_id TEXT NOT NULL REFERENCES users (user_id),
    order_id TEXT NOT NULL UNIQUE,
    version INTEGER NOT NULL,
    venue TEXT NOT NULL,
    book TEXT NOT NULL,
    client_order_id TEXT NOT NULL UNIQUE,
    exchange_order_id TEXT,
    symbol TEXT NOT NULL,
    base_asset TEXT NOT NULL,
    quote_asset TEXT NOT NULL,
    side TEXT NOT NULL,
    type TEXT NOT NULL,
    status TEXT NOT NULL,
    price TEXT,
    quantity TEXT,
    quote_amount TEXT,
    reserve_asset TEXT NOT NULL,
    reserve_amount TEXT NOT NULL,
    origin TEXT NOT NULL,
    rule_id TEXT,
    rule_version INTEGER,
    execution_id TEXT,
    cycle_id TEXT,
    slot TEXT,
    kind TEXT,
    level INTEGER,
    note TEXT,
    told_quantity TEXT NOT NULL,
    told_quote TEXT NOT NULL,
    closed TEXT NOT NULL,
    closed_at INTEGER,
    executed_quantity TEXT NOT NULL,
    executed_quote TEXT NOT NULL,
    fees TEXT NOT NULL,
    explained INTEGER NOT NULL,
    reject_reason TEXT,
    refusal TEXT,
    unfilled_reason TEXT,
    requested_at INTEGER NOT NULL,
    sent_at INTEGER,
    unknown_since INTEGER,
    unknown_since_wall INTEGER,
    terminal_at INTEGER,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, order_id)
  ) STRICT`,

  `CREATE UNIQUE INDEX orders_of_slot ON orders (user_id, rule_id, slot, kind, level) WHERE rule_id IS NOT NULL`,

  `CREATE INDEX orders_of_execution ON orders (user_id, execution_id) WHERE execution_id IS NOT NULL`,

  `CREATE INDEX orders_on_venue ON orders (user_id, exchange_order_id) WHERE exchange_order_id IS NOT NULL`,

  `CREATE INDEX orders_unsettled ON orders (user_id, status, explained)
    WHERE status IN ('pending', 'unknown', 'open', 'partiallyFilled') OR explained = 0`,

  // Append-only; only the order a fill belongs to may become known later than the fill.
  `CREATE TABLE fills (
    user_id TEXT NOT NULL REFERENCES users (user_id),
    symbol TEXT NOT NULL,
    trade_id TEXT NOT NULL,
    order_id TEXT REFERENCES orders (order_id),
    exchange_order_id TEXT NOT NULL,
    book TEXT NOT NULL,
    base_asset TEXT NOT NULL,
    quote_asset TEXT NOT NULL,
    side TEXT NOT NULL,
    price TEXT NOT NULL,
    quantity TEXT NOT NULL,
    quote_quantity TEXT NOT NULL,
    fee_asset TEXT NOT NULL,
    fee_amount TEXT NOT NULL,
    maker INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (user_id, symbol, trade_id)
  ) STRICT`,

  `CREATE INDEX fills_of_order ON fills (user_id, order_id)`,

  `CREATE INDEX fills_on_venue ON fills (user_id, exchange_order_id)`,

  `CREATE TABLE balances (
    user_id TEXT NOT NULL REFERENCES users (user_id),
    asset TEXT NOT NULL,
    free TEXT NOT NULL,
    locked TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (user_id, asset)
  ) STRICT`,

  // When all balances of a user were last read together.
  `CREATE TABLE balance_reads (
    user_id TEXT NOT NULL PRIMARY KEY REFERENCES users (user_id),
    at INTEGER NOT NULL
  ) STRICT`
] as const
