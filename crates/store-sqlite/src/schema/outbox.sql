-- What is on its way to providers. No row of the outbox ends but by a confirm.

-- One row for each message that is not settled: outbox_row = revision_row * 8 + its place among the
-- revision's messages. So the rows of a referral are found through its revisions, without an index.
CREATE TABLE outbox (
    outbox_row  INTEGER PRIMARY KEY,
    compartment INTEGER NOT NULL,
    attempts    INTEGER NOT NULL,
    not_before  INTEGER,
    -- Since when it waits to be sent: what was held, or is sent again, is not late by its record's age.
    waits_since INTEGER NOT NULL,
    provider    TEXT NOT NULL,
    event_id    BLOB NOT NULL CHECK (length(event_id) = 16),
    after       BLOB,
    kind        TEXT NOT NULL
) STRICT;
-- Each route (a provider's side) is claimed by itself, without a look at the others' rows.
CREATE INDEX outbox_route ON outbox (provider, compartment);
CREATE INDEX outbox_copy ON outbox (outbox_row, attempts, not_before, event_id, after, kind,
    waits_since);

-- What the receiver has confirmed; sent_row is the outbox row it was.
CREATE TABLE sent (
    sent_row     INTEGER PRIMARY KEY,
    compartment  INTEGER NOT NULL,
    confirmed_at INTEGER NOT NULL,
    event_id     BLOB NOT NULL,
    kind         TEXT NOT NULL
) STRICT;
CREATE INDEX sent_copy ON sent (sent_row, compartment, confirmed_at, event_id, kind);

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
CREATE INDEX message_copy ON message (message_row, made_at);
