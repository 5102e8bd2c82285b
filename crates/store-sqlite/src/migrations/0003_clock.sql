-- Decisions of police, messages that no revision carries, what clocks make, and delivery to forces.

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

-- A message that a decision or an outcome caused. Its row number is drawn from the same numbers as a
-- revision's, so that outbox_row = message_row * 8 lies in the outbox where its turn is.
CREATE TABLE message (
    message_row  INTEGER PRIMARY KEY,
    referral_row INTEGER NOT NULL REFERENCES referral (referral_row),
    made_day     INTEGER NOT NULL,
    made_at      INTEGER NOT NULL,
    body         BLOB NOT NULL
) STRICT;
CREATE INDEX message_case ON message (referral_row);
CREATE INDEX message_day ON message (made_day);

-- The deadline as police varied it last; the day that is booked; since when a number is missing; a
-- recall and its confirmation.
ALTER TABLE standing ADD COLUMN deadline INTEGER;
ALTER TABLE standing ADD COLUMN booked_on INTEGER;
ALTER TABLE standing ADD COLUMN gap_since INTEGER;
ALTER TABLE standing ADD COLUMN recalled_at INTEGER;
ALTER TABLE standing ADD COLUMN recall_confirmed_at INTEGER;
CREATE INDEX standing_gap ON standing (gap_since) WHERE gap_since IS NOT NULL;
CREATE INDEX standing_recall ON standing (recalled_at)
    WHERE recalled_at IS NOT NULL AND recall_confirmed_at IS NULL;
CREATE INDEX outcome_received ON outcome (received_at);

-- A notice may be about a record that is held and no referral yet; it may be cancelled, pushed and
-- mailed.
CREATE TABLE notice_3 (
    notice_row    INTEGER PRIMARY KEY,
    notice_id     BLOB NOT NULL UNIQUE CHECK (length(notice_id) = 16),
    force         INTEGER NOT NULL,
    test_data     INTEGER NOT NULL CHECK (test_data IN (0, 1)),
    compartment   INTEGER NOT NULL,
    sequence      INTEGER NOT NULL CHECK (sequence >= 1),
    referral_row  INTEGER REFERENCES referral (referral_row),
    hold_row      INTEGER REFERENCES hold (hold_row),
    kind          TEXT NOT NULL,
    cause         BLOB NOT NULL,
    made_day      INTEGER NOT NULL,
    made_at       INTEGER NOT NULL,
    taken_over_at INTEGER,
    cancelled_at  INTEGER,
    delivered_at  INTEGER,
    attempts      INTEGER NOT NULL DEFAULT 0,
    not_before    INTEGER,
    failing_since INTEGER,
    mailed_at     INTEGER,
    body          BLOB NOT NULL,
    UNIQUE (force, test_data, compartment, sequence),
    UNIQUE (referral_row, kind, cause),
    UNIQUE (hold_row, kind, cause),
    CHECK ((referral_row IS NULL) <> (hold_row IS NULL))
) STRICT;
INSERT INTO notice_3 (notice_row, notice_id, force, test_data, compartment, sequence, referral_row,
    kind, cause, made_day, made_at, taken_over_at, body)
    SELECT notice_row, notice_id, force, test_data, compartment, sequence, referral_row, kind, cause,
        made_day, made_at, taken_over_at, body FROM notice;
DROP TABLE notice;
ALTER TABLE notice_3 RENAME TO notice;
CREATE INDEX notice_day ON notice (force, made_day);
-- What could be pushed.
CREATE INDEX notice_push ON notice (force, notice_row)
    WHERE compartment = 0 AND test_data = 0 AND delivered_at IS NULL AND taken_over_at IS NULL
        AND cancelled_at IS NULL;
-- What a force has not taken over, by number.
CREATE INDEX notice_next ON notice (force, test_data, compartment, sequence)
    WHERE taken_over_at IS NULL AND cancelled_at IS NULL;
-- What is told to a person when nobody has taken it over.
CREATE INDEX notice_urgent ON notice (made_at)
    WHERE kind IN ('workshop_missed', 'safeguarding_concern') AND taken_over_at IS NULL
        AND cancelled_at IS NULL;

-- Endpoints to which nothing is pushed now.
CREATE TABLE paused_endpoint (
    force   INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    by      TEXT NOT NULL,
    because TEXT NOT NULL
) STRICT;

-- What an operator has to know of: one row for each incident, whatever it takes to end it.
CREATE TABLE incident (
    incident_row INTEGER PRIMARY KEY,
    incident_id  BLOB NOT NULL UNIQUE CHECK (length(incident_id) = 16),
    kind         TEXT NOT NULL,
    about        TEXT NOT NULL,
    count        INTEGER NOT NULL,
    opened_at    INTEGER NOT NULL,
    told_at      INTEGER NOT NULL,
    closed_at    INTEGER
) STRICT;
CREATE UNIQUE INDEX incident_open ON incident (kind, about) WHERE closed_at IS NULL;

-- E-mail on its way: about an incident to the operators, or about a notice to its inbox.
CREATE TABLE mail (
    mail_row     INTEGER PRIMARY KEY,
    mail_id      BLOB NOT NULL UNIQUE CHECK (length(mail_id) = 16),
    incident_row INTEGER REFERENCES incident (incident_row),
    notice_row   INTEGER REFERENCES notice (notice_row),
    stage        TEXT NOT NULL,
    made_at      INTEGER NOT NULL,
    attempts     INTEGER NOT NULL,
    not_before   INTEGER,
    sent_at      INTEGER,
    dead_reason  TEXT,
    CHECK ((incident_row IS NULL) <> (notice_row IS NULL))
) STRICT;
CREATE INDEX mail_waiting ON mail (mail_row) WHERE sent_at IS NULL AND dead_reason IS NULL;
-- Every notice that is written is looked for here, for the sake of the reference.
CREATE INDEX mail_notice ON mail (notice_row) WHERE notice_row IS NOT NULL;

-- When the sweep ran last, and since when it does not because the clock cannot be right.
CREATE TABLE sweep (
    only       INTEGER PRIMARY KEY CHECK (only = 1),
    seen_at    INTEGER NOT NULL,
    stopped_at INTEGER
) STRICT;

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

-- What the provider says of a day, compared with what is here.
CREATE TABLE reconciliation (
    provider      TEXT NOT NULL,
    compartment   INTEGER NOT NULL,
    day           INTEGER NOT NULL,
    arrived_at    INTEGER NOT NULL,
    missing_here  TEXT NOT NULL,
    missing_there TEXT NOT NULL,
    PRIMARY KEY (provider, compartment, day)
) STRICT, WITHOUT ROWID;
CREATE INDEX reconciliation_uneven ON reconciliation (provider, day)
    WHERE missing_here <> '[]' OR missing_there <> '[]';
