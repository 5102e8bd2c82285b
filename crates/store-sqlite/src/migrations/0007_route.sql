-- Each route (a provider's side) is claimed by itself, without a look at the others' rows.
ALTER TABLE outbox ADD COLUMN provider TEXT NOT NULL DEFAULT '';
UPDATE outbox SET provider = coalesce(
    (SELECT f.provider FROM revision AS r CROSS JOIN referral AS f
     ON f.referral_row = r.referral_row WHERE r.revision_row = outbox_row / 8),
    (SELECT f.provider FROM message AS m CROSS JOIN referral AS f
     ON f.referral_row = m.referral_row WHERE m.message_row = outbox_row / 8), '');
CREATE INDEX outbox_route ON outbox (provider, compartment);
