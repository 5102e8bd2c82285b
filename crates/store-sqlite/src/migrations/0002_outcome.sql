-- The way back. Outcomes are never changed or deleted by a move: where a case stands is folded from
-- them.

CREATE TABLE outcome (
    outcome_row  INTEGER PRIMARY KEY,
    outcome_id   BLOB NOT NULL UNIQUE CHECK (length(outcome_id) = 16),
    referral_row INTEGER NOT NULL REFERENCES referral (referral_row),
    compartment  INTEGER NOT NULL,
    number       INTEGER NOT NULL CHECK (number >= 1),
    kind         TEXT NOT NULL,
    happened_on  INTEGER NOT NULL,
    received_at  INTEGER NOT NULL,
    content      BLOB NOT NULL,
    body         BLOB NOT NULL,
    UNIQUE (referral_row, compartment, number)
) STRICT;

CREATE TABLE standing (
    referral_row INTEGER PRIMARY KEY REFERENCES referral (referral_row),
    -- Outcomes and decisions that it was folded from.
    facts        INTEGER NOT NULL CHECK (facts >= 1),
    programme    TEXT NOT NULL,
    caution      TEXT NOT NULL,
    gap          INTEGER
) STRICT;

CREATE TABLE notice (
    notice_row    INTEGER PRIMARY KEY,
    notice_id     BLOB NOT NULL UNIQUE CHECK (length(notice_id) = 16),
    force         INTEGER NOT NULL,
    test_data     INTEGER NOT NULL CHECK (test_data IN (0, 1)),
    compartment   INTEGER NOT NULL,
    sequence      INTEGER NOT NULL CHECK (sequence >= 1),
    referral_row  INTEGER NOT NULL REFERENCES referral (referral_row),
    kind          TEXT NOT NULL,
    cause         BLOB NOT NULL,
    made_day      INTEGER NOT NULL,
    made_at       INTEGER NOT NULL,
    taken_over_at INTEGER,
    body          BLOB NOT NULL,
    UNIQUE (force, test_data, compartment, sequence),
    UNIQUE (referral_row, kind, cause)
) STRICT;
CREATE INDEX notice_day ON notice (force, made_day);
