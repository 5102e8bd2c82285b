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
CREATE INDEX incident_copy ON incident (incident_row, kind, about, count, opened_at, told_at,
    closed_at);

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
CREATE INDEX mail_copy ON mail (mail_row, incident_row, notice_row, stage, made_at, attempts,
    not_before, sent_at, dead_reason);

-- When the sweep ran last, and since when it does not because the clock cannot be right.
CREATE TABLE sweep (
    only       INTEGER PRIMARY KEY CHECK (only = 1),
    seen_at    INTEGER NOT NULL,
    stopped_at INTEGER
) STRICT;
CREATE INDEX sweep_copy ON sweep (only, seen_at, stopped_at);
