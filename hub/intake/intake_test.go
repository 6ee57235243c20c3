package intake_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/intake"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/store/storetest"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// books is a connector whose answers a test sets.
type books struct {
	mu     sync.Mutex
	pages  []connectors.Page
	fail   error  // after the pages
	check  error  // of Check
	asked  string // the cursor of the last pull
	during func() // before the first page

	forgets  bool // it knows no cursor any more
	papers   map[string]connectors.Document
	recorded map[string]connectors.Payment // by reference
	refuse   error                         // of the next booking
	losesIt  bool                          // the next booking is made, and its answer is lost
}

func (b *books) Describe() connectors.Descriptor {
	return connectors.Descriptor{Kind: "books", Title: "Books"}
}

func (b *books) Check(context.Context) error { return b.check }

func (b *books) Fetch(_ context.Context, ref string) (connectors.Document, error) {
	if paper, found := b.papers[ref]; found {
		return paper, nil
	}
	return connectors.Document{}, connectors.ErrGone
}

// RecordPayment books what it does not know yet.
func (b *books) RecordPayment(_ context.Context, payment connectors.Payment) (connectors.Recorded, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refuse != nil {
		return connectors.Recorded{}, b.refuse
	}
	if b.recorded == nil {
		b.recorded = map[string]connectors.Payment{}
	}
	if _, known := b.recorded[payment.Reference]; !known {
		b.recorded[payment.Reference] = payment
	}
	if b.losesIt {
		b.losesIt = false
		return connectors.Recorded{}, fmt.Errorf("%w: the connection broke", connectors.ErrUnknown)
	}
	return connectors.Recorded{ExternalID: "B-" + payment.Reference}, nil
}

func (b *books) Pull(_ context.Context, cursor string, sink func(connectors.Page) error) error {
	b.mu.Lock()
	b.asked = cursor
	pages, fail, during := b.pages, b.fail, b.during
	b.mu.Unlock()
	if during != nil {
		during()
	}
	if b.forgets && cursor != "" {
		return fmt.Errorf("%w: thirty days are over", connectors.ErrCursor)
	}
	for _, page := range pages {
		if page.Cursor != "" && page.Cursor <= cursor {
			continue
		}
		if err := sink(page); err != nil {
			return err
		}
	}
	return fail
}

// hub is the room on a fresh database with two vendors.
type hub struct {
	*intake.Service
	t            *testing.T
	mu           sync.Mutex
	now          time.Time
	books        *books
	north, south party.Vendor
	tokens       connectors.TokenStore // that the last connector was lent
}

func each(t *testing.T, run func(t *testing.T, h *hub)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) { run(t, newHub(t, db)) })
}

func newHub(t *testing.T, db *store.DB) *hub {
	t.Helper()
	sealer, err := store.NewSealer(store.NewSealKey())
	if err != nil {
		t.Fatal(err)
	}
	h := &hub{t: t, now: time.Date(2026, 11, 22, 9, 0, 0, 123456789, time.UTC), books: &books{}}
	parties := &party.Service{DB: db, Sealer: sealer, Now: h.clock}
	box := &outbox.Service{DB: db, Sealer: sealer, Now: h.clock}
	fields := []connectors.Field{{Name: "url", Label: "Address", Required: true}, {Name: "password", Label: "Password", Required: true, Sealed: true}, {Name: "note", Label: "Note"}}
	made := func(map[string]string, connectors.Deps) (connectors.Connector, error) { return h.books, nil }
	h.Service = &intake.Service{DB: db, Party: parties, Billing: &billing.Service{DB: db, Party: parties, Now: h.clock}, Outbox: box,
		Access: &access.Service{DB: db, Sealer: sealer, Outbox: box, Now: h.clock}, Sealer: sealer, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: h.clock,
		Connectors: map[string]intake.Kind{
			"books": {Descriptor: connectors.Descriptor{Kind: "books", Title: "Books", Fields: fields}, New: made},
			"ledger": {Descriptor: connectors.Descriptor{Kind: "ledger", Title: "Ledger", Deletions: true, WriteBack: true, SignIn: true,
				Fields: []connectors.Field{{Name: connectors.ClearingAccount, Label: "Clearing account"}}}, New: func(_ map[string]string, deps connectors.Deps) (connectors.Connector, error) {
				h.tokens = deps.Tokens
				return h.books, nil
			}},
			"whole": {Descriptor: connectors.Descriptor{Kind: "whole", Title: "Whole books", Snapshot: true}, New: made},
		}}
	h.north, h.south = h.vendor("North"), h.vendor("South")
	return h
}

func (h *hub) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *hub) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

func (h *hub) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *hub) vendor(name string) party.Vendor {
	h.t.Helper()
	var vendor party.Vendor
	h.must(h.DB.InTx(context.Background(), func(ctx context.Context, tx bun.Tx) error {
		var err error
		vendor, err = h.Party.AddVendorTx(ctx, tx, party.Profile{Name: name, Email: "ar@vendor.example"}, party.VendorApproved, "whsec_x")
		return err
	}))
	return vendor
}

func (h *hub) push(vendor party.Vendor, page connectors.Page) billing.Result {
	h.t.Helper()
	result, err := h.Push(context.Background(), access.SystemActor("test"), vendor, page)
	h.must(err)
	return result
}

// open is what a vendor's books hold open, "EXTERNAL-ID=125.00 …" by id.
func (h *hub) open(vendor party.Vendor) string {
	h.t.Helper()
	items, _, err := h.Billing.ListInvoices(context.Background(), vendor.ID, billing.InvoiceFilter{Status: billing.Open}, false, store.PageRequest{Limit: 500})
	h.must(err)
	var list []string
	for _, item := range items {
		list = append(list, item.ExternalID+"="+item.OpenAmount().Decimal())
	}
	return strings.Join(list, " ")
}

func usd(minor int64) money.Amount { return money.New(minor, "USD") }

func account(id string, emails ...string) connectors.Account {
	account := connectors.Account{ExternalID: id, Name: "Customer " + id, Terms: "Net 30", Currency: "USD"}
	for _, email := range emails {
		account.Contacts = append(account.Contacts, connectors.Contact{Email: email, Role: connectors.RolePayables})
	}
	return account
}

func invoice(id string, minor int64) connectors.Invoice {
	return connectors.Invoice{ExternalID: id, Number: id, Account: "C", IssuedOn: "2026-11-01", Total: usd(minor), Open: usd(minor), Status: connectors.StatusOpen}
}

// seen is an invoice whose paper names its account.
func seen(id string, minor int64, account connectors.Account) connectors.Invoice {
	invoice := invoice(id, minor)
	invoice.Account, invoice.AccountSeen = account.ExternalID, &account
	return invoice
}

func TestPushKeepsIndexesAndRejectsTheLater(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		bad := invoice("BAD", 100)
		bad.IssuedOn = "2026-13-45"
		page := connectors.Page{Accounts: []connectors.Account{account("C", "ap@acme.example"), account("C", "other@acme.example"), {ExternalID: "N"}},
			Invoices: []connectors.Invoice{bad, invoice("A", 1000), invoice("A", 2000), invoice("B\x00", 1), invoice("B", 3000), invoice("Z", 0)},
			Credits:  []connectors.Credit{{ExternalID: "CR", Account: "NONE", Total: usd(5), Open: usd(5)}, {ExternalID: "CR2", Account: "C", Total: usd(500), Open: usd(500)}}}
		result := h.push(h.north, page)
		var got []string
		for _, one := range result.Rejected {
			got = append(got, fmt.Sprintf("%s %d %s", one.Kind, one.Index, one.Problems[0].Pointer))
		}
		want := "account 2 /name, account 1 /external_id, invoice 0 /issued_on, invoice 3 /external_id, invoice 2 /external_id, invoice 5 /total, credit 0 /account"
		if strings.Join(got, ", ") != want {
			t.Errorf("rejected\n%s, want\n%s", strings.Join(got, ", "), want)
		}
		if result.Accounts.Created != 1 || result.Invoices.Created != 2 || result.Credits.Created != 1 {
			t.Errorf("%+v", result)
		}
		if open := h.open(h.north); open != "A=10.00 B=30.00" {
			t.Errorf("%s", open)
		}
		again := h.push(h.north, page)
		if again.Invoices.Unchanged != 2 || again.Invoices.Created+again.Invoices.Updated != 0 || again.Accounts.Unchanged != 1 {
			t.Errorf("%+v", again)
		}
		if _, err := h.Party.ContactByEmail(t.Context(), "other@acme.example"); err == nil {
			t.Error("the later account was merged in")
		}
	})
}

func TestPushCutsLargePages(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		page := connectors.Page{}
		for i := range 1200 {
			page.Accounts = append(page.Accounts, account(fmt.Sprintf("C-%d", i)))
			one := invoice(fmt.Sprintf("I-%d", i), 100)
			one.Account = fmt.Sprintf("C-%d", i)
			page.Invoices = append(page.Invoices, one)
		}
		page.Invoices[1100].Account = "NONE"
		result := h.push(h.north, page)
		if result.Accounts.Created != 1200 || result.Invoices.Created != 1199 || len(result.Rejected) != 1 || result.Rejected[0].Index != 1100 {
			t.Errorf("%+v %+v", result.Invoices, result.Rejected)
		}
	})
}

func TestPapersMakeAccountsAndNeverChangeThem(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		result := h.push(h.north, connectors.Page{Invoices: []connectors.Invoice{seen("A", 100, account("C", "one@acme.example")), seen("B", 200, account("C", "TWO@acme.example", "one@acme.example"))}})
		if result.Accounts.Created != 1 || result.Invoices.Created != 2 || len(result.Rejected) != 0 {
			t.Fatalf("%+v", result)
		}
		if two, err := h.Party.ContactByEmail(t.Context(), "two@acme.example"); err != nil || two.ID == "" {
			t.Fatal(two, err)
		}
		other := account("C", "three@acme.example")
		other.Name = "Another name"
		if result := h.push(h.north, connectors.Page{Invoices: []connectors.Invoice{seen("D", 100, other)}}); result.Accounts.Updated != 0 {
			t.Errorf("%+v", result.Accounts)
		}
		if _, err := h.Party.ContactByEmail(t.Context(), "three@acme.example"); err == nil {
			t.Error("a paper changed an account")
		}
		// what the books list themselves wins over what a paper of the same page says
		result = h.push(h.north, connectors.Page{Accounts: []connectors.Account{account("L", "listed@acme.example")},
			Invoices: []connectors.Invoice{seen("E", 100, account("L", "paper@acme.example"))}})
		if _, err := h.Party.ContactByEmail(t.Context(), "paper@acme.example"); err == nil || result.Accounts.Created != 1 {
			t.Errorf("%+v", result)
		}
	})
}

// TestManyPushTheSameAtOnce lets eight callers bring in the same new records.
func TestManyPushTheSameAtOnce(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		page := connectors.Page{Credits: []connectors.Credit{{ExternalID: "CR", Account: "C-0", Total: usd(5), Open: usd(5)}}}
		for i := range 20 {
			id := fmt.Sprintf("C-%d", i)
			page.Accounts = append(page.Accounts, account(id, fmt.Sprintf("ap%d@acme.example", i), "all@acme.example"))
			one := invoice(fmt.Sprintf("I-%d", i), 100)
			one.Account, one.Documents = id, []connectors.Document{{Name: "i.pdf", ContentType: "application/pdf", Content: []byte("%PDF-")}}
			page.Invoices = append(page.Invoices, one)
		}
		const callers = 8
		results := make([]billing.Result, callers)
		errs := make([]error, callers)
		var group sync.WaitGroup
		for i := range callers {
			group.Go(func() {
				results[i], errs[i] = h.Push(context.Background(), access.SystemActor("test"), h.north, page)
			})
		}
		group.Wait()
		created := 0
		for i := range callers {
			h.must(errs[i])
			created += results[i].Invoices.Created
			if len(results[i].Rejected) != 0 {
				t.Errorf("%+v", results[i].Rejected)
			}
		}
		if created != 20 {
			t.Errorf("%d created", created)
		}
	})
}

// failing is a read that ends with an error of its own.
func failing(pages []connectors.Page, err error) func(context.Context, func(connectors.Page) error) error {
	return func(_ context.Context, sink func(connectors.Page) error) error {
		for _, page := range pages {
			if err := sink(page); err != nil {
				return err
			}
		}
		return err
	}
}

func TestImportTellsAndKeepsItsProgress(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		pages := []connectors.Page{
			{Invoices: []connectors.Invoice{seen("A", 100, account("C", "ap@acme.example")), invoice("B", 200)}, Done: 2, Total: 5},
			{Invoices: []connectors.Invoice{invoice("A", 999), {ExternalID: "X", Account: "C", Total: usd(-1)}}, Done: 4, Total: 5,
				Rejected: []connectors.Rejected{{Place: "line 17", ExternalID: "Y", Problems: []connectors.Problem{{Field: "due", Message: "31.02.2026 is no date"}}}}},
			{Invoices: []connectors.Invoice{invoice("X", 700)}, Done: 5, Total: 5}, // at last as it should be
		}
		var told []intake.Progress
		sync, err := h.Import(t.Context(), h.north, "csv open-items.csv", failing(pages, nil), func(p intake.Progress) { told = append(told, p) })
		h.must(err)
		if sync.State != intake.Done || sync.Created != 4 || sync.Rejected != 3 || sync.Done != 5 || sync.Total != 5 || sync.FinishedAt.IsZero() {
			t.Errorf("%+v", sync)
		}
		if len(told) != 3 || told[0].Done != 2 || told[0].Created != 3 || told[1].Rejected != 3 || told[1].SyncID != sync.ID {
			t.Errorf("%+v", told)
		}
		if open := h.open(h.north); open != "A=1.00 B=2.00 X=7.00" {
			t.Errorf("%s", open)
		}
		list, next, err := h.ListSyncs(t.Context(), h.north.ID, store.PageRequest{})
		if err != nil || len(list) != 1 || next != "" || list[0].Source != "csv open-items.csv" || list[0].Rejected != 3 || list[0].State != intake.Done {
			t.Fatalf("%+v %v", list, err)
		}
		var places []string
		for cursor := ""; ; {
			some, next, err := h.Rejections(t.Context(), h.north.ID, sync.ID, store.PageRequest{Limit: 2, Cursor: cursor})
			h.must(err)
			for _, one := range some {
				problems, err := one.List()
				if err != nil || len(problems) == 0 {
					t.Fatal(one, err)
				}
				places = append(places, one.Place+" "+problems[0].Pointer)
			}
			if cursor = next; next == "" {
				break
			}
		}
		if got := strings.Join(places, ", "); got != "line 17 due, invoice A /external_id, invoice X /total" {
			t.Errorf("%s", got)
		}
		if _, _, err := h.Rejections(t.Context(), h.south.ID, sync.ID, store.PageRequest{}); err == nil {
			t.Error("South reads North's rejections")
		}
	})
}

func TestImportFailsAndStopsInWords(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		pages := []connectors.Page{{Invoices: []connectors.Invoice{seen("A", 100, account("C"))}, Done: 1}}
		broken := errors.New("open-items.csv line 9: the quote is never closed")
		sync, err := h.Import(t.Context(), h.north, "csv", failing(pages, broken), nil)
		if !errors.Is(err, broken) || sync.State != intake.Failed || sync.Error != broken.Error() || sync.Created != 2 {
			t.Errorf("%+v %v", sync, err)
		}
		sync, err = h.Import(t.Context(), h.north, "csv", func(context.Context, func(connectors.Page) error) error { panic("nil map") }, nil)
		if err == nil || sync.State != intake.Failed || strings.Contains(sync.Error, "nil map") {
			t.Errorf("%+v %v", sync, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		sync, err = h.Import(ctx, h.north, "csv", failing([]connectors.Page{{Invoices: []connectors.Invoice{invoice("B", 100)}}, {Invoices: []connectors.Invoice{invoice("D", 100)}}}, nil),
			func(intake.Progress) { cancel() })
		if !errors.Is(err, context.Canceled) || sync.State != intake.Stopped || sync.Created != 1 {
			t.Errorf("%+v %v", sync, err)
		}
		if open := h.open(h.north); open != "A=1.00 B=1.00" {
			t.Errorf("%s", open)
		}
		list, _, err := h.ListSyncs(t.Context(), h.north.ID, store.PageRequest{})
		if err != nil || len(list) != 3 || list[0].State != intake.Stopped || list[0].FinishedAt.IsZero() {
			t.Errorf("%+v %v", list, err)
		}
	})
}
