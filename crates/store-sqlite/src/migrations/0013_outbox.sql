-- No row of the outbox ends but by a confirm.

DROP INDEX outbox_dead;
DROP INDEX outbox_copy;
ALTER TABLE outbox DROP COLUMN dead_at;
ALTER TABLE outbox DROP COLUMN dead_reason;
CREATE INDEX outbox_copy ON outbox (outbox_row, attempts, not_before, event_id, after, kind,
    waits_since);
