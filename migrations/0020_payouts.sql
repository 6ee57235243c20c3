-- What a gateway sent on from a vendor's account to its bank, as it was last
-- looked at: one line on the vendor's bank statement.
CREATE TABLE payouts (
    id          {{uuid}} PRIMARY KEY,
    vendor_id   {{uuid}} NOT NULL REFERENCES vendors (id),
    gateway     TEXT NOT NULL,
    account_ref TEXT NOT NULL,
    gateway_ref TEXT NOT NULL,
    currency    TEXT NOT NULL,
    amount      {{minor}} NOT NULL,     -- below zero: the bank was asked for it
    status      TEXT NOT NULL,          -- the gateway's word: pending, in_transit, paid, failed, canceled
    reason      TEXT NOT NULL,          -- of a failed one
    bank        TEXT NOT NULL,
    statement   TEXT NOT NULL,          -- what the bank's line says; may be empty
    arrival_on  {{date}} NOT NULL,
    itemizable  {{bool}} NOT NULL,      -- the gateway can say what it is made of
    complete    {{bool}} NOT NULL,      -- and has: payout_lines are all of it
    created_at  {{time}} NOT NULL,      -- at the gateway
    synced_at   {{time}} NOT NULL       -- when something in it was last seen to change
) {{strict}};
CREATE UNIQUE INDEX payouts_ref_key ON payouts (gateway, account_ref, gateway_ref);
CREATE INDEX payouts_vendor_idx ON payouts (vendor_id, arrival_on, id);
CREATE INDEX payouts_moving_idx ON payouts (vendor_id, created_at) WHERE status IN ('pending', 'in_transit');

-- What a payout is made of. transfer_id: one of ours, when it is.
CREATE TABLE payout_lines (
    id           {{uuid}} PRIMARY KEY,
    vendor_id    {{uuid}} NOT NULL REFERENCES vendors (id),
    payout_id    {{uuid}} NOT NULL REFERENCES payouts (id),
    position     {{int}} NOT NULL,
    kind         TEXT NOT NULL,         -- transfer, reversal, fee, or the gateway's word
    transfer_id  {{uuid}} REFERENCES transfers (id),
    transfer_ref TEXT NOT NULL,         -- the gateway's name of it; empty: it comes from no transfer
    gateway_ref  TEXT NOT NULL,
    amount       {{minor}} NOT NULL,    -- before fee, in the payout's currency
    fee          {{minor}} NOT NULL
) {{strict}};
CREATE UNIQUE INDEX payout_lines_position_key ON payout_lines (payout_id, position);
CREATE INDEX payout_lines_transfer_idx ON payout_lines (transfer_id) WHERE transfer_id IS NOT NULL;
CREATE INDEX payout_lines_unmatched_idx ON payout_lines (vendor_id) WHERE transfer_id IS NULL AND transfer_ref <> '';

-- How far the reading of an account's payouts is. A reading goes from the newest
-- to the oldest; one that was cut off goes on at payouts_cursor.
ALTER TABLE payout_accounts ADD COLUMN payouts_until {{time}};                     -- all that was made before is here
ALTER TABLE payout_accounts ADD COLUMN payouts_from {{time}};                      -- when the reading under way began
ALTER TABLE payout_accounts ADD COLUMN payouts_cursor TEXT NOT NULL DEFAULT '';
ALTER TABLE payout_accounts ADD COLUMN payouts_tried_at {{time}};
CREATE INDEX payout_accounts_tried_idx ON payout_accounts (gateway, payouts_tried_at) WHERE account_ref <> '';

CREATE INDEX transfers_ref_idx ON transfers (vendor_id, gateway_ref) WHERE state = 'done';
