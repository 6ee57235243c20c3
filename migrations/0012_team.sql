-- A contact asks a colleague to look after their vendors together. The colleague
-- says yes after signing in with the mailbox that was asked.
CREATE TABLE team_invitations (
    id          {{uuid}} PRIMARY KEY,
    customer_id {{uuid}} NOT NULL REFERENCES customers (id),
    inviter_id  {{uuid}} NOT NULL REFERENCES contacts (id),
    email       TEXT NOT NULL,
    created_at  {{time}} NOT NULL,
    expires_at  {{time}} NOT NULL,
    answered_at {{time}},
    answer      TEXT NOT NULL CHECK (answer IN ('', 'accepted', 'declined', 'withdrawn'))
) {{strict}};
CREATE UNIQUE INDEX team_invitations_open_key ON team_invitations (customer_id, email) WHERE answered_at IS NULL;
CREATE INDEX team_invitations_email_idx ON team_invitations (email) WHERE answered_at IS NULL;
