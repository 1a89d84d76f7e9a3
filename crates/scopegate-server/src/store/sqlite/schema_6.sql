-- Decisions of agents, and those that were asked for as actions of agents: what people look for among them.
-- `verdict`: 1 permitted, 2 denied, 3 held, 4 the session was over its budget.
CREATE TABLE decisions (
    tenant INTEGER NOT NULL REFERENCES tenants (no),
    seq INTEGER NOT NULL,
    session BLOB NOT NULL,
    number INTEGER NOT NULL,
    verdict INTEGER NOT NULL,
    agent TEXT NOT NULL,
    action TEXT NOT NULL,
    key TEXT NOT NULL,
    PRIMARY KEY (tenant, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX decisions_by_id ON decisions (tenant, session, number);
CREATE INDEX decisions_by_verdict ON decisions (tenant, verdict, seq);
CREATE INDEX decisions_by_agent ON decisions (tenant, agent, seq);
CREATE INDEX decisions_by_action ON decisions (tenant, action, seq);
CREATE INDEX decisions_by_key ON decisions (tenant, key, seq);

-- How many there are of each verdict.
CREATE TABLE decision_counts (
    tenant INTEGER NOT NULL REFERENCES tenants (no),
    verdict INTEGER NOT NULL,
    decisions INTEGER NOT NULL,
    PRIMARY KEY (tenant, verdict)
) STRICT, WITHOUT ROWID;

-- Which records of a tenant are words of one agent to another, for either of them.
CREATE TABLE communications (
    tenant INTEGER NOT NULL REFERENCES tenants (no),
    agent TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (tenant, agent, seq)
) STRICT, WITHOUT ROWID;

-- How far owners are trusted, in tenths, where it is counted.
CREATE TABLE trust (
    tenant INTEGER NOT NULL REFERENCES tenants (no),
    owner TEXT NOT NULL,
    tenths INTEGER NOT NULL,
    PRIMARY KEY (tenant, owner)
) STRICT, WITHOUT ROWID;
