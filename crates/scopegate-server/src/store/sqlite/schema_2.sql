-- How far the journals of clients were taken up.
CREATE TABLE journals (
    tenant INTEGER NOT NULL REFERENCES tenants (no),
    session BLOB NOT NULL,
    fail_open INTEGER NOT NULL,
    batch INTEGER NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (tenant, session, fail_open)
) STRICT, WITHOUT ROWID;
