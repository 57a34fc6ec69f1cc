/** One statement per string: a database call runs one statement. Never edited once released. */
export default [
  // The exchange key an order was sent with, by its fingerprint; null for orders made before this was kept.
  `ALTER TABLE orders ADD COLUMN credential TEXT`,

  // From this time on of the venue, its balances show what the order holds or took; null until the venue took it.
  `ALTER TABLE orders ADD COLUMN held_at INTEGER`,

  // What a person said became of an order that nobody could tell of.
  `ALTER TABLE orders ADD COLUMN resolution TEXT`,

  // Which account of the venue a key belongs to: two keys of one account see the same orders.
  `CREATE TABLE exchange_accounts (
    fingerprint TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL
  ) STRICT`,

  `CREATE INDEX orders_held ON orders (user_id, held_at) WHERE held_at IS NOT NULL`,

  `CREATE INDEX orders_selling ON orders (user_id, symbol, book)
    WHERE side = 'sell' AND status IN ('pending', 'unknown', 'open', 'partiallyFilled')`,

  // Fills that were heard of before, or without, the order they belong to.
  `CREATE INDEX fills_of_nobody ON fills (user_id, symbol, exchange_order_id) WHERE order_id IS NULL`
] as const
