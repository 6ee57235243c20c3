-- Connections to vendors' books, and work for a vendor's staff.
CREATE TABLE connections (
    id           {{uuid}} PRIMARY KEY,
    vendor_id    {{uuid}} NOT NULL REFERENCES vendors (id),
    kind         TEXT NOT NULL,
    name         TEXT NOT NULL,
    settings     TEXT NOT NULL, -- sealed JSON
    cursor       TEXT NOT NULL,
    created_at   {{time}} NOT NULL,
    updated_at   {{time}} NOT NULL,
    disabled_at  {{time}},
    last_good_at {{time}},
    last_error   TEXT NOT NULL,
    next_sync_at {{time}}
) {{strict}};
CREATE INDEX connections_vendor_idx ON connections (vendor_id, id);
CREATE INDEX connections_due_idx ON connections (next_sync_at) WHERE next_sync_at IS NOT NULL AND disabled_at IS NULL;

CREATE TABLE syncs (
    id            {{uuid}} PRIMARY KEY,
    vendor_id     {{uuid}} NOT NULL REFERENCES vendors (id),
    connection_id {{uuid}} REFERENCES connections (id), -- NULL: a file given by hand
    source        TEXT NOT NULL,                        -- "csv open-items.csv"
    state         TEXT NOT NULL CHECK (state IN ('running', 'done', 'failed', 'stopped')),
    done          {{minor}} NOT NULL,
    total         {{minor}} NOT NULL,
    created       {{int}} NOT NULL,
    updated       {{int}} NOT NULL,
    unchanged     {{int}} NOT NULL,
    rejected      {{int}} NOT NULL,
    error         TEXT NOT NULL,
    started_at    {{time}} NOT NULL,
    finished_at   {{time}}
) {{strict}};
CREATE INDEX syncs_vendor_idx ON syncs (vendor_id, id);

CREATE TABLE sync_rejections (
    id          {{uuid}} PRIMARY KEY,
    vendor_id   {{uuid}} NOT NULL,
    sync_id     {{uuid}} NOT NULL REFERENCES syncs (id),
    place       TEXT NOT NULL,
    external_id TEXT NOT NULL,
    problems    TEXT NOT NULL
) {{strict}};
CREATE INDEX sync_rejections_sync_idx ON sync_rejections (sync_id, id);

CREATE TABLE tasks (
    id          {{uuid}} PRIMARY KEY,
    vendor_id   {{uuid}} REFERENCES vendors (id), -- NULL: for the operator
    customer_id {{uuid}},
    kind        TEXT NOT NULL,
    subject_id  TEXT NOT NULL,
    title       TEXT NOT NULL,
    text        TEXT NOT NULL,
    created_at  {{time}} NOT NULL,
    done_at     {{time}},
    done_by     TEXT NOT NULL
) {{strict}};
CREATE UNIQUE INDEX tasks_subject_key ON tasks (kind, subject_id);
CREATE INDEX tasks_vendor_idx ON tasks (vendor_id, id) WHERE done_at IS NULL;
