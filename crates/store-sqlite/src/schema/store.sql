-- Times are nanoseconds since 1970 in UTC, days are yyyymmdd in Europe/London. Columns named by a
-- compartment hold sealed bytes. Blobs come last in their row, so that reading states skips them.
--
-- An index `…_copy` is a second copy of what is neither sealed, nor in the audit chain, nor in another
-- index, in the order of the table's rows: a page that was damaged does not agree with it, and a row
-- that is lost is missed.

-- What this store is.
CREATE TABLE fixed (
    name  TEXT PRIMARY KEY NOT NULL,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX fixed_copy ON fixed (name, value);

-- What is written to know that a commit succeeds.
CREATE TABLE probe (
    only  INTEGER PRIMARY KEY CHECK (only = 1),
    count INTEGER NOT NULL
) STRICT;
INSERT INTO probe (only, count) VALUES (1, 0);

-- What a force's records have added to the store on its latest day in Europe/London.
CREATE TABLE growth (
    force INTEGER PRIMARY KEY,
    day   INTEGER NOT NULL,
    bytes INTEGER NOT NULL
) STRICT;
CREATE INDEX growth_copy ON growth (force, day, bytes);
