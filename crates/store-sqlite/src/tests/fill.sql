-- A store as it is after 200,000 cases in one day, all of which came with 200,000 messages confirmed
-- and 200,000 waiting: half of the cases have ended, half of what was held is open still. Sealed
-- columns hold bytes that nobody opens.
CREATE TEMP TABLE number (i INTEGER PRIMARY KEY);
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)
    INSERT INTO number SELECT i FROM n;

CREATE TEMP TABLE first (case_row INTEGER, revision_row INTEGER, at INTEGER);
INSERT INTO first SELECT (SELECT coalesce(max(referral_row), 0) FROM referral),
    (SELECT max(coalesce((SELECT max(revision_row) FROM revision), 0),
        coalesce((SELECT max(message_row) FROM message), 0))),
    1772445600000000000;

INSERT INTO referral
    SELECT case_row + i, unhex(printf('0000000000007000800000%010x', i)),
        CASE WHEN i % 2 THEN 44 ELSE 30 + i % 8 END, randomblob(16),
        CASE WHEN i % 10 THEN 'harbour' ELSE 'beacon' END, 0, 1, randomblob(32), 1, randomblob(48),
        randomblob(48), randomblob(48) FROM number, first;

INSERT INTO revision (revision_row, referral_row, revision, force, received_day, received_at, action,
    contact_agreed, mapping_version, mapping_name, mapping_sha256, flags, content, offender_content,
    victim_content, police, victim, offender_event, victim_event, raw)
    SELECT revision_row + i, case_row + i, 1, CASE WHEN i % 2 THEN 44 ELSE 30 + i % 8 END, 20260302,
        at + i, 0, 1, 1, 'referral', 'ab', '[]', x'01', x'01', x'01', zeroblob(90), zeroblob(90),
        zeroblob(90), zeroblob(90), zeroblob(200) FROM number, first;

INSERT INTO sent
    SELECT (revision_row + i) * 8 + side.column1, 1 - side.column1, at + 1000000000 + i,
        unhex(printf('000000000000700080%02x00%010x', 1 + side.column1, i)), 'new'
        FROM number, first, (VALUES (0), (1)) AS side WHERE i <= 100000 ORDER BY 1;
INSERT INTO outbox (outbox_row, compartment, provider, attempts, waits_since, event_id, kind)
    SELECT (revision_row + i) * 8 + side.column1, 1 - side.column1,
        CASE WHEN i % 10 THEN 'harbour' ELSE 'beacon' END, 0, 0,
        unhex(printf('000000000000700080%02x00%010x', 1 + side.column1, i)), 'new'
        FROM number, first, (VALUES (0), (1)) AS side WHERE i > 100000 ORDER BY 1;

INSERT INTO standing (referral_row, facts, programme, caution, has_ended)
    SELECT case_row + i, 3, 'completed', 'complied', 1 FROM number, first WHERE i <= 100000;
INSERT INTO outcome (outcome_id, referral_row, compartment, number, kind, happened_on, received_at,
    content, body)
    SELECT unhex(printf('000000000000700081%014x', i)), case_row + i, 0, 1, 'booked', 20260302, at + i,
        x'01', zeroblob(90) FROM number, first WHERE i <= 100000;
INSERT INTO decision (decision_id, force, referral_row, decided, decided_on, received_day,
    received_at, content, body)
    SELECT unhex(printf('000000000000700082%014x', i)), CASE WHEN i % 2 THEN 44 ELSE 30 + i % 8 END,
        case_row + i, 'continue', 20260302, 20260302, at + i, x'01', zeroblob(90)
        FROM number, first WHERE i <= 20000;

-- Of three quarters the force knows; the rest waits to be pushed.
INSERT INTO notice (notice_id, force, test_data, compartment, sequence, referral_row, kind, is_urgent,
    cause, made_day, made_at, taken_over_at, body)
    SELECT unhex(printf('000000000000700083%014x', i)), 44, 0, 0, i, case_row + i, 'accepted', 0,
        unhex(printf('%032x', i)), 20260302, at + i, CASE WHEN i % 4 THEN at END, zeroblob(90)
        FROM number, first;

INSERT INTO hold (hold_id, force, bytes, received_day, received_at, test_data, ended, ended_at,
    mapping_version, mapping_name, mapping_sha256, media_type, causes, epoch, raw_key, offender_key,
    victim_key, raw)
    SELECT unhex(printf('000000000000700084%014x', i)), 30 + i % 8, randomblob(32), 20260302, at + i,
        0, CASE WHEN i % 2 THEN 0 END, CASE WHEN i % 2 THEN at + i END, 1, 'referral', 'ab',
        'application/xml', '[]', 1, x'01', x'01', x'01', zeroblob(200)
        FROM number, first WHERE i <= 20000;

INSERT INTO incident (incident_id, kind, about, count, opened_at, told_at, closed_at)
    SELECT unhex(printf('000000000000700085%014x', i)), 'hold_open', '44', 1, at, at, at
        FROM number, first WHERE i <= 20000;
INSERT INTO mail (mail_id, incident_row, stage, made_at, attempts, sent_at)
    SELECT unhex(printf('000000000000700086%014x', incident_row)), incident_row, 'opened', at, 1, at
        FROM incident, first;
INSERT INTO reconciliation
    SELECT 'p' || (i % 8), i / 8 % 2, 20000000 + i / 16, at, '[]', '[]' FROM number, first WHERE i <= 20000;
INSERT INTO bound_key SELECT 44, randomblob(32), x'01', '{}', at + i FROM number, first;

DROP TABLE number;
DROP TABLE first;
