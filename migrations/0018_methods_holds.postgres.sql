-- An invoice that is paid on a date of the payer's choice is not chased until then.
ALTER TABLE holds DROP CONSTRAINT holds_kind_check;
ALTER TABLE holds ADD CONSTRAINT holds_kind_check CHECK (kind IN ('dispute', 'promise', 'plan', 'sent', 'payment', 'manual', 'scheduled'));
ALTER TABLE holds ADD COLUMN schedule_id uuid;
CREATE UNIQUE INDEX holds_schedule_key ON holds (schedule_id, invoice_id) WHERE schedule_id IS NOT NULL;
