-- Since when a message waits to be sent: what was held, or is sent again, is not late by its record's age.
ALTER TABLE outbox ADD COLUMN waits_since INTEGER NOT NULL DEFAULT 0;

-- Which key epochs are named, and a row of each.
CREATE INDEX referral_epoch ON referral (epoch);
CREATE INDEX hold_epoch ON hold (epoch);
