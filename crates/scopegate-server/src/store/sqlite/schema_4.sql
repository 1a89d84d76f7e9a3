-- Small things of a tenant that are read whole at the start, in the order they were first written.
CREATE TABLE documents (
    no INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL REFERENCES tenants (no),
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (tenant, kind, id)
) STRICT;
