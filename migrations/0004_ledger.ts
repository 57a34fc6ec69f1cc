/** One statement per string: a database call runs one statement. Never edited once released. */
export default [
  // The book a fill was posted to; null until it is in the ledger.
  `ALTER TABLE fills ADD COLUMN posted_book TEXT`,

  `CREATE INDEX fills_to_post ON fills (user_id, symbol) WHERE posted_book IS NULL OR posted_book <> book`,

  // The truth about money besides the fills. The legs of one source add up to zero per asset; a source is posted once.
  // Lots are folded by `lot_at`, which differs from `at` only where an entry belongs before what came earlier.
  `CREATE TABLE ledger_entries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id TEXT NOT NULL REFERENCES users (user_id),
    source TEXT NOT NULL,
    leg INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('opening', 'deposit', 'withdrawal', 'fill', 'fee', 'adjustment')),
    account TEXT NOT NULL CHECK (account IN ('wallet', 'market', 'fees', 'world', 'books')),
    asset TEXT NOT NULL,
    amount TEXT NOT NULL,
    symbol TEXT,
    book TEXT,
    reason TEXT,
    at INTEGER NOT NULL,
    lot_at INTEGER NOT NULL,
    UNIQUE (user_id, source, leg)
  ) STRICT`,

  `CREATE INDEX ledger_of_asset ON ledger_entries (user_id, asset, account, kind)`,

  `CREATE INDEX ledger_in_order ON ledger_entries (user_id, account, seq)`,

  `CREATE TRIGGER ledger_is_append_only BEFORE UPDATE ON ledger_entries
    BEGIN SELECT RAISE(ABORT, 'ledger entries are never changed'); END`,

  // From here on projections: rebuilt from the entries and the fills at any time.
  `CREATE TABLE ledger_balances (
    user_id TEXT NOT NULL REFERENCES users (user_id),
    asset TEXT NOT NULL,
    total TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (user_id, asset)
  ) STRICT`,

  `CREATE TABLE book_lots (
    user_id TEXT NOT NULL REFERENCES users (user_id),
    asset TEXT NOT NULL,
    symbol TEXT NOT NULL,
    book TEXT NOT NULL,
    quantity TEXT NOT NULL,
    total_cost TEXT NOT NULL,
    realised_pnl TEXT NOT NULL,
    fees TEXT NOT NULL,
    missing TEXT NOT NULL,
    taken TEXT NOT NULL,
    incomplete INTEGER NOT NULL,
    last_buy TEXT,
    last_buy_key TEXT,
    lots TEXT NOT NULL,
    PRIMARY KEY (user_id, asset, symbol, book)
  ) STRICT`,

  `CREATE INDEX book_lots_of_symbol ON book_lots (user_id, symbol)`,

  // The last event folded into an asset's books: what belongs before it makes them fold anew.
  `CREATE TABLE lot_heads (
    user_id TEXT NOT NULL REFERENCES users (user_id),
    asset TEXT NOT NULL,
    head TEXT NOT NULL,
    PRIMARY KEY (user_id, asset)
  ) STRICT`,

  // What an asset was worth at a moment the books need; null and settled when nobody can tell.
  `CREATE TABLE ledger_prices (
    user_id TEXT NOT NULL REFERENCES users (user_id),
    asset TEXT NOT NULL,
    quote TEXT NOT NULL,
    at INTEGER NOT NULL,
    price TEXT,
    settled INTEGER NOT NULL,
    PRIMARY KEY (user_id, asset, quote, at)
  ) STRICT`,

  `CREATE INDEX ledger_prices_by_time ON ledger_prices (user_id, at)`,

  `CREATE INDEX ledger_prices_wanted ON ledger_prices (user_id) WHERE settled = 0`,

  // `compared_at`: the latest reading that was taken while nothing was booked.
  `CREATE TABLE ledger_openings (
    user_id TEXT NOT NULL PRIMARY KEY REFERENCES users (user_id),
    at INTEGER NOT NULL,
    compared_at INTEGER NOT NULL
  ) STRICT`,

  // Between the ledger and the venue's word, until it is explained or adjusted. `seen_wall` is wall time.
  `CREATE TABLE ledger_differences (
    user_id TEXT NOT NULL REFERENCES users (user_id),
    asset TEXT NOT NULL,
    amount TEXT NOT NULL,
    seen_at INTEGER NOT NULL,
    seen_wall INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (user_id, asset)
  ) STRICT`,

  `CREATE TABLE portfolio_settings (
    user_id TEXT NOT NULL PRIMARY KEY REFERENCES users (user_id),
    cost_basis TEXT NOT NULL CHECK (cost_basis IN ('average', 'fifo'))
  ) STRICT`
] as const
