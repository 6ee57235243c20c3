package quickbooksfake

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
)

// company is a fake with a clock, and somebody who is signed in.
type company struct {
	*Fake
	mu     sync.Mutex
	at     time.Time
	access string
}

func newCompany(t *testing.T, cfg Config) *company {
	t.Helper()
	c := &company{at: time.Date(2026, 7, 1, 9, 0, 0, 0, time.UTC)}
	cfg.Now = func() time.Time {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.at
	}
	c.Fake = New(cfg)
	c.access, _, _ = c.SignIn()
	return c
}

func (c *company) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func (c *company) call(method, path string, query url.Values, body string) (int, string) {
	if query == nil {
		query = url.Values{}
	}
	query.Set("minorversion", "75")
	r := httptest.NewRequest(method, "/v3/company/"+c.Company()+path+"?"+query.Encode(), strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+c.access)
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func (c *company) query(text string) (int, string) {
	return c.call(http.MethodGet, "/query", url.Values{"query": {text}}, "")
}

func (c *company) invoice(t *testing.T, customer string) string {
	t.Helper()
	id, err := c.AddInvoice(customer, money.New(10000, "EUR"))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestStatementsThatAreNotSentAreRefused(t *testing.T) {
	c := newCompany(t, Config{})
	c.invoice(t, "Acme")
	if _, err := c.AddCredit("Acme", money.New(100, "EUR")); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "select * from Invoice where Id = '1' or Id = '2'", "select * from Vendor", "select Id from Invoice", "select * from Invoice maxresults 1001", "select * from Invoice startposition 0",
		"select * from Invoice where Colour = 'red'", "select * from Invoice where Id in (1)", "select * from Invoice where Id like '%1%'", "select * from Invoice orderby Colour", "delete from Invoice", "select * from CreditMemo where Balance > '0'",
		"select * from Invoice where MetaData.LastUpdatedTime >= 'yesterday'", "select * from Invoice where Id = 'it's'"} {
		if status, body := c.query(text); status != http.StatusBadRequest || !strings.Contains(body, `"code":"400`) {
			t.Errorf("%q: %d %s", text, status, body)
		}
	}
	for text, want := range map[string]string{
		"select count(*) from Invoice where Balance > '0'":      `"totalCount":1`,
		"select * from Invoice startposition 2 maxresults 1000": `"QueryResponse":{}`,
		"select * from Customer where Active in (true, false)":  `"DisplayName":"Acme"`,
		"select * from Account":                                 `"maxResults":6`, // and not the one that is out of use
	} {
		if status, body := c.query(text); status != http.StatusOK || !strings.Contains(body, want) || !strings.Contains(body, `"time":"2026-07-01T02:00:00.000-07:00"`) {
			t.Errorf("%q: %d %s", text, status, body)
		}
	}
}

func TestRequestIDsAreAnsweredAsBefore(t *testing.T) {
	c := newCompany(t, Config{})
	id := c.invoice(t, "Acme")
	body := fmt.Sprintf(`{"CustomerRef":{"value":%q},"CurrencyRef":{"value":"EUR"},"TotalAmt":40,"TxnDate":"2026-07-01","Line":[{"Amount":40,"LinkedTxn":[{"TxnId":%q,"TxnType":"Invoice"}]}]}`, c.acme(), id)
	_, first := c.call(http.MethodPost, "/payment", url.Values{"requestid": {"r1"}}, body)
	_, again := c.call(http.MethodPost, "/payment", url.Values{"requestid": {"r1"}}, body)
	if left, _ := c.Open(id); first != again || left.Minor != 6000 {
		t.Errorf("%s, then %s; %s is open", first, again, left)
	}
	if status, other := c.call(http.MethodPost, "/payment", url.Values{"requestid": {"r2"}}, body); status != http.StatusOK || other == first {
		t.Errorf("%d %s", status, other)
	}
	for wrong, part := range map[string]string{
		"2010": `"Colour":"red",`, "2050": `"PaymentRefNum":"1234567890123456789012",`, "6000": `"DepositToAccountRef":{"value":"5"},`,
	} {
		if status, answer := c.call(http.MethodPost, "/payment", nil, strings.Replace(body, "{", "{"+part, 1)); status != http.StatusBadRequest || !strings.Contains(answer, wrong) {
			t.Errorf("%s: %d %s", part, status, answer)
		}
	}
	for _, change := range [][2]string{{"40,", "4000,"}, {`"EUR"`, `"USD"`}, {"Invoice", "Bill"}, {`:40}`, `:-1}`}, {`"Amount":40`, `"Amount":900`}, {"2026-07-01", "July"}} {
		if status, answer := c.call(http.MethodPost, "/payment", nil, strings.Replace(body, change[0], change[1], 1)); status != http.StatusBadRequest && change[0] != "40," && change[0] != `:40}` {
			t.Errorf("%v: %d %s", change, status, answer)
		}
	}
}

// acme is the id of the customer.
func (c *company) acme() string { return c.PutCustomer(Customer{Name: "Acme"}) }

func TestChangeDataCapture(t *testing.T) {
	c := newCompany(t, Config{CaptureMost: 3})
	gone := c.invoice(t, "Acme")
	c.invoice(t, "Acme")
	if err := c.Delete(gone); err != nil {
		t.Fatal(err)
	}
	since := url.Values{"entities": {"Invoice,CreditMemo"}, "changedSince": {"2026-07-01T02:00:00-07:00"}}
	_, body := c.call(http.MethodGet, "/cdc", since, "")
	if at := strings.Index(body, `"Deleted"`); at < strings.Index(body, `"Balance"`) || !strings.Contains(body, `"maxResults":2`) {
		t.Errorf("%s", body)
	}
	c.invoice(t, "Acme")
	c.invoice(t, "Acme")
	if _, body = c.call(http.MethodGet, "/cdc", since, ""); strings.Contains(body, "Deleted") || !strings.Contains(body, `"maxResults":3`) {
		t.Errorf("what is too much should push the deleted out: %s", body)
	}
	c.pass(31 * 24 * time.Hour)
	c.access, _, _ = c.SignIn()
	if status, body := c.call(http.MethodGet, "/cdc", since, ""); status != http.StatusBadRequest || !strings.Contains(body, "30 days") {
		t.Errorf("%d %s", status, body)
	}
}

func TestTokensAndLimits(t *testing.T) {
	c := newCompany(t, Config{Limits: Limits{Minute: 2}})
	for i, want := range []int{200, 200, 429} {
		if status, body := c.call(http.MethodGet, "/preferences", nil, ""); status != want || want == 429 && !strings.Contains(body, "errorCode=003001") {
			t.Errorf("call %d: %d %s", i, status, body)
		}
	}
	c.pass(time.Minute)
	if status, _ := c.call(http.MethodGet, "/preferences", nil, ""); status != http.StatusOK {
		t.Errorf("a minute later: %d", status)
	}
	c.pass(time.Hour)
	if status, body := c.call(http.MethodGet, "/preferences", nil, ""); status != http.StatusUnauthorized || !strings.Contains(body, `"code":"3200"`) {
		t.Errorf("an hour later: %d %s", status, body)
	}
}
