package einvoice

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/sheaf-hub/sheaf/vendor-connectors/einvoice/einvoicetest"
)

func TestReadPDF(t *testing.T) {
	invoice := plain()
	cii := einvoicetest.CII(invoice)
	for _, name := range []string{"factur-x.xml", "ZUGFeRD-invoice.xml", "zugferd-invoice.xml", "xrechnung.xml", "whatever.XML", "no-extension"} {
		data := einvoicetest.PDF(cii, name, []string{"Invoice KB-1", "Größe (A4)"})
		result, err := Read("in/KB-1.pdf", data, Limits{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if result.Source != name || result.File != "KB-1.pdf" || !result.Usable() || result.Open.Decimal() != "119.00" {
			t.Errorf("%s: %+v", name, result)
		}
		// the PDF itself, then what the XML carries
		if len(result.Invoice.Documents) != 2 || result.Documents[0].Name != "KB-1.pdf" || result.Documents[0].ContentType != "application/pdf" ||
			!bytes.Equal(result.Documents[0].Content, data) || result.Documents[1].Name != "hours.csv" {
			t.Errorf("%s: %d documents", name, len(result.Documents))
		}
	}
	credit := invoice
	credit.CreditNote = true
	if result := mustRead(t, "c.pdf", einvoicetest.PDF(einvoicetest.UBL(credit), "xrechnung.xml", nil)); result.Credit == nil || len(result.Credit.Documents) != 2 {
		t.Errorf("%+v", result)
	}
}

func TestReadPDFWithout(t *testing.T) {
	for _, test := range []struct {
		name, xml, says string
		unknown         bool
	}{
		{"", "", "no file is embedded", true},
		{"notes.txt", "hello", "embedded are: notes.txt", true},
		{"factur-x.xml", "<a><b></a>", "inside the PDF, factur-x.xml line 1 column", false},
		{"order-x.xml", `<rsm:CrossIndustryOrder xmlns:rsm="urn:x"/>`, "CrossIndustryOrder, not an invoice", true},
	} {
		_, err := Read("a.pdf", einvoicetest.PDF([]byte(test.xml), test.name, []string{"x"}), Limits{})
		if err == nil || !strings.Contains(err.Error(), test.says) || errors.Is(err, ErrUnknownSyntax) != test.unknown {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	locked, err := os.ReadFile("testdata/pdf/password.pdf")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Read("a.pdf", locked, Limits{}); err == nil || !strings.Contains(err.Error(), "encrypted with a password; save it without one") {
		t.Error(err)
	}
	if _, err := Read("a.pdf", locked, Limits{PDFBytes: 10}); err == nil || !strings.Contains(err.Error(), "more than the 10") {
		t.Error(err)
	}
}

// TestZUGFeRD1 rewrites an invoice into the names of the first version.
func TestZUGFeRD1(t *testing.T) {
	text := string(einvoicetest.CII(plain()))
	text = strings.NewReplacer(
		"rsm:CrossIndustryInvoice", "rsm:CrossIndustryDocument",
		"urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100", "urn:ferd:CrossIndustryDocument:invoice:1p0",
		"ReusableAggregateBusinessInformationEntity:100", "ReusableAggregateBusinessInformationEntity:12",
		"UnqualifiedDataType:100", "UnqualifiedDataType:15",
		"rsm:ExchangedDocument>", "rsm:HeaderExchangedDocument>",
		"rsm:SupplyChainTradeTransaction", "rsm:SpecifiedSupplyChainTradeTransaction",
		"ram:ApplicableHeaderTradeAgreement", "ram:ApplicableSupplyChainTradeAgreement",
		"ram:ApplicableHeaderTradeDelivery", "ram:ApplicableSupplyChainTradeDelivery",
		"ram:ApplicableHeaderTradeSettlement", "ram:ApplicableSupplyChainTradeSettlement",
		"ram:SpecifiedTradeSettlementHeaderMonetarySummation", "ram:SpecifiedTradeSettlementMonetarySummation",
		"ram:IssuerAssignedID", "ram:ID",
	).Replace(text)
	result := mustRead(t, "a.xml", []byte(text))
	second := mustRead(t, "a.xml", einvoicetest.CII(plain()))
	if result.Syntax != "ZUGFeRD 1" || !result.Usable() {
		t.Fatalf("%+v", result)
	}
	if got, want := fmt.Sprintf("%+v", NewDryRun("a", result)), fmt.Sprintf("%+v", NewDryRun("a", second)); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if result.Invoice.PurchaseOrder != "PO-1" || len(result.Invoice.Lines) != 1 || result.Invoice.Lines[0] != second.Invoice.Lines[0] {
		t.Errorf("%+v", result.Invoice)
	}
}
