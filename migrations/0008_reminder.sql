-- One bundled reminder to one contact for one period.
CREATE TABLE digests (
    id              {{uuid}} PRIMARY KEY,
    customer_id     {{uuid}} NOT NULL REFERENCES customers (id),
    contact_id      {{uuid}} NOT NULL REFERENCES contacts (id),
    period          TEXT NOT NULL, -- ISO week in the contact's zone: 2026-W48
    state           TEXT NOT NULL CHECK (state IN ('pending', 'sending', 'done', 'failed', 'unknown', 'skipped')),
    due_at          {{time}} NOT NULL,
    attempts        {{int}} NOT NULL,
    next_attempt_at {{time}},
    claimed_until   {{time}},
    message_id      TEXT NOT NULL,
    subject         TEXT NOT NULL,
    lines           {{int}} NOT NULL,
    last_answer     TEXT NOT NULL,
    decided_by      TEXT NOT NULL, -- who settled an unknown one
    created_at      {{time}} NOT NULL,
    updated_at      {{time}} NOT NULL,
    sent_at         {{time}}
) {{strict}};
CREATE UNIQUE INDEX digests_contact_period_key ON digests (contact_id, period);
CREATE INDEX digests_due_idx ON digests (next_attempt_at, id) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX digests_state_idx ON digests (state, id);

-- What a digest listed: all that its link may show.
CREATE TABLE digest_lines (
    digest_id  {{uuid}} NOT NULL REFERENCES digests (id),
    vendor_id  {{uuid}} NOT NULL,
    account_id {{uuid}} NOT NULL,
    invoice_id {{uuid}} NOT NULL REFERENCES invoices (id),
    section    TEXT NOT NULL,
    amount     {{minor}} NOT NULL,
    currency   TEXT NOT NULL,
    PRIMARY KEY (digest_id, invoice_id)
) {{strict}};

CREATE TABLE digest_links (
    id         {{uuid}} PRIMARY KEY,
    token_hash TEXT NOT NULL,
    digest_id  {{uuid}} NOT NULL REFERENCES digests (id),
    contact_id {{uuid}} NOT NULL REFERENCES contacts (id),
    created_at {{time}} NOT NULL,
    expires_at {{time}} NOT NULL,
    revoked_at {{time}}
) {{strict}};
CREATE UNIQUE INDEX digest_links_token_key ON digest_links (token_hash);
CREATE INDEX digest_links_digest_idx ON digest_links (digest_id);
