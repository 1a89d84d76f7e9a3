-- How many calls of its budget a session has made, where it has one.
ALTER TABLE session_records ADD COLUMN spent INTEGER NOT NULL DEFAULT 0;
