package paper

import (
	"strings"
	"time"

	"github.com/sheaf-hub/sheaf/hub/mail/letter"
	"github.com/sheaf-hub/sheaf/hub/money"
)

// Writer makes the papers that go with mails. It holds nothing.
type Writer struct{}

// Receipt is the receipt of one payment as a PDF.
func (Writer) Receipt(r letter.Receipt) ([]byte, error) {
	zone, hub := zoneOf(r.Zone), orElse(r.Footer.HubName, "Sheaf")
	s := New("Receipt "+r.Number, hub+", receipt "+r.Number, r.At)
	s.Title("Receipt "+r.Number, "Payment of "+paid(r)+" through "+hub)
	s.Space(2)
	s.Facts(Fact{"Payer", r.Payer}, Fact{"Date", moment(r.At, zone)}, Fact{"Method", sentence(r.Method)}, Fact{"Status", statusWords(r)})
	for _, vendor := range r.Vendors {
		s.receiptVendor(vendor, zone)
	}
	s.receiptTotals(r)
	s.Space(4)
	s.Small("This is not a tax invoice. It confirms what was paid through " + hub + "; tax invoices come from each vendor.")
	for _, line := range r.Footer.Postal {
		s.Small(line)
	}
	return s.Bytes()
}

func paid(r letter.Receipt) string {
	if r.Charged.Zero() && r.Credits.Positive() {
		return r.Credits.String() + " by credits"
	}
	return r.Charged.String()
}

func statusWords(r letter.Receipt) string {
	switch {
	case r.Status == "refunded":
		return "Refunded"
	case r.Status == "charged_back":
		return "Charged back by the payer's bank"
	case r.Refunded.Positive() || r.ChargedBack.Positive():
		return "Paid; a part went back, see below"
	}
	return "Paid"
}

func (s *Sheet) receiptVendor(v letter.ReceiptVendor, zone *time.Location) {
	s.Space(4)
	s.Heading(v.Name, 3)
	under := []string{"Reference " + v.Reference, sentence(v.State)}
	account, one := oneAccount(v.Lines)
	if one && account != "" {
		under = append(under, "your account there: "+account)
	}
	s.Small(strings.Join(under, " · "))
	s.Space(1)
	if len(v.Lines) > 0 {
		shown := make([]settledLine, len(v.Lines))
		for i, line := range v.Lines {
			shown[i] = settledLine{name: line.Invoice, note: receiptNote(line, !one), settled: line.Settled, credit: line.Credit, discount: line.Discount, late: line.LateFee, paid: line.Paid}
		}
		s.settled("Paid", shown)
	}
	if v.Unapplied.Positive() {
		s.Sum("Kept for you by the vendor: no invoice took it", v.Unapplied, false)
	}
	s.Sum("Paid to this vendor", v.Amount, true)
	for _, back := range v.Returns {
		s.Sum(back.What+", "+back.At.In(zone).Format("2 January 2006"), back.Amount.Neg(), false)
	}
}

func oneAccount(lines []letter.ReceiptLine) (string, bool) {
	account := ""
	for i, line := range lines {
		if i > 0 && line.Account != account {
			return "", false
		}
		account = line.Account
	}
	return account, true
}

func receiptNote(line letter.ReceiptLine, account bool) string {
	var notes []string
	if account && line.Account != "" {
		notes = append(notes, "account "+line.Account)
	}
	for _, credit := range line.Credits {
		notes = append(notes, "credit "+credit.Number+" "+credit.Amount.String())
	}
	return strings.Join(notes, " · ")
}

// settledLine is one invoice of either side's table: settled − credit −
// discount + late = paid.
type settledLine struct {
	name, note                            string
	settled, credit, discount, late, paid money.Amount
}

// settled writes the table, with a column for each figure that there is.
func (s *Sheet) settled(last string, lines []settledLine) {
	const wide, narrow = 31.0, 28.0
	columns := []Column{{"Invoice", Width - 2*wide, LongWords}, {"On the invoice", wide, Number}}
	extra := []struct {
		title  string
		amount func(settledLine) money.Amount
	}{
		{"− Credits", func(l settledLine) money.Amount { return l.credit }},
		{"− Discount", func(l settledLine) money.Amount { return l.discount }},
		{"+ Late fee", func(l settledLine) money.Amount { return l.late }},
	}
	shown := extra[:0]
	for _, e := range extra {
		for _, line := range lines {
			if !e.amount(line).Zero() {
				shown = append(shown, e)
				columns = append(columns, Column{e.title, narrow, Number})
				columns[0].Width -= narrow
				break
			}
		}
	}
	columns = append(columns, Column{last, wide, Number})
	rows := make([]Row, len(lines))
	for i, line := range lines {
		cells := []string{line.name, line.settled.String()}
		for _, e := range shown {
			cells = append(cells, someAmount(e.amount(line)))
		}
		rows[i] = Row{Cells: append(cells, line.paid.String()), Note: line.note}
	}
	s.Table(columns, rows)
}

func someAmount(amount money.Amount) string {
	if amount.Zero() {
		return "–"
	}
	return amount.String()
}

func (s *Sheet) receiptTotals(r letter.Receipt) {
	s.Space(4)
	s.Heading("In all", 4)
	s.Sum("Charged", r.Charged, true)
	for _, sum := range []struct {
		label  string
		amount money.Amount
	}{
		{"of which late fees", r.LateFee}, {"of which kept for you by vendors", r.Unapplied}, {"Credits set against invoices", r.Credits},
		{"Discounts given by vendors", r.Discount}, {"Refunded so far", r.Refunded.Neg()}, {"Charged back so far", r.ChargedBack.Neg()},
	} {
		if !sum.amount.Zero() {
			s.Sum(sum.label, sum.amount, false)
		}
	}
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}
