-- One receipt by mail for each settled payment. The row is made by the
-- settlement; what the mail says is read when it is written.
CREATE TABLE receipts (
    id              {{uuid}} PRIMARY KEY,
    customer_id     {{uuid}} NOT NULL,
    payment_id      {{uuid}} NOT NULL REFERENCES payments (id),
    contact_id      {{uuid}} NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('pending', 'sending', 'done', 'failed')),
    attempts        {{int}} NOT NULL,
    next_attempt_at {{time}},
    claimed_until   {{time}},
    last_answer     TEXT NOT NULL,
    created_at      {{time}} NOT NULL,
    updated_at      {{time}} NOT NULL
) {{strict}};
CREATE UNIQUE INDEX receipts_payment_key ON receipts (payment_id);
CREATE INDEX receipts_due_idx ON receipts (next_attempt_at, id) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX receipts_state_idx ON receipts (state, id) WHERE state = 'failed';

-- When a transfer was made; updated_at moves on with what is taken back.
ALTER TABLE transfers ADD COLUMN sent_at {{time}};
UPDATE transfers SET sent_at = updated_at WHERE state = 'done';

-- A vendor's payments of a period.
CREATE INDEX shares_settled_idx ON shares (vendor_id, settled_at, id) WHERE settled_at IS NOT NULL;
