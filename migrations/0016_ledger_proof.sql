-- What each transaction and batch was when it was sealed, so that `sheaf verify` names the row that was altered; and
-- when each entry was booked, so that an account reads as a statement without a look at its transactions.
ALTER TABLE ledger_transactions ADD COLUMN seal TEXT; -- NULL until sealed, and in batches sealed before this migration
ALTER TABLE ledger_batches ADD COLUMN members TEXT;   -- ids of its transactions in order; NULL when sealed before this migration
ALTER TABLE ledger_entries ADD COLUMN booked_at {{time}}; -- its transaction's created_at
UPDATE ledger_entries SET booked_at = (SELECT t.created_at FROM ledger_transactions AS t WHERE t.id = ledger_entries.transaction_id);
DROP INDEX ledger_entries_account_idx;
CREATE INDEX ledger_entries_account_idx ON ledger_entries (account, currency, booked_at, id, amount);
CREATE INDEX ledger_transactions_created_idx ON ledger_transactions (created_at, id);
