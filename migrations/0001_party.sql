-- Vendors, customers, contacts, accounts: who owes whom, and who may see it.
CREATE TABLE vendors (
    id            {{uuid}} PRIMARY KEY,
    name          TEXT NOT NULL,
    email         TEXT NOT NULL,
    phone         TEXT NOT NULL,
    website       TEXT NOT NULL,
    contact_name  TEXT NOT NULL,
    time_zone     TEXT NOT NULL,
    status        TEXT NOT NULL CHECK (status IN ('pending', 'approved', 'suspended')),
    status_reason TEXT NOT NULL,
    webhook_secret TEXT NOT NULL, -- sealed; new endpoints begin with it
    created_at    {{time}} NOT NULL,
    updated_at    {{time}} NOT NULL
) {{strict}};

CREATE TABLE customers (
    id         {{uuid}} PRIMARY KEY,
    name       TEXT NOT NULL,
    created_at {{time}} NOT NULL
) {{strict}};

CREATE TABLE contacts (
    id              {{uuid}} PRIMARY KEY,
    customer_id     {{uuid}} NOT NULL REFERENCES customers (id),
    email           TEXT NOT NULL,
    name            TEXT NOT NULL,
    time_zone       TEXT NOT NULL,
    digest_weekday  {{int}} NOT NULL CHECK (digest_weekday BETWEEN 0 AND 6),
    digest_hour     {{int}} NOT NULL CHECK (digest_hour BETWEEN 0 AND 23),
    next_digest_at  {{time}},
    unsubscribed_at {{time}},
    bounced_at      {{time}},
    bounce_reason   TEXT NOT NULL,
    created_at      {{time}} NOT NULL,
    updated_at      {{time}} NOT NULL
) {{strict}};
CREATE UNIQUE INDEX contacts_email_key ON contacts (email);
CREATE INDEX contacts_customer_idx ON contacts (customer_id);
-- reminder.Plan: who is due
CREATE INDEX contacts_next_digest_idx ON contacts (next_digest_at, id)
    WHERE unsubscribed_at IS NULL AND bounced_at IS NULL;

CREATE TABLE accounts (
    id           {{uuid}} PRIMARY KEY,
    customer_id  {{uuid}} NOT NULL REFERENCES customers (id),
    vendor_id    {{uuid}} NOT NULL REFERENCES vendors (id),
    external_id  TEXT NOT NULL,
    name         TEXT NOT NULL,
    terms        TEXT NOT NULL,
    currency     TEXT NOT NULL,
    credit_limit {{minor}},
    source_hash  TEXT NOT NULL,
    created_at   {{time}} NOT NULL,
    updated_at   {{time}} NOT NULL
) {{strict}};
CREATE UNIQUE INDEX accounts_vendor_external_key ON accounts (vendor_id, external_id);
CREATE INDEX accounts_customer_idx ON accounts (customer_id);

-- Which mailboxes an account lists, in the vendor's order. An address that no
-- mail can reach is kept with why, so that the vendor can be told.
CREATE TABLE account_contacts (
    account_id  {{uuid}} NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    contact_id  {{uuid}} NOT NULL REFERENCES contacts (id),
    vendor_id   {{uuid}} NOT NULL REFERENCES vendors (id),
    role        TEXT NOT NULL CHECK (role IN ('payables', 'approver', 'copy')),
    position    {{int}} NOT NULL,
    PRIMARY KEY (account_id, contact_id)
) {{strict}};
CREATE INDEX account_contacts_contact_idx ON account_contacts (contact_id, account_id);
CREATE INDEX account_contacts_vendor_idx ON account_contacts (vendor_id, contact_id);

CREATE TABLE account_unusable_contacts (
    account_id {{uuid}} NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    vendor_id  {{uuid}} NOT NULL REFERENCES vendors (id),
    email      TEXT NOT NULL,
    reason     TEXT NOT NULL,
    PRIMARY KEY (account_id, email)
) {{strict}};

-- What a contact says of a vendor that names it as its billing contact.
CREATE TABLE contact_vendors (
    contact_id {{uuid}} NOT NULL REFERENCES contacts (id),
    vendor_id  {{uuid}} NOT NULL REFERENCES vendors (id),
    state      TEXT NOT NULL CHECK (state IN ('new', 'mine', 'not_mine')),
    created_at {{time}} NOT NULL,
    decided_at {{time}},
    PRIMARY KEY (contact_id, vendor_id)
) {{strict}};
CREATE INDEX contact_vendors_vendor_idx ON contact_vendors (vendor_id, state);
