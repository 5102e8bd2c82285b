-- What a letter's last try came to, and an operator's word that it is not to be pushed.
ALTER TABLE notice ADD COLUMN failed_at INTEGER;
ALTER TABLE notice ADD COLUMN failed_status INTEGER;
ALTER TABLE notice ADD COLUMN failed_reason TEXT;
-- The last try was refused: a person must look.
ALTER TABLE notice ADD COLUMN is_refused INTEGER NOT NULL DEFAULT 0 CHECK (is_refused IN (0, 1));
ALTER TABLE notice ADD COLUMN push_cancelled_at INTEGER;

-- What could be pushed: first what was never tried, then by when its turn comes.
DROP INDEX notice_push;
CREATE INDEX notice_push ON notice (force, not_before, notice_row)
    WHERE compartment = 0 AND test_data = 0 AND delivered_at IS NULL AND taken_over_at IS NULL
        AND cancelled_at IS NULL AND push_cancelled_at IS NULL;
-- What was tried in vain.
CREATE INDEX notice_failing ON notice (force, failing_since)
    WHERE compartment = 0 AND test_data = 0 AND delivered_at IS NULL AND taken_over_at IS NULL
        AND cancelled_at IS NULL AND push_cancelled_at IS NULL AND failing_since IS NOT NULL;

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
