package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// town is a hub where something of everything has happened, with two tenants on
// each side: a customer of three vendors, and another customer of a fourth.
type town struct {
	*trio
	other       *vendor // the fourth
	link        string  // the first customer's digest
	otherLink   string
	unsubscribe string
	contact     *visitor // the first customer, signed in
	stranger    *visitor // the other customer
	owner       *visitor // of the first vendor
	member      *visitor // who works there too
	rival       *visitor // owner of the fourth vendor
	operator    *visitor
	colleague   *visitor // invited by the first customer to its team
}

const (
	otherPayer = "ap@second-cafe.example"
	memberMail = "clerk@alderstone.example"
	bossMail   = "boss@harbour-cafe.example"
)

// paper is a small PDF.
var paper = []byte("%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n" +
	"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n")

// newTown builds it with what people and programs would do.
func newTown(t testing.TB) *town {
	t.Helper()
	w := &town{trio: newTrio(newHub(t, embedded))}
	w.other = w.addVendor("Dunmore Tools", "ar@dunmore.example")
	w.start()
	w.books()
	w.digestRun(tuesday())
	w.link = w.digestTo(payer, digestLink)
	w.otherLink = w.digestTo(otherPayer, digestLink)
	w.unsubscribe = w.digestTo(payer, unsubscribeLink)
	w.people()
	w.acts()
	w.paidOut()
	w.returns()
	return w
}

// paidOut is a payout of the first vendor, as a gateway with banks would list it:
// this hub's sandbox has none.
func (w *town) paidOut() {
	w.t.Helper()
	w.set("INSERT INTO payouts (id, vendor_id, gateway, account_ref, gateway_ref, currency, amount, status, reason, bank, statement, arrival_on, itemizable, complete, created_at, synced_at) " +
		"SELECT '" + store.NewID() + "', '" + w.vendors[0].ID + "', 'sandbox', 'acct_1', 'po_ALDX-1', 'USD', 100, 'paid', '', 'Bank', '', '2026-11-24', 1, 1, t.at, t.at FROM (SELECT ? AS at) AS t")
}

// returns puts a refund that was refused and a chargeback on the first tenant's
// payment: the sandbox makes neither by itself.
func (w *town) returns() {
	w.t.Helper()
	db := w.database()
	defer func() { _ = db.Close() }()
	share := "FROM shares AS s WHERE s.id = '" + w.id("share") + "'"
	for _, statement := range []string{
		`INSERT INTO refunds (id, customer_id, vendor_id, payment_id, share_id, request_key, currency, amount, reason, origin, requested_by, state, phase, idempotency_key, gateway_ref, attempts, last_answer, created_at, updated_at)
			SELECT '019ae000-0000-7000-8000-000000000001', s.customer_id, s.vendor_id, s.payment_id, s.id, 'town', s.currency, 1, 'Sent back', 'vendor', 'Clerk', 'failed', 'failed', 'town', '', 1, 'refused', s.created_at, s.created_at ` + share,
		`INSERT INTO chargebacks (id, customer_id, payment_id, gateway, gateway_ref, currency, amount, fee, reason, phase, withdrawn, created_at, updated_at)
			SELECT '019ae000-0000-7000-8000-000000000002', s.customer_id, s.payment_id, 'sandbox', 'dp_town', s.currency, 1, 0, 'fraudulent', 'inquiry', FALSE, s.created_at, s.created_at ` + share,
		`INSERT INTO chargeback_shares (id, customer_id, vendor_id, chargeback_id, payment_id, share_id, currency, amount, fee, state, reason, evidence, evidence_by, created_at, updated_at)
			SELECT '019ae000-0000-7000-8000-000000000003', s.customer_id, s.vendor_id, '019ae000-0000-7000-8000-000000000002', s.payment_id, s.id, s.currency, 1, 0, 'inquiry', 'fraudulent', '', '', s.created_at, s.created_at ` + share,
		`INSERT INTO evidence_documents (id, vendor_id, chargeback_share_id, kind, name, content_type, bytes, content, created_at)
			SELECT '019ae000-0000-7000-8000-000000000004', s.vendor_id, '019ae000-0000-7000-8000-000000000003', 'receipt', 'proof.pdf', 'application/pdf', 5, CAST('%PDF-' AS BLOB), s.created_at ` + share,
	} {
		if _, err := db.ExecContext(w.t.Context(), statement); err != nil {
			w.t.Fatal(err)
		}
	}
}

// books is what the vendors push and import.
func (w *town) books() {
	w.t.Helper()
	w.pushAll()
	more := w.invoices(0)
	more[0].Documents = []document{{Name: "ALDX-2026-001.pdf", ContentType: "application/pdf", Content: paper}}
	more[0].Lines = []line{{Description: "Pallets, Leith to Oban", Quantity: "3", UnitPrice: "416.80", Amount: "1250.40"}}
	extra := more[1]
	extra.ExternalID, extra.Number, extra.Currency, extra.Total = "ALDX-ROW-3", "ALDX-2026-003", "EUR", "77.00"
	approved := w.account(1)
	approved.Contacts = append(approved.Contacts, contact{Email: bossMail, Role: "approver"})
	steps := []error{
		second(w.vendors[1].push("accounts", []account{approved})),
		second(w.vendors[0].push("invoices", append(more, extra))),
		second(w.vendors[0].push("credits", []credit{{ExternalID: "ALDX-CREDIT-1", Number: "ALDX-CR-9", Account: "ALDX-ACCOUNT-7", Currency: "USD", Total: "40.00"}})),
		second(w.vendors[0].push("accounts", []account{{ExternalID: "ALDX-ACCOUNT-9", Name: "Nobody's", Contacts: []contact{}}})),
		second(w.vendors[0].push("invoices", []invoice{{ExternalID: "ALDX-ROW-4", Number: "ALDX-2026-004", Account: "ALDX-ACCOUNT-9", IssuedOn: "2026-01-02", DueOn: "2026-02-01", Currency: "USD", Total: "5.00"}})),
		w.other.listen(),
		second(w.other.push("accounts", []account{{ExternalID: "DUNM-ACCOUNT-1", Name: "Second Cafe", Contacts: []contact{{Email: otherPayer}}}})),
		second(w.other.push("invoices", []invoice{{ExternalID: "DUNM-ROW-1", Number: "DUNM-2026-001", Account: "DUNM-ACCOUNT-1",
			IssuedOn: w.due.AddDate(0, 0, -9).Format(time.DateOnly), DueOn: w.due.Format(time.DateOnly), Currency: "USD", Total: "15.00"}})),
	}
	for _, err := range steps {
		if err != nil {
			w.t.Fatal(err)
		}
	}
	file := w.path("open-items.csv")
	text := "Customer,Customer name,Email,Invoice,Issued,Due,Currency,Open\nALDX-ACCOUNT-7,Harbour Cafe," + payer + ",ALDX-FILE-1,2026-09-20,2026-10-20,USD,20.00\n" +
		"ALDX-ACCOUNT-7,Harbour Cafe," + payer + ",ALDX-FILE-2,2026-09-20,2026-10-20,XXZ,20.00\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	if got := command(w.t, w.env, "import", "--vendor", w.vendors[0].ID, "--format", "csv", file); !strings.Contains(got.stdout+got.stderr, "created 1") {
		w.t.Logf("import: exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
}

func second[A any](_ A, err error) error { return err }

// people sign in.
func (w *town) people() {
	w.t.Helper()
	for _, person := range []struct {
		who         **visitor
		form, email string
	}{
		{&w.contact, "/", payer}, {&w.stranger, "/", otherPayer}, {&w.colleague, "/", bossMail}, {&w.owner, "/vendor/sign-in", w.vendors[0].Email},
		{&w.rival, "/vendor/sign-in", w.other.Email}, {&w.operator, "/operator/sign-in", "operator@hub.example"},
	} {
		*person.who = newVisitor(w.t)
		page, err := w.signIn(*person.who, person.form, person.email)
		must(w.t, page, err)
	}
	w.send(w.owner, "/vendor/staff", "/vendor/staff", url.Values{"email": {memberMail}, "name": {"Kim Clerk"}, "role": {"member"}})
	w.member = newVisitor(w.t)
	page, err := w.signIn(w.member, "/vendor/sign-in", memberMail)
	must(w.t, page, err)
}

// acts are what leaves rows behind that have ids of their own.
func (w *town) acts() {
	w.t.Helper()
	invoice := "/me/invoices/" + w.id("invoice")
	w.send(w.contact, invoice, "/questions", url.Values{"text": {"Which delivery is this for?"}})
	w.send(w.contact, invoice, "/disputes", url.Values{"reason": {"wrong_price"}, "amount": {"50.40"}, "note": {"The price differs from the order."}})
	w.send(w.contact, "/me/settings", "/me/team/invitations", url.Values{"email": {bossMail}})
	w.send(w.contact, "/me", "/me/vendors", url.Values{"answer": {"all-mine"}})
	w.payOne("ALDX-ROW-2", "succeed")
	w.payOne("BRCH-ROW-2", "decline")
	w.payOne("CDRH-ROW-2", "process")
	w.plan("ALDX-ROW-1")
	w.insert()
	for _, v := range []*vendor{w.vendors[0], w.other} {
		if v == w.vendors[0] {
			if err := v.hears(30*time.Second, "payment.settled", "transfer.sent", "case.opened"); err != nil {
				w.t.Fatal(err)
			}
		}
	}
}

// insert writes rows that only a broken day would bring.
func (w *town) insert() {
	w.t.Helper()
	db := w.database()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	now := time.Now().UTC()
	vendorID := w.vendors[0].ID
	for _, row := range []struct {
		query string
		args  []any
	}{
		{"INSERT INTO connections (id, vendor_id, kind, name, settings, cursor, created_at, updated_at, last_error) VALUES (?, ?, 'csv', 'Open items', '', '', ?, ?, '')", []any{store.NewID(), vendorID, now, now}},
		{"INSERT INTO tasks (id, vendor_id, kind, subject_id, title, text, created_at, done_by) VALUES (?, ?, 'overpaid', 'x', 'ALDX-2026-002 was paid twice', 'Give it back or keep it.', ?, '')", []any{store.NewID(), vendorID, now}},
		{"INSERT INTO tasks (id, kind, subject_id, title, text, created_at, done_by) VALUES (?, 'not_mine', 'y', 'A vendor is not known', 'Look at it.', ?, '')", []any{store.NewID(), now}},
	} {
		if _, err := db.ExecContext(ctx, row.query, row.args...); err != nil {
			w.t.Fatalf("%s: %v", row.query, err)
		}
	}
}

// send opens a page, fills a form of it in and submits it.
func (h *hub) send(v *visitor, page, action string, values url.Values) *sheet {
	h.t.Helper()
	f, found := v.open(h.t, h.base+page).byAction(action)
	if !found {
		h.t.Fatalf("%s has no form for %s", page, action)
	}
	for name, list := range values {
		f.Values[name] = list
	}
	sent, err := v.submit(f)
	return must(h.t, sent, err)
}

// payOne pays one invoice from its own page.
func (w *town) payOne(externalID, outcome string) {
	w.t.Helper()
	id := w.text("SELECT id FROM invoices WHERE external_id = '" + externalID + "'")
	f, found := w.contact.open(w.t, w.base+"/me/invoices/"+id).form(func(n *html.Node) bool { return attr(n, "id") == "pay" })
	if !found {
		w.t.Fatalf("%s cannot be paid", externalID)
	}
	checkout, err := w.contact.check(f)
	checkout = must(w.t, checkout, err)
	receipt, err := w.contact.press(checkout, outcome)
	must(w.t, receipt, err)
}

// plan saves a card and plans to pay one invoice with it.
func (w *town) plan(externalID string) {
	w.t.Helper()
	w.send(w.contact, "/me/methods", "/me/methods", url.Values{"consent": {payment.ConsentVersion}, "currency": {"USD"}})
	id := w.text("SELECT id FROM invoices WHERE external_id = '" + externalID + "'")
	f, found := w.contact.open(w.t, w.base+w.sandboxSetup()).byAction("/sandbox/methods/")
	if !found {
		w.t.Fatal("nothing can be left on the gateway's page")
	}
	f.Values["outcome"] = []string{"card"}
	saved, err := w.contact.submit(f)
	must(w.t, saved, err)
	pay, found := w.contact.open(w.t, w.base+"/me/invoices/"+id).form(func(n *html.Node) bool { return attr(n, "id") == "pay" })
	if !found {
		w.t.Fatalf("%s cannot be paid", externalID)
	}
	review, err := w.contact.submit(pay)
	plan, found := must(w.t, review, err).byAction("/schedules")
	if !found {
		w.t.Fatal("a payment cannot be planned")
	}
	plan.Values["date"] = []string{time.Now().UTC().AddDate(0, 0, 20).Format(time.DateOnly)}
	planned, err := w.contact.submit(plan)
	must(w.t, planned, err)
}

func (w *town) sandboxSetup() string { return "/sandbox/methods/" + w.id("sandbox setup") }

// text is one value out of the database.
func (h *hub) text(query string) string {
	h.t.Helper()
	db := h.database()
	defer func() { _ = db.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var value string
	if err := db.QueryRowContext(ctx, query).Scan(&value); err != nil {
		h.t.Fatalf("%s: %v", query, err)
	}
	return value
}

// id is one of the first tenant's ids.
func (w *town) id(kind string) string {
	w.t.Helper()
	vendorID := "'" + w.vendors[0].ID + "'"
	query, known := map[string]string{
		"invoice":         "SELECT id FROM invoices WHERE external_id = 'ALDX-ROW-1'",
		"account":         "SELECT id FROM accounts WHERE external_id = 'ALDX-ACCOUNT-7'",
		"contact":         "SELECT id FROM contacts WHERE email = '" + payer + "'",
		"document":        "SELECT id FROM documents WHERE name = 'ALDX-2026-001.pdf'",
		"case":            "SELECT id FROM cases WHERE kind = 'question'",
		"share":           "SELECT id FROM shares WHERE status = 'settled' AND vendor_id = " + vendorID,
		"payment":         "SELECT id FROM payments WHERE status = 'settled'",
		"quote":           "SELECT quote_id FROM payments WHERE status = 'settled'",
		"delivery":        "SELECT id FROM deliveries WHERE kind = 'webhook' AND state = 'done' AND vendor_id = " + vendorID,
		"endpoint":        "SELECT id FROM endpoints WHERE kind = 'webhook' AND vendor_id = " + vendorID,
		"key":             "SELECT id FROM api_keys WHERE vendor_id = " + vendorID,
		"staff":           "SELECT id FROM staff WHERE email = '" + memberMail + "'",
		"connection":      "SELECT id FROM connections WHERE vendor_id = " + vendorID,
		"sync":            "SELECT id FROM syncs WHERE vendor_id = " + vendorID,
		"task":            "SELECT id FROM tasks WHERE vendor_id = " + vendorID,
		"operator task":   "SELECT id FROM tasks WHERE vendor_id IS NULL",
		"vendor":          "SELECT id FROM vendors WHERE name = '" + trioNames[0] + "'",
		"digest":          "SELECT d.id FROM digests d JOIN contacts c ON c.id = d.contact_id WHERE c.email = '" + payer + "'",
		"session":         "SELECT s.id FROM sessions s JOIN contacts c ON c.id = s.contact_id WHERE c.email = '" + payer + "'",
		"invitation":      "SELECT id FROM team_invitations",
		"mail":            "SELECT id FROM mails",
		"receipt":         "SELECT id FROM receipts",
		"payout":          "SELECT id FROM payouts WHERE vendor_id = " + vendorID,
		"transfer":        "SELECT id FROM transfers WHERE vendor_id = " + vendorID,
		"booking":         "SELECT id FROM ledger_transactions WHERE payment_id IS NOT NULL",
		"method":          "SELECT id FROM saved_methods",
		"setup":           "SELECT id FROM method_setups",
		"schedule":        "SELECT id FROM scheduled_payments",
		"sandbox setup":   "SELECT ref FROM sandbox_setups",
		"checkout":        "SELECT ref FROM sandbox_checkouts WHERE state = 'succeeded'",
		"refund":          "SELECT id FROM refunds WHERE request_key = 'town' AND vendor_id = " + vendorID,
		"chargeback":      "SELECT id FROM chargebacks",
		"chargeback part": "SELECT id FROM chargeback_shares WHERE vendor_id = " + vendorID,
		"evidence":        "SELECT id FROM evidence_documents WHERE vendor_id = " + vendorID,
	}[kind]
	if !known {
		w.t.Fatalf("no query for a %s", kind)
	}
	return w.text(query + " LIMIT 1")
}

func (w *town) token(link string) string { return link[strings.LastIndex(link, "/")+1:] }

// canaries are what nobody but the first tenant may see.
func (w *town) canaries() []string {
	list := []string{payer, "Ann Harbour"}
	for i, v := range w.vendors {
		list = append(list, mark(i)+"-", v.Name, v.ID, v.Email)
	}
	for _, kind := range []string{"invoice", "document", "case", "share", "payment", "quote", "delivery", "endpoint", "key", "staff", "sync", "digest", "transfer", "method", "setup", "schedule", "payout"} {
		list = append(list, w.id(kind))
	}
	return list
}

// snapshot is what the first tenant's vendor can read, to see that nobody
// changed it.
func (w *town) snapshot() string {
	w.t.Helper()
	var all strings.Builder
	for _, path := range []string{"/invoices", "/credits", "/payments", "/cases", "/webhook-endpoints"} {
		status, body, err := w.vendors[0].ask(http.MethodGet, path, nil)
		if err != nil || status != http.StatusOK {
			w.t.Fatalf("%s: %d %v", path, status, err)
		}
		fmt.Fprintf(&all, "%s %s\n", path, body)
	}
	for _, query := range []string{"SELECT COUNT(*) FROM messages", "SELECT COUNT(*) FROM cases", "SELECT COUNT(*) FROM quotes", "SELECT COUNT(*) FROM payments", "SELECT COUNT(*) FROM holds",
		"SELECT COUNT(*) FROM api_keys WHERE revoked_at IS NULL", "SELECT COUNT(*) FROM staff WHERE disabled_at IS NULL", "SELECT COUNT(*) FROM tasks WHERE done_at IS NULL",
		"SELECT COUNT(*) FROM team_invitations WHERE answered_at IS NULL", "SELECT COUNT(*) FROM contact_vendors WHERE state = 'mine'"} {
		fmt.Fprintf(&all, "%s = %d\n", query, w.count(query))
	}
	return all.String()
}
