-- Ids are UUIDv7 and append; record_index is the only randomly keyed index on the accept path.
CREATE TABLE referral (
    number       INTEGER PRIMARY KEY,
    referral_id  BLOB NOT NULL UNIQUE,
    force        INTEGER NOT NULL,
    provider     TEXT NOT NULL,
    record_index BLOB NOT NULL,
    person       BLOB NOT NULL,
    test_data    INTEGER NOT NULL,
    epoch        INTEGER NOT NULL,
    key_raw      BLOB NOT NULL,
    key_offender BLOB NOT NULL,
    key_victim   BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX referral_record ON referral (record_index, force);

CREATE TABLE revision (
    number           INTEGER PRIMARY KEY,
    referral_id      BLOB NOT NULL,
    revision         INTEGER NOT NULL,
    force            INTEGER NOT NULL,
    test_data        INTEGER NOT NULL,
    action           TEXT NOT NULL,
    content          BLOB NOT NULL,
    offender_content BLOB NOT NULL,
    victim_content   BLOB NOT NULL,
    message_ref      BLOB,
    extracted_at     INTEGER,
    contact_agreed   INTEGER NOT NULL,
    deadline         TEXT,
    flags            TEXT NOT NULL,
    mapping_name     TEXT NOT NULL,
    mapping_version  INTEGER NOT NULL,
    mapping_sha256   TEXT NOT NULL,
    received_at      INTEGER NOT NULL,
    received_day     TEXT NOT NULL,
    raw              BLOB,
    offender_event   BLOB,
    victim_event     BLOB,
    police           BLOB NOT NULL,
    victim           BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX revision_of ON revision (referral_id, revision);
CREATE INDEX revision_day ON revision (received_day, force);

-- state: 0 waits, 1 confirmed, 2 dead
CREATE TABLE message (
    number        INTEGER PRIMARY KEY,
    event_id      BLOB NOT NULL,
    referral_id   BLOB NOT NULL,
    revision      INTEGER NOT NULL,
    compartment   INTEGER NOT NULL,
    kind          TEXT NOT NULL,
    after_id      BLOB,
    state         INTEGER NOT NULL DEFAULT 0,
    attempts      INTEGER NOT NULL DEFAULT 0,
    not_before    INTEGER NOT NULL DEFAULT 0,
    confirmed_at  INTEGER,
    reason        TEXT
) STRICT;
CREATE INDEX message_of ON message (referral_id, revision);
CREATE INDEX message_waiting ON message (number) WHERE state <> 1;

CREATE TABLE hold (
    number          INTEGER PRIMARY KEY,
    hold_id         BLOB NOT NULL UNIQUE,
    force           INTEGER NOT NULL,
    test_data       INTEGER NOT NULL,
    record_index    BLOB,
    bytes           BLOB NOT NULL,
    causes          TEXT NOT NULL,
    mapping_name    TEXT NOT NULL,
    mapping_version INTEGER NOT NULL,
    mapping_sha256  TEXT NOT NULL,
    received_at     INTEGER NOT NULL,
    received_day    TEXT NOT NULL,
    epoch           INTEGER NOT NULL,
    key_raw         BLOB NOT NULL,
    key_offender    BLOB NOT NULL,
    key_victim      BLOB NOT NULL,
    raw             BLOB NOT NULL,
    media_type      TEXT NOT NULL,
    unlisted        BLOB,
    state           TEXT NOT NULL DEFAULT 'open',
    ended_at        INTEGER
) STRICT;
CREATE UNIQUE INDEX hold_open_bytes ON hold (bytes, force) WHERE state = 'open';
CREATE INDEX hold_open_record ON hold (record_index, force) WHERE state = 'open';
CREATE INDEX hold_day ON hold (received_day, force);

CREATE TABLE idempotency (
    key_index BLOB NOT NULL,
    force     INTEGER NOT NULL,
    body      BLOB NOT NULL,
    answer    TEXT NOT NULL,
    bound_at  INTEGER NOT NULL,
    PRIMARY KEY (key_index, force)
) STRICT, WITHOUT ROWID;

CREATE TABLE plan_version (
    force        INTEGER NOT NULL,
    name         TEXT NOT NULL,
    version      INTEGER NOT NULL,
    sha256       TEXT NOT NULL,
    text         TEXT NOT NULL,
    by_whom      TEXT NOT NULL,
    activated_at INTEGER NOT NULL,
    because      TEXT NOT NULL,
    PRIMARY KEY (force, name, version)
) STRICT;

CREATE TABLE audit (
    sequence INTEGER PRIMARY KEY,
    fact     TEXT NOT NULL,
    mac      BLOB NOT NULL
) STRICT;
CREATE TABLE audit_head (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    sequence INTEGER NOT NULL,
    mac      BLOB NOT NULL,
    seal     BLOB NOT NULL
) STRICT;

CREATE TABLE probe (one INTEGER PRIMARY KEY CHECK (one = 1), count INTEGER NOT NULL) STRICT;
INSERT INTO probe VALUES (1, 0);
