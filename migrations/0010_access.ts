/** One statement per string: a database call runs one statement. Never edited once released. */
export default [
  // The secret before the last rotation, which still lets in until then.
  `ALTER TABLE api_keys ADD COLUMN previous_hash TEXT`,
  `ALTER TABLE api_keys ADD COLUMN previous_until INTEGER`,
  `ALTER TABLE api_keys ADD COLUMN rotated_at INTEGER`,

  // Address ranges separated by commas from which alone the key lets in; empty: from anywhere.
  `ALTER TABLE api_keys ADD COLUMN addresses TEXT NOT NULL DEFAULT ''`
] as const
