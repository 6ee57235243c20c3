package e2e

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sheaf-hub/sheaf/hub/gateway/stripe/stripefake"
)

// judge holds the ledger, the books and Stripe's own memory against each other.
func (u *turmoil) judge() {
	u.t.Helper()
	u.sumsAreRight()
	u.chargesAreBooked()
	u.transfersAreOnce()
	u.moneyBackIsBooked()
	u.gatewayAgrees()
	u.noMessageIsLost()
	u.noNewsIsLost()
	for _, place := range u.posts {
		if err := place.process.stop(u.t); err != nil {
			u.t.Errorf("sheaf %s did not stop well: %v\n%s", strings.Join(place.arguments, " "), err, tail(place.process.out.String(), 2000))
		}
	}
	u.verify()
	u.t.Logf("payments by status: %s; transfers %d, refunds %d, reversals %d, chargebacks %d, messages %d, events %d, deliveries %d", u.tally("payments", "status"),
		len(u.fake.Transfers()), len(u.fake.Refunds()), len(u.fake.Reversals()), len(u.fake.Disputes()), u.number("SELECT COUNT(*) FROM gateway_events"),
		u.number("SELECT COUNT(*) FROM events"), u.number("SELECT COUNT(*) FROM deliveries"))
}

func (u *turmoil) wrong(format string, args ...any) {
	u.t.Helper()
	u.t.Errorf("seed %d: "+format, append([]any{u.seed}, args...)...)
}

// scan reads rows into a list.
func scan[T any](u *turmoil, query string) []T {
	u.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var rows []T
	if err := u.db.NewRaw(query).Scan(ctx, &rows); err != nil {
		u.t.Fatalf("%s: %v", query, err)
	}
	return rows
}

func (u *turmoil) tally(table, column string) string {
	u.t.Helper()
	type count struct {
		Word string `bun:"word"`
		N    int    `bun:"n"`
	}
	var words []string
	for _, c := range scan[count](u, "SELECT "+column+" AS word, COUNT(*) AS n FROM "+table+" GROUP BY 1 ORDER BY 1") {
		words = append(words, fmt.Sprintf("%d %s", c.N, c.Word))
	}
	return strings.Join(words, ", ")
}

// sumsAreRight: each currency's ledger sums to zero, and what was captured is
// what invoices got and what stayed over.
func (u *turmoil) sumsAreRight() {
	u.t.Helper()
	type sum struct {
		Currency string `bun:"currency"`
		Sum      int64  `bun:"sum"`
		N        int64  `bun:"n"`
	}
	sums := scan[sum](u, "SELECT currency, CAST(SUM(amount) AS BIGINT) AS sum, COUNT(*) AS n FROM ledger_entries GROUP BY currency")
	if len(sums) != len(moneyCurrencies) {
		u.wrong("the ledger knows the currencies %v", sums)
	}
	for _, s := range sums {
		if s.Sum != 0 || s.N == 0 {
			u.wrong("the ledger in %s sums to %d over %d entries", s.Currency, s.Sum, s.N)
		}
	}
	captured := u.number("SELECT CAST(SUM(captured) AS BIGINT) FROM payments")
	given := u.number("SELECT CAST(SUM(amount) AS BIGINT) FROM allocations")
	if unapplied := u.number("SELECT CAST(SUM(unapplied) AS BIGINT) FROM payments"); captured != given+unapplied || captured == 0 {
		u.wrong("captured %d, allocated %d, unapplied %d", captured, given, unapplied)
	}
	if n := u.number(`SELECT COUNT(*) FROM payments p WHERE settled_at IS NOT NULL AND captured <>
		unapplied + COALESCE((SELECT SUM(amount) FROM allocations a WHERE a.payment_id = p.id), 0)`); n != 0 {
		u.wrong("%d payments gave out more or less than they took", n)
	}
}

// chargesAreBooked: every charge of Stripe's is one settled payment, and the other way.
func (u *turmoil) chargesAreBooked() {
	u.t.Helper()
	type row struct {
		SourceRef string `bun:"source_ref"`
		Captured  int64  `bun:"captured"`
	}
	booked := map[string]int64{}
	for _, r := range scan[row](u, "SELECT source_ref, captured FROM payments WHERE settled_at IS NOT NULL") {
		if _, twice := booked[r.SourceRef]; twice || r.SourceRef == "" {
			u.wrong("the charge %q is booked twice", r.SourceRef)
		}
		booked[r.SourceRef] = r.Captured
	}
	succeeded := 0
	for _, charge := range u.fake.Charges() {
		if charge.Status != stripefake.Succeeded {
			continue
		}
		succeeded++
		if amount, found := booked[charge.ID]; !found || amount != charge.Amount {
			u.wrong("Stripe took %d in %s, %d of it is booked", charge.Amount, charge.ID, amount)
		}
	}
	if succeeded != len(booked) {
		u.wrong("Stripe has %d charges, %d payments are settled", succeeded, len(booked))
	}
	if succeeded < u.payments*8/10 {
		u.wrong("only %d payments of %d were settled: too few to prove anything", succeeded, u.payments)
	}
}

// transfersAreOnce: what a vendor gets of a payment was sent to it once, as its row says.
func (u *turmoil) transfersAreOnce() {
	u.t.Helper()
	type row struct {
		ID        string `bun:"id"`
		PaymentID string `bun:"payment_id"`
		VendorID  string `bun:"vendor_id"`
		Kind      string `bun:"kind"`
		State     string `bun:"state"`
		Ref       string `bun:"gateway_ref"`
		Net       int64  `bun:"net"`
	}
	rows := map[string]row{}
	for _, r := range scan[row](u, "SELECT id, payment_id, vendor_id, kind, state, gateway_ref, amount - netted AS net FROM transfers") {
		if rows[r.ID] = r; r.State != "done" {
			u.wrong("transfer %s is %s", r.ID, r.State)
		}
	}
	byRow, byShare := map[string]int{}, map[string]int{}
	for _, transfer := range u.fake.Transfers() {
		id := transfer.Metadata["transfer_id"]
		r, found := rows[id]
		if byRow[id]++; !found || byRow[id] > 1 || r.Ref != transfer.ID || r.Net != transfer.Amount {
			u.wrong("Stripe's transfer %s of %d is the row %+v, for the time %d", transfer.ID, transfer.Amount, r, byRow[id])
		}
		if share := r.PaymentID + " " + r.VendorID; r.Kind == "share" {
			if byShare[share]++; byShare[share] > 1 {
				u.wrong("payment and vendor %s were sent %d transfers", share, byShare[share])
			}
		}
	}
	for id, r := range rows {
		if r.Net > 0 && byRow[id] != 1 {
			u.wrong("transfer %s is done, and Stripe made %d of it", id, byRow[id])
		}
	}
	if len(byShare) < u.payments*8/10 {
		u.wrong("only %d shares were sent", len(byShare))
	}
}

// moneyBackIsBooked: refunds, reversals and chargebacks are the same on both sides.
func (u *turmoil) moneyBackIsBooked() {
	u.t.Helper()
	type row struct {
		ID     string `bun:"id"`
		Ref    string `bun:"gateway_ref"`
		Amount int64  `bun:"amount"`
	}
	compare := func(what string, rows []row, there map[string]int64) {
		for _, r := range rows {
			if amount, found := there[r.Ref]; !found || amount != r.Amount {
				u.wrong("%s %s of %d is %d at Stripe (%s)", what, r.ID, r.Amount, amount, r.Ref)
			}
			delete(there, r.Ref)
		}
		for ref, amount := range there {
			u.wrong("%s %s of %d is at Stripe and not here", what, ref, amount)
		}
	}
	refunds, reversals, disputes := map[string]int64{}, map[string]int64{}, map[string]int64{}
	for _, refund := range u.fake.Refunds() {
		refunds[refund.ID] = refund.Amount
	}
	for _, reversal := range u.fake.Reversals() {
		reversals[reversal.ID] = reversal.Amount
	}
	for _, dispute := range u.fake.Disputes() {
		disputes[dispute.ID] = dispute.Amount
	}
	if len(refunds) == 0 || len(disputes) == 0 || len(reversals) == 0 && u.payments >= 200 {
		u.wrong("%d refunds, %d reversals and %d chargebacks: too few to prove anything", len(refunds), len(reversals), len(disputes))
	}
	compare("refund", scan[row](u, "SELECT id, gateway_ref, amount FROM refunds WHERE state = 'done'"), refunds)
	compare("reversal", scan[row](u, "SELECT id, gateway_ref, amount FROM reversals WHERE state = 'done' AND gateway_ref <> 'covered'"), reversals)
	compare("chargeback", scan[row](u, "SELECT id, gateway_ref, amount FROM chargebacks"), disputes)
}

// gatewayAgrees: Stripe's books are right, and hold what the ledger says.
func (u *turmoil) gatewayAgrees() {
	u.t.Helper()
	for _, words := range u.fake.Check() {
		u.wrong("Stripe: %s", words)
	}
	for _, currency := range moneyCurrencies {
		available, pending := u.fake.Balance("", strings.ToLower(currency))
		held := u.number("SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM ledger_entries WHERE account = 'gateway' AND currency = ?", currency)
		if held != available+pending-moneyTopUp {
			u.wrong("Stripe holds %s %d, the ledger says %d", currency, available+pending-moneyTopUp, held)
		}
	}
}

// noMessageIsLost: every event of Stripe's was followed, told or found.
func (u *turmoil) noMessageIsLost() {
	u.t.Helper()
	followed := map[string]bool{}
	for _, id := range scan[string](u, "SELECT event_id FROM gateway_events WHERE handled_at IS NOT NULL") {
		followed[id] = true
	}
	lost := map[string]int{}
	for _, event := range u.fake.Events() {
		if !followed[event.ID] {
			lost[event.Type]++
		}
	}
	if len(lost) > 0 || len(followed) == 0 {
		u.wrong("of %d messages these were never followed: %v", len(u.fake.Events()), lost)
	}
	u.post.mutex.Lock()
	defer u.post.mutex.Unlock()
	if len(u.post.refused) > 0 {
		u.wrong("true messages were refused: %v", u.post.refused[:min(len(u.post.refused), 10)])
	}
}

// noNewsIsLost: every event of the hub's reached its vendor, by webhook and, what
// staff want to hear, by mail.
func (u *turmoil) noNewsIsLost() {
	u.t.Helper()
	if n := u.number(`SELECT COUNT(*) FROM events e JOIN endpoints p ON p.vendor_id = e.vendor_id AND p.kind = 'webhook'
		WHERE NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.event_id = e.id AND d.endpoint_id = p.id)`); n != 0 {
		u.wrong("%d events have no delivery", n)
	}
	if n := u.number("SELECT COUNT(*) FROM deliveries WHERE kind = 'webhook' AND state <> 'done'"); n != 0 {
		u.wrong("%d deliveries are not done: %s", n, u.tally("deliveries", "state"))
	}
	if n := u.number("SELECT COUNT(*) FROM deliveries WHERE state NOT IN ('done', 'unknown')"); n != 0 {
		u.wrong("deliveries: %s", u.tally("deliveries", "state"))
	}
	for _, v := range u.vendors {
		v.receiver.mutex.Lock()
		for _, id := range scan[string](u, "SELECT id FROM events WHERE vendor_id = '"+v.ID+"'") {
			if !v.receiver.taken[id] {
				u.wrong("%s was not told of %s", v.Name, id)
			}
		}
		for _, hook := range v.receiver.hooks {
			if hook.Fault != nil {
				u.wrong("%s got what it cannot verify: %v", v.Name, hook.Fault)
			}
		}
		v.receiver.mutex.Unlock()
	}
	if settled, told := u.number("SELECT COUNT(*) FROM shares WHERE settled_at IS NOT NULL"), u.number("SELECT COUNT(*) FROM events WHERE type = 'payment.settled'"); settled != told {
		u.wrong("%d shares were settled, %d were told", settled, told)
	}
	if settled, receipts := u.number("SELECT COUNT(*) FROM payments WHERE settled_at IS NOT NULL"), u.number("SELECT COUNT(*) FROM receipts"); settled != receipts {
		u.wrong("%d payments were settled, %d have a receipt", settled, receipts)
	}
}
