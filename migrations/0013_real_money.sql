-- What a real gateway adds: fees, refunds, chargebacks, vendors' own accounts at
-- the gateway, and transfers that are lessened by what a vendor owes back.
ALTER TABLE payments ADD COLUMN method_wanted TEXT NOT NULL DEFAULT '';  -- '': the payer chooses on the gateway's page
ALTER TABLE payments ADD COLUMN method_detail TEXT NOT NULL DEFAULT '';  -- "Visa ending 4242", for the payer alone
ALTER TABLE payments ADD COLUMN source_ref TEXT NOT NULL DEFAULT '';     -- the gateway's name of the charge
ALTER TABLE payments ADD COLUMN intent_ref TEXT NOT NULL DEFAULT '';     -- the gateway's other name of the payment
ALTER TABLE payments ADD COLUMN fee {{minor}} NOT NULL DEFAULT 0 CHECK (fee >= 0); -- what the gateway kept
ALTER TABLE payments ADD COLUMN available_at {{time}};                   -- when its money can be sent on; NULL: at once
ALTER TABLE payments ADD COLUMN off_session {{bool}} NOT NULL DEFAULT {{false}}; -- charged by a kept method, without a page
ALTER TABLE payments ADD COLUMN started_from TEXT NOT NULL DEFAULT '';   -- the address that began it, hashed
ALTER TABLE payments ADD COLUMN declines {{int}} NOT NULL DEFAULT 0;     -- tries that the gateway declined on its page

CREATE INDEX payments_intent_idx ON payments (intent_ref) WHERE intent_ref <> '';

ALTER TABLE shares ADD COLUMN processing_fee {{minor}} NOT NULL DEFAULT 0 CHECK (processing_fee >= 0); -- borne by the vendor
ALTER TABLE shares ADD COLUMN hub_fee {{minor}} NOT NULL DEFAULT 0 CHECK (hub_fee >= 0);
ALTER TABLE shares ADD COLUMN discount {{minor}} NOT NULL DEFAULT 0 CHECK (discount >= 0); -- given by the vendor, not paid
ALTER TABLE shares ADD COLUMN late_fee {{minor}} NOT NULL DEFAULT 0 CHECK (late_fee >= 0); -- part of amount
ALTER TABLE shares ADD COLUMN refunded {{minor}} NOT NULL DEFAULT 0 CHECK (refunded >= 0);
ALTER TABLE shares ADD COLUMN charged_back {{minor}} NOT NULL DEFAULT 0 CHECK (charged_back >= 0);

-- Of a line of money: late_fee is a part of amount that does not pay the
-- invoice; discount settles more of it without money.
ALTER TABLE payment_lines ADD COLUMN late_fee {{minor}} NOT NULL DEFAULT 0 CHECK (late_fee >= 0);
ALTER TABLE payment_lines ADD COLUMN discount {{minor}} NOT NULL DEFAULT 0 CHECK (discount >= 0);
ALTER TABLE allocations ADD COLUMN late_fee {{minor}} NOT NULL DEFAULT 0 CHECK (late_fee >= 0);

-- An application is money, a credit, or a discount; one that was voided (its
-- money was charged back) counts no more.
ALTER TABLE applications ADD COLUMN kind TEXT NOT NULL DEFAULT 'money';
ALTER TABLE applications ADD COLUMN voided_at {{time}};
UPDATE applications SET kind = 'credit' WHERE credit_id IS NOT NULL;
DROP INDEX applications_money_key;
CREATE UNIQUE INDEX applications_money_key ON applications (payment_id, invoice_id) WHERE kind = 'money';
CREATE UNIQUE INDEX applications_discount_key ON applications (payment_id, invoice_id) WHERE kind = 'discount';

-- What chargebacks opened again although the books show it as paid still.
ALTER TABLE invoices ADD COLUMN reopened {{minor}} NOT NULL DEFAULT 0 CHECK (reopened >= 0);

-- One transfer of each share, and others that give back what was taken for a
-- chargeback that was won, or a refund that failed.
ALTER TABLE transfers ADD COLUMN kind TEXT NOT NULL DEFAULT 'share';
ALTER TABLE transfers ADD COLUMN cause_id {{uuid}};                       -- of a return: the refund or chargeback's part
ALTER TABLE transfers ADD COLUMN netted {{minor}} NOT NULL DEFAULT 0 CHECK (netted >= 0); -- kept for what the vendor owed
ALTER TABLE transfers ADD COLUMN reversed {{minor}} NOT NULL DEFAULT 0 CHECK (reversed >= 0); -- taken back, or about to be
ALTER TABLE transfers ADD COLUMN account_ref TEXT NOT NULL DEFAULT '';
ALTER TABLE transfers ADD COLUMN fixed_at {{time}};                       -- when netted and account_ref were settled for good
ALTER TABLE transfers ADD COLUMN waits_for TEXT NOT NULL DEFAULT '';      -- 'account', 'vendor', 'funds'; '': nothing
DROP INDEX transfers_payment_vendor_key;
CREATE UNIQUE INDEX transfers_payment_vendor_key ON transfers (payment_id, vendor_id) WHERE kind = 'share';
CREATE UNIQUE INDEX transfers_return_key ON transfers (cause_id) WHERE kind = 'return';
CREATE INDEX transfers_waiting_idx ON transfers (vendor_id) WHERE waits_for <> '';

-- Money on its way back to a payer, out of one vendor's share.
CREATE TABLE refunds (
    id              {{uuid}} PRIMARY KEY,
    customer_id     {{uuid}} NOT NULL,
    vendor_id       {{uuid}} NOT NULL REFERENCES vendors (id),
    payment_id      {{uuid}} NOT NULL REFERENCES payments (id),
    share_id        {{uuid}} NOT NULL REFERENCES shares (id),
    request_key     TEXT NOT NULL, -- made with the form, so that a second click is the same refund
    currency        TEXT NOT NULL,
    amount          {{minor}} NOT NULL CHECK (amount > 0),
    reason          TEXT NOT NULL,
    origin          TEXT NOT NULL CHECK (origin IN ('vendor', 'operator', 'gateway')), -- gateway: made there by hand
    requested_by    TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('pending', 'sending', 'done', 'failed', 'unknown')),
    phase           TEXT NOT NULL CHECK (phase IN ('', 'processing', 'succeeded', 'failed')), -- the gateway's, once it is done
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
CREATE UNIQUE INDEX refunds_request_key ON refunds (share_id, request_key);
CREATE INDEX refunds_payment_idx ON refunds (payment_id);
CREATE INDEX refunds_vendor_idx ON refunds (vendor_id, id);
CREATE INDEX refunds_ref_idx ON refunds (gateway_ref) WHERE gateway_ref <> '';
CREATE INDEX refunds_due_idx ON refunds (next_attempt_at, id) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX refunds_state_idx ON refunds (state, id) WHERE state IN ('failed', 'unknown');

-- Money on its way back from a vendor's account, for a refund or a chargeback.
CREATE TABLE reversals (
    id              {{uuid}} PRIMARY KEY,
    customer_id     {{uuid}} NOT NULL,
    vendor_id       {{uuid}} NOT NULL REFERENCES vendors (id),
    payment_id      {{uuid}} NOT NULL REFERENCES payments (id),
    share_id        {{uuid}} NOT NULL REFERENCES shares (id),
    transfer_id     {{uuid}} NOT NULL REFERENCES transfers (id),
    cause_id        {{uuid}} NOT NULL, -- the refund, or the chargeback's part
    currency        TEXT NOT NULL,
    amount          {{minor}} NOT NULL CHECK (amount > 0), -- at most; what it comes to is settled with the first attempt
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
CREATE UNIQUE INDEX reversals_cause_key ON reversals (cause_id);
CREATE INDEX reversals_vendor_idx ON reversals (vendor_id, id);
CREATE INDEX reversals_payment_idx ON reversals (payment_id);
CREATE INDEX reversals_transfer_idx ON reversals (transfer_id);
CREATE INDEX reversals_due_idx ON reversals (next_attempt_at, id) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX reversals_state_idx ON reversals (state, id) WHERE state IN ('failed', 'unknown');

-- What a payer's bank took back, or asks about.
CREATE TABLE chargebacks (
    id              {{uuid}} PRIMARY KEY,
    customer_id     {{uuid}} NOT NULL,
    payment_id      {{uuid}} NOT NULL REFERENCES payments (id),
    gateway         TEXT NOT NULL,
    gateway_ref     TEXT NOT NULL,
    currency        TEXT NOT NULL,
    amount          {{minor}} NOT NULL CHECK (amount > 0),
    fee             {{minor}} NOT NULL CHECK (fee >= 0),
    reason          TEXT NOT NULL, -- the network's word
    phase           TEXT NOT NULL CHECK (phase IN ('inquiry', 'needs_response', 'under_review', 'won', 'lost', 'closed')),
    withdrawn       {{bool}} NOT NULL, -- its amount is booked as gone
    evidence_due_at {{time}},
    submitted_at    {{time}},
    created_at      {{time}} NOT NULL,
    updated_at      {{time}} NOT NULL,
    closed_at       {{time}}
) {{strict}};
CREATE UNIQUE INDEX chargebacks_ref_key ON chargebacks (gateway, gateway_ref);
CREATE INDEX chargebacks_payment_idx ON chargebacks (payment_id);
CREATE INDEX chargebacks_open_idx ON chargebacks (evidence_due_at) WHERE closed_at IS NULL;

-- One vendor's part of a chargeback. Its id is all that the vendor sees.
CREATE TABLE chargeback_shares (
    id            {{uuid}} PRIMARY KEY,
    customer_id   {{uuid}} NOT NULL,
    vendor_id     {{uuid}} NOT NULL REFERENCES vendors (id),
    chargeback_id {{uuid}} NOT NULL REFERENCES chargebacks (id),
    payment_id    {{uuid}} NOT NULL REFERENCES payments (id),
    share_id      {{uuid}} NOT NULL REFERENCES shares (id),
    currency      TEXT NOT NULL,
    amount        {{minor}} NOT NULL CHECK (amount >= 0),
    fee           {{minor}} NOT NULL CHECK (fee >= 0), -- borne by the vendor
    state         TEXT NOT NULL CHECK (state IN ('inquiry', 'open', 'won', 'lost', 'closed')),
    reason        TEXT NOT NULL,
    evidence_due_at {{time}},
    evidence      TEXT NOT NULL, -- the vendor's words; empty: none yet
    evidence_by   TEXT NOT NULL,
    evidence_at   {{time}},
    accepted_at   {{time}},      -- the vendor does not contest it
    created_at    {{time}} NOT NULL,
    updated_at    {{time}} NOT NULL
) {{strict}};
CREATE UNIQUE INDEX chargeback_shares_share_key ON chargeback_shares (chargeback_id, share_id);
CREATE INDEX chargeback_shares_vendor_idx ON chargeback_shares (vendor_id, id);
CREATE INDEX chargeback_shares_share_idx ON chargeback_shares (share_id);

-- Papers that a vendor adds to its part.
CREATE TABLE evidence_documents (
    id                  {{uuid}} PRIMARY KEY,
    vendor_id           {{uuid}} NOT NULL REFERENCES vendors (id),
    chargeback_share_id {{uuid}} NOT NULL REFERENCES chargeback_shares (id),
    kind                TEXT NOT NULL CHECK (kind IN ('receipt', 'communication')),
    name                TEXT NOT NULL,
    content_type        TEXT NOT NULL,
    bytes               {{int}} NOT NULL,
    content             {{blob}} NOT NULL,
    created_at          {{time}} NOT NULL
) {{strict}};
CREATE INDEX evidence_documents_share_idx ON evidence_documents (chargeback_share_id, id);

-- The one answer of a hub to a chargeback, made of its vendors' parts.
CREATE TABLE evidence_submissions (
    id              {{uuid}} PRIMARY KEY,
    chargeback_id   {{uuid}} NOT NULL REFERENCES chargebacks (id),
    state           TEXT NOT NULL CHECK (state IN ('pending', 'sending', 'done', 'failed', 'unknown')),
    idempotency_key TEXT NOT NULL,
    key_used_at     {{time}},
    attempts        {{int}} NOT NULL,
    next_attempt_at {{time}},
    claimed_until   {{time}},
    last_answer     TEXT NOT NULL,
    created_at      {{time}} NOT NULL,
    updated_at      {{time}} NOT NULL
) {{strict}};
CREATE UNIQUE INDEX evidence_submissions_chargeback_key ON evidence_submissions (chargeback_id);
CREATE INDEX evidence_submissions_due_idx ON evidence_submissions (next_attempt_at, id) WHERE next_attempt_at IS NOT NULL;

-- A vendor's account at the gateway.
CREATE TABLE payout_accounts (
    id                {{uuid}} PRIMARY KEY,
    vendor_id         {{uuid}} NOT NULL REFERENCES vendors (id),
    gateway           TEXT NOT NULL,
    country           TEXT NOT NULL,
    currency          TEXT NOT NULL,
    state             TEXT NOT NULL CHECK (state IN ('pending', 'sending', 'done', 'failed', 'unknown')), -- of its opening
    idempotency_key   TEXT NOT NULL,
    key_used_at       {{time}},
    account_ref       TEXT NOT NULL,
    details_submitted {{bool}} NOT NULL,
    can_receive       {{bool}} NOT NULL,
    can_pay_out       {{bool}} NOT NULL,
    due               TEXT NOT NULL, -- JSON list: what the gateway wants to know
    due_by            {{time}},
    disabled          TEXT NOT NULL,
    last_answer       TEXT NOT NULL,
    looked_at         {{time}},
    created_at        {{time}} NOT NULL,
    updated_at        {{time}} NOT NULL
) {{strict}};
CREATE UNIQUE INDEX payout_accounts_vendor_key ON payout_accounts (gateway, vendor_id);
CREATE UNIQUE INDEX payout_accounts_ref_key ON payout_accounts (gateway, account_ref) WHERE account_ref <> '';

-- Who bears what a payment costs. No row: the hub bears all of it and earns nothing.
CREATE TABLE fee_policies (
    vendor_id  {{uuid}} PRIMARY KEY REFERENCES vendors (id),
    processing TEXT NOT NULL CHECK (processing IN ('hub', 'vendor')),
    hub_rate   {{int}} NOT NULL CHECK (hub_rate BETWEEN 0 AND 10000), -- basis points of the share
    updated_at {{time}} NOT NULL
) {{strict}};

-- Messages of the gateway say more than a checkout's reference.
ALTER TABLE gateway_events ADD COLUMN subject TEXT NOT NULL DEFAULT 'payment';
ALTER TABLE gateway_events ADD COLUMN payment_id TEXT NOT NULL DEFAULT '';
ALTER TABLE gateway_events ADD COLUMN account_ref TEXT NOT NULL DEFAULT '';
ALTER TABLE gateway_events ADD COLUMN transfer_id TEXT NOT NULL DEFAULT '';

CREATE TABLE sandbox_returns (
    ref        TEXT PRIMARY KEY,
    key        TEXT NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('refund', 'reversal')),
    of_ref     TEXT NOT NULL,
    our_id     TEXT NOT NULL,
    currency   TEXT NOT NULL,
    amount     {{minor}} NOT NULL,
    created_at {{time}} NOT NULL
) {{strict}};
CREATE UNIQUE INDEX sandbox_returns_key ON sandbox_returns (key);
CREATE INDEX sandbox_returns_of_idx ON sandbox_returns (of_ref);

-- Cards that were declined, so that nobody tries out stolen ones here.
CREATE TABLE declines (
    id         {{uuid}} PRIMARY KEY,
    payment_id {{uuid}} NOT NULL REFERENCES payments (id),
    contact_id {{uuid}} NOT NULL,
    address    TEXT NOT NULL, -- hashed; empty: not known
    at         {{time}} NOT NULL
) {{strict}};
CREATE INDEX declines_contact_idx ON declines (contact_id, at);
CREATE INDEX declines_address_idx ON declines (address, at);

-- How far the gateway's own list of what happened was read.
CREATE TABLE gateway_marks (
    gateway     TEXT PRIMARY KEY,
    heard_until {{time}} NOT NULL
) {{strict}};
