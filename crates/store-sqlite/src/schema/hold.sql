-- Records that are held, and corrections of them that wait for a second operator.

CREATE TABLE hold (
    hold_row        INTEGER PRIMARY KEY,
    hold_id         BLOB NOT NULL UNIQUE CHECK (length(hold_id) = 16),
    force           INTEGER NOT NULL,
    record_index    BLOB,
    bytes           BLOB NOT NULL,
    received_day    INTEGER NOT NULL,
    received_at     INTEGER NOT NULL,
    test_data       INTEGER NOT NULL CHECK (test_data IN (0, 1)),
    ended           INTEGER,
    ended_at        INTEGER,
    mapping_version INTEGER NOT NULL,
    mapping_name    TEXT NOT NULL,
    mapping_sha256  TEXT NOT NULL,
    media_type      TEXT NOT NULL,
    causes          TEXT NOT NULL,
    epoch           INTEGER NOT NULL,
    raw_key         BLOB NOT NULL,
    offender_key    BLOB NOT NULL,
    victim_key      BLOB NOT NULL,
    unlisted        BLOB,
    raw             BLOB NOT NULL,
    CHECK ((ended IS NULL) = (ended_at IS NULL))
) STRICT;
CREATE INDEX hold_record ON hold (record_index, hold_id);
CREATE INDEX hold_day ON hold (force, received_day);
CREATE INDEX hold_ended ON hold (force, ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX hold_force ON hold (force, hold_id);
CREATE INDEX hold_open ON hold (hold_id) WHERE ended IS NULL;
CREATE UNIQUE INDEX hold_open_bytes ON hold (force, bytes) WHERE ended IS NULL;
CREATE INDEX hold_epoch ON hold (epoch);
CREATE INDEX hold_copy ON hold (hold_row, bytes, received_at, test_data, ended, ended_at,
    mapping_version, mapping_name, mapping_sha256, media_type, causes);

-- How somebody is reached is corrected by two operators. Only a keyed hash of the value is kept.
CREATE TABLE correction_pending (
    hold_row INTEGER PRIMARY KEY REFERENCES hold (hold_row),
    field    TEXT NOT NULL,
    digest   BLOB NOT NULL,
    by       TEXT NOT NULL,
    at       INTEGER NOT NULL,
    because  TEXT NOT NULL
) STRICT;
CREATE INDEX correction_pending_copy ON correction_pending (hold_row, field, digest, by, at, because);
