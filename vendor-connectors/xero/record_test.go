package xero

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sheaf-hub/sheaf/hub/money"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/xero/xerofake"
)

func TestAContactBecomesAnAccount(t *testing.T) {
	w := newWorld(t, xerofake.Config{})
	full := xerofake.Contact{Name: "Acme Ltd", Email: "AP@Acme.example; billing@acme.example", First: "Ann", Last: "Archer", Phone: "555 0100", Currency: "USD",
		TermDays: 30, TermType: "DAYSAFTERBILLDATE", People: []xerofake.Person{{First: "Bob", Last: "Birch", Email: "bob@acme.example", InEmails: true},
			{First: "Cay", Email: "cay@acme.example"}, {First: "Dan", Email: "ap@acme.example", InEmails: true}}}
	bare := xerofake.Contact{Name: "Birch", People: []xerofake.Person{{Email: "eve@birch.example", InEmails: true}}, TermDays: 20, TermType: "OFFOLLOWINGMONTH", Status: "ARCHIVED"}
	forgotten := xerofake.Contact{Name: "Somebody", Email: "who@somebody.example", Status: "GDPRREQUEST"}
	broken := xerofake.Contact{Name: "Cedar", Email: "not an address"}
	ids := map[string]string{}
	for _, one := range []xerofake.Contact{full, bare, forgotten, broken} {
		ids[one.Name] = w.fake.PutContact(one)
	}
	m := newMirror()
	m.pull(t, w.client, func() error { return nil })
	for _, want := range []connectors.Account{
		{ExternalID: ids["Acme Ltd"], Name: "Acme Ltd", Terms: "Net 30", Currency: "USD", Contacts: []connectors.Contact{
			{Email: "AP@acme.example", Name: "Ann Archer", Phone: "555 0100", Role: connectors.RolePayables},
			{Email: "billing@acme.example", Name: "Ann Archer", Phone: "555 0100", Role: connectors.RolePayables},
			{Email: "bob@acme.example", Name: "Bob Birch", Role: connectors.RoleCopy}}},
		{ExternalID: ids["Birch"], Name: "Birch", Terms: "Day 20 of the following month", Contacts: []connectors.Contact{{Email: "eve@birch.example", Role: connectors.RolePayables}}},
		{ExternalID: ids["Somebody"], Name: "Somebody"},
		{ExternalID: ids["Cedar"], Name: "Cedar"},
	} {
		if got := m.accounts[want.ExternalID]; !reflect.DeepEqual(got, want) {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	if len(m.rejected) != 1 || m.rejected[0].ExternalID != ids["Cedar"] || len(m.rejected[0].Problems) != 3 {
		t.Errorf("rejected: %+v", m.rejected)
	}
	if _, understood := money.TermsDays("Net 30"); !understood {
		t.Error("terms of days are not understood")
	}
	for _, terms := range []string{"Day 20 of the following month", "Day 20 of the current month", "30 days after the end of the invoice month"} {
		if days, understood := money.TermsDays(terms); understood {
			t.Errorf("%q is taken for %d days", terms, days)
		}
	}
}

func TestAnInvoiceBecomesOne(t *testing.T) {
	w := newWorld(t, xerofake.Config{})
	account := w.fake.PutContact(xerofake.Contact{Name: "Acme Ltd", Email: "ap@acme.example"})
	id := w.fake.AddInvoice("Acme Ltd", money.New(12345, "USD"))
	for _, err := range []error{w.fake.SetReference(id, "PO-7"), w.fake.Receive(id, money.New(345, "USD"), "PAY-1"), w.fake.Attach(id, "plan.png", "image/png", true, []byte("png"))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	m := newMirror()
	m.pull(t, w.client, func() error { return nil })
	want := connectors.Invoice{ExternalID: id, Number: "INV-0001", Account: account, IssuedOn: "2026-11-27", DueOn: "2026-12-27", Total: money.New(12345, "USD"), Open: money.New(12000, "USD"),
		PurchaseOrder: "PO-7", Status: connectors.StatusOpen, Applied: []string{"PAY-1"}, AccountSeen: &connectors.Account{ExternalID: account, Name: "Acme Ltd"},
		Lines: []connectors.Line{{Description: "Work", Quantity: "1", UnitPrice: "123.45", Amount: "123.45"}},
		Documents: []connectors.Document{{Name: "INV-0001.pdf", ContentType: "application/pdf", Ref: "invoice/" + id + "/pdf"},
			{Name: "Attachments of INV-0001.zip", ContentType: "application/zip", Ref: "invoice/" + id + "/attachments"}}}
	if got := m.invoices[id]; !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}

func TestRecordsThatCannotBe(t *testing.T) {
	const fine = `"InvoiceID":"d4956132-ed94-4dd7-9eaa-aa22dfdf06f2","Type":"ACCREC","Status":"AUTHORISED","InvoiceNumber":"INV-1","CurrencyCode":"EUR","Total":10,"AmountDue":10,"Contact":{"ContactID":"a3675fc4-f8dd-4f03-ba5b-f1870566bcd7"}`
	for text, field := range map[string]string{
		`{` + fine + `}`:                             "fine",
		`{` + fine + `,"AmountDue":11}`:              "/AmountDue",
		`{` + fine + `,"AmountDue":-1}`:              "/AmountDue",
		`{` + fine + `,"AmountDue":1.001}`:           "/AmountDue",
		`{` + fine + `,"AmountDue":1e1}`:             "/AmountDue",
		`{` + fine + `,"Total":99999999999999}`:      "/Total",
		`{` + fine + `,"CurrencyCode":"XXQ"}`:        "/CurrencyCode",
		`{` + fine + `,"DueDateString":"soon"}`:      "/DueDate",
		`{` + fine + `,"Date":"/Date(x)/"}`:          "/Date",
		`{` + fine + `,"Contact":{"ContactID":"x"}}`: "/Contact",
		`{` + fine + `,"LineItems":7}`:               "",
		`{` + fine + `,"Status":"DRAFT"}`:            "none",
		`{` + fine + `,"Type":"ACCPAY"}`:             "none",
	} {
		var page connectors.Page
		reader{&page}.invoice(json.RawMessage(text))
		switch {
		case field == "fine" && len(page.Invoices) == 1, field == "none" && len(page.Invoices)+len(page.Rejected) == 0:
		case len(page.Rejected) == 1 && page.Rejected[0].ExternalID == "d4956132-ed94-4dd7-9eaa-aa22dfdf06f2" && page.Rejected[0].Problems[0].Field == field && page.Rejected[0].Problems[0].Message != "":
		default:
			t.Errorf("%s: %+v", text, page)
		}
	}
}

// TestOneBrokenRecordDoesNotStopThePull has a record of another shape in the middle.
func TestOneBrokenRecordDoesNotStopThePull(t *testing.T) {
	one := lists()[1]
	records := []json.RawMessage{
		json.RawMessage(`{"InvoiceID":"d4956132-ed94-4dd7-9eaa-aa22dfdf06f2","Type":"ACCREC","Status":"AUTHORISED","CurrencyCode":"EUR","Total":10,"AmountDue":10,"UpdatedDateUTC":"/Date(1541176290160+0000)/","Contact":{"ContactID":"a3675fc4-f8dd-4f03-ba5b-f1870566bcd7"}}`),
		json.RawMessage(`"what"`), json.RawMessage(`{"InvoiceID":7}`)}
	got, err := cutPage(one, request{order: ascending, page: 1, size: 10}, records, pagination{})
	if err != nil || !got.last || len(got.keys) != 3 || got.keys[1] == got.keys[2] || got.keys[2].At != got.keys[0].At {
		t.Fatalf("%+v, %v", got, err)
	}
	at := &cursor{Lists: make([]progress, len(lists())), List: 1}
	page := (&Client{}).gather(one, at, got)
	if len(page.Invoices) != 1 || len(page.Rejected) != 2 {
		t.Errorf("%+v", page)
	}
	if page := (&Client{}).gather(one, at, got); len(page.Invoices)+len(page.Rejected) != 0 {
		t.Errorf("a second time: %+v", page)
	}
	slices.Reverse(records)
	if _, err := cutPage(one, request{order: ascending, page: 1, size: 10, floor: 1541176300000}, records, pagination{}); err == nil {
		t.Error("a list in another order is taken")
	}
}

// TestXerosOwnExamples reads every example of an answer with contacts, invoices or
// credits that Xero's description has.
func TestXerosOwnExamples(t *testing.T) {
	found, err := describe()
	if err != nil {
		t.Fatal(err)
	}
	if found == nil {
		t.Skip("Xero's OpenAPI description is not in ", samples(), ": set SHEAF_SAMPLES to the folder of the samples")
	}
	counts := map[string]int{}
	for path, item := range found.document.Paths.Map() {
		for method, operation := range item.Operations() {
			answer := operation.Responses.Status(200)
			if answer == nil || answer.Value == nil || answer.Value.Content["application/json"] == nil {
				continue
			}
			examples := []any{answer.Value.Content["application/json"].Example}
			for _, example := range answer.Value.Content["application/json"].Examples {
				examples = append(examples, example.Value.Value)
			}
			for _, example := range examples {
				text, err := json.Marshal(example)
				var got envelope
				if err != nil || json.Unmarshal(text, &got) != nil {
					continue
				}
				for _, one := range lists() {
					for _, raw := range one.pick(got) {
						replay(t, method+" "+path, one, raw, counts)
					}
				}
			}
		}
	}
	t.Logf("%v", counts)
	for _, kind := range []string{"accounts", "invoices", "credits"} {
		if counts[kind] < 3 {
			t.Errorf("only %d %s were read of the examples", counts[kind], kind)
		}
	}
}

// replay reads one example: it gives a sound record, a rejection that says why, or
// nothing when it is a supplier's or a draft.
func replay(t *testing.T, place string, one list, raw json.RawMessage, counts map[string]int) {
	t.Helper()
	var page connectors.Page
	one.add(reader{&page}, raw)
	var wire struct{ Type, Status string }
	_ = json.Unmarshal(raw, &wire)
	counts["accounts"] += len(page.Accounts)
	counts["invoices"] += len(page.Invoices)
	counts["credits"] += len(page.Credits)
	counts["rejected"] += len(page.Rejected)
	for _, account := range page.Accounts {
		if account.Name == "" || !isID(account.ExternalID) {
			t.Errorf("%s: %+v", place, account)
		}
	}
	for _, invoice := range page.Invoices {
		if invoice.Account == "" || invoice.Number == "" || invoice.IssuedOn == "" || invoice.Open.Minor > invoice.Total.Minor || !invoice.Total.Currency.Valid() {
			t.Errorf("%s: %+v", place, invoice)
		}
	}
	for _, credit := range page.Credits {
		if credit.Account == "" || credit.Number == "" || !credit.Total.Positive() || credit.Open.Minor > credit.Total.Minor {
			t.Errorf("%s: %+v", place, credit)
		}
	}
	for _, rejected := range page.Rejected {
		t.Logf("%s: %+v", place, rejected)
		if len(rejected.Problems) == 0 || rejected.Problems[0].Message == "" {
			t.Errorf("%s: rejected without a word: %+v", place, rejected)
		}
	}
	if len(page.Accounts)+len(page.Invoices)+len(page.Credits)+len(page.Gone)+len(page.Rejected) == 0 {
		counts["passed over"]++
		if supplier := strings.HasPrefix(wire.Type, "ACCPAY") || strings.HasPrefix(wire.Type, "SPEND"); !supplier && wire.Status != "DRAFT" && wire.Status != "SUBMITTED" {
			t.Errorf("%s: a %q that is %q gives nothing", place, wire.Type, wire.Status)
		}
	}
}

func TestDates(t *testing.T) {
	for text, want := range map[string]string{"/Date(1518685950940+0000)/": "2018-02-15 09:12:30.94", "/Date(1518685950940)/": "2018-02-15 09:12:30.94",
		"/Date(1518685950940+1300)/": "2018-02-15 09:12:30.94", "/Date(-1000)/": "1969-12-31 23:59:59"} {
		if at, ok := parseInstant(text); !ok || at.Format("2006-01-02 15:04:05.999") != want {
			t.Errorf("%q is %v, want %s", text, at, want)
		}
	}
	for _, text := range []string{"", "2018-02-15", "/Date()/", "/Date(1+1)/", "/Date(x)/", "/Date(99999999999999999)/", "/Date(1518685950940+0000", "/Date(1518685950940+00:00)/"} {
		if at, ok := parseInstant(text); ok {
			t.Errorf("%q is taken for %v", text, at)
		}
	}
	for _, one := range []struct{ text, instant, want string }{{"2018-10-20T00:00:00", "", "2018-10-20"}, {"", "/Date(1539993600000+0000)/", "2018-10-20"},
		{"2018-10-20 00:00:00", "/Date(1)/", "2018-10-20"}, {"", "2018-10-20", "2018-10-20"}, {"", "", ""}} {
		if got, ok := parseDate(one.text, one.instant); !ok || string(got) != one.want {
			t.Errorf("%+v: %s %t", one, got, ok)
		}
	}
}

func FuzzRecords(f *testing.F) {
	f.Add(`{"Type":"ACCREC","Status":"PAID","Total":1.0,"AmountDue":0.0,"DueDate":"/Date(1539993600000+0000)/"}`)
	f.Add(`{"ContactID":"a3675fc4-f8dd-4f03-ba5b-f1870566bcd7","Name":"A","EmailAddress":"a@b.example"}`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, one := range lists() {
			var page connectors.Page
			one.add(reader{&page}, json.RawMessage(text))
			for _, invoice := range page.Invoices {
				if invoice.Open.Minor < 0 || invoice.Open.Minor > invoice.Total.Minor || !isID(invoice.ExternalID) || !isID(invoice.Account) {
					t.Errorf("%+v", invoice)
				}
			}
		}
		if at, err := parseCursor(text); err == nil && (at.List < 0 || at.List >= len(at.Lists)) {
			t.Errorf("%+v", at)
		}
	})
}
