package quickbooks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/quickbooks/quickbooksfake"
)

// hub is what a hub gathers over several pulls.
type hub struct {
	cursor   string
	accounts map[string]connectors.Account
	invoices map[string]connectors.Invoice
	credits  map[string]connectors.Credit
	gone     []string
	came     []string // what the last pull brought
}

func newHub() *hub {
	return &hub{accounts: map[string]connectors.Account{}, invoices: map[string]connectors.Invoice{}, credits: map[string]connectors.Credit{}}
}

func (h *hub) put(page connectors.Page) {
	for _, one := range page.Accounts {
		h.accounts[one.ExternalID] = one
		h.came = append(h.came, one.ExternalID)
	}
	for _, one := range page.Invoices {
		h.invoices[one.ExternalID] = one
		h.came = append(h.came, one.ExternalID)
	}
	for _, one := range page.Credits {
		h.credits[one.ExternalID] = one
		h.came = append(h.came, one.ExternalID)
	}
	h.gone = append(h.gone, page.Gone...)
	h.came = append(h.came, page.Gone...)
	h.cursor = page.Cursor
}

func (h *hub) pull(t *testing.T, c *Client, each func(connectors.Page) error) error {
	t.Helper()
	h.came = nil
	return c.Pull(t.Context(), h.cursor, func(page connectors.Page) error {
		h.put(page)
		if each == nil {
			return nil
		}
		return each(page)
	})
}

func (h *hub) refresh(t *testing.T, w *world) {
	t.Helper()
	must(t, h.pull(t, w.client, nil))
}

// TestManyInOneSecond edits books whose invoices all have the same time, while they are
// read: what leaves the list moves all behind it up. It is tried in a first pull, and
// in one of changes, each so much later that nothing is read twice.
func TestManyInOneSecond(t *testing.T) {
	for _, later := range []bool{false, true} {
		w, h := newWorld(t, quickbooksfake.Config{}), newHub()
		if later {
			w.invoice(t, "Acme", "EUR", "1")
			h.refresh(t, w)
			w.clock.pass(time.Hour)
		}
		var ids []string
		for range 30 {
			ids = append(ids, w.invoice(t, "Acme", "EUR", "100"))
		}
		w.clock.pass(time.Hour)
		pages, done, total := 0, int64(0), int64(0)
		must(t, h.pull(t, w.client, func(page connectors.Page) error {
			done, total = page.Done, page.Total
			if pages++; pages >= 2 && pages <= 5 && len(page.Invoices) > 0 {
				w.clock.pass(time.Second)
				_, err := w.fake.Receive(ids[pages], amount(t, "EUR", "100"), "")
				must(t, err)
				must(t, w.fake.Redate(page.Invoices[len(page.Invoices)-1].ExternalID, "2027-01-01"))
			}
			return nil
		}))
		if !later && (total != 31 || done != total) {
			t.Errorf("%d of %d records are done", done, total)
		}
		for _, id := range ids {
			if left, got := w.open(t, id), h.invoices[id]; got.Open != left {
				t.Errorf("changes: %t: invoice %s has %s open, the hub has %s", later, id, left, got.Open)
			}
		}
		h.refresh(t, w)
		h.refresh(t, w)
		if len(h.came) > 0 {
			t.Errorf("nothing changed, and %v came", h.came)
		}
	}
}

// TestABrokenPull goes on where it broke, and what showed late meanwhile is not lost.
func TestABrokenPull(t *testing.T) {
	w, h := newWorld(t, quickbooksfake.Config{}), newHub()
	w.invoice(t, "Acme", "EUR", "1")
	h.refresh(t, w)
	w.clock.pass(time.Hour)
	for range 20 {
		w.invoice(t, "Acme", "EUR", "100")
		w.clock.pass(10 * time.Minute)
	}
	broken := errors.New("the hub dies here")
	if err := h.pull(t, w.client, func(connectors.Page) error {
		if len(h.invoices) > 12 {
			return broken
		}
		return nil
	}); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	before := len(h.invoices)
	late := w.invoice(t, "Acme", "EUR", "70")
	must(t, w.fake.Backdate(late, 95*time.Minute)) // a little before the place where the pull broke
	h.refresh(t, w)
	if _, there := h.invoices[late]; !there || len(h.invoices) != 22 {
		t.Errorf("%d invoices came; the late one: %t", len(h.invoices), there)
	}
	if again := len(h.came) - (len(h.invoices) - before); again > testPage {
		t.Errorf("%d came again that came before", again)
	}
}

// TestLateChanges: some changes show only after the list was read past their time.
func TestLateChanges(t *testing.T) {
	w := filled(t, time.Minute, quickbooksfake.Config{})
	h := newHub()
	h.refresh(t, w)
	late := w.invoice(t, "Late Ltd", "EUR", "70")
	must(t, w.fake.Backdate(late, 10*time.Minute))
	h.refresh(t, w)
	if _, there := h.invoices[late]; !there {
		t.Error("an invoice that showed late was lost")
	}
	w.clock.pass(48 * time.Hour)
	h.refresh(t, w)
	late = w.invoice(t, "Late Ltd", "EUR", "70")
	must(t, w.fake.Backdate(late, 10*time.Minute))
	h.refresh(t, w)
	if _, there := h.invoices[late]; !there {
		t.Error("an invoice that showed late after a quiet time was lost")
	}
}

func TestOpenInvoicesComeFirstAndPaidOnesLater(t *testing.T) {
	w := newWorld(t, quickbooksfake.Config{})
	old := w.invoice(t, "Acme", "EUR", "100")
	_, err := w.fake.Receive(old, amount(t, "EUR", "100"), "")
	must(t, err)
	w.clock.pass(time.Hour)
	id := w.invoice(t, "Acme", "EUR", "100")
	h := newHub()
	h.refresh(t, w)
	if _, there := h.invoices[old]; there || h.invoices[id].Status != connectors.StatusOpen || h.invoices[id].Terms != "Net 30" {
		t.Errorf("%+v", h.invoices)
	}
	must(t, w.fake.Address(id, "ap@acme.example, second@acme.example", "boss@acme.example", "PO-7"))
	payment, err := w.fake.Receive(id, amount(t, "EUR", "40"), "CHK 17")
	must(t, err)
	h.refresh(t, w)
	got := h.invoices[id]
	if got.Open.Minor != 6000 || !slices.Equal(got.Applied, []string{"CHK 17"}) || got.PurchaseOrder != "PO-7" || len(got.AccountSeen.Contacts) != 3 || got.AccountSeen.Contacts[2].Role != connectors.RoleCopy {
		t.Errorf("%+v %+v", got, got.AccountSeen)
	}
	must(t, w.fake.DeletePayment(payment))
	h.refresh(t, w)
	if got := h.invoices[id]; got.Open.Minor != 10000 || len(got.Applied) > 0 {
		t.Errorf("the payment was deleted: %+v", got)
	}
	must(t, w.fake.Void(id))
	h.refresh(t, w)
	if got := h.invoices[id]; got.Status != connectors.StatusVoid {
		t.Errorf("voided: %+v", got)
	}
}

func TestDeletionsAndVoidedCredits(t *testing.T) {
	w := newWorld(t, quickbooksfake.Config{})
	invoice, kept := w.invoice(t, "Acme", "EUR", "100"), w.invoice(t, "Acme", "EUR", "100")
	deleted, voided := w.credit(t, "Acme", "EUR", "10"), w.credit(t, "Acme", "EUR", "20")
	h := newHub()
	h.refresh(t, w)
	if len(h.credits) != 2 || len(h.invoices) != 2 {
		t.Fatalf("%+v", h)
	}
	w.clock.pass(20 * 24 * time.Hour)
	must(t, w.fake.Delete(invoice))
	must(t, w.fake.Delete(strings.TrimPrefix(deleted, creditPrefix)))
	must(t, w.fake.Void(strings.TrimPrefix(voided, creditPrefix)))
	h.refresh(t, w)
	slices.Sort(h.gone)
	want := []string{invoice, deleted, voided}
	slices.Sort(want)
	if !slices.Equal(h.gone, want) {
		t.Errorf("gone %v, want %v (and not %s)", h.gone, want, kept)
	}
	h.refresh(t, w)
	if len(h.came) > 0 {
		t.Errorf("nothing changed, and %v came", h.came)
	}
}

// TestThirtyDays: change data capture does not know what was deleted before.
func TestThirtyDays(t *testing.T) {
	w := filled(t, time.Second, quickbooksfake.Config{})
	h := newHub()
	h.refresh(t, w)
	for range 40 { // a cursor that is used does not grow old, though nothing changes
		w.clock.pass(24 * time.Hour)
		h.refresh(t, w)
	}
	if len(h.came) > 0 {
		t.Errorf("nothing changed, and %v came", h.came)
	}
	w.clock.pass(29 * 24 * time.Hour)
	h.refresh(t, w)
	w.clock.pass(30 * 24 * time.Hour)
	if err := h.pull(t, w.client, nil); !errors.Is(err, connectors.ErrCursor) || !strings.Contains(err.Error(), "thirty days") {
		t.Errorf("after thirty days: %v", err)
	}
	for _, cursor := range []string{"nonsense", `{"v":1}`, `{"v":2,"lists":[]}`, strings.Repeat("x", mostCursor+1), strings.Replace(h.cursor, `"mark":`, `"mark":-`, 1)} {
		if err := w.client.Pull(t.Context(), cursor, nil); !errors.Is(err, connectors.ErrCursor) {
			t.Errorf("cursor %.30q: %v", cursor, err)
		}
	}
}

// TestTooManyChanges: a full answer of change data capture leaves deletions out.
func TestTooManyChanges(t *testing.T) {
	w := newWorld(t, quickbooksfake.Config{})
	h := newHub()
	w.client.pageSize = pageSize
	victim := w.invoice(t, "Acme", "EUR", "5")
	h.refresh(t, w)
	w.clock.pass(time.Hour)
	for range cdcMost/2 + 10 {
		w.invoice(t, "Acme", "EUR", "5")
		w.credit(t, "Acme", "EUR", "5")
	}
	must(t, w.fake.Delete(victim))
	h.refresh(t, w)
	if !slices.Contains(h.gone, victim) {
		t.Error("the deletion was lost among the changes of two entities")
	}
	w.clock.pass(time.Hour)
	for range cdcMost {
		w.invoice(t, "Birch", "EUR", "5")
	}
	if err := h.pull(t, w.client, nil); !errors.Is(err, connectors.ErrCursor) || !strings.Contains(err.Error(), "too many") {
		t.Errorf("a thousand changes: %v", err)
	}
	w.clock.pass(10 * time.Minute)
	h = newHub() // what a hub does then
	h.refresh(t, w)
	h.refresh(t, w)
	if len(h.invoices) != 1510 {
		t.Errorf("%d invoices", len(h.invoices))
	}
}

func TestCustomersAndFaults(t *testing.T) {
	w := newWorld(t, quickbooksfake.Config{Home: "USD", NoFiles: true})
	id := w.fake.PutCustomer(quickbooksfake.Customer{Name: "Acme", Given: "Ann", Family: "Ash", Phone: "(555) 1", Email: "AP@Acme.example, second@acme.example; ap@acme.example,broken", Terms: "Early bird", Inactive: true})
	w.invoice(t, "Acme", "USD", "12")
	h := newHub()
	var rejected []connectors.Rejected
	must(t, h.pull(t, w.client, func(page connectors.Page) error {
		rejected = append(rejected, page.Rejected...)
		return nil
	}))
	got := h.accounts[id]
	if len(got.Contacts) != 2 || got.Contacts[0] != (connectors.Contact{Email: "AP@acme.example", Name: "Ann Ash", Phone: "(555) 1", Role: connectors.RolePayables}) ||
		got.Terms != "2% 10 days, net 30" || got.Currency != "USD" || len(h.invoices) != 1 {
		t.Errorf("%+v", got)
	}
	if len(rejected) != 1 || rejected[0].Problems[0].Field != "/PrimaryEmailAddr/Address" || !strings.Contains(rejected[0].Problems[0].Message, "broken") {
		t.Errorf("%+v", rejected)
	}
	w.fake.FailWithin(1)
	if err := w.client.Check(t.Context()); !errors.Is(err, connectors.ErrUnreachable) || !strings.Contains(err.Error(), "10000") {
		t.Errorf("200 with a fault: %v", err)
	}
}

// TestLimits: the connector waits by itself, and QuickBooks' own words are understood.
func TestLimits(t *testing.T) {
	w := newWorld(t, quickbooksfake.Config{Limits: quickbooksfake.Limits{Minute: 3, AtOnce: -1}})
	var told *connectors.ThrottledError
	if err := newHub().pull(t, w.client, nil); !errors.As(err, &told) || told.RetryAfter != waitMinute {
		t.Errorf("after three calls: %v", err)
	}
	server := &Server{App: w.app, API: w.api}
	settings := map[string]string{settingCompany: w.fake.Company()}
	first, err := server.connect(settings, w.deps)
	must(t, err)
	second, err := server.connect(settings, w.deps)
	must(t, err)
	if first.limits != second.limits || cap(first.limits.slots) != 10 || float64(first.limits.rate.Burst())+60*float64(first.limits.rate.Limit()) > 500 {
		t.Error("two connectors to one company do not share its limits")
	}
	for range mostAtOnce {
		first.limits.slots <- struct{}{}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := second.Check(ctx); !errors.Is(err, connectors.ErrUnreachable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the eleventh at once: %v", err)
	}
}

func TestStatementsAreThoseOfQuickBooks(t *testing.T) {
	w := filled(t, 0, quickbooksfake.Config{})
	h := newHub()
	h.refresh(t, w)
	h.refresh(t, w)
	want := fmt.Sprintf("select * from Invoice where MetaData.LastUpdatedTime >= '2026-11-27T08:45:00+00:00' orderby MetaData.LastUpdatedTime, Id startposition 1 maxresults %d", testPage)
	got := statement{entity: txnInvoice, where: []string{changedSince(time.Date(2026, 11, 27, 8, 45, 0, 0, time.UTC).Unix())}, order: "MetaData.LastUpdatedTime, Id", most: testPage}.String()
	if got != want {
		t.Errorf("%s", got)
	}
	for _, one := range w.exchanges() {
		if one.Status != 200 || !strings.Contains(one.Query, "minorversion=75") {
			t.Errorf("%s %s?%s: %d %s", one.Method, one.Path, one.Query, one.Status, one.Answer)
		}
	}
}
