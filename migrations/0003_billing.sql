-- What the books say is owed, and what was done with it here.
CREATE TABLE invoices (
    id             {{uuid}} PRIMARY KEY,
    customer_id    {{uuid}} NOT NULL REFERENCES customers (id),
    vendor_id      {{uuid}} NOT NULL REFERENCES vendors (id),
    account_id     {{uuid}} NOT NULL REFERENCES accounts (id),
    external_id    TEXT NOT NULL,
    number         TEXT NOT NULL,
    issued_on      {{date}},
    due_on         {{date}},
    due_note       TEXT NOT NULL, -- why due_on is what it is: 'terms' when the account's terms gave it, 'none' when nobody knows
    terms          TEXT NOT NULL,
    currency       TEXT NOT NULL,
    total          {{minor}} NOT NULL CHECK (total > 0),
    source_open    {{minor}} NOT NULL CHECK (source_open >= 0 AND source_open <= total),
    applied        {{minor}} NOT NULL CHECK (applied >= 0), -- by the hub, and not in the books yet
    held           {{minor}} NOT NULL CHECK (held >= 0),    -- by payments on their way
    open           {{minor}} NOT NULL,
    status         TEXT NOT NULL CHECK (status IN ('open', 'paid', 'void')),
    purchase_order TEXT NOT NULL,
    note           TEXT NOT NULL,
    lines          TEXT NOT NULL,
    source_hash    TEXT NOT NULL,
    source_at      {{time}} NOT NULL, -- when the books last said so
    created_at     {{time}} NOT NULL,
    updated_at     {{time}} NOT NULL,
    CONSTRAINT invoices_open_check CHECK (open >= 0 AND open <= total)
) {{strict}};
CREATE UNIQUE INDEX invoices_vendor_external_key ON invoices (vendor_id, external_id);
CREATE INDEX invoices_account_open_idx ON invoices (account_id, status, due_on);
CREATE INDEX invoices_customer_idx ON invoices (customer_id, status);
CREATE INDEX invoices_vendor_updated_idx ON invoices (vendor_id, updated_at, id);
CREATE INDEX invoices_vendor_status_idx ON invoices (vendor_id, status, due_on, id);

CREATE TABLE credits (
    id          {{uuid}} PRIMARY KEY,
    customer_id {{uuid}} NOT NULL REFERENCES customers (id),
    vendor_id   {{uuid}} NOT NULL REFERENCES vendors (id),
    account_id  {{uuid}} NOT NULL REFERENCES accounts (id),
    external_id TEXT NOT NULL,
    number      TEXT NOT NULL,
    issued_on   {{date}},
    currency    TEXT NOT NULL,
    total       {{minor}} NOT NULL CHECK (total > 0),
    source_open {{minor}} NOT NULL CHECK (source_open >= 0 AND source_open <= total),
    applied     {{minor}} NOT NULL CHECK (applied >= 0),
    held        {{minor}} NOT NULL CHECK (held >= 0),
    open        {{minor}} NOT NULL,
    status      TEXT NOT NULL CHECK (status IN ('open', 'paid', 'void')),
    note        TEXT NOT NULL,
    source_hash TEXT NOT NULL,
    source_at   {{time}} NOT NULL,
    created_at  {{time}} NOT NULL,
    updated_at  {{time}} NOT NULL,
    CONSTRAINT credits_open_check CHECK (open >= 0 AND open <= total)
) {{strict}};
CREATE UNIQUE INDEX credits_vendor_external_key ON credits (vendor_id, external_id);
CREATE INDEX credits_account_idx ON credits (account_id, status);
CREATE INDEX credits_vendor_updated_idx ON credits (vendor_id, updated_at, id);

CREATE TABLE documents (
    id           {{uuid}} PRIMARY KEY,
    customer_id  {{uuid}} NOT NULL REFERENCES customers (id),
    vendor_id    {{uuid}} NOT NULL REFERENCES vendors (id),
    invoice_id   {{uuid}} REFERENCES invoices (id),
    credit_id    {{uuid}} REFERENCES credits (id),
    case_id      {{uuid}},
    name         TEXT NOT NULL,
    content_type TEXT NOT NULL,
    bytes        {{int}} NOT NULL,
    sha256       TEXT NOT NULL,
    content      {{blob}} NOT NULL,
    held         TEXT NOT NULL, -- why it is not shown; empty: it is
    created_at   {{time}} NOT NULL
) {{strict}};
CREATE UNIQUE INDEX documents_invoice_key ON documents (invoice_id, name, sha256);
CREATE UNIQUE INDEX documents_credit_key ON documents (credit_id, name, sha256);
CREATE INDEX documents_case_idx ON documents (case_id);

-- What the hub applied: money, or a credit, to one invoice.
CREATE TABLE applications (
    id                  {{uuid}} PRIMARY KEY,
    customer_id         {{uuid}} NOT NULL REFERENCES customers (id),
    vendor_id           {{uuid}} NOT NULL REFERENCES vendors (id),
    invoice_id          {{uuid}} NOT NULL REFERENCES invoices (id),
    credit_id           {{uuid}} REFERENCES credits (id),
    payment_id          {{uuid}} NOT NULL,
    amount              {{minor}} NOT NULL CHECK (amount > 0),
    currency            TEXT NOT NULL,
    reference           TEXT NOT NULL, -- the share's reference, as the books will list it
    created_at          {{time}} NOT NULL,
    acknowledged_at     {{time}},      -- the vendor took the news of it
    reflected_at        {{time}},      -- the books show it on the invoice
    credit_reflected_at {{time}}       -- and on the credit
) {{strict}};
CREATE UNIQUE INDEX applications_money_key ON applications (payment_id, invoice_id) WHERE credit_id IS NULL;
CREATE UNIQUE INDEX applications_credit_key ON applications (payment_id, invoice_id, credit_id) WHERE credit_id IS NOT NULL;
CREATE INDEX applications_invoice_idx ON applications (invoice_id);
CREATE INDEX applications_credit_idx ON applications (credit_id) WHERE credit_id IS NOT NULL;
CREATE INDEX applications_reference_idx ON applications (vendor_id, reference);

-- Why an invoice is not chased now. A hold lifts by itself when it ends.
CREATE TABLE holds (
    id          {{uuid}} PRIMARY KEY,
    customer_id {{uuid}} NOT NULL REFERENCES customers (id),
    vendor_id   {{uuid}} NOT NULL REFERENCES vendors (id),
    invoice_id  {{uuid}} NOT NULL REFERENCES invoices (id),
    kind        TEXT NOT NULL CHECK (kind IN ('dispute', 'promise', 'plan', 'sent', 'payment', 'manual')),
    case_id     {{uuid}},
    payment_id  {{uuid}},
    amount      {{minor}} NOT NULL CHECK (amount >= 0), -- of a payment: reserved; otherwise what is contested or promised
    ends_on     {{date}},                               -- the first day on which it holds no more
    created_at  {{time}} NOT NULL,
    lifted_at   {{time}}
) {{strict}};
CREATE INDEX holds_invoice_idx ON holds (invoice_id) WHERE lifted_at IS NULL;
CREATE UNIQUE INDEX holds_payment_key ON holds (payment_id, invoice_id) WHERE payment_id IS NOT NULL;
CREATE INDEX holds_case_idx ON holds (case_id) WHERE case_id IS NOT NULL;

-- What happened to an invoice, for both sides to read.
CREATE TABLE invoice_history (
    id          {{uuid}} PRIMARY KEY,
    customer_id {{uuid}} NOT NULL,
    vendor_id   {{uuid}} NOT NULL,
    invoice_id  {{uuid}} NOT NULL REFERENCES invoices (id),
    at          {{time}} NOT NULL,
    kind        TEXT NOT NULL,
    text        TEXT NOT NULL
) {{strict}};
CREATE INDEX invoice_history_invoice_idx ON invoice_history (invoice_id, id);
