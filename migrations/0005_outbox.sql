-- Facts that were committed, and each on its way to each endpoint of one vendor.
CREATE TABLE endpoints (
    id              {{uuid}} PRIMARY KEY,
    vendor_id       {{uuid}} NOT NULL REFERENCES vendors (id),
    kind            TEXT NOT NULL CHECK (kind IN ('webhook', 'mail', 'books')),
    target          TEXT NOT NULL, -- URL, mail address, or connection id
    events          TEXT NOT NULL, -- JSON list of types, or ["*"]
    secret          TEXT NOT NULL, -- sealed; empty for mail
    created_at      {{time}} NOT NULL,
    disabled_at     {{time}},
    disabled_reason TEXT NOT NULL
) {{strict}};
CREATE INDEX endpoints_vendor_idx ON endpoints (vendor_id, kind);
CREATE UNIQUE INDEX endpoints_target_key ON endpoints (vendor_id, kind, target) WHERE disabled_at IS NULL;

CREATE TABLE events (
    id          {{uuid}} PRIMARY KEY,
    vendor_id   {{uuid}} NOT NULL REFERENCES vendors (id),
    customer_id {{uuid}},
    type        TEXT NOT NULL,
    subject_id  {{uuid}},       -- the share, case, transfer … it speaks of; unique per type where told once
    data        TEXT NOT NULL,  -- the exact JSON that the vendor receives as "data"
    created_at  {{time}} NOT NULL
) {{strict}};
CREATE INDEX events_vendor_idx ON events (vendor_id, id);
CREATE UNIQUE INDEX events_once_key ON events (subject_id, type) WHERE subject_id IS NOT NULL;

CREATE TABLE deliveries (
    id              {{uuid}} PRIMARY KEY,
    vendor_id       {{uuid}} NOT NULL REFERENCES vendors (id),
    customer_id     {{uuid}},
    event_id        {{uuid}} NOT NULL REFERENCES events (id),
    endpoint_id     {{uuid}} NOT NULL REFERENCES endpoints (id),
    kind            TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('pending', 'sending', 'done', 'dead', 'unknown', 'cancelled')),
    attempts        {{int}} NOT NULL,
    next_attempt_at {{time}},
    claimed_until   {{time}},
    last_status     {{int}} NOT NULL,
    last_answer     TEXT NOT NULL,
    created_at      {{time}} NOT NULL,
    updated_at      {{time}} NOT NULL,
    CONSTRAINT deliveries_next_check CHECK ((state IN ('pending', 'sending')) = (next_attempt_at IS NOT NULL))
) {{strict}};
CREATE UNIQUE INDEX deliveries_event_endpoint_key ON deliveries (event_id, endpoint_id);
CREATE INDEX deliveries_due_idx ON deliveries (next_attempt_at, id) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX deliveries_vendor_idx ON deliveries (vendor_id, id);
CREATE INDEX deliveries_endpoint_idx ON deliveries (endpoint_id, state);
CREATE INDEX deliveries_dead_idx ON deliveries (state, id) WHERE state IN ('dead', 'unknown');

CREATE TABLE delivery_attempts (
    id          {{uuid}} PRIMARY KEY,
    vendor_id   {{uuid}} NOT NULL,
    delivery_id {{uuid}} NOT NULL REFERENCES deliveries (id),
    number      {{int}} NOT NULL,
    at          {{time}} NOT NULL,
    took_ms     {{int}} NOT NULL,
    status      {{int}} NOT NULL, -- HTTP status or SMTP code; 0: no answer
    answer      TEXT NOT NULL
) {{strict}};
CREATE INDEX delivery_attempts_delivery_idx ON delivery_attempts (delivery_id, id);

-- Single mails that are not digests: sign-in links, answers, receipts.
CREATE TABLE mails (
    id              {{uuid}} PRIMARY KEY,
    kind            TEXT NOT NULL,
    recipient       TEXT NOT NULL,
    subject         TEXT NOT NULL,
    content         TEXT NOT NULL, -- sealed until sent, then emptied: it may hold a sign-in link
    message_id      TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('pending', 'sending', 'done', 'dead')),
    attempts        {{int}} NOT NULL,
    next_attempt_at {{time}},
    claimed_until   {{time}},
    last_answer     TEXT NOT NULL,
    expires_at      {{time}}, -- not sent after this
    created_at      {{time}} NOT NULL,
    updated_at      {{time}} NOT NULL
) {{strict}};
CREATE INDEX mails_due_idx ON mails (next_attempt_at, id) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX mails_dead_idx ON mails (state, id) WHERE state = 'dead';

-- Work that recurs: leased by one process, caught up by period key.
CREATE TABLE schedules (
    name         TEXT PRIMARY KEY,
    next_at      {{time}} NOT NULL,
    leased_until {{time}},
    holder       TEXT NOT NULL,
    last_at      {{time}},
    last_result  TEXT NOT NULL
) {{strict}};
