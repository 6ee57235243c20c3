-- What a customer tells a vendor about an invoice.
CREATE TABLE cases (
    id              {{uuid}} PRIMARY KEY,
    customer_id     {{uuid}} NOT NULL REFERENCES customers (id),
    vendor_id       {{uuid}} NOT NULL REFERENCES vendors (id),
    account_id      {{uuid}} NOT NULL REFERENCES accounts (id),
    invoice_id      {{uuid}} NOT NULL REFERENCES invoices (id),
    contact_id      {{uuid}} NOT NULL REFERENCES contacts (id),
    kind            TEXT NOT NULL CHECK (kind IN ('question', 'dispute', 'promise', 'plan', 'sent')),
    status          TEXT NOT NULL CHECK (status IN ('open', 'answered', 'resolved', 'withdrawn')),
    reason          TEXT NOT NULL,
    amount          {{minor}} NOT NULL CHECK (amount >= 0),
    currency        TEXT NOT NULL,
    promised_on     {{date}},
    details         TEXT NOT NULL,
    resolution      TEXT NOT NULL,
    resolution_note TEXT NOT NULL,
    created_at      {{time}} NOT NULL,
    updated_at      {{time}} NOT NULL,
    answered_at     {{time}}, -- first answer of the vendor
    resolved_at     {{time}}
) {{strict}};
CREATE INDEX cases_vendor_idx ON cases (vendor_id, status, updated_at, id);
CREATE INDEX cases_vendor_updated_idx ON cases (vendor_id, updated_at, id);
CREATE INDEX cases_invoice_idx ON cases (invoice_id, id);
CREATE INDEX cases_customer_idx ON cases (customer_id, status);
-- one open case of a kind per invoice, save questions
CREATE UNIQUE INDEX cases_one_open_key ON cases (invoice_id, kind)
    WHERE status IN ('open', 'answered') AND kind <> 'question';

CREATE TABLE messages (
    id          {{uuid}} PRIMARY KEY,
    customer_id {{uuid}} NOT NULL,
    vendor_id   {{uuid}} NOT NULL,
    case_id     {{uuid}} NOT NULL REFERENCES cases (id),
    author_side TEXT NOT NULL CHECK (author_side IN ('customer', 'vendor', 'hub')),
    author_id   TEXT NOT NULL,
    author_name TEXT NOT NULL,
    text        TEXT NOT NULL,
    created_at  {{time}} NOT NULL
) {{strict}};
CREATE INDEX messages_case_idx ON messages (case_id, id);
