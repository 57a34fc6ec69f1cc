/** One statement per string: a database call runs one statement. Never edited once released. */
export default [
  // The secret before the last rotation, which still lets in until then.
  `ALTER TABLE api_keys ADD COLUMN previous_hash TEXT`,
  `ALTER TABLE api_keys ADD COLUMN previous_until INTEGER`,
  `ALTER TABLE api_keys ADD COLUMN rotated_at INTEGER`,

  // Address ranges separated by commas from which alone the key lets in; empty: from anywhere.
  `ALTER TABLE api_keys ADD COLUMN addresses TEXT NOT NULL DEFAULT ''`,

  // For good: disabled_at is set as well. Orders, fills and books stay.
  `ALTER TABLE users ADD COLUMN deleted_at INTEGER`,

  // When what Clerk told last of the user happened; what is older is not heard.
  `ALTER TABLE users ADD COLUMN told_at INTEGER`,

  // Sessions that Clerk ended while their last tokens may still be good.
  `CREATE TABLE ended_sessions (
    session_id TEXT NOT NULL PRIMARY KEY,
    until INTEGER NOT NULL
  ) STRICT`
] as const
