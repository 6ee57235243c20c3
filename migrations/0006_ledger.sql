-- Double entry, append only. Amounts are signed: a debit is positive, a credit negative.
CREATE TABLE ledger_transactions (
    id         {{uuid}} PRIMARY KEY,
    kind       TEXT NOT NULL,
    payment_id {{uuid}},
    vendor_id  {{uuid}},
    currency   TEXT NOT NULL,
    memo       TEXT NOT NULL,
    created_at {{time}} NOT NULL,
    batch      {{minor}} -- the sealed batch's number; NULL until sealed
) {{strict}};
CREATE INDEX ledger_transactions_payment_idx ON ledger_transactions (payment_id);
CREATE INDEX ledger_transactions_batch_idx ON ledger_transactions (batch, id);

CREATE TABLE ledger_entries (
    id             {{uuid}} PRIMARY KEY,
    transaction_id {{uuid}} NOT NULL REFERENCES ledger_transactions (id),
    account        TEXT NOT NULL,
    currency       TEXT NOT NULL,
    amount         {{minor}} NOT NULL CHECK (amount <> 0)
) {{strict}};
CREATE INDEX ledger_entries_transaction_idx ON ledger_entries (transaction_id);
CREATE INDEX ledger_entries_account_idx ON ledger_entries (account, currency, id);

CREATE TABLE ledger_batches (
    number       {{minor}} PRIMARY KEY,
    transactions {{int}} NOT NULL,
    previous     TEXT NOT NULL,
    hash         TEXT NOT NULL,
    sealed_at    {{time}} NOT NULL
) {{strict}};
