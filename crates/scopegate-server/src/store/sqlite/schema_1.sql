-- Bodies are rows as JSON; columns beside them are what is looked for. Times are nanoseconds
-- since 1970 in UTC. `tenant` is the number of a tenant.

CREATE TABLE tenants (
    no INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL UNIQUE,
    chain TEXT NOT NULL UNIQUE,
    incarnation INTEGER NOT NULL,
    counter INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE keys (
    id TEXT PRIMARY KEY,
    tenant INTEGER NOT NULL REFERENCES tenants (no),
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE signing_keys (
    id TEXT PRIMARY KEY,
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- All versions of all roles.
CREATE TABLE roles (
    tenant INTEGER NOT NULL REFERENCES tenants (no),
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (tenant, id, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    tenant INTEGER NOT NULL REFERENCES tenants (no),
    id BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    body TEXT NOT NULL,
    ended TEXT,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_end ON sessions (tenant, expires_at);

-- How many decisions of a session were recorded; apart, because it is written with each of them.
CREATE TABLE session_records (
    tenant INTEGER NOT NULL REFERENCES tenants (no),
    session BLOB NOT NULL,
    records INTEGER NOT NULL,
    PRIMARY KEY (tenant, session)
) STRICT, WITHOUT ROWID;

CREATE TABLE suspended (
    tenant INTEGER NOT NULL REFERENCES tenants (no),
    owner TEXT NOT NULL,
    PRIMARY KEY (tenant, owner)
) STRICT, WITHOUT ROWID;

CREATE TABLE accounts (
    tenant INTEGER NOT NULL REFERENCES tenants (no),
    account BLOB NOT NULL,
    tat INTEGER NOT NULL,
    PRIMARY KEY (tenant, account)
) STRICT, WITHOUT ROWID;

CREATE TABLE reviews (
    tenant INTEGER NOT NULL REFERENCES tenants (no),
    id BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX reviews_by_end ON reviews (tenant, expires_at);

CREATE TABLE catalogues (
    tenant INTEGER NOT NULL REFERENCES tenants (no),
    server TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (tenant, server)
) STRICT, WITHOUT ROWID;

CREATE TABLE deliveries (
    id TEXT PRIMARY KEY,
    tenant INTEGER NOT NULL REFERENCES tenants (no),
    waiting INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX deliveries_by_time ON deliveries (tenant, created_at);
CREATE INDEX deliveries_waiting ON deliveries (tenant, created_at) WHERE waiting;

-- The number is that of the tenant times 2^40, plus the place in its chain. The hash of the record
-- before stands in the row before.
CREATE TABLE records (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    body TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;

-- Subtrees: the roots of the full subtrees of the Merkle tree, 32 bytes each, largest first.
CREATE TABLE checkpoints (
    tenant INTEGER NOT NULL REFERENCES tenants (no),
    size INTEGER NOT NULL,
    at INTEGER NOT NULL,
    note TEXT NOT NULL,
    subtrees BLOB NOT NULL,
    PRIMARY KEY (tenant, size)
) STRICT, WITHOUT ROWID;

-- `latest`: no later process may think it is earlier. `signer`: the public checkpoint key.
CREATE TABLE facts (
    name TEXT PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;
