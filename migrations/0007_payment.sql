-- Quotes, payments, shares, allocations, transfers.
CREATE TABLE quotes (
    id          {{uuid}} PRIMARY KEY,
    customer_id {{uuid}} NOT NULL REFERENCES customers (id),
    contact_id  {{uuid}} NOT NULL REFERENCES contacts (id),
    digest_id   {{uuid}},       -- when it came by a digest's link
    hash        TEXT NOT NULL,  -- over content
    content     TEXT NOT NULL,  -- the frozen lines, as JSON
    created_at  {{time}} NOT NULL,
    expires_at  {{time}} NOT NULL
) {{strict}};
CREATE INDEX quotes_contact_idx ON quotes (contact_id, created_at);

CREATE TABLE payments (
    id              {{uuid}} PRIMARY KEY,
    customer_id     {{uuid}} NOT NULL REFERENCES customers (id),
    contact_id      {{uuid}} NOT NULL REFERENCES contacts (id),
    quote_id        {{uuid}} NOT NULL REFERENCES quotes (id),
    number          TEXT NOT NULL, -- of the receipt
    currency        TEXT NOT NULL,
    amount          {{minor}} NOT NULL CHECK (amount >= 0), -- to be charged
    credit_amount   {{minor}} NOT NULL CHECK (credit_amount >= 0), -- credits set against it
    captured        {{minor}} NOT NULL CHECK (captured >= 0),
    unapplied       {{minor}} NOT NULL CHECK (unapplied >= 0),
    status          TEXT NOT NULL CHECK (status IN ('pending', 'processing', 'settled', 'failed', 'expired', 'refunded', 'charged_back')),
    gateway         TEXT NOT NULL,
    gateway_ref     TEXT NOT NULL,
    checkout_url    TEXT NOT NULL,
    method          TEXT NOT NULL,
    failure         TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    checkout_state  TEXT NOT NULL CHECK (checkout_state IN ('pending', 'sending', 'done', 'failed', 'unknown')),
    created_at      {{time}} NOT NULL,
    updated_at      {{time}} NOT NULL,
    expires_at      {{time}} NOT NULL,
    processing_at   {{time}},
    settled_at      {{time}}
) {{strict}};
CREATE UNIQUE INDEX payments_quote_currency_key ON payments (quote_id, currency);
CREATE UNIQUE INDEX payments_number_key ON payments (number);
CREATE UNIQUE INDEX payments_gateway_ref_key ON payments (gateway, gateway_ref) WHERE gateway_ref <> '';
CREATE INDEX payments_customer_idx ON payments (customer_id, id);
CREATE INDEX payments_open_idx ON payments (status, expires_at) WHERE status IN ('pending', 'processing');

-- What one vendor gets of a payment. Its id and reference are all that the vendor ever sees.
CREATE TABLE shares (
    id            {{uuid}} PRIMARY KEY,
    customer_id   {{uuid}} NOT NULL REFERENCES customers (id),
    vendor_id     {{uuid}} NOT NULL REFERENCES vendors (id),
    payment_id    {{uuid}} NOT NULL REFERENCES payments (id),
    reference     TEXT NOT NULL,
    currency      TEXT NOT NULL,
    amount        {{minor}} NOT NULL CHECK (amount >= 0),
    credit_amount {{minor}} NOT NULL CHECK (credit_amount >= 0),
    unapplied     {{minor}} NOT NULL CHECK (unapplied >= 0 AND unapplied <= amount),
    status        TEXT NOT NULL CHECK (status IN ('pending', 'processing', 'settled', 'failed', 'expired', 'refunded', 'charged_back')),
    method        TEXT NOT NULL,
    created_at    {{time}} NOT NULL,
    updated_at    {{time}} NOT NULL,
    settled_at    {{time}}
) {{strict}};
CREATE UNIQUE INDEX shares_payment_vendor_key ON shares (payment_id, vendor_id);
CREATE UNIQUE INDEX shares_reference_key ON shares (reference);
CREATE INDEX shares_vendor_idx ON shares (vendor_id, updated_at, id);

-- What was asked for, line by line; credit_id set: that credit pays, not money.
CREATE TABLE payment_lines (
    id          {{uuid}} PRIMARY KEY,
    customer_id {{uuid}} NOT NULL,
    vendor_id   {{uuid}} NOT NULL,
    payment_id  {{uuid}} NOT NULL REFERENCES payments (id),
    share_id    {{uuid}} NOT NULL REFERENCES shares (id),
    invoice_id  {{uuid}} NOT NULL REFERENCES invoices (id),
    credit_id   {{uuid}} REFERENCES credits (id),
    amount      {{minor}} NOT NULL CHECK (amount > 0)
) {{strict}};
CREATE INDEX payment_lines_payment_idx ON payment_lines (payment_id);
CREATE INDEX payment_lines_share_idx ON payment_lines (share_id);
CREATE INDEX payment_lines_invoice_idx ON payment_lines (invoice_id);

-- What each invoice got of the money.
CREATE TABLE allocations (
    id          {{uuid}} PRIMARY KEY,
    customer_id {{uuid}} NOT NULL,
    vendor_id   {{uuid}} NOT NULL,
    payment_id  {{uuid}} NOT NULL REFERENCES payments (id),
    share_id    {{uuid}} NOT NULL REFERENCES shares (id),
    invoice_id  {{uuid}} NOT NULL REFERENCES invoices (id),
    amount      {{minor}} NOT NULL CHECK (amount > 0),
    created_at  {{time}} NOT NULL
) {{strict}};
CREATE UNIQUE INDEX allocations_payment_invoice_key ON allocations (payment_id, invoice_id);
CREATE INDEX allocations_invoice_idx ON allocations (invoice_id);

CREATE TABLE transfers (
    id              {{uuid}} PRIMARY KEY,
    customer_id     {{uuid}} NOT NULL,
    vendor_id       {{uuid}} NOT NULL REFERENCES vendors (id),
    payment_id      {{uuid}} NOT NULL REFERENCES payments (id),
    share_id        {{uuid}} NOT NULL REFERENCES shares (id),
    currency        TEXT NOT NULL,
    amount          {{minor}} NOT NULL CHECK (amount > 0),
    state           TEXT NOT NULL CHECK (state IN ('pending', 'sending', 'done', 'failed', 'unknown')),
    idempotency_key TEXT NOT NULL,
    key_used_at     {{time}},
    gateway_ref     TEXT NOT NULL,
    attempts        {{int}} NOT NULL,
    next_attempt_at {{time}},
    claimed_until   {{time}},
    last_answer     TEXT NOT NULL,
    created_at      {{time}} NOT NULL,
    updated_at      {{time}} NOT NULL
) {{strict}};
CREATE UNIQUE INDEX transfers_payment_vendor_key ON transfers (payment_id, vendor_id);
CREATE INDEX transfers_due_idx ON transfers (next_attempt_at, id) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX transfers_vendor_idx ON transfers (vendor_id, id);
CREATE INDEX transfers_state_idx ON transfers (state, id) WHERE state IN ('failed', 'unknown');

-- What the gateway told us, each once.
CREATE TABLE gateway_events (
    gateway      TEXT NOT NULL,
    event_id     TEXT NOT NULL,
    type         TEXT NOT NULL,
    object_ref   TEXT NOT NULL,
    received_at  {{time}} NOT NULL,
    handled_at   {{time}},
    attempts     {{int}} NOT NULL,
    next_attempt_at {{time}},
    last_error   TEXT NOT NULL,
    PRIMARY KEY (gateway, event_id)
) {{strict}};
CREATE INDEX gateway_events_due_idx ON gateway_events (next_attempt_at) WHERE next_attempt_at IS NOT NULL;

-- The sandbox gateway's own memory: it is another company's computer, played by us.
CREATE TABLE sandbox_checkouts (
    ref         TEXT PRIMARY KEY,
    key         TEXT NOT NULL,
    currency    TEXT NOT NULL,
    amount      {{minor}} NOT NULL,
    return_url  TEXT NOT NULL,
    cancel_url  TEXT NOT NULL,
    lines       TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('open', 'declined', 'processing', 'succeeded', 'failed', 'expired')),
    settles_at  {{time}},
    created_at  {{time}} NOT NULL,
    updated_at  {{time}} NOT NULL
) {{strict}};
CREATE UNIQUE INDEX sandbox_checkouts_key ON sandbox_checkouts (key);
CREATE INDEX sandbox_checkouts_due_idx ON sandbox_checkouts (settles_at) WHERE settles_at IS NOT NULL;

CREATE TABLE sandbox_transfers (
    ref        TEXT PRIMARY KEY,
    key        TEXT NOT NULL,
    vendor_id  {{uuid}} NOT NULL,
    currency   TEXT NOT NULL,
    amount     {{minor}} NOT NULL,
    created_at {{time}} NOT NULL
) {{strict}};
CREATE UNIQUE INDEX sandbox_transfers_key ON sandbox_transfers (key);
