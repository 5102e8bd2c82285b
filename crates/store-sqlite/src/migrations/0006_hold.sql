-- Holds that operators clear: where the record of a revision came from, corrections that wait for a
-- second operator, and the ends of a day.

-- Keyed hash of the held bytes that an operator released or corrected into this revision: the same
-- bytes again are that revision.
ALTER TABLE revision ADD COLUMN held_bytes BLOB;

CREATE INDEX hold_ended ON hold (force, ended_at) WHERE ended_at IS NOT NULL;

-- How somebody is reached is corrected by two operators. Only a keyed hash of the value is kept.
CREATE TABLE correction_pending (
    hold_row INTEGER PRIMARY KEY REFERENCES hold (hold_row),
    field    TEXT NOT NULL,
    digest   BLOB NOT NULL,
    by       TEXT NOT NULL,
    at       INTEGER NOT NULL,
    because  TEXT NOT NULL
) STRICT;
