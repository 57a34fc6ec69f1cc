/** One statement per string: a database call runs one statement. Never edited once released. */
export default [
  // Append-only, swept by age. A user's sequence starts at 1 and has no holes; the newest event of a user is never swept,
  // because it is where the next number comes from. `at` is market time, `stored_at` wall time.
  `CREATE TABLE events (
    user_id TEXT NOT NULL REFERENCES users (user_id),
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    stored_at INTEGER NOT NULL,
    type TEXT NOT NULL,
    object_id TEXT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (user_id, seq)
  ) STRICT, WITHOUT ROWID`,

  `CREATE INDEX events_by_age ON events (stored_at)`,

  // Conditions that last and were told once: nothing more is said of them until they are over.
  `CREATE TABLE told_conditions (
    user_id TEXT NOT NULL REFERENCES users (user_id),
    type TEXT NOT NULL,
    object_id TEXT NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (user_id, type, object_id)
  ) STRICT, WITHOUT ROWID`
] as const
