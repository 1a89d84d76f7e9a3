-- Agents, in the order they were registered, with what was decided for each.
CREATE TABLE agents (
    no INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL REFERENCES tenants (no),
    id TEXT NOT NULL,
    permits INTEGER NOT NULL DEFAULT 0,
    denials INTEGER NOT NULL DEFAULT 0,
    holds INTEGER NOT NULL DEFAULT 0,
    records INTEGER NOT NULL DEFAULT 0,
    last_seen INTEGER,
    body TEXT NOT NULL,
    UNIQUE (tenant, id)
) STRICT;

-- Which records of a tenant are decisions of which agent.
CREATE TABLE agent_records (
    agent INTEGER NOT NULL REFERENCES agents (no),
    seq INTEGER NOT NULL,
    PRIMARY KEY (agent, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE credentials (
    id TEXT PRIMARY KEY,
    tenant INTEGER NOT NULL REFERENCES tenants (no),
    over_at INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX credentials_by_end ON credentials (tenant, over_at);

-- Assertions that were used, as long as they could be used again.
CREATE TABLE assertions (
    tenant INTEGER NOT NULL REFERENCES tenants (no),
    agent TEXT NOT NULL,
    name BLOB NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (tenant, agent, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX assertions_by_end ON assertions (tenant, until);
