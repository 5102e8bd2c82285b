-- Versions of mappings.

CREATE TABLE plan_version (
    force   INTEGER NOT NULL,
    name    TEXT NOT NULL,
    version INTEGER NOT NULL,
    sha256  TEXT NOT NULL,
    by      TEXT NOT NULL,
    at      INTEGER NOT NULL,
    because TEXT NOT NULL,
    text    TEXT NOT NULL,
    PRIMARY KEY (force, name, version)
) STRICT;
CREATE INDEX plan_version_copy ON plan_version (sha256, by, at, because, text);

-- A mapping that waits for a second operator: it concerns the victim, the risk or how somebody is
-- reached.
CREATE TABLE plan_pending (
    force   INTEGER NOT NULL,
    name    TEXT NOT NULL,
    sha256  TEXT NOT NULL,
    by      TEXT NOT NULL,
    at      INTEGER NOT NULL,
    because TEXT NOT NULL,
    PRIMARY KEY (force, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX plan_pending_copy ON plan_pending (force, name, sha256, by, at, because);
