-- How far every table was looked at, and rows that are not as they were written.

-- A walk goes on behind a key, whatever it is made of: a list of its parts in JSON.
CREATE TABLE scrub (
    name       TEXT PRIMARY KEY NOT NULL,
    -- When the walk that is under way began, and the key behind which it goes on.
    began_at   INTEGER,
    after      TEXT,
    -- When the last walk that came to the table's end began.
    checked_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX scrub_copy ON scrub (name, began_at, after, checked_at);

CREATE TABLE finding (
    name     TEXT NOT NULL,
    row      INTEGER NOT NULL,
    case_id  BLOB,
    what     TEXT NOT NULL,
    found_at INTEGER NOT NULL,
    PRIMARY KEY (name, row)
) STRICT, WITHOUT ROWID;
CREATE INDEX finding_copy ON finding (name, row, case_id, what, found_at);
