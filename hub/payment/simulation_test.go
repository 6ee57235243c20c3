package payment_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/gateway/sandbox"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/store/storetest"
)

// simulatedSteps is how long a world lasts; SHEAF_SIMULATION_SEED plays one seed
// alone, as a failure prints it.
const simulatedSteps = 60

// TestSimulation plays seeded worlds: pulls, quotes, checkouts, buttons, lost and
// doubled messages, lost answers, crashes, suspensions, reflections and clock
// jumps in random order. After each step the invariants hold; at the end all
// comes to rest, and every euro that was captured is with its vendor.
func TestSimulation(t *testing.T) {
	first, worlds := uint64(1), simulatedWorlds
	if text := os.Getenv("SHEAF_SIMULATION_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("SHEAF_SIMULATION_SEED: %v", err)
		}
		first, worlds = seed, 1
	} else if testing.Short() {
		worlds = min(worlds, 20)
	}
	db := storetest.SQLite(t) // one for all: each world has its own vendors
	if _, err := db.ExecContext(t.Context(), `PRAGMA synchronous = OFF`); err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	seen := map[string]int{}
	for seed := first; seed < first+uint64(worlds); seed++ {
		w := &world{till: newTill(t, db), seed: seed, random: rand.New(rand.NewPCG(seed, 7)), seen: seen}
		w.empty()
		w.found()
		for w.step = 1; w.step <= simulatedSteps; w.step++ {
			w.act()
			w.look()
		}
		w.rest()
	}
	if worlds < 50 { // too few for all of it to have happened
		return
	}
	for _, what := range []string{"quote", "start", "succeed", "process", "decline", "notify-again", "cancel", "bill", "paid-elsewhere", "void", "reopen", "credit",
		"reflect", "confirm", "clock", "vendor", "send", "crash", "reconcile", "ended-settled", "ended-failed", "ended-expired", "ended-unapplied", "ended-reflected"} {
		if seen[what] == 0 {
			t.Errorf("in %d worlds there was no %s", worlds, what)
		}
	}
	t.Logf("%d worlds: %v", worlds, seen)
}

// world is one seeded run.
type world struct {
	*till
	seed    uint64
	step    int
	random  *rand.Rand
	vendors []*books
	payer   payment.Payer
	quotes  []payment.Quote
	heard   [][2]string // events and references, to be told again
	log     []string
	seen    map[string]int
	changes int    // of the database, when it was last looked at
	kill    func() // set: the process dies at the gateway's next answer
}

// books are what one vendor's own system says.
type books struct {
	party.Vendor
	invoices []billing.InvoiceRecord
	credits  []billing.CreditRecord
}

func (w *world) fail(format string, args ...any) {
	w.t.Helper()
	w.t.Fatalf("SHEAF_SIMULATION_SEED=%d step %d: %s\n%s", w.seed, w.step, fmt.Sprintf(format, args...), strings.Join(w.log, "\n"))
}

func (w *world) say(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	w.log = append(w.log, fmt.Sprintf("%3d %s", w.step, line))
	w.seen[strings.Fields(line)[0]]++
}

// expected says whether an error is one that a payer or worker is meant to see.
func (w *world) expected(err error) {
	w.t.Helper()
	var changed *payment.ChangedError
	var told *fault.Error
	if err == nil || errors.As(err, &changed) || (errors.As(err, &told) && told.Code != fault.Internal) ||
		errors.Is(err, sandbox.ErrLost) || errors.Is(err, context.Canceled) || errors.Is(err, payment.ErrUnavailable) {
		return
	}
	w.fail("unexpected: %v", err)
}

// mortal is the context of a process that may die in the middle: at the answer
// of its next call of the gateway, so that nothing more is written.
func (w *world) mortal() (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	if w.random.IntN(6) == 0 {
		w.kill = cancel
	}
	return ctx, func() {
		w.kill = nil
		cancel()
	}
}

// empty forgets the world before, children first.
func (w *world) empty() {
	for _, table := range []string{"deliveries", "events", "endpoints", "ledger_entries", "ledger_transactions", "receipts", "transfers", "allocations", "declines", "payment_lines",
		"shares", "payments", "quotes", "gateway_events", "sandbox_checkouts", "sandbox_transfers", "invoice_history", "holds", "applications", "credits", "invoices",
		"contact_vendors", "account_contacts", "accounts", "contacts", "customers", "vendors"} {
		w.exec("DELETE FROM " + table)
	}
}

func (w *world) found() {
	for i := range 3 {
		vendor := &books{Vendor: w.vendor(fmt.Sprintf("Vendor%d", i))}
		w.account(vendor.Vendor, "C", "ap@acme.example")
		w.vendors = append(w.vendors, vendor)
		for range 2 {
			w.newBill(vendor)
		}
	}
	w.payer = w.till.payer("ap@acme.example")
	w.bank.Faults.LoseAnswer = func(string) bool {
		if w.kill != nil {
			w.say("crash")
			w.kill()
			w.kill = nil
			return true
		}
		return w.random.IntN(12) == 0
	}
	w.bank.Faults.Before = func(string) error {
		switch w.random.IntN(30) {
		case 0:
			return payment.ErrUnavailable
		case 1:
			return fmt.Errorf("before: %w", sandbox.ErrLost)
		}
		return nil
	}
}

func (w *world) act() {
	switch w.random.IntN(20) {
	case 0, 1, 2, 3:
		w.wish()
	case 4, 5, 6, 7:
		w.begin()
	case 8, 9, 10, 11:
		w.button()
	case 12:
		w.again()
	case 13:
		w.cancel()
	case 14, 15:
		w.pull()
	case 16:
		w.jump()
	case 17:
		w.suspend()
	case 18:
		w.send()
	case 19:
		w.say("reconcile")
		ctx, done := w.mortal()
		defer done()
		_, err := w.Reconcile(ctx)
		w.expected(err)
	}
}

func (w *world) newBill(vendor *books) {
	total := int64(w.random.IntN(20000) + 1)
	if w.random.IntN(4) == 0 {
		total = total/100*100 + 113 // comes back when paid slowly
	}
	number := fmt.Sprintf("I%d", len(vendor.invoices))
	vendor.invoices = append(vendor.invoices, bill("C", number, total, total))
	w.bring(vendor)
}

func (w *world) bring(vendor *books) {
	result, err := w.Billing.Upsert(context.Background(), vendor.Vendor, billing.Batch{Invoices: vendor.invoices, Credits: vendor.credits})
	if err != nil || len(result.Rejected) > 0 {
		w.fail("push: %v %+v", err, result.Rejected)
	}
}

func (w *world) any() *books { return w.vendors[w.random.IntN(len(w.vendors))] }

// pull changes a vendor's books, as its own staff, other payments and our
// write-backs do, and brings them in.
func (w *world) pull() {
	vendor := w.any()
	record := &vendor.invoices[w.random.IntN(len(vendor.invoices))]
	switch w.random.IntN(8) {
	case 0:
		w.say("bill")
		w.newBill(vendor)
	case 1:
		record.Open = w.random.Int64N(record.Open + 1)
		w.say("paid-elsewhere %s %d", record.ExternalID, record.Open)
	case 2:
		record.Status = billing.Void
		w.say("void %s", record.ExternalID)
	case 3:
		record.Status, record.Open = "", record.Total
		w.say("reopen %s", record.ExternalID)
	case 4:
		total := int64(w.random.IntN(3000) + 1)
		number := fmt.Sprintf("CR%d", len(vendor.credits))
		vendor.credits = append(vendor.credits, billing.CreditRecord{ExternalID: number, Number: number, Account: "C", Currency: "EUR", Total: total, Open: total})
		w.say("credit %s %d", number, total)
	case 5:
		w.reflect(vendor)
		return
	case 6:
		w.confirm(vendor)
		return
	case 7:
		w.say("unchanged")
	}
	w.bring(vendor)
}

// reflect writes what the hub applied into the books, as a write-back does, with its reference or only with the amount.
func (w *world) reflect(vendor *books) {
	var applications []billing.Application
	w.must(w.DB.NewSelect().Model(&applications).Where("vendor_id = ?", vendor.ID).Where("credit_id IS NULL").Where("reflected_at IS NULL").Order("id").Scan(context.Background()))
	for _, application := range applications {
		for i := range vendor.invoices {
			record := &vendor.invoices[i]
			if w.book(vendor.Vendor, record.ExternalID).ID != application.InvoiceID {
				continue
			}
			w.say("reflect %s %d", record.ExternalID, application.Amount)
			record.Open = max(0, record.Open-application.Amount)
			if w.random.IntN(2) == 0 {
				record.Applied = append(record.Applied, application.Reference)
			} else {
				w.must(w.Billing.AcknowledgeTx(context.Background(), w.DB, vendor.ID, application.Reference))
			}
		}
	}
	w.bring(vendor)
}

func (w *world) confirm(vendor *books) {
	var references []string
	w.must(w.DB.NewSelect().TableExpr("shares").Column("reference").Where("vendor_id = ?", vendor.ID).Order("id").Scan(context.Background(), &references))
	if len(references) > 0 {
		w.say("confirm")
		w.must(w.Billing.ConfirmReflected(context.Background(), vendor.ID, references[w.random.IntN(len(references))]))
	}
}

func (w *world) wish() {
	items, _, err := w.Billing.OpenItems(context.Background(), w.payer.Viewer, "2026-11-22")
	w.must(err)
	var selection payment.Selection
	for _, item := range items {
		if w.random.IntN(2) == 0 {
			continue
		}
		wish := payment.Wish{InvoiceID: item.ID}
		if payable := item.Payable(); payable > 0 && w.random.IntN(3) == 0 {
			amount := w.random.Int64N(payable) + 1
			wish.Amount = fmt.Sprintf("%d.%02d", amount/100, amount%100)
		}
		selection.Invoices = append(selection.Invoices, wish)
	}
	credits, err := w.Billing.OpenCredits(context.Background(), w.payer.Viewer)
	w.must(err)
	for _, credit := range credits {
		if w.random.IntN(2) == 0 {
			selection.Credits = append(selection.Credits, credit.ID)
		}
	}
	quote, err := w.Quote(context.Background(), w.payer, selection)
	w.expected(err)
	if err == nil {
		w.say("quote %d", quote.Currencies[0].Charge)
		w.quotes = append(w.quotes, quote)
	}
}

// begin starts one of the latest quotes, perhaps once more.
func (w *world) begin() {
	if len(w.quotes) == 0 {
		return
	}
	quote := w.quotes[max(0, len(w.quotes)-1-w.random.IntN(3))]
	ctx, done := w.mortal()
	defer done()
	started, err := w.Start(ctx, w.payer, quote.ID, quote.Hash, "EUR")
	w.expected(err)
	w.say("start %s %v", started.Payment.ID, err)
}

func (w *world) some(statuses ...payment.Status) (payment.Payment, bool) {
	var list []payment.Payment
	query := w.DB.NewSelect().Model(&list).Order("id")
	for _, status := range statuses {
		query = query.WhereOr("status = ?", status)
	}
	w.must(query.Scan(context.Background()))
	if len(list) == 0 {
		return payment.Payment{}, false
	}
	return list[w.random.IntN(len(list))], true
}

// button is the payer at the gateway's page; the message of it may be lost, or
// come twice.
func (w *world) button() {
	p, found := w.some(payment.Pending)
	if !found || p.GatewayRef == "" {
		return
	}
	outcome := []string{sandbox.Succeed, sandbox.Succeed, sandbox.Process, sandbox.Decline}[w.random.IntN(4)]
	event, err := w.bank.Decide(context.Background(), p.GatewayRef, outcome)
	w.expected(err)
	w.say("%s %s %v", outcome, p.ID, err)
	if err != nil {
		return
	}
	w.heard = append(w.heard, [2]string{event, p.GatewayRef})
	for range w.random.IntN(3) {
		ctx, done := w.mortal()
		w.expected(w.Notify(ctx, payment.Hint{EventID: event, Type: "checkout", Subject: payment.SubjectPayment, Ref: p.GatewayRef}))
		done()
	}
}

// again tells an old event anew, or one that nobody stored.
func (w *world) again() {
	if len(w.heard) == 0 {
		return
	}
	old := w.heard[w.random.IntN(len(w.heard))]
	if w.random.IntN(2) == 0 {
		old[0] = store.NewID()
	}
	w.say("notify-again")
	w.expected(w.Notify(context.Background(), payment.Hint{EventID: old[0], Type: "checkout", Subject: payment.SubjectPayment, Ref: old[1]}))
}

func (w *world) cancel() {
	if p, found := w.some(payment.Pending, payment.Processing, payment.Settled); found {
		ctx, done := w.mortal()
		defer done()
		_, err := w.Cancel(ctx, w.payer, p.ID)
		w.expected(err)
		w.say("cancel %s %v", p.ID, err)
	}
}

func (w *world) jump() {
	by := []time.Duration{time.Second, 30 * time.Second, 10 * time.Minute, time.Hour, 25 * time.Hour}[w.random.IntN(5)]
	w.say("clock +%s", by)
	w.pass(by)
}

func (w *world) suspend() {
	vendor := w.any()
	status := []party.VendorStatus{party.VendorApproved, party.VendorApproved, party.VendorSuspended}[w.random.IntN(3)]
	w.say("vendor %s %s", vendor.Name, status)
	w.status(vendor.Vendor, status)
}

// send is a worker: it may die after the claim, and a task may come twice.
func (w *world) send() {
	refs, err := w.DB.TakeDue(context.Background(), payment.Transfers, "vendor_id", w.clock(), 1+w.random.IntN(3), time.Minute)
	w.must(err)
	for _, ref := range refs {
		w.say("send %s attempt %d", ref.ID, ref.Attempt)
		switch w.random.IntN(6) {
		case 0: // the task is lost
		case 1: // the worker dies after the claim
			_, err := w.DB.Claim(context.Background(), payment.Transfers, ref, w.clock(), payment.EffectLease, false)
			w.must(err)
		case 2:
			w.must(w.SendTransfer(context.Background(), ref))
			w.must(w.SendTransfer(context.Background(), ref))
		default:
			ctx, done := w.mortal()
			w.expected(w.SendTransfer(ctx, ref))
			done()
		}
	}
}

func (w *world) look() {
	w.t.Helper()
	changes := 0
	w.must(w.DB.NewRaw("SELECT total_changes()").Scan(context.Background(), &changes))
	if changes == w.changes { // nothing was written: as sound as before
		return
	}
	w.changes = changes
	if broken := w.broken(); len(broken) > 0 {
		w.fail("verify says:\n%s\n", strings.Join(broken, "\n"))
	}
}

// rest: nothing is lost any more, and everybody answers. All comes to an end.
func (w *world) rest() {
	w.bank.Faults = sandbox.Faults{}
	for _, vendor := range w.vendors {
		w.status(vendor.Vendor, party.VendorApproved)
	}
	w.pass(2 * time.Hour)
	for range 3 {
		_, err := w.Reconcile(context.Background())
		w.must(err)
		w.pass(time.Minute)
	}
	for range 8 {
		w.pass(7 * time.Hour)
		w.relay()
	}
	w.look()
	if n := w.count("payments", "status IN ('pending', 'processing')"); n > 0 {
		w.fail("%d payments never end", n)
	}
	if n := w.count("transfers", "state <> 'done'"); n > 0 {
		w.fail("%d transfers never end", n)
	}
	if n := w.count("invoices", "held <> 0") + w.count("credits", "held <> 0"); n > 0 {
		w.fail("%d invoices and credits are held for ever", n)
	}
	taken, sent := int64(0), int64(0)
	w.must(w.DB.NewRaw(`SELECT COALESCE(SUM(amount), 0) FROM sandbox_checkouts WHERE state = 'succeeded'`).Scan(context.Background(), &taken))
	w.must(w.DB.NewRaw(`SELECT COALESCE(SUM(amount), 0) FROM sandbox_transfers`).Scan(context.Background(), &sent))
	for what, query := range map[string]string{"settled": "payments WHERE status = 'settled'", "failed": "payments WHERE status = 'failed'",
		"expired": "payments WHERE status = 'expired'", "unapplied": "payments WHERE unapplied > 0", "reflected": "applications WHERE reflected_at IS NOT NULL"} {
		n := 0
		w.must(w.DB.NewRaw("SELECT count(*) FROM "+query).Scan(context.Background(), &n))
		w.seen["ended-"+what] += n
	}
	if taken != sent {
		w.fail("the gateway took %d and sent %d", taken, sent)
	}
}
