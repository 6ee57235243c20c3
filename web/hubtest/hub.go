// Package hubtest gives a test of pages a whole hub on a fresh database: all
// rooms wired, the sandbox as gateway, two vendors with books, staff and keys,
// and a browser that signs in as anybody.
package hubtest

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/cases"
	"github.com/sheaf-hub/sheaf/hub/gateway/sandbox"
	"github.com/sheaf-hub/sheaf/hub/insight"
	"github.com/sheaf-hub/sheaf/hub/intake"
	"github.com/sheaf-hub/sheaf/hub/ledger"
	"github.com/sheaf-hub/sheaf/hub/mail"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/reminder"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/worklist"
	"github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/paper"
	"github.com/sheaf-hub/sheaf/web/ui/mails"
)

// PublicURL of the hub under test.
const PublicURL = "https://hub.example"

// Hub is all rooms on one database, with a clock moved by hand. Its time
// begins on Sunday, 22 November 2026, at nine.
type Hub struct {
	t        testing.TB
	mu       sync.Mutex
	now      time.Time
	DB       *store.DB
	Kit      *page.Kit
	Party    *party.Service
	Access   *access.Service
	Billing  *billing.Service
	Cases    *cases.Service
	Payment  *payment.Service
	Outbox   *outbox.Service
	Ledger   *ledger.Service
	Reminder *reminder.Service
	Worklist *worklist.Service
	Insight  *insight.Service
	Intake   *intake.Service
	Bank     *sandbox.Gateway
	North    Vendor // EUR: N-1 125.00 due 1 Nov, N-2 80.00 due 1 Dec; lists ann@acme.example
	South    Vendor // EUR: S-1 99.00; lists ann@acme.example and eve@zenith.example
}

// Vendor is a vendor with its people.
type Vendor struct {
	party.Vendor
	Owner  access.Staff
	Member access.Staff
}

// New is a seeded hub.
func New(t testing.TB, db *store.DB) *Hub {
	t.Helper()
	sealer, err := store.NewSealer(store.NewSealKey())
	if err != nil {
		t.Fatal(err)
	}
	h := &Hub{t: t, DB: db, now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
	from, letters, log := mail.Address{Name: "Sheaf", Email: "hub@hub.example"}, mails.New(), slog.New(slog.NewTextHandler(io.Discard, nil))
	h.Party = &party.Service{DB: db, Sealer: sealer, Now: h.Now}
	h.Outbox = &outbox.Service{DB: db, Sealer: sealer, Now: h.Now}
	h.Ledger = &ledger.Service{DB: db, Now: h.Now}
	h.Access = &access.Service{DB: db, Sealer: sealer, Outbox: h.Outbox, Letters: letters, PublicURL: PublicURL, From: from, Now: h.Now}
	h.Billing = &billing.Service{DB: db, Party: h.Party, Now: h.Now}
	h.Cases = &cases.Service{DB: db, Party: h.Party, Billing: h.Billing, Access: h.Access, Outbox: h.Outbox, Letters: letters, From: from, PublicURL: PublicURL, Now: h.Now}
	h.Worklist = &worklist.Service{DB: db, Access: h.Access, Now: h.Now}
	h.Insight = &insight.Service{DB: db, Now: h.Now}
	h.Bank = &sandbox.Gateway{DB: db, PublicURL: PublicURL, Now: h.Now}
	h.Payment = &payment.Service{DB: db, Party: h.Party, Billing: h.Billing, Ledger: h.Ledger, Outbox: h.Outbox, Gateway: h.Bank,
		Methods: h.Bank, Letters: letters, Papers: paper.Writer{}, From: from, PublicURL: PublicURL, Now: h.Now, Access: h.Access, Overpaid: h.Worklist.Overpaid, AddTask: h.Worklist.Payment}
	h.Reminder = &reminder.Service{DB: db, Party: h.Party, Billing: h.Billing, Access: h.Access, Outbox: h.Outbox, Letters: letters, Sender: nobody{}, From: from,
		ListID: "digest.hub.example", PublicURL: PublicURL, Now: h.Now}
	h.Intake = &intake.Service{DB: db, Party: h.Party, Access: h.Access, Billing: h.Billing, Outbox: h.Outbox, Sealer: sealer, Log: log, Now: h.Now}
	h.Kit = &page.Kit{Access: h.Access, Log: log, Now: h.Now, HubName: "Sheaf", PublicURL: PublicURL}
	h.North, h.South = h.vendor("North"), h.vendor("South")
	h.bring(h.North, "C-1", "Acme", bill("N-1", 12500, "2026-11-01"), bill("N-2", 8000, "2026-12-01"))
	h.bring(h.South, "S-1", "Acme at South", bill("S-1", 9900, "2026-11-10"))
	return h
}

// nobody sends no mail and cannot say whether it was taken.
type nobody struct{}

func (nobody) Send(context.Context, mail.Message) error { return mail.ErrUnknown }

// Now is the hub's clock.
func (h *Hub) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

// Pass moves it.
func (h *Hub) Pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

// Must fails the test on an error.
func (h *Hub) Must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// Exec runs a statement.
func (h *Hub) Exec(statement string, arguments ...any) {
	h.t.Helper()
	_, err := h.DB.ExecContext(context.Background(), statement, arguments...)
	h.Must(err)
}

// Count counts rows.
func (h *Hub) Count(table, where string, arguments ...any) int {
	h.t.Helper()
	n := 0
	h.Must(h.DB.NewRaw("SELECT COUNT(*) FROM "+table+" WHERE "+where, arguments...).Scan(context.Background(), &n))
	return n
}

func (h *Hub) vendor(name string) Vendor {
	h.t.Helper()
	var vendor Vendor
	low := strings.ToLower(name)
	h.Must(h.DB.InTx(context.Background(), func(ctx context.Context, tx bun.Tx) error {
		var err error
		if vendor.Vendor, err = h.Party.AddVendorTx(ctx, tx, party.Profile{Name: name, Email: "ar@" + low + ".example"}, party.VendorApproved, "whsec_x"); err != nil {
			return err
		}
		system := access.SystemActor("test")
		if vendor.Owner, err = h.Access.AddStaffTx(ctx, tx, access.NewStaff{VendorID: vendor.ID, Email: "olga@" + low + ".example", Name: "Olga " + name, Role: access.RoleOwner}, system); err != nil {
			return err
		}
		vendor.Member, err = h.Access.AddStaffTx(ctx, tx, access.NewStaff{VendorID: vendor.ID, Email: "mel@" + low + ".example", Name: "Mel " + name, Role: access.RoleMember}, system)
		return err
	}))
	_, _, err := h.Outbox.PutEndpoint(context.Background(), vendor.ID, outbox.Webhook, "https://"+low+".example/hook", []string{"*"})
	h.Must(err)
	return vendor
}

func bill(number string, minor int64, due string) billing.InvoiceRecord {
	return billing.InvoiceRecord{ExternalID: "ext-" + number, Number: number, IssuedOn: "2026-10-01", DueOn: moneyDate(due), Currency: "EUR", Total: minor, Open: minor, Status: billing.Open,
		Documents: []billing.DocumentRecord{{Name: number + ".pdf", ContentType: "application/pdf", Content: []byte("%PDF-1.4 of " + number)}}}
}

func (h *Hub) bring(vendor Vendor, account, name string, invoices ...billing.InvoiceRecord) {
	h.t.Helper()
	for i := range invoices {
		invoices[i].Account = account
	}
	result, err := h.Billing.Upsert(context.Background(), vendor.Vendor, billing.Batch{Invoices: invoices, Accounts: []party.AccountRecord{{ExternalID: account, Name: name, Currency: "EUR",
		Contacts: []party.ContactRecord{{Email: "ann@acme.example", Name: "Ann", Role: party.Payables}}}}})
	h.Must(err)
	if len(result.Rejected) > 0 {
		h.t.Fatalf("rejected: %+v", result.Rejected)
	}
}

// Invoice reads an invoice by its number.
func (h *Hub) Invoice(number string) billing.Invoice {
	h.t.Helper()
	var invoice billing.Invoice
	h.Must(h.DB.NewSelect().Model(&invoice).Where("number = ?", number).Scan(context.Background()))
	return invoice
}

// Ann is the contact whom both vendors list.
func (h *Hub) Ann() party.Contact {
	h.t.Helper()
	contact, err := h.Party.ContactByEmail(context.Background(), "ann@acme.example")
	h.Must(err)
	return contact
}

// Ask opens a question of Ann's on an invoice.
func (h *Hub) Ask(number, text string) cases.Case {
	h.t.Helper()
	ann := h.Ann()
	by := cases.Author{Contact: ann, Viewer: billing.Viewer{CustomerID: ann.CustomerID},
		Actor: access.Actor{Kind: access.KindContact, ID: ann.ID, Name: ann.Email, CustomerID: ann.CustomerID, ContactID: ann.ID}}
	opened, err := h.Cases.Ask(context.Background(), by, h.Invoice(number).ID, text)
	h.Must(err)
	return opened
}

// Pay pays invoices in full; outcome is a button of the sandbox.
func (h *Hub) Pay(outcome string, numbers ...string) payment.Payment {
	h.t.Helper()
	ctx, ann := context.Background(), h.Ann()
	payer := payment.Payer{Contact: ann, Viewer: billing.Viewer{CustomerID: ann.CustomerID}}
	var selection payment.Selection
	for _, number := range numbers {
		selection.Invoices = append(selection.Invoices, payment.Wish{InvoiceID: h.Invoice(number).ID})
	}
	quote, err := h.Payment.Quote(ctx, payer, selection)
	h.Must(err)
	started, err := h.Payment.Start(ctx, payer, quote.ID, quote.Hash, "EUR")
	h.Must(err)
	event, err := h.Bank.Decide(ctx, started.Payment.GatewayRef, outcome)
	h.Must(err)
	h.Must(h.Payment.Notify(ctx, payment.Hint{EventID: event, Type: "checkout", Subject: payment.SubjectPayment, Ref: started.Payment.GatewayRef}))
	return started.Payment
}

// Operator makes sure of an operator.
func (h *Hub) Operator() access.Staff {
	h.t.Helper()
	staff, err := h.Access.EnsureOperator(context.Background(), "olive@hub.example")
	h.Must(err)
	return staff
}

// CheckURL is a judge of addresses for tests: https alone.
func CheckURL(raw string) error {
	if !strings.HasPrefix(raw, "https://") {
		return errors.New("this address does not begin with https://")
	}
	return nil
}
