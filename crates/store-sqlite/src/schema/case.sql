-- The way back. Outcomes and decisions are never changed or deleted by a move: where a case stands is
-- folded from them.

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
CREATE INDEX outcome_received ON outcome (received_at);
CREATE INDEX outcome_copy ON outcome (outcome_row, kind, happened_on, content);

CREATE TABLE decision (
    decision_row INTEGER PRIMARY KEY,
    decision_id  BLOB NOT NULL UNIQUE CHECK (length(decision_id) = 16),
    force        INTEGER NOT NULL,
    referral_row INTEGER NOT NULL REFERENCES referral (referral_row),
    decided      TEXT NOT NULL,
    decided_on   INTEGER NOT NULL,
    received_day INTEGER NOT NULL,
    received_at  INTEGER NOT NULL,
    content      BLOB NOT NULL,
    body         BLOB NOT NULL
) STRICT;
CREATE INDEX decision_case ON decision (referral_row);
CREATE INDEX decision_day ON decision (force, received_day);
CREATE INDEX decision_copy ON decision (decision_row, decided, decided_on, received_at, content);

CREATE TABLE standing (
    referral_row        INTEGER PRIMARY KEY REFERENCES referral (referral_row),
    -- Outcomes and decisions that it was folded from.
    facts               INTEGER NOT NULL CHECK (facts >= 1),
    programme           TEXT NOT NULL,
    caution             TEXT NOT NULL,
    -- Programme or caution has ended: no clock looks at it any more.
    has_ended           INTEGER NOT NULL CHECK (has_ended IN (0, 1)),
    gap                 INTEGER,
    -- Since when a number is missing.
    gap_since           INTEGER,
    -- As police varied it last.
    deadline            INTEGER,
    booked_on           INTEGER,
    recalled_at         INTEGER,
    recall_confirmed_at INTEGER
) STRICT;
CREATE INDEX standing_gap ON standing (gap_since) WHERE gap_since IS NOT NULL;
CREATE INDEX standing_recall ON standing (recalled_at)
    WHERE recalled_at IS NOT NULL AND recall_confirmed_at IS NULL;
CREATE INDEX standing_copy ON standing (referral_row, facts, programme, caution, has_ended, gap, deadline,
    booked_on, gap_since, recalled_at, recall_confirmed_at);
