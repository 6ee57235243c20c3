-- An invoice that is paid on a date of the payer's choice is not chased until then.
-- SQLite cannot change a CHECK: the table, which nothing refers to, is made anew.
CREATE TABLE holds_new (
    id          TEXT PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES customers (id),
    vendor_id   TEXT NOT NULL REFERENCES vendors (id),
    invoice_id  TEXT NOT NULL REFERENCES invoices (id),
    kind        TEXT NOT NULL CHECK (kind IN ('dispute', 'promise', 'plan', 'sent', 'payment', 'manual', 'scheduled')),
    case_id     TEXT,
    payment_id  TEXT,
    amount      INTEGER NOT NULL CHECK (amount >= 0),
    ends_on     TEXT,
    created_at  TEXT NOT NULL,
    lifted_at   TEXT,
    schedule_id TEXT
) STRICT;
INSERT INTO holds_new (id, customer_id, vendor_id, invoice_id, kind, case_id, payment_id, amount, ends_on, created_at, lifted_at)
    SELECT id, customer_id, vendor_id, invoice_id, kind, case_id, payment_id, amount, ends_on, created_at, lifted_at FROM holds;
DROP TABLE holds;
ALTER TABLE holds_new RENAME TO holds;
CREATE INDEX holds_invoice_idx ON holds (invoice_id) WHERE lifted_at IS NULL;
CREATE UNIQUE INDEX holds_payment_key ON holds (payment_id, invoice_id) WHERE payment_id IS NOT NULL;
CREATE INDEX holds_case_idx ON holds (case_id) WHERE case_id IS NOT NULL;
CREATE UNIQUE INDEX holds_schedule_key ON holds (schedule_id, invoice_id) WHERE schedule_id IS NOT NULL;
