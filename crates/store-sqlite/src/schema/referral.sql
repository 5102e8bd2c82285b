-- Cases with every revision that a force sent.

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
-- Which key epochs are named, and a row of each.
CREATE INDEX referral_epoch ON referral (epoch);
CREATE INDEX referral_copy ON referral (referral_row, provider, test_data, latest_revision, person);

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
    -- Keyed hash of the held bytes that an operator released or corrected into this revision: the same
    -- bytes again are that revision.
    held_bytes       BLOB,
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
CREATE INDEX revision_copy ON revision (revision_row, received_at, action, contact_agreed,
    extracted_at, deadline, mapping_version, mapping_name, mapping_sha256, flags, content,
    offender_content, victim_content, message_ref, held_bytes);

-- Answers that idempotency keys are bound to.
CREATE TABLE bound_key (
    force     INTEGER NOT NULL,
    key_index BLOB NOT NULL,
    body      BLOB NOT NULL,
    answer    TEXT NOT NULL,
    at        INTEGER NOT NULL,
    PRIMARY KEY (force, key_index)
) STRICT, WITHOUT ROWID;
CREATE INDEX bound_key_copy ON bound_key (force, key_index, body, answer, at);
