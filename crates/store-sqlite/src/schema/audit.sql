-- The audit chain.

CREATE TABLE audit (
    sequence INTEGER PRIMARY KEY,
    mac      BLOB NOT NULL CHECK (length(mac) = 32),
    fact     TEXT NOT NULL
) STRICT;

-- One row: the end of the chain under a keyed hash of its own.
CREATE TABLE audit_head (
    only     INTEGER PRIMARY KEY CHECK (only = 1),
    sequence INTEGER NOT NULL,
    mac      BLOB NOT NULL,
    seal     BLOB NOT NULL
) STRICT;
CREATE INDEX audit_head_copy ON audit_head (only, sequence, mac, seal);

-- The last sequence that was written on each day.
CREATE TABLE audit_day (
    day      INTEGER PRIMARY KEY,
    sequence INTEGER NOT NULL
) STRICT;
CREATE INDEX audit_day_copy ON audit_day (day, sequence);
