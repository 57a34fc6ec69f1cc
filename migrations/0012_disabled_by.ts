/** One statement per string: a database call runs one statement. Never edited once released. */
export default [
  // Who disabled the user: only what Clerk did ends by itself when Clerk takes it back. NULL while not disabled.
  `ALTER TABLE users ADD COLUMN disabled_by TEXT CHECK (disabled_by IN ('operator', 'clerk'))`,
  `UPDATE users SET disabled_by = 'operator' WHERE disabled_at IS NOT NULL`
] as const
