package quickbooks

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/quickbooks/quickbooksfake"
)

func pays(reference, currency string, lines ...connectors.PaymentLine) connectors.Payment {
	return connectors.Payment{Reference: reference, Account: "1", Date: "2026-11-27", Currency: currency, Method: "card", Lines: lines}
}

// written are the bodies that were posted to a path.
func (w *world) written(path string) []quickbooksfake.Exchange {
	var list []quickbooksfake.Exchange
	for _, one := range w.exchanges() {
		if one.Method == http.MethodPost && one.Path == path {
			list = append(list, one)
		}
	}
	return list
}

// same compares what was written with JSON.
func same(t *testing.T, got []byte, want string) {
	t.Helper()
	var a, b any
	if err := errors.Join(json.Unmarshal(got, &a), json.Unmarshal([]byte(want), &b)); err != nil {
		t.Fatal(err)
	}
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	if string(x) != string(y) {
		t.Errorf("written %s\nwant    %s", x, y)
	}
}

func TestWhatIsWritten(t *testing.T) {
	w := newWorld(t, quickbooksfake.Config{})
	first, second := w.invoice(t, "Acme", "EUR", "100"), w.invoice(t, "Acme", "EUR", "60")
	credit := w.credit(t, "Acme", "EUR", "30")
	long := "SHF-" + strings.Repeat("0123456789", 5)
	recorded, err := w.client.RecordPayment(t.Context(), pays(long, "EUR",
		connectors.PaymentLine{Invoice: first, Amount: "75.50", LateFee: "5.50", Discount: "2"},
		connectors.PaymentLine{Invoice: first, Credit: credit, Amount: "28"},
		connectors.PaymentLine{Invoice: second, Amount: "10"}))
	must(t, err)
	if recorded.ExternalID == "" || !recorded.At.Equal(w.clock.Now()) {
		t.Errorf("%+v", recorded)
	}
	posted, entries := w.written("/payment"), w.written("/journalentry")
	if len(posted) != 1 || len(entries) != 1 || !strings.Contains(posted[0].Query, "requestid=") {
		t.Fatalf("%+v %+v", posted, entries)
	}
	customer, short := w.fake.PutCustomer(quickbooksfake.Customer{Name: "Acme"}), number(long)
	if len(short) != 21 || number("SHF-1") != "SHF-1" || number("SHEAF-1") == "SHEAF-1" {
		t.Errorf("%q is no number of a payment", short)
	}
	accounts := map[string]string{}
	chart, err := w.client.chart(t.Context())
	must(t, err)
	for _, one := range chart {
		accounts[one.Name] = one.ID
	}
	var entry struct{ JournalEntry struct{ ID string } }
	must(t, json.Unmarshal(entries[0].Answer, &entry))
	same(t, posted[0].Body, `{"CustomerRef":{"value":"`+customer+`"},"CurrencyRef":{"value":"EUR"},"TotalAmt":80.00,"TxnDate":"2026-11-27","PaymentRefNum":"`+short+`",
		"PrivateNote":"Sheaf payment `+long+`\nA late fee of EUR 5.50 was paid beside it. It is on no invoice and is not booked here.",
		"DepositToAccountRef":{"value":"`+accounts[quickbooksfake.BankAccount]+`"},"Line":[
		{"Amount":100.00,"LinkedTxn":[{"TxnId":"`+first+`","TxnType":"Invoice"}]},{"Amount":10.00,"LinkedTxn":[{"TxnId":"`+second+`","TxnType":"Invoice"}]},
		{"Amount":28.00,"LinkedTxn":[{"TxnId":"`+strings.TrimPrefix(credit, creditPrefix)+`","TxnType":"CreditMemo"}]},
		{"Amount":2.00,"LinkedTxn":[{"TxnId":"`+entry.JournalEntry.ID+`","TxnType":"JournalEntry"}]}]}`)
	same(t, entries[0].Body, `{"DocNumber":"`+short+`","PrivateNote":"Sheaf payment `+long+`","TxnDate":"2026-11-27","CurrencyRef":{"value":"EUR"},"Line":[
		{"Description":"Discount for early payment","DetailType":"JournalEntryLineDetail","Amount":2.00,"JournalEntryLineDetail":{"PostingType":"Debit","AccountRef":{"value":"`+accounts[quickbooksfake.DiscountAccount]+`"}}},
		{"Description":"Discount for early payment","DetailType":"JournalEntryLineDetail","Amount":2.00,"JournalEntryLineDetail":{"PostingType":"Credit","AccountRef":{"value":"`+accounts["Accounts Receivable (A/R) - EUR"]+`"},
		"Entity":{"Type":"Customer","EntityRef":{"value":"`+customer+`"}}}}]}`)
	if a, b, c := w.open(t, first), w.open(t, second), w.open(t, credit); a.Minor != 0 || b.Minor != 5000 || c.Minor != 200 {
		t.Errorf("open %s, %s, %s", a, b, c)
	}
	h := newHub()
	h.refresh(t, w)
	if got := h.invoices[second].Applied; len(got) != 1 || got[0] != long {
		t.Errorf("applied %v", got)
	}
}

func TestCreditsAloneAreAPaymentOfZero(t *testing.T) {
	w := newWorld(t, quickbooksfake.Config{})
	client := w.connect(t, map[string]string{connectors.PaymentAccount: "", settingDiscount: ""})
	invoice, credit := w.invoice(t, "Acme", "EUR", "100"), w.credit(t, "Acme", "EUR", "30")
	_, err := client.RecordPayment(t.Context(), pays("SHF-1", "EUR", connectors.PaymentLine{Invoice: invoice, Credit: credit, Amount: "30"}))
	must(t, err)
	booked := w.fake.Bookings(invoice)
	if len(booked) != 1 || booked[0].Total.Minor != 0 || booked[0].Amount.Minor != 3000 || booked[0].Account != "" || booked[0].Number != "SHF-1" {
		t.Errorf("%+v", booked)
	}
	h := newHub()
	h.refresh(t, w)
	if got := h.credits[credit]; got.Status != connectors.StatusPaid || got.Open.Minor != 0 {
		t.Errorf("%+v", got)
	}
}

func TestWhereMoneyGoes(t *testing.T) {
	w := newWorld(t, quickbooksfake.Config{})
	for _, one := range []struct {
		settings map[string]string
		clearing bool
		want     string
	}{
		{nil, false, quickbooksfake.BankAccount},
		{nil, true, quickbooksfake.ClearingAccount},
		{map[string]string{connectors.PaymentAccount: "1010"}, false, quickbooksfake.BankAccount},
		{map[string]string{connectors.PaymentAccount: "business CHECKING"}, false, quickbooksfake.BankAccount},
		{map[string]string{connectors.PaymentAccount: "1"}, false, quickbooksfake.BankAccount},
		{map[string]string{connectors.PaymentAccount: ""}, false, ""},
	} {
		invoice := w.invoice(t, "Acme", "EUR", "100")
		payment := pays("SHF-"+invoice, "EUR", connectors.PaymentLine{Invoice: invoice, Amount: "100"})
		payment.Clearing = one.clearing
		client := w.connect(t, one.settings)
		must(t, client.Check(t.Context()))
		_, err := client.RecordPayment(t.Context(), payment)
		must(t, err)
		if booked := w.fake.Bookings(invoice); len(booked) != 1 || booked[0].Account != one.want {
			t.Errorf("%v: %+v", one, booked)
		}
	}
	invoice := w.invoice(t, "Acme", "EUR", "100")
	for words, settings := range map[string]map[string]string{
		`no active account "Safe"`: {connectors.ClearingAccount: "Safe"},
		"deposits no payments to":  {connectors.ClearingAccount: quickbooksfake.SalesAccount},
		"name no clearing account": {connectors.ClearingAccount: ""},
	} {
		client := w.connect(t, settings)
		if err := client.Check(t.Context()); settings[connectors.ClearingAccount] != "" && (!errors.Is(err, connectors.ErrRefused) || !strings.Contains(err.Error(), words)) {
			t.Errorf("check: %v, want %q", err, words)
		}
		payment := pays("SHF-X", "EUR", connectors.PaymentLine{Invoice: invoice, Amount: "100"})
		payment.Clearing = true
		if _, err := client.RecordPayment(t.Context(), payment); !errors.Is(err, connectors.ErrRefused) || !strings.Contains(err.Error(), words) {
			t.Errorf("%v, want %q", err, words)
		}
	}
}

// TestSeveralCustomers: QuickBooks' payments are of one customer each.
func TestSeveralCustomers(t *testing.T) {
	w := newWorld(t, quickbooksfake.Config{})
	first, second := w.invoice(t, "Acme", "EUR", "100"), w.invoice(t, "Acme:Branch", "EUR", "60")
	payment := pays("SHF-2", "EUR", connectors.PaymentLine{Invoice: first, Amount: "50"}, connectors.PaymentLine{Invoice: second, Amount: "20"})
	recorded, err := w.client.RecordPayment(t.Context(), payment)
	must(t, err)
	again, err := w.client.RecordPayment(t.Context(), payment)
	must(t, err)
	if recorded != again || len(w.written("/payment")) != 2 {
		t.Errorf("%+v, then %+v", recorded, again)
	}
	a, b := w.fake.Bookings(first), w.fake.Bookings(second)
	if len(a) != 1 || len(b) != 1 || a[0].Total.Minor != 5000 || b[0].Total.Minor != 2000 || a[0].Payment == b[0].Payment {
		t.Errorf("%+v %+v", a, b)
	}
}

func TestWhatIsRefused(t *testing.T) {
	w := newWorld(t, quickbooksfake.Config{})
	invoice, other := w.invoice(t, "Acme", "EUR", "100"), w.invoice(t, "Birch", "EUR", "100")
	dollars := w.credit(t, "Dollar", "USD", "10")
	credit := w.credit(t, "Acme", "EUR", "10")
	line := func(amount string) connectors.PaymentLine {
		return connectors.PaymentLine{Invoice: invoice, Amount: amount}
	}
	for words, payment := range map[string]connectors.Payment{
		"has 100.00 open":                  pays("SHF-1", "EUR", line("60"), line("60")),
		"plain characters":                 pays("it's mine", "EUR", line("1")),
		"nothing for any":                  pays("SHF-1", "EUR", line("0")),
		"1 to 500 lines":                   pays("SHF-1", "EUR"),
		"late fee is larger":               pays("SHF-1", "EUR", connectors.PaymentLine{Invoice: invoice, Amount: "1", LateFee: "2"}),
		"no credit memo of":                pays("SHF-1", "EUR", connectors.PaymentLine{Invoice: invoice, Credit: "12", Amount: "1"}),
		"has no credit memo 999":           pays("SHF-1", "EUR", connectors.PaymentLine{Invoice: invoice, Credit: creditPrefix + "999", Amount: "1"}),
		"of two customers":                 pays("SHF-1", "EUR", connectors.PaymentLine{Invoice: other, Credit: credit, Amount: "1"}),
		"is in EUR, the payment is in JPY": pays("SHF-1", "JPY", line("1")),
		"is in USD":                        pays("SHF-1", "EUR", connectors.PaymentLine{Invoice: invoice, Credit: dollars, Amount: "1"}),
		"has 10.00 left":                   pays("SHF-1", "EUR", connectors.PaymentLine{Invoice: invoice, Credit: credit, Amount: "11"}),
		"earns no discount":                pays("SHF-1", "EUR", connectors.PaymentLine{Invoice: invoice, Credit: credit, Amount: "1", Discount: "1"}),
		"more than an amount":              pays("SHF-1", "JPY", line("600000000000"), line("600000000000")),
	} {
		if _, err := w.client.RecordPayment(t.Context(), payment); !errors.Is(err, connectors.ErrRefused) || !strings.Contains(err.Error(), words) {
			t.Errorf("%v, want %q", err, words)
		}
	}
	client := w.connect(t, map[string]string{settingDiscount: ""})
	if _, err := client.RecordPayment(t.Context(), pays("SHF-1", "EUR", connectors.PaymentLine{Invoice: invoice, Amount: "98", Discount: "2"})); !errors.Is(err, connectors.ErrRefused) || !strings.Contains(err.Error(), "account for discounts") {
		t.Errorf("without an account: %v", err)
	}
	if posted := append(w.written("/payment"), w.written("/journalentry")...); len(posted) > 0 {
		t.Errorf("%d were written", len(posted))
	}
}

// TestBookedAndChangedSince: what the vendor does to a booking does not make another one.
func TestBookedAndChangedSince(t *testing.T) {
	w := newWorld(t, quickbooksfake.Config{ForgetsRequests: true})
	invoice := w.invoice(t, "Acme", "EUR", "100")
	payment := pays("SHF-7", "EUR", connectors.PaymentLine{Invoice: invoice, Amount: "98", Discount: "2"})
	recorded, err := w.client.RecordPayment(t.Context(), payment)
	must(t, err)
	must(t, w.fake.SetPaymentNote(recorded.ExternalID, "checked by Ann"))
	again, err := w.client.RecordPayment(t.Context(), payment)
	must(t, err)
	if again.ExternalID != recorded.ExternalID || len(w.written("/payment")) != 1 {
		t.Errorf("%+v, then %+v", recorded, again)
	}
	h := newHub()
	h.refresh(t, w)
	if got := h.invoices[invoice].Applied; len(got) != 1 || got[0] != "SHF-7" {
		t.Errorf("applied %v", got)
	}
	must(t, w.fake.DeletePayment(recorded.ExternalID)) // and it may be booked anew; the discount is used again
	_, err = w.client.RecordPayment(t.Context(), payment)
	must(t, err)
	if entries, unused := w.fake.Journals(); entries != 1 || unused != 0 {
		t.Errorf("%d journal entries, %d unused", entries, unused)
	}
}
