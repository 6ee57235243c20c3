package intake_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/intake"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// settled is the event of a payment on some invoices, "A" for 1.00 each.
func (h *hub) settled(reference string, lines ...payment.InvoiceView) outbox.Event {
	h.t.Helper()
	at := h.clock()
	event, err := outbox.NewEvent(h.north.ID, "", outbox.PaymentSettled, store.NewID(), payment.View{Reference: reference, Currency: "USD", Method: "card",
		CreatedAt: at, SettledAt: &at, Invoices: lines}, at)
	h.must(err)
	return event
}

func line(id string) payment.InvoiceView {
	return payment.InvoiceView{ExternalID: id, Number: id, Account: "C", Amount: "1.00", Discount: "0.00", LateFee: "0.00"}
}

func (h *hub) write(connection intake.Connection, choice intake.WriteBack) error {
	return h.SetWriteBack(h.t.Context(), access.SystemActor("test"), connection.VendorID, connection.ID, choice)
}

func TestPaymentsAreBookedOnceInTheBooksThatTheInvoicesCameFrom(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		connection := h.connect(h.north, "ledger")
		elsewhere := invoice("E", 100)
		elsewhere.Account = "D"
		h.books.pages = []connectors.Page{{Accounts: []connectors.Account{account("C"), account("D")}, Invoices: []connectors.Invoice{invoice("A", 100), invoice("B", 100), elsewhere}, Cursor: "1"}}
		h.pull(connection)
		h.push(h.north, connectors.Page{Invoices: []connectors.Invoice{invoice("PUSHED", 100)}})
		withCredit := line("B")
		withCredit.Credit = &payment.CreditView{ExternalID: "CR"}
		discounted := line("A")
		discounted.Discount, discounted.LateFee = "0.02", "0.10"
		event := h.settled("SH-1", discounted, withCredit, line("PUSHED"), line("E"))
		if said, err := h.Book(t.Context(), connection.ID, event); err != nil || !strings.Contains(said, "by hand") || len(h.books.recorded) != 0 {
			t.Fatalf("before the vendor said so: %q, %v", said, err)
		}
		h.must(h.write(connection, intake.Book))
		h.books.losesIt = true
		if _, err := h.Book(t.Context(), connection.ID, event); err == nil {
			t.Fatal("a lost answer went unnoticed")
		} else if words, again := intake.RetryWords(err); !again || !strings.Contains(words, "looks before it tries again") {
			t.Errorf("%q %v", words, again)
		}
		for range 2 {
			said, err := h.Book(t.Context(), connection.ID, event)
			if err != nil || said != "Booked as B-SH-1, B-SH-1/2." {
				t.Fatalf("%q, %v", said, err)
			}
		}
		got, _ := json.Marshal(h.books.recorded["SH-1"].Lines)
		want := `[{"Invoice":"A","Credit":"","Amount":"1.00","Discount":"0.02","LateFee":"0.10"},{"Invoice":"B","Credit":"CR","Amount":"1.00","Discount":"","LateFee":""}]`
		if string(got) != want || h.books.recorded["SH-1"].Account != "C" || h.books.recorded["SH-1"].Date != "2026-11-22" || h.books.recorded["SH-1"].Clearing {
			t.Errorf("%+v", h.books.recorded)
		}
		if other := h.books.recorded["SH-1/2"]; other.Account != "D" || len(other.Lines) != 1 || len(h.books.recorded) != 2 {
			t.Errorf("%+v", h.books.recorded)
		}
		if said, err := h.Book(t.Context(), connection.ID, h.settled("SH-2", line("PUSHED"))); err != nil || !strings.HasPrefix(said, "None") {
			t.Errorf("%q, %v", said, err)
		}
		h.books.refuse = fmt.Errorf("%w: the period is closed", connectors.ErrRefused)
		_, err := h.Book(t.Context(), connection.ID, event)
		if words, again := intake.RetryWords(err); again || !strings.Contains(words, "by hand") || !strings.Contains(words, "period is closed") {
			t.Errorf("%q %v", words, again)
		}
	})
}

func TestWhatBecomesOfPaymentsIsTheVendorsChoice(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		reading, writing := h.connect(h.north, "books"), h.connect(h.north, "ledger")
		if err := h.write(writing, intake.Clearing); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "No clearing account") {
			t.Errorf("clearing without an account for it: %v", err)
		}
		h.must(h.ChangeSettings(t.Context(), access.SystemActor("test"), h.north.ID, writing.ID, map[string]string{connectors.ClearingAccount: "1999"}))
		if err := h.write(reading, intake.Book); !fault.Is(err, fault.Invalid) {
			t.Errorf("a kind that cannot write: %v", err)
		}
		if err := h.write(writing, "later"); !fault.Is(err, fault.Invalid) {
			t.Errorf("%v", err)
		}
		if err := h.SetWriteBack(t.Context(), access.SystemActor("test"), h.south.ID, writing.ID, intake.Book); !fault.Is(err, fault.NotFound) {
			t.Errorf("another vendor: %v", err)
		}
		active := func() int {
			endpoints, err := h.Outbox.Endpoints(t.Context(), h.north.ID, outbox.Books)
			h.must(err)
			n := 0
			for _, endpoint := range endpoints {
				if endpoint.DisabledAt.IsZero() && endpoint.Target == writing.ID && endpoint.Wants(outbox.PaymentSettled) {
					n++
				}
			}
			return n
		}
		for _, step := range []struct {
			choice intake.WriteBack
			active int
		}{{intake.Clearing, 1}, {intake.Clearing, 1}, {intake.TellOnly, 0}, {intake.Book, 1}} {
			h.must(h.write(writing, step.choice))
			if now := h.health(writing); now.WriteBack != step.choice || active() != step.active {
				t.Errorf("%s: %s, %d endpoints", step.choice, now.WriteBack, active())
			}
		}
		h.must(h.RemoveConnection(t.Context(), access.SystemActor("test"), h.north.ID, writing.ID))
		if active() != 0 {
			t.Error("a removed connection hears of payments still")
		}
	})
}

func TestWhatTheBooksDeletedIsVoid(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		connection := h.connect(h.north, "ledger")
		h.books.pages = []connectors.Page{
			{Accounts: []connectors.Account{account("C")}, Invoices: []connectors.Invoice{invoice("A", 100), invoice("B", 200), invoice("D", 300)}, Cursor: "1"}}
		h.pull(connection)
		h.push(h.north, connectors.Page{Invoices: []connectors.Invoice{invoice("PUSHED", 100)}})
		// of two that were deleted one came again, and two never came from these books
		h.books.pages = append(h.books.pages, connectors.Page{Gone: []string{"A", "B", "PUSHED", "NEVER"}, Invoices: []connectors.Invoice{invoice("B", 250)}, Cursor: "2"})
		h.pass(time.Minute)
		if sync := h.pull(connection); sync.State != intake.Done || sync.Rejected != 0 {
			t.Fatalf("%+v", sync)
		}
		if open := h.open(h.north); open != "D=3.00 PUSHED=1.00 B=2.50" {
			t.Errorf("%s", open)
		}
	})
}

func TestBooksThatForgetAreReadWholeAndWhatIsMissingIsClosed(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		connection := h.connect(h.north, "ledger")
		all := []connectors.Invoice{invoice("A", 100), invoice("B", 200), invoice("D", 300)}
		h.books.pages = []connectors.Page{{Accounts: []connectors.Account{account("C")}, Invoices: all, Cursor: "1"}}
		h.pull(connection)
		h.books.forgets = true
		h.books.pages = []connectors.Page{{Invoices: all[:2], Cursor: "9"}}
		h.pass(time.Minute)
		if sync := h.pull(connection); sync.State != intake.Done || h.books.asked != "" {
			t.Fatalf("%+v, asked from %q", sync, h.books.asked)
		}
		if now := h.health(connection); h.open(h.north) != "A=1.00 B=2.00" || now.Cursor != "9" || now.WholeAt.IsZero() {
			t.Errorf("%s, %+v", h.open(h.north), now)
		}
		h.books.pages = []connectors.Page{{Cursor: "91"}} // all is missing: that needs a yes
		h.pass(time.Minute)
		h.pull(connection)
		if now := h.health(connection); now.Held() != 2 || h.open(h.north) != "A=1.00 B=2.00" {
			t.Errorf("%s, %+v", h.open(h.north), now)
		}
	})
}

func TestBooksThatDoNotTellOfDeletionsAreReadWholeEachWeek(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		connection := h.connect(h.north, "books")
		h.books.pages = []connectors.Page{{Accounts: []connectors.Account{account("C")}, Invoices: []connectors.Invoice{invoice("A", 100), invoice("B", 200), invoice("D", 200)}, Cursor: "1"}}
		h.pull(connection)
		h.books.pages = []connectors.Page{{Invoices: []connectors.Invoice{invoice("A", 100), invoice("B", 200)}, Cursor: "1"}}
		h.pass(intake.WholeEvery)
		if h.pull(connection); h.books.asked != "1" || h.open(h.north) != "A=1.00 B=2.00 D=2.00" {
			t.Fatalf("asked from %q, open %s", h.books.asked, h.open(h.north))
		}
		h.pass(time.Minute)
		if h.pull(connection); h.books.asked != "" || h.open(h.north) != "A=1.00 B=2.00" {
			t.Fatalf("asked from %q, open %s", h.books.asked, h.open(h.north))
		}
	})
}

func TestOfTwoTokensTheFirstToBeKeptWins(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		connection := h.connect(h.north, "ledger")
		h.pull(connection)
		if _, err := h.tokens.Token(t.Context()); err == nil || !strings.Contains(err.Error(), "sign in") {
			t.Fatalf("%v", err)
		}
		h.must(h.KeepToken(t.Context(), access.SystemActor("test"), h.north.ID, connection.ID, connectors.Token{Access: "a0", Refresh: "hush-0", ExpiresAt: h.clock()}))
		first, err := h.tokens.Token(t.Context())
		if err != nil || first.Access != "a0" {
			t.Fatalf("%+v, %v", first, err)
		}
		one, err := h.tokens.Replace(t.Context(), first, connectors.Token{Access: "a1", Refresh: "r1"})
		if err != nil || one.Access != "a1" {
			t.Fatalf("%+v, %v", one, err)
		}
		late, err := h.tokens.Replace(t.Context(), first, connectors.Token{Access: "a2", Refresh: "r2"})
		if err != nil || late.Access != "a1" {
			t.Fatalf("the second to come got %+v, %v", late, err)
		}
		if now := h.health(connection); strings.Contains(now.Token, "a1") || now.Token == "" {
			t.Errorf("it is not sealed: %q", now.Token)
		}
		entries, _, err := h.Access.ListAudit(t.Context(), h.north.ID, store.PageRequest{})
		if err != nil || strings.Contains(fmt.Sprint(entries), "hush") {
			t.Errorf("%v %v", entries, err)
		}
	})
}

func TestPapersAreFetchedWhenSomebodyWantsThem(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		h.Billing.Fetch = h.Fetch
		connection := h.connect(h.north, "ledger")
		with := invoice("A", 100)
		with.Documents = []connectors.Document{{Name: "A.pdf", ContentType: "application/pdf", Ref: "paper/1"}, {Name: "gone.pdf", Ref: "paper/2"}, {Name: "bad.pdf", Ref: "paper/3"}}
		h.books.pages = []connectors.Page{{Accounts: []connectors.Account{account("C")}, Invoices: []connectors.Invoice{with}, Cursor: "1"}}
		h.books.papers = map[string]connectors.Document{"paper/1": {ContentType: "application/pdf", Content: []byte("%PDF-1.7 one")},
			"paper/3": {Content: []byte(`X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-` + `STANDARD-ANTIVIRUS-TEST-FILE!$H+H*`)}}
		h.pull(connection)
		items, _, err := h.Billing.ListInvoices(t.Context(), h.north.ID, billing.InvoiceFilter{}, false, store.PageRequest{})
		h.must(err)
		papers, err := h.Billing.Documents(t.Context(), items[0].Invoice)
		if err != nil || len(papers) != 3 {
			t.Fatalf("%+v %v", papers, err)
		}
		for i, paper := range papers {
			for range 2 {
				got, err := h.Billing.VendorDocument(t.Context(), h.north.ID, paper.ID)
				switch paper.Name {
				case "A.pdf":
					if err != nil || string(got.Content) != "%PDF-1.7 one" || got.ContentType != "application/pdf" {
						t.Errorf("%d: %+v %v", i, got, err)
					}
					delete(h.books.papers, "paper/1") // the second time it is here
				case "gone.pdf":
					if !fault.Is(err, fault.NotFound) {
						t.Errorf("%v", err)
					}
				case "bad.pdf":
					if !fault.Is(err, fault.Forbidden) {
						t.Errorf("%v", err)
					}
				}
			}
		}
	})
}

func TestBooksGrowStale(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		connection, never := h.connect(h.north, "books"), h.connect(h.south, "books")
		for _, one := range []intake.Connection{connection, never} {
			if found, err := h.Stale(t.Context(), []string{one.ID}); err != nil || !found[one.ID] {
				t.Errorf("before it is live: %v %v", found, err)
			}
			h.must(h.GoLive(t.Context(), access.SystemActor("test"), one.VendorID, one.ID))
		}
		h.pull(connection)
		stale := func() string {
			found, err := h.Stale(t.Context(), []string{connection.ID, never.ID, store.NewID()})
			h.must(err)
			return fmt.Sprintf("%t %t %d", found[connection.ID], found[never.ID], len(found))
		}
		h.pass(intake.StaleDays * 24 * time.Hour)
		if got := stale(); got != "false false 0" {
			t.Errorf("after the limit: %s", got)
		}
		h.pass(time.Minute)
		if got := stale(); got != "true true 2" {
			t.Errorf("a minute later: %s", got)
		}
		h.pull(connection)
		if got := stale(); got != "false true 1" {
			t.Errorf("after a good run: %s", got)
		}
	})
}
