package payment_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sheaf-hub/sheaf/hub/gateway/sandbox"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// TestCheckFindsWhatIsBroken breaks every rule once, by hand, and undoes it.
func TestCheckFindsWhatIsBroken(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		one, two, a, b, payer := s.two()
		credit := s.credit(one, "C-1", "CR-1", 3000)
		selection := tick(a, b)
		selection.Credits = []string{credit.ID}
		p := s.start(payer, selection)
		s.press(p, sandbox.Succeed)
		s.relay()
		third := s.invoice(one, "C-1", "INV-3", 900)
		second := s.credit(one, "C-1", "CR-2", 100)
		selection = tick(third)
		selection.Credits = []string{second.ID}
		open := s.start(payer, selection)
		s.sound()
		if n, _, err := s.CheckMoney(t.Context()); n != 2 || err != nil {
			t.Fatal(n, err)
		}
		if n, _, err := s.CheckTransfers(t.Context()); n != 2 || err != nil {
			t.Fatal(n, err)
		}
		settlement := `(SELECT id FROM ledger_transactions WHERE kind = 'settlement')`
		sent := `(SELECT id FROM ledger_transactions WHERE kind = 'transfer' AND vendor_id = '` + two.ID + `')`
		for name, c := range map[string]struct{ plant, undo, words string }{
			"captured":         {`UPDATE payments SET captured = captured + 1 WHERE id = '` + p.ID + `'`, `UPDATE payments SET captured = captured - 1 WHERE id = '` + p.ID + `'`, "captured is not what its invoices got"},
			"shares":           {`UPDATE shares SET amount = amount + 1 WHERE payment_id = '` + open.ID + `'`, `UPDATE shares SET amount = amount - 1 WHERE payment_id = '` + open.ID + `'`, "its shares do not add up"},
			"share's state":    {`UPDATE shares SET status = 'failed' WHERE payment_id = '` + open.ID + `'`, `UPDATE shares SET status = 'pending' WHERE payment_id = '` + open.ID + `'`, "another currency or state"},
			"share":            {`UPDATE allocations SET amount = amount + 1 WHERE vendor_id = '` + two.ID + `'`, `UPDATE allocations SET amount = amount - 1 WHERE vendor_id = '` + two.ID + `'`, "is not what its invoices got"},
			"credit of share":  {`UPDATE shares SET credit_amount = 0 WHERE payment_id = '` + p.ID + `'`, `UPDATE shares SET credit_amount = 3000 WHERE payment_id = '` + p.ID + `' AND vendor_id = '` + one.ID + `'`, "its credits are not what was applied"},
			"application":      {`UPDATE applications SET amount = amount + 1 WHERE vendor_id = '` + two.ID + `'`, `UPDATE applications SET amount = amount - 1 WHERE vendor_id = '` + two.ID + `'`, "was not applied to its invoice"},
			"no allocation":    {`UPDATE allocations SET invoice_id = '` + third.ID + `' WHERE vendor_id = '` + two.ID + `'`, `UPDATE allocations SET invoice_id = '` + b.ID + `' WHERE vendor_id = '` + two.ID + `'`, "has no allocation of money"},
			"not settled":      {`UPDATE payments SET captured = 5 WHERE id = '` + open.ID + `'`, `UPDATE payments SET captured = 0 WHERE id = '` + open.ID + `'`, "money of it was given out"},
			"ledger":           {`UPDATE ledger_entries SET amount = amount + 7 WHERE account = 'gateway' AND transaction_id = ` + settlement, `UPDATE ledger_entries SET amount = amount - 7 WHERE account = 'gateway' AND transaction_id = ` + settlement, "did not book what was captured"},
			"ledger's vendor":  {`UPDATE ledger_entries SET amount = amount + 7 WHERE account LIKE '%` + two.ID + `%' AND transaction_id = ` + settlement, `UPDATE ledger_entries SET amount = amount - 7 WHERE account LIKE '%` + two.ID + `%' AND transaction_id = ` + settlement, "did not book what its vendor gets"},
			"stale hold":       {`UPDATE holds SET lifted_at = NULL WHERE payment_id = '` + p.ID + `'`, `UPDATE holds SET lifted_at = created_at WHERE payment_id = '` + p.ID + `'`, "although it has ended"},
			"no hold":          {`UPDATE holds SET lifted_at = created_at WHERE payment_id = '` + open.ID + `'`, `UPDATE holds SET lifted_at = NULL WHERE payment_id = '` + open.ID + `'`, "does not hold what it reserved"},
			"held credit":      {`UPDATE credits SET held = 0 WHERE id = '` + second.ID + `'`, `UPDATE credits SET held = 100 WHERE id = '` + second.ID + `'`, "credit " + second.ID + ": held"},
			"transfer amount":  {`UPDATE transfers SET amount = amount + 1 WHERE vendor_id = '` + two.ID + `'`, `UPDATE transfers SET amount = amount - 1 WHERE vendor_id = '` + two.ID + `'`, "without exactly one transfer"},
			"foreign transfer": {`UPDATE transfers SET share_id = (SELECT id FROM shares WHERE payment_id = '` + open.ID + `') WHERE vendor_id = '` + two.ID + `'`, `UPDATE transfers SET share_id = (SELECT id FROM shares WHERE payment_id = '` + p.ID + `' AND vendor_id = '` + two.ID + `') WHERE vendor_id = '` + two.ID + `'`, "is not its vendor's settled share"},
			"forgotten":        {`UPDATE transfers SET state = 'pending' WHERE vendor_id = '` + two.ID + `'`, `UPDATE transfers SET state = 'done' WHERE vendor_id = '` + two.ID + `'`, "waits without a next attempt"},
			"no trace":         {`UPDATE transfers SET gateway_ref = '' WHERE vendor_id = '` + two.ID + `'`, `UPDATE transfers SET gateway_ref = 'x' WHERE vendor_id = '` + two.ID + `'`, "no trace of it at the gateway"},
			"ledger's sending": {`UPDATE ledger_entries SET amount = amount - 7 WHERE account = 'gateway' AND transaction_id = ` + sent, `UPDATE ledger_entries SET amount = amount + 7 WHERE account = 'gateway' AND transaction_id = ` + sent, "did not book the transfers"},
			"no receipt":       {`UPDATE receipts SET payment_id = '` + open.ID + `'`, `UPDATE receipts SET payment_id = '` + p.ID + `'`, "has settled and has no receipt"},
			"early receipt":    {`UPDATE receipts SET payment_id = '` + open.ID + `'`, `UPDATE receipts SET payment_id = '` + p.ID + `'`, "is of a payment without money"},
			"lost receipt":     {`UPDATE receipts SET next_attempt_at = NULL`, `UPDATE receipts SET next_attempt_at = created_at`, "waits without a next attempt"},
			"gateway balance":  {`UPDATE ledger_entries SET account = 'hub:fees' WHERE account = 'gateway' AND transaction_id = ` + settlement, `UPDATE ledger_entries SET account = 'gateway' WHERE account = 'hub:fees'`, "currency EUR: the ledger's gateway"},
		} {
			s.exec(c.plant)
			if broken := strings.Join(s.broken(), "\n"); !strings.Contains(broken, c.words) {
				t.Errorf("%s: not found; verify says: %s", name, broken)
			}
			s.exec(c.undo)
			if broken := s.broken(); len(broken) > 0 {
				t.Fatalf("%s: not undone: %v", name, broken)
			}
		}
	})
}

func TestCheckFindsWhatTheDatabaseForbids(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		_, p := s.paid()
		s.exec(`DROP INDEX allocations_payment_invoice_key`)
		s.exec(`DROP INDEX transfers_payment_vendor_key`)
		s.exec(`INSERT INTO allocations (id, customer_id, vendor_id, payment_id, share_id, invoice_id, amount, created_at) SELECT '` + store.NewID() + `', customer_id, vendor_id, payment_id, share_id, invoice_id, amount, created_at FROM allocations`)
		s.exec(`INSERT INTO transfers (id, customer_id, vendor_id, payment_id, share_id, currency, amount, state, idempotency_key, key_used_at,
			gateway_ref, attempts, next_attempt_at, claimed_until, last_answer, created_at, updated_at) SELECT '` + store.NewID() + `', customer_id, vendor_id, payment_id, share_id, currency, amount, state, idempotency_key, key_used_at,
			gateway_ref, attempts, next_attempt_at, claimed_until, last_answer, created_at, updated_at FROM transfers`)
		broken := strings.Join(s.broken(), "\n")
		for _, words := range []string{"payment " + p.ID + " pays an invoice twice", "without exactly one transfer"} {
			if !strings.Contains(broken, words) {
				t.Errorf("%q is not among:\n%s", words, broken)
			}
		}
	})
}

func TestCheckFindsWhatPayoutsDouble(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		one, two, a, b, payer := s.two()
		s.press(s.start(payer, tick(a, b)), sandbox.Succeed)
		s.relay()
		payout := store.NewID()
		s.exec(`INSERT INTO payouts (id, vendor_id, gateway, account_ref, gateway_ref, currency, amount, status, reason, bank, statement, arrival_on, itemizable, complete, created_at, synced_at)
			SELECT '` + payout + `', '` + one.ID + `', 'sandbox', 'acct', 'po_1', 'EUR', 1, 'paid', '', 'Bank', '', '2026-11-24', TRUE, TRUE, created_at, created_at FROM payments`)
		line := func(position int, owner, transfer string) string {
			id := store.NewID()
			s.exec(fmt.Sprintf(`INSERT INTO payout_lines (id, vendor_id, payout_id, position, kind, transfer_id, transfer_ref, gateway_ref, amount, fee)
				SELECT '%s', '%s', '%s', %d, 'transfer', id, 'tr', 'txn', 1, 0 FROM transfers WHERE vendor_id = '%s'`, id, owner, payout, position, transfer))
			return id
		}
		line(1, one.ID, one.ID)
		s.sound()
		for words, id := range map[string]string{"stands in more than one payout": line(2, one.ID, one.ID), "another vendor's money": line(3, one.ID, two.ID)} {
			if broken := strings.Join(s.broken(), "\n"); !strings.Contains(broken, words) {
				t.Errorf("%q is not among:\n%s", words, broken)
			}
			s.exec(`DELETE FROM payout_lines WHERE id = '` + id + `'`)
		}
		s.sound()
	})
}
