-- Times are nanoseconds since 1970 in UTC, days are yyyymmdd in Europe/London. Columns named by a
-- compartment hold sealed bytes. Blobs come last in their row, so that reading states skips them.

CREATE TABLE fixed (
    name  TEXT PRIMARY KEY NOT NULL,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE referral (
    referral_row    INTEGER PRIMARY KEY,
    referral_id     BLOB NOT NULL UNIQUE CHECK (length(referral_id) = 16),
    force           INTEGER NOT NULL,
    record_index    BLOB NOT NULL CHECK (length(record_index) = 16),
    provider        TEXT NOT NULL,
    test_data       INTEGER NOT NULL CHECK (test_data IN (0, 1)),
    latest_revision INTEGER NOT NULL CHECK (latest_revision >= 1),
    person          BLOB NOT NULL,
    -- Wrapped keys; an empty one is erased.
    epoch           INTEGER NOT NULL,
    raw_key         BLOB NOT NULL,
    offender_key    BLOB NOT NULL,
    victim_key      BLOB NOT NULL
) STRICT;
-- The only randomly keyed index on the accept path.
CREATE UNIQUE INDEX referral_record ON referral (force, record_index);

CREATE TABLE revision (
    revision_row     INTEGER PRIMARY KEY,
    referral_row     INTEGER NOT NULL REFERENCES referral (referral_row),
    revision         INTEGER NOT NULL CHECK (revision >= 1),
    force            INTEGER NOT NULL,
    received_day     INTEGER NOT NULL,
    received_at      INTEGER NOT NULL,
    action           INTEGER NOT NULL,
    contact_agreed   INTEGER NOT NULL CHECK (contact_agreed IN (0, 1)),
    extracted_at     INTEGER,
    deadline         TEXT,
    mapping_version  INTEGER NOT NULL,
    mapping_name     TEXT NOT NULL,
    mapping_sha256   TEXT NOT NULL,
    flags            TEXT NOT NULL,
    content          BLOB NOT NULL,
    offender_content BLOB NOT NULL,
    victim_content   BLOB NOT NULL,
    message_ref      BLOB,
    police           BLOB NOT NULL,
    victim           BLOB NOT NULL,
    offender_event   BLOB,
    victim_event     BLOB,
    raw              BLOB,
    UNIQUE (referral_row, revision)
) STRICT;
CREATE INDEX revision_day ON revision (force, received_day);
-- What a changed mapping is tried on.
CREATE INDEX revision_kept ON revision (force, mapping_name, received_day) WHERE raw IS NOT NULL;

-- One row for each message that is not settled: outbox_row = revision_row * 8 + its place among the
-- revision's messages. So the rows of a referral are found through its revisions, without an index.
CREATE TABLE outbox (
    outbox_row  INTEGER PRIMARY KEY,
    compartment INTEGER NOT NULL,
    attempts    INTEGER NOT NULL,
    not_before  INTEGER,
    dead_at     INTEGER,
    event_id    BLOB NOT NULL CHECK (length(event_id) = 16),
    after       BLOB,
    kind        TEXT NOT NULL,
    dead_reason TEXT
) STRICT;
CREATE INDEX outbox_dead ON outbox (event_id) WHERE dead_at IS NOT NULL;

-- What the receiver has confirmed; sent_row is the outbox row it was.
CREATE TABLE sent (
    sent_row     INTEGER PRIMARY KEY,
    compartment  INTEGER NOT NULL,
    confirmed_at INTEGER NOT NULL,
    event_id     BLOB NOT NULL,
    kind         TEXT NOT NULL
) STRICT;

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
CREATE INDEX hold_force ON hold (force, hold_id);
CREATE INDEX hold_open ON hold (hold_id) WHERE ended IS NULL;
CREATE UNIQUE INDEX hold_open_bytes ON hold (force, bytes) WHERE ended IS NULL;

CREATE TABLE bound_key (
    force     INTEGER NOT NULL,
    key_index BLOB NOT NULL,
    body      BLOB NOT NULL,
    answer    TEXT NOT NULL,
    at        INTEGER NOT NULL,
    PRIMARY KEY (force, key_index)
) STRICT, WITHOUT ROWID;

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

-- The last sequence that was written on each day.
CREATE TABLE audit_day (
    day      INTEGER PRIMARY KEY,
    sequence INTEGER NOT NULL
) STRICT;

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

CREATE TABLE probe (
    only  INTEGER PRIMARY KEY CHECK (only = 1),
    count INTEGER NOT NULL
) STRICT;
INSERT INTO probe (only, count) VALUES (1, 0);
