-- How far every table was looked at, and rows that are not as they were written.

CREATE TABLE scrub (
    name       TEXT PRIMARY KEY NOT NULL,
    -- When the walk that is under way began, and the row behind which it goes on.
    began_at   INTEGER,
    after      INTEGER,
    -- When the last walk that came to the table's end began.
    checked_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE finding (
    name     TEXT NOT NULL,
    row      INTEGER NOT NULL,
    case_id  BLOB,
    what     TEXT NOT NULL,
    found_at INTEGER NOT NULL,
    PRIMARY KEY (name, row)
) STRICT, WITHOUT ROWID;

-- A second copy of what is neither sealed, nor in the audit chain, nor in another index, in the order
-- of the table's rows: a page that was damaged does not agree with it, and a row that is lost is
-- missed.
CREATE INDEX fixed_copy ON fixed (name, value);
CREATE INDEX referral_copy ON referral (referral_row, provider, test_data, latest_revision, person);
CREATE INDEX revision_copy ON revision (revision_row, received_at, action, contact_agreed,
    extracted_at, deadline, mapping_version, mapping_name, mapping_sha256, flags, content,
    offender_content, victim_content, message_ref, held_bytes);
CREATE INDEX outbox_copy ON outbox (outbox_row, attempts, not_before, dead_at, event_id, after, kind,
    dead_reason, waits_since);
CREATE INDEX sent_copy ON sent (sent_row, compartment, confirmed_at, event_id, kind);
CREATE INDEX hold_copy ON hold (hold_row, bytes, received_at, test_data, ended, ended_at,
    mapping_version, mapping_name, mapping_sha256, media_type, causes);
CREATE INDEX bound_key_copy ON bound_key (force, key_index, body, answer, at);
CREATE INDEX audit_head_copy ON audit_head (only, sequence, mac, seal);
CREATE INDEX audit_day_copy ON audit_day (day, sequence);
CREATE INDEX plan_version_copy ON plan_version (sha256, by, at, because, text);
CREATE INDEX outcome_copy ON outcome (outcome_row, kind, happened_on, content);
CREATE INDEX standing_copy ON standing (referral_row, facts, programme, caution, gap, deadline,
    booked_on, gap_since, recalled_at, recall_confirmed_at);
CREATE INDEX notice_copy ON notice (notice_row, made_at, taken_over_at, cancelled_at, delivered_at,
    attempts, not_before, failing_since, mailed_at, failed_at, failed_status, failed_reason,
    is_refused, push_cancelled_at);
CREATE INDEX decision_copy ON decision (decision_row, decided, decided_on, received_at, content);
CREATE INDEX message_copy ON message (message_row, made_at);
CREATE INDEX paused_endpoint_copy ON paused_endpoint (force, at, by, because);
CREATE INDEX endpoint_copy ON endpoint (force, arrived_at, up_since, failing_since, reason);
CREATE INDEX incident_copy ON incident (incident_row, kind, about, count, opened_at, told_at,
    closed_at);
CREATE INDEX mail_copy ON mail (mail_row, incident_row, notice_row, stage, made_at, attempts,
    not_before, sent_at, dead_reason);
CREATE INDEX sweep_copy ON sweep (only, seen_at, stopped_at);
CREATE INDEX plan_pending_copy ON plan_pending (force, name, sha256, by, at, because);
CREATE INDEX reconciliation_copy ON reconciliation (provider, compartment, day, arrived_at,
    missing_here, missing_there);
CREATE INDEX correction_pending_copy ON correction_pending (hold_row, field, digest, by, at, because);
CREATE INDEX growth_copy ON growth (force, day, bytes);
CREATE INDEX scrub_copy ON scrub (name, began_at, after, checked_at);
CREATE INDEX finding_copy ON finding (name, row, case_id, what, found_at);
