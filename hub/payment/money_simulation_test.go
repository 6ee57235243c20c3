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

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/cases"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/gateway/stripe/stripefake"
	"github.com/sheaf-hub/sheaf/hub/ledger"
	"github.com/sheaf-hub/sheaf/hub/mail/letter"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/store/storetest"
)

// How long a world of real money lasts: most are short, since most of what goes
// wrong does so soon; every tenth is long.
const (
	moneySteps     = 16
	longMoneySteps = 60
)

// TestMoneySimulation plays seeded worlds of billing, cases, payments, the ledger and a
// Stripe that loses, doubles, shuffles and delays: payers pay and decline, debits
// come back, vendors refund, banks charge back, accounts shut, processes die.
// After each step the invariants hold, at Stripe and here; at the end all comes
// to rest, and every cent is where the ledger says.
//
// SHEAF_MONEY_SEED plays one seed alone, as a failure prints it; SHEAF_MONEY_SEEDS
// sets how many are played and SHEAF_MONEY_FIRST where they begin. .ci/simulate
// plays many in two processes: in one, two databases would wait for each other's memory.
func TestMoneySimulation(t *testing.T) {
	first, worlds := seedsFromEnvironment(t, moneyWorlds)
	db := storetest.SQLite(t)
	db.SetMaxOpenConns(1)
	// the file outlives no power cut, and nobody else opens it
	for _, pragma := range []string{"locking_mode = EXCLUSIVE", "journal_mode = MEMORY", "synchronous = OFF"} {
		if _, err := db.ExecContext(t.Context(), "PRAGMA "+pragma); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]int{}
	for seed := first; seed < first+uint64(worlds); seed++ {
		newMoneyWorld(t, db, seed, seen).play()
		if played := seed - first + 1; worlds > 5000 && played%500 == 0 { // a long run says how far it is
			t.Logf("%d of %d worlds; SHEAF_MONEY_FIRST=%d goes on from here", played, worlds, seed+1)
		}
	}
	if worlds < 1000 { // too few for all of it to have happened
		return
	}
	for _, what := range []string{"pay-succeed", "pay-decline", "pay-bank", "pay-bank_fail", "hear", "again", "crash", "clock", "work", "reconcile", "catch-up", "refund",
		"by-hand", "refund-fails", "dispute", "dispute-won", "dispute-lost", "account-shut", "account-ready", "suspend", "books", "fees", "question", "contest", "promise", "notice", "plan", "case-accepted", "case-declined", "case-agreed", "ended-refunded",
		"ended-charged_back", "ended-settled", "ended-failed", "ended-expired", "ended-netted", "ended-returned", "ended-unapplied", "ended-discount", "ended-late_fee"} {
		if seen[what] == 0 {
			t.Errorf("in %d worlds there was no %s", worlds, what)
		}
	}
	t.Logf("%d worlds: %v", worlds, seen)
}

func seedsFromEnvironment(t *testing.T, worlds int) (first uint64, count int) {
	t.Helper()
	number := func(name string, fallback uint64) uint64 {
		text := os.Getenv(name)
		if text == "" {
			return fallback
		}
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return n
	}
	if os.Getenv("SHEAF_MONEY_SEED") != "" {
		return number("SHEAF_MONEY_SEED", 1), 1
	}
	if testing.Short() {
		worlds = min(worlds, 20)
	}
	return number("SHEAF_MONEY_FIRST", 1), int(number("SHEAF_MONEY_SEEDS", uint64(worlds)))
}

// moneyWorld is one seeded run.
type moneyWorld struct {
	*real
	seed    uint64
	step    int
	random  *rand.Rand
	vendors []party.Vendor
	payer   payment.Payer
	sources map[string]string // vendor id → its account at Stripe
	late    []payment.Hint    // heard, and not handled: the process died
	old     []payment.Hint
	log     []string
	seen    map[string]int
	kill    func() // set: the process dies at Stripe's next answer
	cases   *cases.Service
	bills   int
	topUp   int64
	changes int
}

func newMoneyWorld(t *testing.T, db *store.DB, seed uint64, seen map[string]int) *moneyWorld {
	t.Helper()
	wipe(t, db)
	w := &moneyWorld{real: newReal(t, db, seed), seed: seed, random: rand.New(rand.NewPCG(seed, 11)), seen: seen, sources: map[string]string{}}
	for i := range 3 {
		vendor := w.vendor(fmt.Sprintf("Vendor%d", i))
		w.account(vendor, "C", "ap@acme.example")
		w.vendors = append(w.vendors, vendor)
		w.newBill(vendor)
		w.newBill(vendor)
		if i < 2 {
			w.sources[vendor.ID] = w.onboard(vendor, true)
		}
	}
	w.payer = w.till.payer("ap@acme.example")
	w.cases = &cases.Service{DB: db, Party: w.Party, Billing: w.Billing, Access: w.Access, Outbox: w.Outbox, Letters: blank{}, PublicURL: w.PublicURL, Now: w.clock}
	w.fake.TopUp("eur", 500000) // the hub's own money, for what it bears
	w.topUp = 500000
	w.fake.SetFaults(w.faults())
	return w
}

// wipe empties every table, so that each world begins with nothing.
func wipe(t *testing.T, db *store.DB) {
	t.Helper()
	var tables []string
	if err := db.NewRaw(`SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'migrations'`).Scan(t.Context(), &tables); err != nil {
		t.Fatal(err)
	}
	statements := []string{"PRAGMA foreign_keys = OFF"}
	for _, table := range tables {
		statements = append(statements, "DELETE FROM "+table)
	}
	for _, statement := range append(statements, "PRAGMA foreign_keys = ON") {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}

// faults: Stripe and the network at their worst, and processes that die when an
// answer comes.
func (w *moneyWorld) faults() stripefake.Faults {
	faults := stripefake.RandomFaults(w.seed, stripefake.Rates{LoseRequest: .01, LoseAnswer: .04, ErrorBefore: .02, ErrorAfter: .02, TooMany: .02,
		Drop: .08, Duplicate: .15, Late: .08, Shuffle: true})
	random := faults.Request
	faults.Request = func(request stripefake.Request) stripefake.Fate {
		fate := random(request)
		if w.kill != nil {
			w.say("crash")
			w.kill()
			w.kill = nil
			fate = stripefake.Fate{LoseAnswer: true}
		}
		return fate
	}
	return faults
}

func (w *moneyWorld) fail(format string, args ...any) {
	w.t.Helper()
	w.t.Fatalf("SHEAF_MONEY_SEED=%d step %d: %s\n%s", w.seed, w.step, fmt.Sprintf(format, args...), strings.Join(w.log, "\n"))
}

func (w *moneyWorld) say(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	w.log = append(w.log, fmt.Sprintf("%3d %s", w.step, line))
	w.seen[strings.Fields(line)[0]]++
}

// bearable says whether an error is one that the network or a rule can cause; a
// broken constraint or statement never is.
func (w *moneyWorld) bearable(err error) {
	w.t.Helper()
	var constraint *store.ConstraintError
	if err == nil || (!errors.As(err, &constraint) && !strings.Contains(err.Error(), "SQL") && !strings.Contains(err.Error(), "sum to zero") &&
		!strings.Contains(err.Error(), "of which") && !strings.Contains(err.Error(), "apply ")) || errors.Is(err, context.Canceled) {
		return
	}
	w.fail("unexpected: %v", err)
}

// mortal is the context of a process that may die at Stripe's next answer.
func (w *moneyWorld) mortal() (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	if w.random.IntN(8) == 0 {
		w.kill = cancel
	}
	return ctx, func() {
		w.kill = nil
		cancel()
	}
}

func (w *moneyWorld) play() {
	w.t.Helper()
	steps := moneySteps
	if w.seed%10 == 0 {
		steps = longMoneySteps
	}
	for w.step = 1; w.step <= steps; w.step++ {
		w.act()
		w.look()
	}
	w.rest()
}

func (w *moneyWorld) act() {
	switch n := w.random.IntN(44); {
	case n < 7:
		w.begin()
	case n < 14:
		w.press()
	case n < 21:
		w.listen()
	case n < 26:
		w.toil()
	case n < 29:
		w.clockOn()
	case n < 31:
		w.giveBack()
	case n < 33:
		w.disputes()
	case n < 34:
		w.byHand()
	case n < 36:
		w.accounts()
	case n < 38:
		w.booksChange()
	case n < 39:
		w.fees()
	case n < 43:
		w.talk()
	default:
		w.catchUp()
	}
}

func (w *moneyWorld) newBill(vendor party.Vendor) billing.Invoice {
	w.bills++
	amount := int64(w.random.IntN(20000) + 100)
	record := bill("C", fmt.Sprintf("I%d", w.bills), amount, amount)
	record.DueOn = money.DateOf(w.clock(), time.UTC).AddDays(w.random.IntN(40) - 20) // some are late, some too early for a discount to end
	w.push(vendor, billing.Batch{Invoices: []billing.InvoiceRecord{record}})
	return w.book(vendor, record.Number)
}

func (w *moneyWorld) openBills() []billing.Invoice {
	var list []billing.Invoice
	w.must(w.DB.NewSelect().Model(&list).Where("status = 'open'").Where("open > held").Order("id").Scan(context.Background()))
	return list
}

// begin quotes some open invoices, of one vendor or several, and starts to pay.
func (w *moneyWorld) begin() {
	open := w.openBills()
	if len(open) == 0 || w.random.IntN(4) == 0 {
		w.newBill(w.vendors[w.random.IntN(len(w.vendors))])
		return
	}
	var selection payment.Selection
	for _, i := range w.random.Perm(len(open))[:1+w.random.IntN(min(3, len(open)))] {
		wish := payment.Wish{InvoiceID: open[i].ID}
		if payable := open[i].Payable(); payable > 200 && w.random.IntN(4) == 0 {
			wish.Amount = money.New(payable/2, "EUR").Decimal()
		}
		selection.Invoices = append(selection.Invoices, wish)
	}
	if w.random.IntN(4) == 0 {
		selection.Methods = map[money.Currency]payment.MethodClass{"EUR": payment.MethodBankDebit}
	}
	ctx, done := w.mortal()
	defer done()
	quote, err := w.Quote(ctx, w.payer, selection)
	w.bearable(err)
	if err != nil || len(quote.Currencies) == 0 {
		return
	}
	started, err := w.Start(ctx, w.payer, quote.ID, quote.Hash, "EUR")
	w.bearable(err)
	w.say("start %s %d %v", started.Payment.ID, quote.Currencies[0].Charge, err)
}

// press is what the payer does at Stripe's page: one whose address reached the
// hub, since nobody else knows it.
func (w *moneyWorld) press() {
	var open []string
	for _, session := range w.fake.Sessions() {
		if session.Status == "open" && w.count("payments", "gateway_ref = ?", session.ID) == 1 {
			open = append(open, session.ID)
		}
	}
	if len(open) == 0 {
		return
	}
	id := open[w.random.IntN(len(open))]
	outcome := []string{stripefake.Succeed, stripefake.Succeed, stripefake.Succeed, stripefake.Bank, stripefake.BankFail, stripefake.Decline, stripefake.Abandon}[w.random.IntN(7)]
	_, err := w.fake.Pay(id, outcome)
	w.say("pay-%s %s %v", outcome, id, err)
}

// listen takes some of what Stripe sends; a process that dies leaves the rest to
// be sent again.
func (w *moneyWorld) listen() {
	if w.random.IntN(6) == 0 && len(w.old) > 0 {
		hint := w.old[w.random.IntN(len(w.old))]
		w.say("again %s %s", hint.Type, hint.Ref)
		w.bearable(w.Notify(context.Background(), hint))
		return
	}
	messages := w.late
	w.late = nil
	for _, hook := range w.hooks {
		for _, message := range w.fake.Take(hook, 1+w.random.IntN(8)) {
			hint, err := w.stripe.Parse(message.Payload, message.Signature)
			w.must(err)
			messages = append(messages, hint)
		}
	}
	for _, hint := range messages {
		ctx, done := w.mortal()
		err := w.Notify(ctx, hint)
		dead := ctx.Err() != nil
		done()
		w.say("hear %s %s %v", hint.Type, hint.Ref, err)
		w.bearable(err)
		w.old = append(w.old, hint)
		if err != nil || dead {
			w.late = append(w.late, hint)
		}
	}
}

// toil does some of what is due, as a worker that may die.
func (w *moneyWorld) toil() {
	w.say("work")
	for _, table := range []struct {
		name store.JobTable
		send func(context.Context, store.JobRef) error
	}{{payment.Transfers, w.SendTransfer}, {payment.Refunds, w.SendRefund}, {payment.Reversals, w.SendReversal}} {
		refs, err := w.DB.TakeDue(context.Background(), table.name, "vendor_id", w.clock(), 1+w.random.IntN(5), 20*time.Second)
		w.must(err)
		for _, ref := range refs {
			ctx, done := w.mortal()
			w.bearable(table.send(ctx, ref))
			done()
		}
	}
	if w.random.IntN(3) == 0 {
		w.say("reconcile")
		ctx, done := w.mortal()
		defer done()
		_, err := w.Reconcile(ctx)
		w.bearable(err)
		_, err = w.FollowHints(ctx)
		w.bearable(err)
	}
}

func (w *moneyWorld) clockOn() {
	by := []time.Duration{time.Minute, 20 * time.Minute, 40 * time.Minute, 6 * time.Hour, 25 * time.Hour, 4*24*time.Hour + time.Minute}[w.random.IntN(6)]
	w.say("clock +%s", by)
	w.pass(by)
	w.fake.Pass()
}

func (w *moneyWorld) someShare() (payment.Share, bool) {
	var list []payment.Share
	w.must(w.DB.NewSelect().Model(&list).Where("status = 'settled'").Where("amount > 0").Order("id").Scan(context.Background()))
	if len(list) == 0 {
		return payment.Share{}, false
	}
	return list[w.random.IntN(len(list))], true
}

func (w *moneyWorld) giveBack() {
	share, found := w.someShare()
	if !found {
		return
	}
	wish := payment.RefundWish{ShareID: share.ID, Reason: "sent back", RequestKey: strconv.Itoa(w.random.IntN(1 << 20))}
	if w.random.IntN(2) == 0 && share.Returnable() > 1 {
		wish.Amount = fmt.Sprintf("%d.%02d", (share.Returnable()/2)/100, (share.Returnable()/2)%100)
	}
	_, err := w.RequestRefund(context.Background(), w.boss, share.VendorID, wish)
	w.say("refund %s %s %v", share.ID, wish.Amount, err)
	w.bearable(err)
}

func (w *moneyWorld) disputes() {
	open := ""
	for _, dispute := range w.fake.Disputes() {
		if dispute.Status == "needs_response" || dispute.Status == "under_review" {
			open = dispute.ID
		}
	}
	if open != "" && w.random.IntN(3) > 0 {
		outcome := []string{"won", "lost"}[w.random.IntN(2)]
		w.say("dispute-%s %s", outcome, open)
		w.must(w.fake.CloseDispute(open, outcome))
		return
	}
	for _, charge := range w.fake.Charges() {
		if charge.Status == "succeeded" && charge.Dispute == "" && charge.Amount > charge.Refunded && w.random.IntN(3) == 0 {
			amount := charge.Amount - charge.Refunded
			if w.random.IntN(4) == 0 {
				amount = max(1, amount/2)
			}
			_, err := w.fake.OpenDispute(charge.ID, amount, "fraudulent")
			w.say("dispute %s %d %v", charge.ID, amount, err)
			return
		}
	}
}

// byHand is what an operator does at Stripe's own pages.
func (w *moneyWorld) byHand() {
	if refunds := w.fake.Refunds(); len(refunds) > 0 && w.random.IntN(2) == 0 {
		id := refunds[w.random.IntN(len(refunds))].ID
		w.say("refund-fails %s %v", id, w.fake.FailRefund(id, "lost_or_stolen_card"))
		return
	}
	for _, charge := range w.fake.Charges() {
		if charge.Status == "succeeded" && charge.Dispute == "" && charge.Amount-charge.Refunded > 100 && w.random.IntN(3) == 0 {
			err := w.fake.RefundByHand(charge.ID, (charge.Amount-charge.Refunded)/3)
			w.say("by-hand %s %v", charge.ID, err)
			return
		}
	}
}

func (w *moneyWorld) accounts() {
	vendor := w.vendors[w.random.IntN(len(w.vendors))]
	account, known := w.sources[vendor.ID]
	switch n := w.random.IntN(4); {
	case !known:
		link, err := w.StartOnboarding(context.Background(), w.boss, vendor.ID, "US")
		w.bearable(err)
		if link != "" {
			row, _, err := w.Account(context.Background(), vendor.ID)
			w.must(err)
			w.sources[vendor.ID] = row.AccountRef
		}
		w.say("onboard %v", err)
	case n == 0:
		w.say("account-shut")
		w.must(w.fake.SetAccount(account, stripefake.Restricted))
	case n == 1:
		status := []party.VendorStatus{party.VendorSuspended, party.VendorApproved}[w.random.IntN(2)]
		w.say("suspend %s", status)
		w.status(vendor, status)
	default:
		w.say("account-ready")
		w.must(w.fake.SetAccount(account, stripefake.Ready))
	}
}

// booksChange: a vendor's books say something new of an invoice.
func (w *moneyWorld) booksChange() {
	var list []billing.Invoice
	w.must(w.DB.NewSelect().Model(&list).Order("id").Scan(context.Background()))
	invoice := list[w.random.IntN(len(list))]
	record := bill("C", invoice.ExternalID, invoice.Total, invoice.SourceOpen)
	record.DueOn = invoice.DueOn
	switch w.random.IntN(4) {
	case 0: // paid elsewhere, in part or whole
		record.Open = int64(w.random.IntN(int(invoice.SourceOpen) + 1))
	case 1:
		record.Status, record.Open = billing.Void, 0
	case 2: // they show what was paid here
		record.Open = invoice.Open
		var references []string
		w.must(w.DB.NewRaw(`SELECT reference FROM applications WHERE invoice_id = ? AND voided_at IS NULL`, invoice.ID).Scan(context.Background(), &references))
		record.Applied = references
	default: // they follow a chargeback, or take a payment back
		record.Open = invoice.Total
	}
	w.say("books %s %d of %d %s", record.Number, record.Open, record.Total, record.Status)
	for _, vendor := range w.vendors {
		if vendor.ID == invoice.VendorID {
			w.push(vendor, billing.Batch{Invoices: []billing.InvoiceRecord{record}})
		}
	}
}

func (w *moneyWorld) fees() {
	policy := payment.FeePolicy{Processing: []payment.Bearer{payment.HubBears, payment.VendorBears}[w.random.IntN(2)], HubRate: int64(w.random.IntN(4) * 125)}
	w.say("fees %+v", policy)
	vendor := w.vendors[w.random.IntN(len(w.vendors))]
	w.must(w.SetFeePolicy(context.Background(), w.boss, vendor.ID, policy))
	in := payment.Incentives{EarlyRate: money.Rate(w.random.IntN(3) * 100), EarlyDays: 30, DebitRate: money.Rate(w.random.IntN(3) * 50),
		LateRate: money.Rate(w.random.IntN(3) * 75), LateDays: 1 + w.random.IntN(3)}
	if in.EarlyRate == 0 {
		in.EarlyDays = 0
	}
	if in.LateRate == 0 {
		in.LateDays = 0
	}
	w.say("incentives %d %d %d", in.EarlyRate, in.DebitRate, in.LateRate)
	w.incentives(vendor, in)
}

func (w *moneyWorld) catchUp() {
	w.say("catch-up")
	ctx, done := w.mortal()
	defer done()
	_, err := w.CatchUp(ctx)
	w.bearable(err)
	_, err = w.RefreshAccounts(ctx)
	w.bearable(err)
}

// blank renders letters without a word.
type blank struct{}

func (blank) CaseUpdate(letter.CaseUpdate) (letter.Rendered, error) {
	return letter.Rendered{Subject: "About an invoice", Text: "Something was said."}, nil
}

// talk is what the payer says of an invoice, paid or not, or what the vendor
// makes of something that was said.
func (w *moneyWorld) talk() {
	var told []cases.Case
	w.must(w.DB.NewSelect().Model(&told).Where("status IN ('open', 'answered')").Order("id").Scan(context.Background()))
	if len(told) > 0 && w.random.IntN(2) == 0 {
		w.answer(told[w.random.IntN(len(told))])
		return
	}
	var invoices []billing.Invoice
	w.must(w.DB.NewSelect().Model(&invoices).Order("id").Scan(context.Background()))
	invoice := invoices[w.random.IntN(len(invoices))]
	by := cases.Author{Actor: access.Actor{Kind: access.KindContact, ID: w.payer.Contact.ID, ContactID: w.payer.Contact.ID, CustomerID: w.payer.Contact.CustomerID, Name: "Ann"}, Contact: w.payer.Contact, Viewer: w.payer.Viewer}
	day := func(n int) string { return string(money.DateOf(w.clock(), time.UTC).AddDays(n)) }
	ctx, err := context.Background(), error(nil)
	kind := []string{"question", "contest", "promise", "notice", "plan"}[w.random.IntN(5)]
	switch kind {
	case "question":
		_, err = w.cases.Ask(ctx, by, invoice.ID, "What is this for?")
	case "contest":
		dispute := cases.Dispute{Reason: "wrong_price", Note: "Too much."}
		if invoice.Open > 2 && w.random.IntN(2) == 0 {
			dispute.Amount = money.New(invoice.Open/2, "EUR").Decimal()
		}
		_, err = w.cases.OpenDispute(ctx, by, invoice.ID, dispute)
	case "promise":
		_, err = w.cases.Promise(ctx, by, invoice.ID, day(1+w.random.IntN(5)), "")
	case "notice":
		_, err = w.cases.SentNotice(ctx, by, invoice.ID, cases.Sent{Method: "cheque", Number: "7", On: day(0)})
	case "plan":
		half := invoice.Open / 2
		_, err = w.cases.Plan(ctx, by, invoice.ID, []cases.Part{{On: day(2), Amount: money.New(half, "EUR").Decimal()}, {On: day(5), Amount: money.New(invoice.Open-half, "EUR").Decimal()}}, "")
	}
	w.say("%s %s %v", kind, invoice.Number, err)
	if !fault.Is(err, fault.Conflict) { // one of its kind is open already
		w.bearable(err)
	}
}

func (w *moneyWorld) answer(told cases.Case) {
	outcomes := cases.Outcomes(told.Kind)
	outcome := outcomes[w.random.IntN(len(outcomes))].Key
	_, err := w.cases.Resolve(context.Background(), w.boss, told.VendorID, told.ID, cases.Resolution{Outcome: outcome, Note: "So it is."})
	w.say("case-%s %s %v", outcome, told.Kind, err)
	w.bearable(err)
}

// look holds the invariants, when anything was written since the last look.
func (w *moneyWorld) look() {
	w.t.Helper()
	var changes int
	w.must(w.DB.NewRaw(`SELECT total_changes()`).Scan(context.Background(), &changes))
	if changes != w.changes {
		w.changes = changes
		if broken := w.broken(); len(broken) > 0 {
			w.fail("verify says:\n%s", strings.Join(broken, "\n"))
		}
	}
	if wrong := w.fake.Check(); len(wrong) > 0 {
		w.fail("the fake says:\n%s", strings.Join(wrong, "\n"))
	}
}

// rest lets everything come to its end: the network is well again, accounts are
// ready, nobody pays or asks any more.
func (w *moneyWorld) rest() {
	w.t.Helper()
	w.step++
	w.fake.SetFaults(stripefake.Faults{})
	w.pass(time.Minute) // the key of a link to onboarding is its moment
	w.fake.TopUp("eur", 10_000_000)
	w.topUp += 10_000_000
	for _, vendor := range w.vendors {
		w.status(vendor, party.VendorApproved)
		if w.sources[vendor.ID] == "" {
			w.sources[vendor.ID] = w.onboard(vendor, true)
		}
		w.must(w.fake.SetAccount(w.sources[vendor.ID], stripefake.Ready))
	}
	for _, dispute := range w.fake.Disputes() {
		if dispute.Status == "needs_response" || dispute.Status == "under_review" {
			w.must(w.fake.CloseDispute(dispute.ID, []string{"won", "lost"}[w.random.IntN(2)]))
		}
	}
	for round := range 30 {
		w.listenToAll()
		w.work()
		if round < 3 {
			w.giveUp()
		}
		if w.quiet() {
			break
		}
		w.pass(13 * time.Hour)
		w.fake.Pass()
	}
	w.look()
	w.ended()
}

func (w *moneyWorld) listenToAll() {
	for _, hint := range w.late {
		w.must(w.Notify(context.Background(), hint))
	}
	w.late = nil
	w.hear()
	for _, run := range []func(context.Context) (int, error){w.CatchUp, w.Reconcile, w.FollowHints, w.RefreshAccounts} {
		_, err := run(context.Background())
		w.must(err)
	}
}

// giveUp is what people do about what Stripe refused for good.
func (w *moneyWorld) giveUp() {
	var refunds []payment.Refund
	w.must(w.DB.NewSelect().Model(&refunds).Where("state = 'failed'").Where("phase = ''").Scan(context.Background()))
	for _, refund := range refunds {
		w.must(w.GiveUpRefund(context.Background(), w.boss, refund.VendorID, refund.ID))
	}
	var ids []string
	w.must(w.DB.NewRaw(`SELECT id FROM reversals WHERE state = 'failed'`).Scan(context.Background(), &ids))
	for _, id := range ids {
		w.must(w.RetryReversal(context.Background(), w.boss, id))
	}
	ids = nil
	w.must(w.DB.NewRaw(`SELECT id FROM transfers WHERE state = 'failed'`).Scan(context.Background(), &ids))
	for _, id := range ids {
		w.must(w.RetryTransfer(context.Background(), id))
	}
}

func (w *moneyWorld) quiet() bool {
	return w.count("payments", "status IN ('pending', 'processing')") == 0 && w.count("transfers", "state <> 'done'") == 0 &&
		w.count("refunds", "state <> 'done' AND phase = ''") == 0 && w.count("reversals", "state NOT IN ('done', 'failed')") == 0 &&
		w.count("gateway_events", "handled_at IS NULL") == 0 && w.fake.Waiting() == 0
}

// ended holds Stripe against the hub, cent by cent.
func (w *moneyWorld) ended() {
	w.t.Helper()
	if !w.quiet() {
		w.fail("it does not come to rest: %d payments, %d transfers, %d refunds, %d reversals, %d messages, %d on their way", w.count("payments", "status IN ('pending', 'processing')"),
			w.count("transfers", "state <> 'done'"), w.count("refunds", "state <> 'done' AND phase = ''"), w.count("reversals", "state NOT IN ('done', 'failed')"),
			w.count("gateway_events", "handled_at IS NULL"), w.fake.Waiting())
	}
	available, pending := w.fake.Balance("", "eur")
	if held, has := w.balance(ledger.Gateway), available+pending-w.topUp; held != has {
		w.fail("Stripe holds %d, the ledger says %d", has, held)
	}
	var loose int
	w.must(w.DB.NewRaw(`SELECT count(*) FROM (SELECT account FROM ledger_entries WHERE account LIKE '%:payable' OR account LIKE '%:unapplied' OR account LIKE '%:refunds'
		GROUP BY account, currency HAVING SUM(amount) <> 0) AS loose`).Scan(context.Background(), &loose))
	if loose > 0 {
		w.fail("%d accounts hold money that was on its way", loose)
	}
	if n := w.count("holds", "lifted_at IS NULL AND kind = 'dispute' AND case_id IN (SELECT id FROM cases WHERE status NOT IN ('open', 'answered'))"); n > 0 {
		w.fail("%d disputes are over and hold their invoice", n)
	}
	w.endedOnce()
	w.canary()
	for status, kinds := range map[string]string{"settled": "payments", "refunded": "shares", "charged_back": "shares", "failed": "payments", "expired": "payments"} {
		if w.count(kinds, "status = ?", status) > 0 {
			w.seen["ended-"+status]++
		}
	}
	for what, where := range map[string]string{"netted": "netted > 0", "returned": "kind = 'return'"} {
		if w.count("transfers", where) > 0 {
			w.seen["ended-"+what]++
		}
	}
	for what, where := range map[string]string{"unapplied": "unapplied > 0", "discount": "discount > 0", "late_fee": "late_fee > 0"} {
		if w.count("shares", where+" AND settled_at IS NOT NULL") > 0 {
			w.seen["ended-"+what]++
		}
	}
}

// endedOnce: every charge at Stripe is one settled payment here, every transfer,
// refund and reversal there is one row here, and none was made twice.
func (w *moneyWorld) endedOnce() {
	w.t.Helper()
	charged := map[string]int{}
	for _, charge := range w.fake.Charges() {
		if charge.Status == "succeeded" {
			charged[charge.ID]++
		}
	}
	if n := w.count("payments", "captured > 0"); n != len(charged) {
		w.fail("%d charges at Stripe and %d payments with money", len(charged), n)
	}
	made := map[string]int{}
	transfers := w.fake.Transfers()
	for _, transfer := range transfers {
		made["transfer "+transfer.Metadata["transfer_id"]]++
	}
	if n := w.count("transfers", "state = 'done' AND gateway_ref <> 'netted'"); n != len(transfers) {
		w.fail("%d transfers at Stripe and %d here", len(transfers), n)
	}
	for _, reversal := range w.fake.Reversals() {
		made["reversal "+reversal.Metadata["reversal_id"]]++
	}
	if n := w.count("reversals", "state = 'done' AND gateway_ref <> 'covered'"); n != len(w.fake.Reversals()) {
		w.fail("%d reversals at Stripe and %d here", len(w.fake.Reversals()), n)
	}
	var there int64
	for _, refund := range w.fake.Refunds() {
		if id := refund.Metadata["refund_id"]; id != "" {
			made["refund "+id]++
		}
		if refund.Status != "failed" {
			there += refund.Amount
		}
	}
	for what, n := range made {
		if n != 1 {
			w.fail("%s was made %d times", what, n)
		}
	}
	var here int64
	w.must(w.DB.NewRaw(`SELECT COALESCE(SUM(amount), 0) FROM refunds WHERE state = 'done' AND phase <> 'failed'`).Scan(context.Background(), &here))
	if here != there {
		w.fail("Stripe gave %d back, here it is %d", there, here)
	}
	var shared int
	w.must(w.DB.NewRaw(`SELECT count(*) FROM (SELECT payment_id, vendor_id FROM transfers WHERE kind = 'share' GROUP BY payment_id, vendor_id HAVING count(*) > 1) AS twice`).
		Scan(context.Background(), &shared))
	if shared > 0 {
		w.fail("%d shares have two transfers", shared)
	}
}

// canary: what reaches one vendor's account names no other vendor and no payment.
func (w *moneyWorld) canary() {
	w.t.Helper()
	var payments []string
	w.must(w.DB.NewRaw(`SELECT id FROM payments`).Scan(context.Background(), &payments))
	seen := map[string]string{}
	for _, vendor := range w.vendors {
		for _, text := range w.fake.Sent(w.sources[vendor.ID]) {
			for _, other := range w.vendors {
				if other.ID != vendor.ID && (strings.Contains(text, other.ID) || strings.Contains(text, other.Name)) {
					w.fail("%q reached %s and names %s", text, vendor.Name, other.Name)
				}
			}
			for _, id := range payments {
				if strings.Contains(text, id) {
					w.fail("%q reached %s and bears a payment's id", text, vendor.Name)
				}
			}
			if before, twice := seen[text]; twice && before != vendor.ID && len(text) > 10 && strings.ContainsAny(text, "0123456789") {
				w.fail("%q reached two vendors", text)
			}
			seen[text] = vendor.ID
		}
	}
}
