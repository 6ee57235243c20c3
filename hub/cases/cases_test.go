package cases_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/cases"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/mail"
	"github.com/sheaf-hub/sheaf/hub/mail/letter"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/store/storetest"
)

// letters keeps what it was asked to render.
type letters struct {
	mu   sync.Mutex
	sent []letter.CaseUpdate
}

func (l *letters) CaseUpdate(update letter.CaseUpdate) (letter.Rendered, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent = append(l.sent, update)
	return letter.Rendered{Subject: "About " + update.Invoice, Text: update.Message}, nil
}

func (l *letters) last(t *testing.T) letter.CaseUpdate {
	t.Helper()
	if len(l.sent) == 0 {
		t.Fatal("no mail was rendered")
	}
	return l.sent[len(l.sent)-1]
}

// room is the room on a fresh database with two vendors. North lists Ann and
// South lists Eve; Bob is in Ann's team and listed by nobody.
type room struct {
	*cases.Service
	t             *testing.T
	now           time.Time
	letters       *letters
	north, south  party.Vendor
	ann, bob, eve party.Contact
	invoice       string // North's: EUR 125.00, due 1 Nov
	second        string // North's: EUR 80.00
	other         string // South's, for Eve
}

func each(t *testing.T, run func(t *testing.T, r *room)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) { run(t, newRoom(t, db)) })
}

func newRoom(t *testing.T, db *store.DB) *room {
	t.Helper()
	sealer, err := store.NewSealer(store.NewSealKey())
	if err != nil {
		t.Fatal(err)
	}
	r := &room{t: t, letters: &letters{}, now: time.Date(2026, 11, 22, 23, 30, 0, 123456789, time.UTC)} // the 23rd in Berlin
	clock := func() time.Time { return r.now }
	parties := &party.Service{DB: db, Sealer: sealer, Now: clock}
	box := &outbox.Service{DB: db, Sealer: sealer, Now: clock}
	from := mail.Address{Name: "Sheaf", Email: "hub@sheaf.example"}
	r.Service = &cases.Service{DB: db, Party: parties, Billing: &billing.Service{DB: db, Party: parties, Now: clock},
		Access: &access.Service{DB: db, Sealer: sealer, Outbox: box, From: from, PublicURL: "https://sheaf.example", Now: clock},
		Outbox: box, Letters: r.letters, From: from, PublicURL: "https://sheaf.example", Now: clock}
	r.north, r.south = r.vendor("North"), r.vendor("South")
	r.bring(r.north, "C-1", "Acme", "ann@acme.example", "Ann", record("N-1", 12500), record("N-2", 8000))
	r.bring(r.south, "S-1", "Zenith", "eve@zenith.example", "Eve", record("S-1", 9900))
	r.bring(r.south, "S-2", "Side office", "bob@acme.example", "Bob")
	r.exec("DELETE FROM account_contacts WHERE contact_id = (SELECT id FROM contacts WHERE email = 'bob@acme.example')")
	r.exec("UPDATE contacts SET customer_id = (SELECT customer_id FROM contacts WHERE email = 'ann@acme.example') WHERE email = 'bob@acme.example'")
	r.ann, r.bob, r.eve = r.contact("ann@acme.example"), r.contact("bob@acme.example"), r.contact("eve@zenith.example")
	r.invoice, r.second, r.other = r.find("N-1"), r.find("N-2"), r.find("S-1")
	return r
}

func record(number string, open int64) billing.InvoiceRecord {
	return billing.InvoiceRecord{ExternalID: "ext-" + number, Number: number, IssuedOn: "2026-10-01", DueOn: "2026-11-01", Currency: "EUR",
		Total: open, Open: open, Status: billing.Open}
}

func (r *room) vendor(name string) party.Vendor {
	r.t.Helper()
	var vendor party.Vendor
	err := r.DB.InTx(r.t.Context(), func(ctx context.Context, tx bun.Tx) error {
		var err error
		vendor, err = r.Party.AddVendorTx(ctx, tx, party.Profile{Name: name, Email: "ar@" + strings.ToLower(name) + ".example", TimeZone: "Europe/Berlin"}, party.VendorApproved, "whsec_x")
		return err
	})
	r.must(err)
	_, _, err = r.Outbox.PutEndpoint(r.t.Context(), vendor.ID, "webhook", "https://"+strings.ToLower(name)+".example/hook", []string{"*"})
	r.must(err)
	return vendor
}

func (r *room) bring(vendor party.Vendor, account, name, email, contact string, invoices ...billing.InvoiceRecord) {
	r.t.Helper()
	for i := range invoices {
		invoices[i].Account = account
	}
	result, err := r.Billing.Upsert(r.t.Context(), vendor, billing.Batch{Invoices: invoices, Accounts: []party.AccountRecord{{ExternalID: account, Name: name, Currency: "EUR",
		Contacts: []party.ContactRecord{{Email: email, Name: contact, Role: party.Payables}}}}})
	r.must(err)
	if len(result.Rejected) > 0 {
		r.t.Fatalf("rejected: %+v", result.Rejected)
	}
}

func (r *room) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// refused wants a fault of a code, at a place ("" when none), with these words.
func (r *room) refused(err error, code fault.Code, pointer, words string) {
	r.t.Helper()
	var refusal *fault.Error
	if !errors.As(err, &refusal) || refusal.Code != code || refusal.Pointer != pointer || !strings.Contains(refusal.Message, words) {
		r.t.Fatalf("got %v (%+v), want %s at %q: …%s…", err, refusal, code, pointer, words)
	}
}

func (r *room) exec(statement string, arguments ...any) {
	r.t.Helper()
	_, err := r.DB.ExecContext(context.Background(), statement, arguments...)
	r.must(err)
}

func (r *room) count(table, where string, arguments ...any) int {
	r.t.Helper()
	n := 0
	r.must(r.DB.NewRaw("SELECT count(*) FROM "+table+" WHERE "+where, arguments...).Scan(context.Background(), &n))
	return n
}

func (r *room) text(query string, arguments ...any) string {
	r.t.Helper()
	text := ""
	r.must(r.DB.NewRaw(query, arguments...).Scan(context.Background(), &text))
	return text
}

func (r *room) contact(email string) party.Contact {
	r.t.Helper()
	contact, err := r.Party.ContactByEmail(r.t.Context(), email)
	r.must(err)
	contact.TimeZone = "Europe/Berlin"
	return contact
}

func (r *room) find(number string) string {
	return r.text("SELECT id FROM invoices WHERE number = ?", number)
}

func viewer(contact party.Contact) billing.Viewer {
	return billing.Viewer{CustomerID: contact.CustomerID}
}

func as(contact party.Contact) cases.Author {
	return cases.Author{Contact: contact, Viewer: viewer(contact), Actor: access.Actor{Kind: access.KindContact, ID: contact.ID,
		Name: contact.DisplayName(), CustomerID: contact.CustomerID, ContactID: contact.ID}}
}

func staff(vendor party.Vendor) access.Actor {
	return access.Actor{Kind: access.KindStaff, ID: vendor.ID, Name: "Sam", VendorID: vendor.ID}
}

// holds are the holds of an invoice that are active on a day.
func (r *room) holds(invoiceID string, day money.Date) []billing.Hold {
	r.t.Helper()
	item, err := r.Billing.Item(r.t.Context(), viewer(r.ann), invoiceID, day)
	r.must(err)
	return item.Holds
}

func (r *room) dispute() cases.Case {
	r.t.Helper()
	opened, err := r.OpenDispute(r.t.Context(), as(r.ann), r.invoice, cases.Dispute{Reason: "wrong_price", Amount: "25.00", Note: "It was 100."})
	r.must(err)
	return opened
}
