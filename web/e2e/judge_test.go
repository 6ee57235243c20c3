package e2e

import (
	"context"
	"fmt"
	"time"
)

// judge holds what happened against what may never happen.
func (o *ordeal) judge() {
	o.t.Helper()
	for _, v := range o.vendors {
		// a delivery of a killed worker is due again when its claim runs out
		if err := within(110*time.Second, func() error { return v.heardAll() }); err != nil {
			o.t.Errorf("seed %d: %v", o.seed, err)
		}
	}
	o.paidOnce()
	o.remindedOnce()
	o.verify()
}

// heardAll says whether every event was taken by the receiver, and each kind of
// news of the payment is told by one event alone.
func (v *vendor) heardAll() error {
	events, err := list[eventRow](v, "/events")
	if err != nil {
		return err
	}
	v.receiver.mutex.Lock()
	defer v.receiver.mutex.Unlock()
	kinds, ids := map[string]int{}, map[string]bool{}
	for _, event := range events {
		if !v.receiver.taken[event.ID] {
			return fmt.Errorf("%s has not been told of %s %s", v.Name, event.Type, event.ID)
		}
		kinds[event.Type]++
		ids[event.ID] = true
	}
	for _, hook := range v.receiver.hooks {
		if hook.Fault != nil {
			return fmt.Errorf("%s got what it cannot verify: %w", v.Name, hook.Fault)
		}
		if !ids[hook.ID] {
			return fmt.Errorf("%s was told of %s %s, which the hub does not know", v.Name, hook.Type, hook.ID)
		}
	}
	if kinds["payment.settled"] != 1 || kinds["transfer.sent"] != 1 {
		return fmt.Errorf("%s heard %v", v.Name, kinds)
	}
	return nil
}

// paidOnce asks the vendors' API, the books and the gateway's own memory.
func (o *ordeal) paidOnce() {
	o.t.Helper()
	for i, v := range o.vendors {
		payments, err := list[paymentRow](v, "/payments")
		if err != nil {
			o.t.Error(err)
			continue
		}
		settled := 0
		for _, row := range payments {
			if row.Status != "settled" {
				continue
			}
			if settled++; row.Amount != trioSums[i] {
				o.t.Errorf("seed %d: %s got %s, and should get %s", o.seed, v.Name, row.Amount, trioSums[i])
			}
		}
		if settled != 1 {
			o.t.Errorf("seed %d: %s was paid %d times: %+v", o.seed, v.Name, settled, payments)
		}
	}
	for _, question := range []struct {
		what, query string
		want        int64
	}{
		{"charged by the gateway", "SELECT COALESCE(SUM(amount), 0) FROM sandbox_checkouts WHERE state = 'succeeded'", 658600},
		{"sent to the vendors", "SELECT COALESCE(SUM(amount), 0) FROM sandbox_transfers", 658600},
		{"transfers", "SELECT COUNT(*) FROM sandbox_transfers", 3},
		{"allocated", "SELECT COALESCE(SUM(amount), 0) FROM allocations", 658600},
		{"invoices that got more than their total", "SELECT COUNT(*) FROM (SELECT a.invoice_id FROM allocations a JOIN invoices i ON i.id = a.invoice_id GROUP BY a.invoice_id, i.total HAVING SUM(a.amount) > i.total) x", 0},
	} {
		if got := o.count(question.query); got != question.want {
			o.t.Errorf("seed %d: %s: %d, and should be %d", o.seed, question.what, got, question.want)
		}
	}
}

// remindedOnce: one row, at most one mail; a digest that is said to be sent has
// arrived, and one that is not sent has not.
func (o *ordeal) remindedOnce() {
	o.t.Helper()
	mails := len(o.digests())
	if rows := o.count("SELECT COUNT(*) FROM digests"); rows > 1 || mails > 1 {
		o.t.Errorf("seed %d: %d digests, %d mails for one contact and period", o.seed, rows, mails)
	}
	if done := o.count("SELECT COUNT(*) FROM digests WHERE state = 'done'"); done == 1 && mails != 1 {
		o.t.Errorf("seed %d: a digest is done, and %d mails arrived", o.seed, mails)
	}
	if quiet := o.count("SELECT COUNT(*) FROM digests WHERE state IN ('skipped', 'pending', 'failed')"); quiet == 1 && mails != 0 {
		o.t.Errorf("seed %d: a digest is not sent, and %d mails arrived", o.seed, mails)
	}
}

// count is one number out of the database.
func (h *hub) count(query string) int64 {
	h.t.Helper()
	db := h.database()
	defer func() { _ = db.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var n int64
	if err := db.QueryRowContext(ctx, query).Scan(&n); err != nil {
		h.t.Fatalf("%s: %v", query, err)
	}
	return n
}
