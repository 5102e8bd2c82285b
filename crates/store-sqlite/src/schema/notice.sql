-- What forces are told, and how it gets to them.

-- A notice may be about a record that is held and no referral yet; it may be cancelled, pushed and
-- mailed.
CREATE TABLE notice (
    notice_row        INTEGER PRIMARY KEY,
    notice_id         BLOB NOT NULL UNIQUE CHECK (length(notice_id) = 16),
    force             INTEGER NOT NULL,
    test_data         INTEGER NOT NULL CHECK (test_data IN (0, 1)),
    compartment       INTEGER NOT NULL,
    sequence          INTEGER NOT NULL CHECK (sequence >= 1),
    referral_row      INTEGER REFERENCES referral (referral_row),
    hold_row          INTEGER REFERENCES hold (hold_row),
    kind              TEXT NOT NULL,
    is_urgent         INTEGER NOT NULL CHECK (is_urgent IN (0, 1)),
    cause             BLOB NOT NULL,
    made_day          INTEGER NOT NULL,
    made_at           INTEGER NOT NULL,
    taken_over_at     INTEGER,
    cancelled_at      INTEGER,
    delivered_at      INTEGER,
    attempts          INTEGER NOT NULL DEFAULT 0,
    not_before        INTEGER,
    failing_since     INTEGER,
    mailed_at         INTEGER,
    -- What a letter's last try came to, and an operator's word that it is not to be pushed.
    failed_at         INTEGER,
    failed_status     INTEGER,
    failed_reason     TEXT,
    -- The last try was refused: a person must look.
    is_refused        INTEGER NOT NULL DEFAULT 0 CHECK (is_refused IN (0, 1)),
    push_cancelled_at INTEGER,
    body              BLOB NOT NULL,
    UNIQUE (force, test_data, compartment, sequence),
    UNIQUE (referral_row, kind, cause),
    UNIQUE (hold_row, kind, cause),
    CHECK ((referral_row IS NULL) <> (hold_row IS NULL))
) STRICT;
CREATE INDEX notice_day ON notice (force, made_day);
-- What a force has not taken over, by number.
CREATE INDEX notice_next ON notice (force, test_data, compartment, sequence)
    WHERE taken_over_at IS NULL AND cancelled_at IS NULL;
-- What is told to a person when nobody has taken it over.
CREATE INDEX notice_urgent ON notice (made_at)
    WHERE is_urgent = 1 AND taken_over_at IS NULL AND cancelled_at IS NULL;
-- What could be pushed: first what was never tried, then by when its turn comes.
CREATE INDEX notice_push ON notice (force, not_before, notice_row)
    WHERE compartment = 0 AND test_data = 0 AND delivered_at IS NULL AND taken_over_at IS NULL
        AND cancelled_at IS NULL AND push_cancelled_at IS NULL;
-- What was tried in vain.
CREATE INDEX notice_failing ON notice (force, failing_since)
    WHERE compartment = 0 AND test_data = 0 AND delivered_at IS NULL AND taken_over_at IS NULL
        AND cancelled_at IS NULL AND push_cancelled_at IS NULL AND failing_since IS NOT NULL;
CREATE INDEX notice_copy ON notice (notice_row, is_urgent, made_at, taken_over_at, cancelled_at,
    delivered_at, attempts, not_before, failing_since, mailed_at, failed_at, failed_status, failed_reason,
    is_refused, push_cancelled_at);

-- What gets through to a force's endpoint.
CREATE TABLE endpoint (
    force         INTEGER PRIMARY KEY,
    arrived_at    INTEGER,
    -- Since when something does again.
    up_since      INTEGER,
    -- Since when nothing does.
    failing_since INTEGER,
    reason        TEXT
) STRICT;
CREATE INDEX endpoint_copy ON endpoint (force, arrived_at, up_since, failing_since, reason);

-- Endpoints to which nothing is pushed now.
CREATE TABLE paused_endpoint (
    force   INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    by      TEXT NOT NULL,
    because TEXT NOT NULL
) STRICT;
CREATE INDEX paused_endpoint_copy ON paused_endpoint (force, at, by, because);
