/** One statement per string: a database call runs one statement. Never edited once released. */
export default [
  `CREATE TABLE users (
    user_id TEXT NOT NULL PRIMARY KEY,
    created_at INTEGER NOT NULL,
    disabled_at INTEGER,
    provisioned_at INTEGER
  ) STRICT`,

  `CREATE TABLE api_keys (
    user_id TEXT NOT NULL REFERENCES users (user_id),
    key_id TEXT NOT NULL UNIQUE,
    hash TEXT NOT NULL,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    last_used_at INTEGER,
    revoked_at INTEGER,
    PRIMARY KEY (user_id, key_id)
  ) STRICT`,

  `CREATE TABLE exchange_credentials (
    user_id TEXT NOT NULL PRIMARY KEY REFERENCES users (user_id),
    record_id TEXT NOT NULL UNIQUE,
    origin TEXT NOT NULL CHECK (origin IN ('paper', 'user')),
    access_prefix TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    key_ring_id TEXT NOT NULL,
    sealed_access_key TEXT NOT NULL,
    sealed_secret_key TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER,
    permissions TEXT,
    tested_at INTEGER
  ) STRICT`,

  `CREATE TABLE idempotency_keys (
    user_id TEXT NOT NULL,
    route TEXT NOT NULL,
    key TEXT NOT NULL,
    body_hash TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('running', 'done')),
    run_id TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    object_id TEXT,
    status INTEGER,
    response_json TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, route, key)
  ) STRICT`,

  `CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at)`,

  `CREATE TABLE trading_lease (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    holder TEXT NOT NULL,
    pid INTEGER NOT NULL,
    host TEXT NOT NULL,
    token INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT`
] as const
