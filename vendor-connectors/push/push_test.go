package push

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sheaf-hub/sheaf/hub/money"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

func TestParseAccounts(t *testing.T) {
	batch, err := ParseAccounts([]byte(`{"accounts":[{"external_id":"C-104","name":"Acme Ltd","terms":"Net 30","credit_limit":"50000.00","currency":"USD",
		"contacts":[{"email":"AP@Acme.example","name":"Ann","role":"approver"},{"email":"x@acme.example","phone":null}]}]}`))
	if err != nil || len(batch.Records) != 1 || len(batch.Rejected) != 0 {
		t.Fatalf("%+v %v", batch, err)
	}
	got := batch.Records[0].Value
	if got.ExternalID != "C-104" || got.Name != "Acme Ltd" || got.Terms != "Net 30" || *got.CreditLimit != money.New(5000000, "USD") || len(got.Contacts) != 2 ||
		got.Contacts[0] != (connectors.Contact{Email: "AP@acme.example", Name: "Ann", Role: "approver"}) || got.Contacts[1].Role != "payables" {
		t.Errorf("%+v", got)
	}
}

func TestParseInvoices(t *testing.T) {
	batch, err := ParseInvoices([]byte(`{"invoices":[{"external_id":"INV-1","number":"1001","account":"C-104","issued_on":"2026-11-01","due_on":"2026-12-01",
		"currency":"usd","total":"125.00","open":"25.5","purchase_order":"PO-7","status":"open","terms":"Net 30","note":"Two\nlines","applied":["SH-1"],
		"lines":[{"description":"Paper","quantity":"5","unit_price":"25.00","amount":"125.00"}],
		"documents":[{"name":"INV-1.pdf","content_type":"application/pdf","content_base64":"JVBERg=="}]},
		{"external_id":"2","account":"C","currency":"JPY","total":"5"},{"external_id":"3","account":"C","currency":"EUR","total":"5","status":"paid"},
		{"external_id":"4","account":"C","currency":"EUR","total":"5","open":"0"},{"external_id":"5","account":"C","currency":"EUR","total":"5","status":"void","open":"0"}]}`))
	if err != nil || len(batch.Records) != 5 || len(batch.Rejected) != 0 {
		t.Fatalf("%+v %v", batch, err)
	}
	first := batch.Records[0].Value
	if first.Total != money.New(12500, "USD") || first.Open != money.New(2550, "USD") || first.Number != "1001" || first.DueOn != "2026-12-01" ||
		first.PurchaseOrder != "PO-7" || first.Note != "Two\nlines" || len(first.Lines) != 1 || string(first.Documents[0].Content) != "%PDF" || first.Applied[0] != "SH-1" {
		t.Errorf("%+v", first)
	}
	var states []string
	for _, record := range batch.Records[1:] {
		states = append(states, fmt.Sprintf("%d %s %s %s", record.Index, record.Value.Number, record.Value.Open.Decimal(), record.Value.Status))
	}
	if got := strings.Join(states, ", "); got != "1 2 5 open, 2 3 0.00 paid, 3 4 0.00 paid, 4 5 0.00 void" {
		t.Error(got)
	}
}

func TestEachRecordIsJudgedByItself(t *testing.T) {
	base := `"external_id":"%d","account":"C","currency":"EUR"`
	for i, test := range []struct{ fields, field, message string }{
		{`"total":125.00`, "/total", "as strings"},
		{`"total":"1.234"`, "/total", "more digits than EUR has (2)"},
		{`"total":"1e3"`, "/total", "not an amount"},
		{`"total":"0"`, "/total", "more than zero"},
		{`"total":"-5"`, "/total", "as a credit"},
		{`"open":"5"`, "/total", "is missing"},
		{`"total":"5","open":"6"`, "/open", "more than the total"},
		{`"total":"5","open":"-1"`, "/open", "negative"},
		{`"total":"5","open":"5","status":"paid"`, "/open", "yet the status is paid"},
		{`"total":"5","status":"late"`, "/status", "open, paid or void"},
		{`"total":"5","issued_on":"2026-12-01","due_on":"2026-11-01"`, "/due_on", "before the issue date"},
		{`"total":"5","due_on":"01.12.2026"`, "/due_on", "2026-11-30"},
		{`"total":"5","dueon":"2026-12-01"`, "/dueon", "not known"},
		{`"total":"5","a/b~c":1`, "/a~1b~0c", "not known"},
		{`"total":"5","note":"a\u202eb"`, "/note", "U+202E"},
		{`"total":"5","number":"a\nb"`, "/number", "one line"},
		{`"total":"5","number":7`, "/number", "must be a string"},
		{`"total":"5","lines":{}`, "/lines", "must be a list"},
		{`"total":"5","lines":[{"amount":5}]`, "/lines/0/amount", "must be a string"},
		{`"total":"5","lines":[7]`, "/lines/0", "must be an object"},
		{`"total":"5","documents":[{"name":"a.pdf","content_type":"application/pdf","content_base64":"%%"}]`, "/documents/0/content_base64", "not base64"},
		{`"total":"5","documents":[{"name":"../a.pdf","content_type":"application/pdf","content_base64":"QQ=="}]`, "/documents/0/name", "folders"},
		{`"total":"5","documents":[{"name":"a.pdf","content_type":"pdf","content_base64":"QQ=="}]`, "/documents/0/content_type", "media type"},
		{`"total":"5","applied":[1]`, "/applied/0", "must be a string"},
		{`"total":"99999999999999999999"`, "/total", "out of range"},
	} {
		body := fmt.Sprintf(`{"invoices":[{"external_id":"good","account":"C","currency":"EUR","total":"5"},{`+base+`,%s}]}`, i, test.fields)
		batch, err := ParseInvoices([]byte(body))
		if err != nil || len(batch.Records) != 1 || len(batch.Rejected) != 1 {
			t.Errorf("%s: %+v %v", test.fields, batch, err)
			continue
		}
		rejected := batch.Rejected[0]
		if rejected.Index != 1 || rejected.ExternalID != fmt.Sprint(i) || len(rejected.Problems) != 1 ||
			rejected.Problems[0].Field != "/invoices/1"+test.field || !strings.Contains(rejected.Problems[0].Message, test.message) {
			t.Errorf("%s: %+v", test.fields, rejected)
		}
	}
}

func TestRejectedAccountsAndCredits(t *testing.T) {
	batch, err := ParseAccounts([]byte(`{"accounts":[{"external_id":"1","name":"A","contacts":[{"email":"a b@c.example"}]},
		{"external_id":"1","name":"B"},{"external_id":"2","name":"C","credit_limit":"5"},{"name":"D"},{"external_id":"3","name":"E","currency":"QQQ"},
		{"external_id":"4","name":"F","contacts":[{"email":"a@b.example","role":"boss"},{"email":"A@b.example"}]},null]}`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, rejected := range batch.Rejected {
		for _, problem := range rejected.Problems {
			got = append(got, problem.Field)
		}
	}
	want := "/accounts/0/contacts/0/email /accounts/1/external_id /accounts/2/credit_limit /accounts/3/external_id /accounts/4/currency /accounts/5/contacts/0/role /accounts/5/contacts/1/email /accounts/6 /accounts/6/external_id /accounts/6/name"
	if strings.Join(got, " ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, " "), want)
	}
	credits, err := ParseCredits([]byte(`{"credits":[{"external_id":"CR-1","number":"CR-1","account":"C-104","currency":"USD","total":"40.00","open":"40.00"},{"external_id":"CR-2","account":"C","currency":"USD","total":"-4"}]}`))
	if err != nil || len(credits.Records) != 1 || credits.Records[0].Value.Open != money.New(4000, "USD") || credits.Rejected[0].Problems[0].Field != "/credits/1/total" {
		t.Errorf("%+v %v", credits, err)
	}
}

func TestHeldDocument(t *testing.T) {
	eicar := `X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-` + `STANDARD-ANTIVIRUS-TEST-FILE!$H+H*`
	body := fmt.Sprintf(`{"invoices":[{"external_id":"1","account":"C","currency":"EUR","total":"5","documents":[{"name":"a.txt","content_type":"text/plain","content_base64":%q}]}]}`,
		base64.StdEncoding.EncodeToString([]byte(eicar)))
	batch, err := ParseInvoices([]byte(body))
	if err != nil || batch.Records[0].Value.Documents[0].Held == "" {
		t.Errorf("%+v %v", batch, err)
	}
}

func TestBodies(t *testing.T) {
	for _, test := range []struct {
		body         string
		line, column int
		message      string
	}{
		{``, 1, 1, "empty"},
		{"{\n \"invoices\": [}\n", 2, 15, "malformed JSON"},
		{"{\"invoices\": [", 1, 15, "ends too early"},
		{`[]`, 1, 2, "must be"},
		{`{"accounts":[]}`, 1, 14, "not known here"},
		{`{}`, 1, 2, "missing"},
		{`{"invoices":{}}`, 1, 14, "must be a list"},
		{`{"invoices":[]}`, 1, 14, "1 to 1000"},
		{`{"invoices":[{"a":1,"a":2}]}`, 1, 24, "twice"},
		{`{"invoices":[{}]} x`, 1, 19, "follows"},
		{"{\"invoices\":\n[\"\xff\"]}", 2, 3, "UTF-8"},
		{`{"invoices":[` + strings.Repeat("[", 40), 1, 45, "deeper"},
		{`{"invoices":[` + strings.Repeat("{},", 1000) + `{}]}`, 1, 14, "1001 records"},
	} {
		_, err := ParseInvoices([]byte(test.body))
		var body *BodyError
		if !errors.As(err, &body) || body.Line != test.line || body.Column != test.column || !strings.Contains(body.Message, test.message) {
			t.Errorf("%.60q: %v", test.body, err)
		}
	}
}

func FuzzPush(f *testing.F) {
	f.Add([]byte(`{"accounts":[{"external_id":"C","name":"A","credit_limit":"5","currency":"EUR","contacts":[{"email":"a@b.example"}]}]}`))
	f.Add([]byte(`{"invoices":[{"external_id":"1","account":"C","currency":"EUR","total":"5.00","open":"1","lines":[{}],"documents":[{"content_base64":"QQ=="}]}]}`))
	f.Add([]byte(`{"credits":[{"external_id":"1","account":"C","currency":"JPY","total":"5","status":"void"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		accounts, errAccounts := ParseAccounts(data)
		invoices, errInvoices := ParseInvoices(data)
		credits, errCredits := ParseCredits(data)
		for _, err := range []error{errAccounts, errInvoices, errCredits} {
			var body *BodyError
			if err != nil && (!errors.As(err, &body) || body.Line < 1 || body.Column < 1 || body.Offset > int64(len(data))) {
				t.Errorf("%+v", err)
			}
		}
		if (errInvoices == nil || errAccounts == nil || errCredits == nil) && !json.Valid(data) {
			t.Error("accepted what is not JSON")
		}
		for _, record := range invoices.Records {
			if v := record.Value; v.ExternalID == "" || v.Account == "" || v.Total.Minor <= 0 || v.Open.Minor < 0 || v.Open.Minor > v.Total.Minor || !v.Total.Currency.Valid() {
				t.Errorf("%+v", v)
			}
		}
		for _, record := range credits.Records {
			if v := record.Value; v.Total.Minor <= 0 || v.Open.Minor > v.Total.Minor {
				t.Errorf("%+v", v)
			}
		}
		for _, record := range accounts.Records {
			if record.Value.Name == "" {
				t.Errorf("%+v", record.Value)
			}
		}
		for _, rejected := range append(append(accounts.Rejected, invoices.Rejected...), credits.Rejected...) {
			if len(rejected.Problems) == 0 {
				t.Errorf("%+v", rejected)
			}
		}
	})
}
