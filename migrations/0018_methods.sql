-- Means of payment that payers keep with the gateway, and payments for a date
-- of the payer's choice.

-- A customer as the gateway knows it.
CREATE TABLE payers (
    customer_id {{uuid}} NOT NULL REFERENCES customers (id),
    gateway     TEXT NOT NULL,
    payer_ref   TEXT NOT NULL,
    created_at  {{time}} NOT NULL,
    PRIMARY KEY (customer_id, gateway)
) {{strict}};

-- One page on which a payer leaves a means of payment, with what it agreed to.
CREATE TABLE method_setups (
    id              {{uuid}} PRIMARY KEY,
    customer_id     {{uuid}} NOT NULL REFERENCES customers (id),
    contact_id      {{uuid}} NOT NULL REFERENCES contacts (id),
    quote_id        {{uuid}},      -- where the payer comes back to; NULL: the list of methods
    request_key     TEXT NOT NULL, -- made with the form, so that a second click is the same page
    gateway         TEXT NOT NULL,
    currency        TEXT NOT NULL,
    payer_ref       TEXT NOT NULL, -- as it is sent with the key; empty: the gateway makes one
    state           TEXT NOT NULL CHECK (state IN ('pending', 'sending', 'done', 'failed', 'unknown')), -- of making the page
    phase           TEXT NOT NULL CHECK (phase IN ('open', 'succeeded', 'expired')),
    idempotency_key TEXT NOT NULL,
    gateway_ref     TEXT NOT NULL,
    page_url        TEXT NOT NULL,
    consent_version TEXT NOT NULL,
    consent_text    TEXT NOT NULL, -- word for word, as it was shown
    consented_at    {{time}} NOT NULL,
    consent_from    TEXT NOT NULL, -- the address that it came from
    created_at      {{time}} NOT NULL,
    updated_at      {{time}} NOT NULL,
    expires_at      {{time}} NOT NULL
) {{strict}};
CREATE UNIQUE INDEX method_setups_request_key ON method_setups (contact_id, request_key);
CREATE UNIQUE INDEX method_setups_ref_key ON method_setups (gateway, gateway_ref) WHERE gateway_ref <> '';
CREATE INDEX method_setups_open_idx ON method_setups (id) WHERE phase = 'open';

-- A means of payment is its contact's own. Its state is that of the gateway's
-- forgetting it, which begins when it is removed here.
CREATE TABLE saved_methods (
    id              {{uuid}} PRIMARY KEY,
    customer_id     {{uuid}} NOT NULL REFERENCES customers (id), -- when it was saved; the contact may have moved
    contact_id      {{uuid}} NOT NULL REFERENCES contacts (id),
    setup_id        {{uuid}} NOT NULL REFERENCES method_setups (id),
    gateway         TEXT NOT NULL,
    payer_ref       TEXT NOT NULL,
    method_ref      TEXT NOT NULL,
    class           TEXT NOT NULL,
    detail          TEXT NOT NULL, -- "Visa ending 4242"
    expires         TEXT NOT NULL, -- "2028-11"; empty: never
    mandate         TEXT NOT NULL, -- the gateway's reference of what the payer agreed to there
    consent_version TEXT NOT NULL,
    consent_text    TEXT NOT NULL,
    consented_at    {{time}} NOT NULL,
    consent_from    TEXT NOT NULL,
    removed_at      {{time}},
    state           TEXT NOT NULL CHECK (state IN ('kept', 'pending', 'sending', 'done', 'failed')),
    attempts        {{int}} NOT NULL,
    next_attempt_at {{time}},
    claimed_until   {{time}},
    last_answer     TEXT NOT NULL,
    created_at      {{time}} NOT NULL,
    updated_at      {{time}} NOT NULL
) {{strict}};
CREATE UNIQUE INDEX saved_methods_setup_key ON saved_methods (setup_id);
CREATE INDEX saved_methods_contact_idx ON saved_methods (contact_id, id);
CREATE INDEX saved_methods_due_idx ON saved_methods (next_attempt_at, id) WHERE next_attempt_at IS NOT NULL;

ALTER TABLE payments ADD COLUMN saved_method_id {{uuid}}; -- what an off-session payment charges
ALTER TABLE payments ADD COLUMN charge_sent_at {{time}};  -- when that was first tried
CREATE INDEX payments_saved_method_idx ON payments (saved_method_id) WHERE saved_method_id IS NOT NULL;

-- A payment for a date. It reserves nothing until it starts.
CREATE TABLE scheduled_payments (
    id              {{uuid}} PRIMARY KEY,
    customer_id     {{uuid}} NOT NULL REFERENCES customers (id),
    contact_id      {{uuid}} NOT NULL REFERENCES contacts (id),
    method_id       {{uuid}} NOT NULL REFERENCES saved_methods (id),
    quote_id        {{uuid}} NOT NULL REFERENCES quotes (id), -- what the payer saw
    currency        TEXT NOT NULL,
    amount          {{minor}} NOT NULL CHECK (amount > 0), -- promised: never more is charged
    pay_on          {{date}} NOT NULL,
    zone            TEXT NOT NULL, -- the contact's, when it chose the date
    starts_at       {{time}} NOT NULL,
    tell_at         {{time}} NOT NULL, -- when the payer is reminded of it
    told_at         {{time}},
    state           TEXT NOT NULL CHECK (state IN ('scheduled', 'starting', 'started', 'cancelled', 'failed', 'nothing_left')),
    payment_id      {{uuid}} REFERENCES payments (id),
    failure         TEXT NOT NULL, -- for the payer
    attempts        {{int}} NOT NULL,
    next_attempt_at {{time}},
    claimed_until   {{time}},
    last_answer     TEXT NOT NULL,
    created_at      {{time}} NOT NULL,
    updated_at      {{time}} NOT NULL,
    ended_at        {{time}}
) {{strict}};
CREATE UNIQUE INDEX scheduled_payments_request_key ON scheduled_payments (quote_id, currency) WHERE state <> 'cancelled';
CREATE UNIQUE INDEX scheduled_payments_payment_key ON scheduled_payments (payment_id) WHERE payment_id IS NOT NULL;
CREATE INDEX scheduled_payments_due_idx ON scheduled_payments (next_attempt_at, id) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX scheduled_payments_tell_idx ON scheduled_payments (tell_at, id) WHERE told_at IS NULL AND state = 'scheduled';
CREATE INDEX scheduled_payments_contact_idx ON scheduled_payments (contact_id, id);
CREATE INDEX scheduled_payments_method_idx ON scheduled_payments (method_id) WHERE state IN ('scheduled', 'starting');

CREATE TABLE scheduled_lines (
    id          {{uuid}} PRIMARY KEY,
    schedule_id {{uuid}} NOT NULL REFERENCES scheduled_payments (id),
    vendor_id   {{uuid}} NOT NULL REFERENCES vendors (id),
    invoice_id  {{uuid}} NOT NULL REFERENCES invoices (id),
    amount      {{minor}} NOT NULL CHECK (amount > 0) -- promised
) {{strict}};
CREATE UNIQUE INDEX scheduled_lines_key ON scheduled_lines (schedule_id, invoice_id);
CREATE INDEX scheduled_lines_invoice_idx ON scheduled_lines (invoice_id);

-- The sandbox's own memory of them.
ALTER TABLE sandbox_checkouts ADD COLUMN detail TEXT NOT NULL DEFAULT '';
ALTER TABLE sandbox_checkouts ADD COLUMN returned {{bool}} NOT NULL DEFAULT {{false}}; -- the debit comes back, whatever its amount

CREATE TABLE sandbox_setups (
    ref        TEXT PRIMARY KEY,
    key        TEXT NOT NULL,
    setup_id   TEXT NOT NULL,
    payer_ref  TEXT NOT NULL,
    currency   TEXT NOT NULL,
    return_url TEXT NOT NULL,
    cancel_url TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('open', 'succeeded', 'expired')),
    method_ref TEXT NOT NULL,
    expires_at {{time}} NOT NULL,
    created_at {{time}} NOT NULL,
    updated_at {{time}} NOT NULL
) {{strict}};
CREATE UNIQUE INDEX sandbox_setups_key ON sandbox_setups (key);

CREATE TABLE sandbox_methods (
    ref          TEXT PRIMARY KEY,
    payer_ref    TEXT NOT NULL,
    kind         TEXT NOT NULL, -- what it does when it is charged
    expires      TEXT NOT NULL,
    created_at   {{time}} NOT NULL,
    forgotten_at {{time}}
) {{strict}};
