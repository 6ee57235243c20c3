package trouble_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/connectortest"
	"github.com/sheaf-hub/sheaf/vendor-connectors/erpnext"
	"github.com/sheaf-hub/sheaf/vendor-connectors/erpnext/erpnextfake"
	"github.com/sheaf-hub/sheaf/vendor-connectors/invoiceninja"
	"github.com/sheaf-hub/sheaf/vendor-connectors/invoiceninja/invoiceninjafake"
	"github.com/sheaf-hub/sheaf/vendor-connectors/odoo"
	"github.com/sheaf-hub/sheaf/vendor-connectors/odoo/odoofake"
)

// fake is what the fakes that misbehave through this package have alike.
type fake interface {
	connectortest.Books
	Settings() map[string]string
	Client() *http.Client
	AccountID(t *testing.T, id string) string
}

type newConnector func(map[string]string, connectors.Deps) (connectors.Connector, error)

// each runs a test on every kind.
func each(t *testing.T, test func(t *testing.T, books fake, connector connectors.Connector)) {
	t.Helper()
	t.Parallel() // they mostly wait
	for name, kind := range map[string]struct {
		fake func(*testing.T) fake
		make newConnector
	}{
		"invoiceninja": {func(t *testing.T) fake { return invoiceninjafake.New(t) }, invoiceninja.New},
		"odoo":         {func(t *testing.T) fake { return odoofake.New(t) }, odoo.New},
		"erpnext":      {func(t *testing.T) fake { return erpnextfake.New(t) }, erpnext.New},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			books := kind.fake(t)
			client := books.Client()
			client.Timeout = time.Minute // none of these troubles is silence
			connector, err := kind.make(books.Settings(), connectors.Deps{HTTP: client, Now: time.Now})
			if err != nil {
				t.Fatal(err)
			}
			test(t, books, connector)
		})
	}
}

// hub is what a hub knows of the books.
type hub struct {
	connector connectors.Connector
	cursor    string
	invoices  map[string]connectors.Invoice
	credits   map[string]connectors.Credit
	news      int // records of the last pull
}

func newHub(connector connectors.Connector) *hub {
	return &hub{connector: connector, invoices: map[string]connectors.Invoice{}, credits: map[string]connectors.Credit{}}
}

func (h *hub) pull(t *testing.T, between func()) error {
	h.news = 0
	return h.connector.Pull(t.Context(), h.cursor, func(page connectors.Page) error {
		for _, one := range page.Invoices {
			h.invoices[one.ExternalID] = one
		}
		for _, one := range page.Credits {
			h.credits[one.ExternalID] = one
		}
		for _, id := range page.Gone {
			delete(h.invoices, id)
		}
		h.news += len(page.Invoices) + len(page.Credits) + len(page.Accounts) + len(page.Gone) + len(page.Rejected)
		h.cursor = page.Cursor
		if between != nil {
			between()
		}
		return nil
	})
}

func (h *hub) must(t *testing.T) {
	t.Helper()
	if err := h.pull(t, nil); err != nil {
		t.Fatal(err)
	}
}

func TestChangesComeOnceAndAll(t *testing.T) {
	each(t, func(t *testing.T, books fake, connector connectors.Connector) {
		h := newHub(connector)
		var ids []string
		for range 5 {
			ids = append(ids, books.Invoice(t, "Acme", "USD", "100"))
		}
		h.must(t)
		due := h.invoices[ids[0]].DueOn
		books.Change(t, ids[0])
		books.Pay(t, ids[1], "40")
		books.Pay(t, ids[2], "100")
		books.Void(t, ids[3])
		added, credit := books.Invoice(t, "New", "EUR", "7"), books.Credit(t, "Acme", "USD", "9")
		h.must(t)
		if h.invoices[ids[0]].DueOn != due.AddDays(1) || h.invoices[ids[1]].Open.Decimal() != "60.00" || h.invoices[ids[2]].Status != connectors.StatusPaid ||
			h.invoices[ids[3]].Status != connectors.StatusVoid || h.invoices[added].Open.Decimal() != "7.00" || h.credits[credit].Open.Decimal() != "9.00" {
			t.Errorf("%+v %+v", h.invoices, h.credits)
		}
		if h.must(t); h.news != 0 {
			t.Errorf("quiet books bring %d records", h.news)
		}
		books.Delete(t, ids[4])
		if h.must(t); connector.Describe().Deletions {
			if _, there := h.invoices[ids[4]]; there {
				t.Error("the deletion is not told")
			}
		}
	})
}

func TestEditsBetweenPagesAndClocksThatAreSet(t *testing.T) {
	each(t, func(t *testing.T, books fake, connector connectors.Connector) {
		h := newHub(connector)
		var ids []string
		for i := range 210 {
			ids = append(ids, books.Invoice(t, fmt.Sprint("Customer ", i%4), "USD", "100"))
		}
		n := 0
		edit := func() {
			for range 5 {
				books.Pay(t, ids[(n*37)%len(ids)], "1")
				n++
			}
			ids = append(ids, books.Invoice(t, "Late", "USD", "5"))
		}
		for _, skew := range []time.Duration{0, 3 * time.Hour, -2 * time.Hour, 0} {
			books.Skew(t, skew)
			if err := h.pull(t, edit); err != nil {
				t.Fatal(err)
			}
			edit()
		}
		h.must(t)
		for _, id := range ids {
			if h.invoices[id].ExternalID != id || h.invoices[id].Open.Decimal() != books.Open(t, id) {
				t.Fatalf("%s: %s open here, %s there", id, h.invoices[id].Open.Decimal(), books.Open(t, id))
			}
		}
	})
}

// troubles are those that do not take long; the suite of the contract waits for silence.
func troubles() []connectortest.Trouble {
	return []connectortest.Trouble{connectortest.Throttled, connectortest.LostAnswer, connectortest.LostRequest, connectortest.Broken,
		connectortest.BrokenLate, connectortest.Nonsense, connectortest.Cut}
}

// after lets the call after so many good ones go wrong.
func after(good int, trouble connectortest.Trouble) []connectortest.Trouble {
	return append(slices.Repeat([]connectortest.Trouble{connectortest.Fine}, good), trouble)
}

func TestAPullThatBreaksGoesOn(t *testing.T) {
	each(t, func(t *testing.T, books fake, connector connectors.Connector) {
		for range 101 {
			books.Invoice(t, "Acme", "USD", "100")
		}
		before := books.Calls()
		newHub(connector).must(t)
		calls := books.Calls() - before
		for _, trouble := range troubles() {
			for good := 0; good < calls; good += 3 {
				h := newHub(connector)
				books.Misbehave(t, after(good, trouble)...)
				err := h.pull(t, nil)
				var throttled *connectors.ThrottledError
				switch {
				case trouble == connectortest.Throttled && (!errors.As(err, &throttled) || throttled.RetryAfter != time.Second):
					t.Errorf("%s at call %d: %v", trouble, good, err)
				case trouble != connectortest.Throttled && err != nil && !errors.Is(err, connectors.ErrUnreachable):
					t.Errorf("%s at call %d: %v", trouble, good, err)
				}
				if err != nil {
					h.must(t)
				}
				if len(h.invoices) != 101 {
					t.Errorf("%s at call %d: %d invoices", trouble, good, len(h.invoices))
				}
			}
		}
	})
}

func TestAPaymentIsBookedOnceWhateverBreaks(t *testing.T) {
	each(t, func(t *testing.T, books fake, connector connectors.Connector) {
		recorder := connector.(connectors.PaymentRecorder)
		serial := 0
		payment := func() (connectors.Payment, []string) {
			serial++
			ids := []string{books.Invoice(t, "Acme", "USD", "100"), books.Invoice(t, "Acme", "USD", "50"), books.Credit(t, "Acme", "USD", "30")}
			return connectors.Payment{Reference: fmt.Sprint("SHF-", serial), Account: books.AccountID(t, ids[0]), Date: "2026-11-27", Currency: "USD", Method: "card", Lines: []connectors.PaymentLine{
				{Invoice: ids[0], Credit: ids[2], Amount: "30.00"}, {Invoice: ids[0], Amount: "70.00"}, {Invoice: ids[1], Amount: "20.00"}}}, ids
		}
		one, _ := payment()
		before := books.Calls()
		if _, err := recorder.RecordPayment(t.Context(), one); err != nil {
			t.Fatal(err)
		}
		calls := books.Calls() - before
		unknown := 0
		for _, trouble := range troubles() {
			for good := range calls {
				one, ids := payment()
				books.Misbehave(t, after(good, trouble)...)
				recorded, err := recorder.RecordPayment(t.Context(), one)
				if errors.Is(err, connectors.ErrUnknown) {
					unknown++
				}
				if err != nil {
					if errors.Is(err, connectors.ErrRefused) || errors.Is(err, connectors.ErrCredentials) {
						t.Errorf("%s at call %d: %v", trouble, good, err)
					}
					recorded, err = recorder.RecordPayment(t.Context(), one)
				}
				again, againErr := recorder.RecordPayment(t.Context(), one)
				if err != nil || againErr != nil || recorded.ExternalID == "" || again.ExternalID != recorded.ExternalID {
					t.Errorf("%s at call %d: %+v, %v; again %+v, %v", trouble, good, recorded, err, again, againErr)
				}
				for i, open := range []string{"0.00", "30.00", "0.00"} {
					if got := books.Open(t, ids[i]); got != open {
						t.Errorf("%s at call %d: %s open of record %d, not %s", trouble, good, got, i, open)
					}
				}
				if n, sum := books.Booked(t, ids[1], one.Reference); n != 1 || sum != "20.00" {
					t.Errorf("%s at call %d: booked %d times, %s", trouble, good, n, sum)
				}
			}
		}
		if unknown < 6 {
			t.Errorf("only %d answers said that it may have been booked", unknown)
		}
	})
}

func TestRevokedCredentialsAreForAPerson(t *testing.T) {
	each(t, func(t *testing.T, books fake, connector connectors.Connector) {
		invoice := books.Invoice(t, "Acme", "USD", "100")
		account := books.AccountID(t, invoice)
		if books.Misbehave(t, connectortest.Expired) {
			t.Error("keys that cannot be renewed do not expire")
		}
		books.Misbehave(t, connectortest.Revoked)
		h := newHub(connector)
		if err := h.pull(t, nil); !errors.Is(err, connectors.ErrCredentials) {
			t.Errorf("pull: %v", err)
		}
		_, err := connector.(connectors.PaymentRecorder).RecordPayment(t.Context(), connectors.Payment{Reference: "R", Account: account, Date: "2026-11-27", Currency: "USD", Lines: []connectors.PaymentLine{{Invoice: invoice, Amount: "1"}}})
		if !errors.Is(err, connectors.ErrCredentials) {
			t.Errorf("write: %v", err)
		}
		if err := connector.Check(t.Context()); !errors.Is(err, connectors.ErrCredentials) {
			t.Errorf("check: %v", err)
		}
	})
}
