package payment

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sheaf-hub/sheaf/hub/money"
)

// Whatever a line is, its parts add up to what it brought.
func TestPartsOfALine(t *testing.T) {
	two := []PayoutPart{{Kind: PartInvoice, Number: "INV-1", Amount: 8000}, {Kind: PartInvoice, Number: "INV-2", Amount: 1500}}
	share := lineOfPayout{payoutLine: payoutLine{Kind: "transfer", TransferID: "t", Amount: 9150}, TransferKind: transferShare, TransferAmount: 9350, Netted: 200, Sent: "EUR",
		ShareAmount: 10000, ProcessingFee: 600, HubFee: 50}
	change := func(with func(l *lineOfPayout)) lineOfPayout { l := share; with(&l); return l }
	for _, c := range []struct {
		name     string
		line     lineOfPayout
		invoices []PayoutPart
		want     string
	}{
		{"a share", share, two, "invoice 8000, invoice 1500, unapplied 500, processing -600, hub fee -50, kept -200"},
		{"a fee on top", change(func(l *lineOfPayout) { l.Fee = 30 }), two, "invoice 8000, invoice 1500, unapplied 500, processing -600, hub fee -50, kept -200, fee -30"},
		{"another amount than ours", change(func(l *lineOfPayout) { l.Amount = 9100 }), two, "invoice 8000, invoice 1500, unapplied 500, processing -600, hub fee -50, kept -200, difference -50"},
		{"nothing applied", change(func(l *lineOfPayout) { l.Amount, l.Netted, l.ProcessingFee, l.HubFee = 10000, 0, 0, 0 }), nil, "unapplied 10000"},
		{"taken back", change(func(l *lineOfPayout) { l.Kind, l.Amount = "reversal", -300 }), two, "taken back -300"},
		{"given back", change(func(l *lineOfPayout) { l.TransferKind, l.Amount, l.TransferAmount = transferReturn, 100, 300 }), nil, "given back 300, kept -200"},
		{"not ours", lineOfPayout{payoutLine: payoutLine{Kind: "charge", Amount: 700, Fee: 20}}, nil, "other 700, fee -20"},
		{"a fee", lineOfPayout{payoutLine: payoutLine{Kind: "fee", Amount: -25}}, nil, "fee -25"},
		{"nothing", lineOfPayout{payoutLine: payoutLine{Kind: "adjustment"}}, nil, ""},
	} {
		item := c.line.item("EUR", c.invoices)
		var words []string
		sum := int64(0)
		for _, part := range item.Parts {
			words, sum = append(words, fmt.Sprintf("%s %d", part.Kind, part.Amount)), sum+part.Amount
		}
		if got := strings.Join(words, ", "); got != c.want || sum != c.line.Amount-c.line.Fee {
			t.Errorf("%s: %s (%d), want %s", c.name, got, sum, c.want)
		}
	}
	exchanged := share.item("GBP", two)
	if !exchanged.Exchanged || exchanged.Sent != money.New(9150, "EUR") || exchanged.Amount != 9150 || exchanged.Parts[0].Number != "INV-1" {
		t.Errorf("%+v", exchanged)
	}
}
