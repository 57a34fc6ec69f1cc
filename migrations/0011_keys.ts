/** One statement per string: a database call runs one statement. Never edited once released. */
export default [
  // What the last look at the key met instead of an answer about its permissions, as JSON.
  `ALTER TABLE exchange_credentials ADD COLUMN problem TEXT`,
  // Wall time of the next look; null: as soon as there is room.
  `ALTER TABLE exchange_credentials ADD COLUMN check_at INTEGER`,
  // 1: its owner says that it is bound to an address, which the venue does not tell.
  `ALTER TABLE exchange_credentials ADD COLUMN address_bound INTEGER`,
  `CREATE INDEX exchange_credentials_due ON exchange_credentials (check_at)`,

  // By fingerprint: a key that is removed and set again is frozen still, and another key is not.
  `CREATE TABLE key_freezes (
    user_id TEXT NOT NULL REFERENCES users (user_id),
    fingerprint TEXT NOT NULL,
    origin TEXT NOT NULL CHECK (origin IN ('user', 'operator', 'service')),
    reason TEXT,
    since INTEGER NOT NULL,
    PRIMARY KEY (user_id, fingerprint, origin)
  ) STRICT`
] as const
