-- What the hub itself knows that speaks for a vendor, as it was when the vendor
-- chose it: what a bank is sent must not change between two attempts.
ALTER TABLE chargeback_shares ADD COLUMN mail_log TEXT NOT NULL DEFAULT '';
ALTER TABLE chargeback_shares ADD COLUMN access_log TEXT NOT NULL DEFAULT '';

-- Disputes and refunds name the charge.
CREATE INDEX payments_source_idx ON payments (source_ref) WHERE source_ref <> '';
