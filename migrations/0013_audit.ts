/** One statement per string: a database call runs one statement. Never edited once released. */
export default [
  // Append-only. `entry` is the text that is hashed; the columns before it repeat what is searched for. An entry about no
  // user in particular has no place in a user's chain. No reference to users: it is written whatever became of them.
  `CREATE TABLE audit (
    seq INTEGER NOT NULL PRIMARY KEY,
    user_id TEXT,
    user_seq INTEGER,
    at INTEGER NOT NULL,
    action TEXT NOT NULL,
    object_id TEXT,
    entry TEXT NOT NULL,
    user_hash TEXT,
    hash TEXT NOT NULL,
    CHECK ((user_id IS NULL) = (user_seq IS NULL) AND (user_id IS NULL) = (user_hash IS NULL))
  ) STRICT`,

  // With the time, so that a search for a time long ago reads the index alone.
  `CREATE INDEX audit_of_user ON audit (user_id, user_seq, at)`,

  `CREATE INDEX audit_by_action ON audit (user_id, action, user_seq, at) WHERE action <> 'orderDecided'`,

  `CREATE UNIQUE INDEX audit_of_order ON audit (object_id) WHERE action = 'orderDecided'`,

  `CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'audit entries are never changed'); END`,

  `CREATE TRIGGER audit_is_never_shortened BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'audit entries are never deleted'); END`,

  // Replacing a row deletes it without asking the trigger above.
  `CREATE TRIGGER audit_only_grows BEFORE INSERT ON audit
    WHEN EXISTS (SELECT 1 FROM audit WHERE seq >= NEW.seq)
    BEGIN SELECT RAISE(ABORT, 'audit entries are only appended'); END`
] as const
