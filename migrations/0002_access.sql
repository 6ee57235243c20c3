-- Who may come in, and what they did.
CREATE TABLE staff (
    id          {{uuid}} PRIMARY KEY,
    vendor_id   {{uuid}} REFERENCES vendors (id), -- NULL: the operator's own staff
    email       TEXT NOT NULL,
    name        TEXT NOT NULL,
    role        TEXT NOT NULL CHECK (role IN ('owner', 'member', 'operator')),
    created_at  {{time}} NOT NULL,
    disabled_at {{time}},
    CHECK ((vendor_id IS NULL) = (role = 'operator'))
) {{strict}};
CREATE UNIQUE INDEX staff_vendor_email_key ON staff (vendor_id, email);
CREATE UNIQUE INDEX staff_operator_email_key ON staff (email) WHERE vendor_id IS NULL;
CREATE INDEX staff_email_idx ON staff (email);

CREATE TABLE sign_in_links (
    id         {{uuid}} PRIMARY KEY,
    token_hash TEXT NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('contact', 'staff')),
    email      TEXT NOT NULL,
    next       TEXT NOT NULL,
    created_at {{time}} NOT NULL,
    expires_at {{time}} NOT NULL,
    used_at    {{time}}
) {{strict}};
CREATE UNIQUE INDEX sign_in_links_token_key ON sign_in_links (token_hash);
CREATE INDEX sign_in_links_email_idx ON sign_in_links (email, created_at);

CREATE TABLE sessions (
    id           {{uuid}} PRIMARY KEY,
    token_hash   TEXT NOT NULL,
    contact_id   {{uuid}} REFERENCES contacts (id),
    staff_id     {{uuid}} REFERENCES staff (id),
    device       TEXT NOT NULL,
    remembered   {{bool}} NOT NULL,
    created_at   {{time}} NOT NULL,
    seen_at      {{time}} NOT NULL,
    expires_at   {{time}} NOT NULL,
    revoked_at   {{time}},
    CHECK ((contact_id IS NULL) <> (staff_id IS NULL))
) {{strict}};
CREATE UNIQUE INDEX sessions_token_key ON sessions (token_hash);
CREATE INDEX sessions_contact_idx ON sessions (contact_id);
CREATE INDEX sessions_staff_idx ON sessions (staff_id);

CREATE TABLE api_keys (
    id           {{uuid}} PRIMARY KEY,
    vendor_id    {{uuid}} NOT NULL REFERENCES vendors (id),
    name         TEXT NOT NULL,
    prefix       TEXT NOT NULL,
    key_hash     TEXT NOT NULL,
    created_by   TEXT NOT NULL,
    created_at   {{time}} NOT NULL,
    last_used_at {{time}},
    revoked_at   {{time}}
) {{strict}};
CREATE UNIQUE INDEX api_keys_hash_key ON api_keys (key_hash);
CREATE INDEX api_keys_vendor_idx ON api_keys (vendor_id, created_at);

CREATE TABLE audit_log (
    id           {{uuid}} PRIMARY KEY,
    at           {{time}} NOT NULL,
    actor_kind   TEXT NOT NULL CHECK (actor_kind IN ('contact', 'link', 'staff', 'operator', 'key', 'system')),
    actor_id     TEXT NOT NULL,
    actor_name   TEXT NOT NULL,
    vendor_id    {{uuid}},
    customer_id  {{uuid}},
    action       TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id   TEXT NOT NULL,
    before       TEXT NOT NULL,
    after        TEXT NOT NULL
) {{strict}};
CREATE INDEX audit_log_vendor_idx ON audit_log (vendor_id, id);
CREATE INDEX audit_log_at_idx ON audit_log (id);
