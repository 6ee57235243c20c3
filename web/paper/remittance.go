package paper

import (
	"strings"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// Remittance is one vendor's part of a payment, for that vendor alone: nothing
// of other vendors, and no name that it would share with them.
type Remittance struct {
	Hub           string
	Vendor        string
	Zone          *time.Location // the vendor's
	Reference     string
	Status        string // in words
	Method        string
	Settled       time.Time
	Lines         []RemittanceLine
	Unapplied     money.Amount
	Share         money.Amount // of money, Unapplied with it
	ProcessingFee money.Amount // borne by the vendor
	HubFee        money.Amount
	Netted        money.Amount // kept for what the vendor owed
	Sent          money.Amount // what the transfer carries
	Transfer      string       // its state, in words; empty: there was no money
	TransferRef   string
	SentAt        time.Time // zero: not yet
	Returns       []RemittanceReturn
}

// RemittanceLine is what one invoice got.
type RemittanceLine struct {
	Invoice, ExternalID                      string
	Account, AccountName                     string
	Credits                                  []string // numbers
	Settled, Credit, Discount, LateFee, Paid money.Amount
}

// RemittanceReturn is money that went back to the payer.
type RemittanceReturn struct {
	What   string
	At     time.Time
	Amount money.Amount
}

// Write makes the PDF.
func (r Remittance) Write() ([]byte, error) {
	s := New("Remittance advice "+r.Reference, r.Hub+", remittance advice "+r.Reference, r.Settled)
	s.Title("Remittance advice", r.Share.String()+" for "+r.Vendor)
	s.Space(2)
	s.Facts(Fact{"Reference", r.Reference}, Fact{"Payer", r.payers()}, Fact{"Settled", moment(r.Settled, r.Zone)}, Fact{"Method", sentence(r.Method)}, Fact{"Status", r.Status},
		Fact{"Transfer", r.Transfer}, Fact{"Sent", moment(r.SentAt, r.Zone)}, Fact{"Transfer reference", r.TransferRef})
	s.Space(4)
	s.Heading("Invoices", 2)
	lines := make([]settledLine, len(r.Lines))
	for i, line := range r.Lines {
		lines[i] = settledLine{name: line.Invoice, note: line.note(), settled: line.Settled, credit: line.Credit, discount: line.Discount, late: line.LateFee, paid: line.Paid}
	}
	if len(lines) > 0 {
		s.settled("Money", lines)
	} else {
		s.Small("No invoice took anything of it.")
	}
	r.sums(s)
	s.Space(4)
	s.Small("Book it under the reference. This is not a tax invoice.")
	return s.Bytes()
}

func (r Remittance) sums(s *Sheet) {
	if r.Unapplied.Positive() {
		s.Sum("Taken by no invoice", r.Unapplied, false)
	}
	s.Sum("Your share", r.Share, true)
	for _, part := range []struct {
		label  string
		amount money.Amount
	}{{"Processing fee", r.ProcessingFee}, {"Fee of " + r.Hub, r.HubFee}, {"Kept for what you owed", r.Netted}} {
		if part.amount.Positive() {
			s.Sum(part.label, part.amount.Neg(), false)
		}
	}
	if r.Transfer != "" {
		s.Sum(map[bool]string{true: "To be sent to you", false: "Sent to you"}[r.SentAt.IsZero()], r.Sent, true)
	}
	for _, back := range r.Returns {
		s.Sum(back.What+", "+back.At.In(r.Zone).Format("2 January 2006"), back.Amount.Neg(), false)
	}
}

// payers names the accounts, each once.
func (r Remittance) payers() string {
	var names []string
	seen := map[string]bool{}
	for _, line := range r.Lines {
		if !seen[line.Account] {
			seen[line.Account] = true
			names = append(names, strings.Trim(line.AccountName+" ("+line.Account+")", " "))
		}
	}
	return strings.Join(names, ", ")
}

func (l RemittanceLine) note() string {
	notes := []string{"account " + l.Account}
	if l.ExternalID != l.Invoice {
		notes = append([]string{"id " + l.ExternalID}, notes...)
	}
	if len(l.Credits) > 0 {
		notes = append(notes, "by credit "+strings.Join(l.Credits, ", "))
	}
	return strings.Join(notes, " · ")
}

func sentence(text string) string { return ui.Sentence(text) }
