package einvoice

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sheaf-hub/sheaf/hub/money"
)

// tokens is the independent reading that Read is held against: a flat list of
// path and text, straight from the token stream, with no tree in between.
type token struct {
	path, text string
	attrs      map[string]string
}

func flatten(t *testing.T, data []byte) []token {
	t.Helper()
	decoder := xml.NewDecoder(bytes.NewReader(data))
	var names []string
	var open []int
	var out []token
	for {
		next, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		switch next := next.(type) {
		case xml.StartElement:
			names = append(names, next.Name.Local)
			attrs := map[string]string{}
			for _, attr := range next.Attr {
				attrs[attr.Name.Local] = attr.Value
			}
			open = append(open, len(out))
			out = append(out, token{path: strings.Join(names[1:], "/"), attrs: attrs})
		case xml.EndElement:
			names, open = names[:len(names)-1], open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				out[open[len(open)-1]].text += string(next)
			}
		}
	}
}

func lookup(tokens []token, suffixes ...string) string {
	for _, suffix := range suffixes {
		for _, found := range tokens {
			if strings.HasSuffix("/"+found.path, "/"+suffix) && strings.TrimSpace(found.text) != "" {
				return strings.TrimSpace(found.text)
			}
		}
	}
	return ""
}

const settlementPath = "SupplyChainTradeTransaction/ApplicableHeaderTradeSettlement/"
const buyerPath = "SupplyChainTradeTransaction/ApplicableHeaderTradeAgreement/BuyerTradeParty/"

func TestSamples(t *testing.T) {
	folder := filepath.Join("..", "..", "..", "shared", "samples")
	if _, err := os.Stat(folder); err != nil {
		t.Skip("the shared samples are not here: ", err)
	}
	var files []string
	for _, pattern := range []string{"en16931/*/*", "kosit/*.xml"} {
		found, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) < 50 {
		t.Fatalf("only %d samples found", len(files))
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { compareSample(t, file) })
	}
}

func compareSample(t *testing.T, file string) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	result, err := Read(file, data, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	tokens := flatten(t, data)
	payable := lookup(tokens, "LegalMonetaryTotal/PayableAmount", "DuePayableAmount")
	currency := lookup(tokens, "DocumentCurrencyCode", "InvoiceCurrencyCode")
	want, err := money.Parse(payable, money.Currency(currency))
	if err != nil {
		t.Fatal(err)
	}
	if want.Minor < 0 {
		want = want.Neg()
	}
	if result.Open != want || !result.Usable() {
		t.Errorf("open %v usable %v, want %v; %v", result.Open, result.Usable(), want, result.Problems)
	}
	due := strings.ReplaceAll(lookup(tokens, "DueDate", settlementPath+"SpecifiedTradePaymentTerms/DueDateDateTime/DateTimeString"), "-", "")
	if got := strings.ReplaceAll(string(result.DueOn), "-", ""); got != due {
		t.Errorf("due %q, want %q", got, due)
	}
	buyer := lookup(tokens, "AccountingCustomerParty/Party/PartyLegalEntity/RegistrationName",
		"AccountingCustomerParty/Party/PartyName/Name", buyerPath+"Name")
	if got := result.Account.Name; got != strings.Join(strings.Fields(buyer), " ") {
		t.Errorf("buyer %q, want %q", got, buyer)
	}
	number := ""
	for _, found := range tokens {
		if found.path == "ID" || found.path == "ExchangedDocument/ID" {
			number = strings.TrimSpace(found.text)
			break
		}
	}
	if result.Number != number {
		t.Errorf("number %q, want %q", result.Number, number)
	}
	compareAttachments(t, tokens, result)
	compareKind(t, tokens, payable, result)
}

func compareAttachments(t *testing.T, tokens []token, result Result) {
	i := 0
	for _, found := range tokens {
		if !strings.HasSuffix(found.path, "BinaryObject") {
			continue
		}
		content, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, strings.NewReader(strings.Join(strings.Fields(found.text), ""))))
		if err != nil {
			t.Fatal(err)
		}
		if i >= len(result.Documents) {
			t.Fatalf("attachment %d of %d is missing", i, len(result.Documents))
		}
		document := result.Documents[i]
		if !bytes.Equal(document.Content, content) || document.ContentType != found.attrs["mimeCode"] || document.Name != found.attrs["filename"] {
			t.Errorf("attachment %d: %s %s %d bytes, want %v %d bytes", i, document.Name, document.ContentType, len(document.Content), found.attrs, len(content))
		}
		i++
	}
	if i != len(result.Documents) {
		t.Errorf("%d documents, want %d", len(result.Documents), i)
	}
}

func compareKind(t *testing.T, tokens []token, payable string, result Result) {
	want := KindInvoice
	code := lookup(tokens, "InvoiceTypeCode", "CreditNoteTypeCode", "ExchangedDocument/TypeCode")
	if code == "381" || strings.HasPrefix(payable, "-") {
		want = KindCredit
	}
	if result.Kind != want {
		t.Errorf("kind %s, want %s", result.Kind, want)
	}
}
