package quickbooks

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/quickbooks/quickbooksfake"
)

func TestPapers(t *testing.T) {
	w := newWorld(t, quickbooksfake.Config{})
	invoice, credit := w.invoice(t, "Acme", "EUR", "100"), w.credit(t, "Acme", "EUR", "30")
	virus := `X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-` + `STANDARD-ANTIVIRUS-TEST-FILE!$H+H*`
	must(t, w.fake.Attach(invoice, "hours.csv", "text/csv; charset=utf-8", true, []byte("day,hours\n")))
	must(t, w.fake.Attach(invoice, "margin.xlsx", "application/vnd.ms-excel", false, []byte("secret")))
	must(t, w.fake.Attach(invoice, "../drop/er.txt", "text plain", true, []byte(virus)))
	h := newHub()
	h.refresh(t, w)
	papers := h.invoices[invoice].Documents
	var names, refs []string
	for _, one := range papers {
		names, refs = append(names, one.Name+" "+one.ContentType), append(refs, one.Ref)
	}
	if !slices.Equal(names, []string{"1001.pdf application/pdf", "hours.csv text/csv", "er.txt application/octet-stream"}) {
		t.Fatalf("%q", names)
	}
	for i, want := range []string{"%PDF-", "day,hours\n", virus} {
		got, err := w.client.Fetch(t.Context(), refs[i])
		if err != nil || !strings.HasPrefix(string(got.Content), want) || got.Name == "" || (got.Held != "") != (want == virus) {
			t.Errorf("%s: %+v %v", refs[i], got, err)
		}
	}
	if got, err := w.client.Fetch(t.Context(), h.credits[credit].Documents[0].Ref); err != nil || !strings.Contains(string(got.Content), "CreditMemo 1002") {
		t.Errorf("%s %v", got.Content, err)
	}
	sent := refs[1]
	at := strings.LastIndex(sent, "/") + 1
	number, err := strconv.Atoi(sent[at:])
	must(t, err)
	for _, ref := range []string{"invoice/9999/pdf", "invoice/1/file/9999", "invoice/" + strings.TrimPrefix(credit, creditPrefix) + "/pdf", "invoice/x/pdf", "payment/1/pdf", strings.Replace(sent, invoice+"/", "8/", 1), sent[:at] + strconv.Itoa(number+1)} {
		if got, err := w.client.Fetch(t.Context(), ref); !errors.Is(err, connectors.ErrGone) || len(got.Content) > 0 {
			t.Errorf("%s: %v", ref, err)
		}
	}
}
