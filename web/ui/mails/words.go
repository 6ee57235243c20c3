package mails

import (
	"strconv"
	"strings"
	"time"

	"github.com/sheaf-hub/sheaf/hub/mail/letter"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// section is one part of a vendor's list in a digest.
type section struct {
	title string
	lines []letter.DigestLine
	asked bool // false: shown, not asked for
	fresh bool // of a vendor that the contact does not know yet: shown as due, without a link to pay
	tone  string
}

func sections(v letter.DigestVendor) []section {
	every := []section{
		{title: "Overdue", lines: v.Overdue, asked: true, tone: "bad"},
		{title: "Due within 7 days", lines: v.Soon, asked: true, tone: "warn"},
		{title: "Due later", lines: v.Later, asked: true},
		{title: "In dispute – not asked for", lines: v.Disputed},
		{title: "Planned by you – not asked for", lines: v.Scheduled},
		{title: "Payment processing – not asked for", lines: v.Processing},
	}
	filled := every[:0]
	for _, s := range every {
		if len(s.lines) > 0 {
			filled = append(filled, s)
		}
	}
	return filled
}

func digestSubject(d letter.Digest) string {
	who := ui.Count(len(d.Vendors), "vendor", "vendors")
	if len(d.Vendors) == 1 {
		who = d.Vendors[0].Name
	}
	if sums := sums(d.Totals, func(t letter.DigestTotal) money.Amount { return t.Overdue }); sums != "" {
		return "Overdue with " + who + ": " + sums
	}
	if sums := sums(d.Totals, func(t letter.DigestTotal) money.Amount { return t.Soon }); sums != "" {
		return "Due within 7 days with " + who + ": " + sums
	}
	if len(d.Vendors) == 0 && len(d.New) == 1 {
		return "A new vendor says it bills you: " + d.New[0].Name
	}
	if len(d.Vendors) == 0 && len(d.New) > 1 {
		return strconv.Itoa(len(d.New)) + " new vendors say they bill you"
	}
	return "Your open invoices with " + who
}

// sums lists one figure of each currency: at most three of them.
func sums(totals []letter.DigestTotal, of func(letter.DigestTotal) money.Amount) string {
	const most = 3
	var some []string
	for _, total := range totals {
		if of(total).Positive() {
			some = append(some, of(total).String())
		}
	}
	if len(some) > most {
		return strings.Join(some[:most], ", ") + " and more"
	}
	return strings.Join(some, ", ")
}

func digestLead(d letter.Digest) string {
	if len(d.Vendors) == 1 {
		return "This is what is open with " + d.Vendors[0].Name + " today."
	}
	if len(d.Vendors) == 0 {
		return "You are named as the billing contact by " + ui.Count(len(d.New), "vendor that is", "vendors that are") + " new to you."
	}
	return "This is what is open with your " + strconv.Itoa(len(d.Vendors)) + " vendors today, in one mail."
}

func greeting(name string) string {
	if name == "" {
		return "Good day,"
	}
	return "Dear " + name + ","
}

// detail is what stands under an invoice's number.
func (s section) detail(line letter.DigestLine, today money.Date) string {
	// a line without a link to pay is not asked for, whatever its section
	return lineDetail(line, s.fresh || s.asked && line.PayURL != "", today)
}

func lineDetail(line letter.DigestLine, asked bool, today money.Date) string {
	var parts []string
	if line.Due == "" {
		parts = append(parts, "no due date given")
	} else {
		parts = append(parts, "due "+line.Due.Human(today))
		if asked && line.Due < today {
			parts = append(parts, ui.DueIn(line.Due, today))
		}
	}
	if line.Total.Positive() && line.Total.Minor != line.Open.Minor {
		parts = append(parts, "of "+line.Total.String())
	}
	if line.Note != "" {
		parts = append(parts, line.Note)
	}
	return strings.Join(parts, " · ")
}

func newVendorDetail(v letter.NewVendor) string {
	parts := []string{ui.Count(v.Invoices, "invoice", "invoices")}
	for _, total := range v.Totals {
		parts = append(parts, total.String())
	}
	return strings.Join(parts, " · ")
}

const newVendorLead = "Each of these says that you are its billing contact. We have not checked that. Open the page to say whether it is yours."

func kindWord(kind string) string {
	switch kind {
	case "sent":
		return "payment notice"
	case "plan":
		return "payment plan"
	case "":
		return "message"
	default:
		return kind
	}
}

func caseTitle(c letter.CaseUpdate) string {
	if c.Resolved {
		return c.Vendor + " closed your " + kindWord(c.Kind) + " about invoice " + c.Invoice
	}
	return c.Vendor + " answered your " + kindWord(c.Kind) + " about invoice " + c.Invoice
}

func eventTitle(e letter.VendorEvent) string {
	about := e.Account
	if about == "" {
		about = "a customer"
	}
	amount := ""
	if e.Amount.Currency != "" {
		amount = e.Amount.String()
	}
	switch e.Type {
	case "payment.settled":
		return "Paid: " + amount + " by " + about
	case "payment.processing":
		return "On its way: " + amount + " from " + about
	case "payment.failed":
		return "Payment failed: " + amount + " from " + about
	case "payment.refunded":
		return "Refunded: " + amount + " to " + about
	case "payment.charged_back":
		return "Charged back: " + amount + " by " + about
	case "credit.applied":
		return "Credit applied by " + about
	case "case.opened":
		return "New case from " + about + firstInvoice(e)
	case "case.message":
		return "New message from " + about + firstInvoice(e)
	case "case.resolved":
		return "Case closed" + firstInvoice(e)
	case "transfer.sent":
		return "Sent to you: " + amount
	case "account.contact_bounced":
		return "A contact of " + about + " cannot be reached"
	case "connection.failing":
		return "Your connection is failing"
	default:
		return "News about " + about
	}
}

func firstInvoice(e letter.VendorEvent) string {
	if len(e.Lines) == 0 {
		return ""
	}
	return ", invoice " + e.Lines[0].Invoice
}

func eventLead(e letter.VendorEvent) string {
	switch e.Type {
	case "payment.settled":
		return "The money is in, and goes to you with the next transfer."
	case "payment.processing":
		return "It is not settled yet. Do not book it before it is; we write again when it is."
	case "payment.failed":
		return "Nothing was paid. The invoices are open as before, and are reminded of again."
	case "payment.refunded":
		return "It goes back to the payer the way it was paid. The invoices stay as they are: whether they are owed again, your books say."
	case "payment.charged_back":
		return "The payer's bank took the money back. The invoices are open again. Say what speaks for you before the deadline, or accept it."
	case "case.opened", "case.message":
		return "Answer on your page; the customer hears of it at once. A quick answer is a quick payment."
	case "account.contact_bounced":
		return "Mails to it come back. Correct the address in your own system."
	case "connection.failing":
		return "New invoices do not come in until it works again."
	default:
		return ""
	}
}

func eventFacts(e letter.VendorEvent) []letter.Fact {
	var facts []letter.Fact
	if e.Account != "" {
		facts = append(facts, letter.Fact{Label: "Account", Value: e.Account})
	}
	if e.Amount.Currency != "" {
		facts = append(facts, letter.Fact{Label: "Amount", Value: e.Amount.String()})
	}
	if e.Reference != "" {
		facts = append(facts, letter.Fact{Label: "Reference", Value: e.Reference})
	}
	return append(facts, e.Facts...)
}

func receiptTitle(r letter.Receipt) string {
	paid := r.Charged.String()
	if r.Charged.Zero() && r.Credits.Positive() {
		paid = r.Credits.String() + " by credits"
	}
	switch r.Status {
	case "processing":
		return "Processing: your payment " + r.Number + ", " + paid
	case "failed":
		return "Failed: your payment " + r.Number + ", " + paid
	case "refunded":
		return "Refunded: your payment " + r.Number + ", " + paid
	case "charged_back":
		return "Charged back: your payment " + r.Number + ", " + paid
	default:
		return "Receipt " + r.Number + ": " + paid
	}
}

func receiptLead(r letter.Receipt) string {
	switch r.Status {
	case "processing":
		return "Your payment is on its way. It takes up to 4 business days; we write again when it is settled. Nobody reminds you of these invoices meanwhile."
	case "failed":
		return "Nothing was charged, and the invoices are open as before. You can try again on the page."
	case "refunded":
		return "The money goes back to where it came from."
	case "charged_back":
		return "Your bank took the money back. The invoices are open again."
	default:
		return "Thank you. Each vendor has been told of its part."
	}
}

func receiptFacts(r letter.Receipt) []letter.Fact {
	facts := []letter.Fact{{Label: "Number", Value: r.Number}, {Label: "Charged", Value: r.Charged.String()}}
	for _, sum := range []struct {
		label  string
		amount money.Amount
	}{{"Late fees in it", r.LateFee}, {"Kept for you", r.Unapplied}, {"Credits applied", r.Credits}, {"Discounts given", r.Discount},
		{"Refunded so far", r.Refunded}, {"Charged back so far", r.ChargedBack}} {
		if sum.amount.Positive() {
			facts = append(facts, letter.Fact{Label: sum.label, Value: sum.amount.String()})
		}
	}
	if r.Payer != "" {
		facts = append(facts, letter.Fact{Label: "Payer", Value: r.Payer})
	}
	if r.Method != "" {
		facts = append(facts, letter.Fact{Label: "Method", Value: ui.Sentence(r.Method)})
	}
	if !r.At.IsZero() {
		facts = append(facts, letter.Fact{Label: "On", Value: moment(r)})
	}
	return facts
}

// receiptLines are one vendor's invoices, what it keeps, and what went back. Of
// very many invoices the rest stands on the page: mail programs cut long mails.
func receiptLines(r letter.Receipt, v letter.ReceiptVendor) []letter.VendorLine {
	const most = 30
	lines := make([]letter.VendorLine, 0, len(v.Lines)+len(v.Returns)+1)
	for i, line := range v.Lines {
		if rest := len(v.Lines) - i; i >= most && rest > 1 {
			lines = append(lines, letter.VendorLine{Invoice: ui.Count(rest, "more invoice", "more invoices"), Amount: settledSum(v.Lines[i:]), Note: "each stands on the page"})
			break
		}
		lines = append(lines, letter.VendorLine{Invoice: "Invoice " + line.Invoice, Amount: line.Settled, Note: receiptNote(line)})
	}
	if v.Unapplied.Positive() {
		lines = append(lines, letter.VendorLine{Invoice: "Kept for you by the vendor", Amount: v.Unapplied, Note: "no open invoice could take it"})
	}
	for _, back := range v.Returns {
		lines = append(lines, letter.VendorLine{Invoice: back.What, Amount: back.Amount.Neg(), Note: momentIn(back.At, r)})
	}
	return lines
}

func settledSum(lines []letter.ReceiptLine) money.Amount {
	sum := money.New(0, lines[0].Settled.Currency)
	for _, line := range lines {
		sum.Minor += line.Settled.Minor
	}
	return sum
}

// receiptNote says of what an invoice's amount is made: "EUR 210.00 of it
// by credit CN-118 · and a late fee of EUR 2.00 · paid EUR 42.00".
func receiptNote(line letter.ReceiptLine) string {
	var notes []string
	for _, credit := range line.Credits {
		notes = append(notes, credit.Amount.String()+" of it by credit "+credit.Number)
	}
	if line.Discount.Positive() {
		notes = append(notes, line.Discount.String()+" of it a discount")
	}
	if line.LateFee.Positive() {
		notes = append(notes, "and a late fee of "+line.LateFee.String())
	}
	if len(notes) > 0 {
		notes = append(notes, "paid "+line.Paid.String())
	}
	return strings.Join(notes, " · ")
}

// receiptEnd says what the paper is, and is not.
func receiptEnd(r letter.Receipt) string {
	end := "This receipt is not a tax invoice; those come from each vendor."
	if r.Attached {
		return "The same is attached as a PDF. " + end
	}
	return end
}

// moment is the receipt's instant in the contact's zone; an unknown zone is
// UTC, and the mail says which it is.
func moment(r letter.Receipt) string { return momentIn(r.At, r) }

func momentIn(at time.Time, r letter.Receipt) string {
	zone, err := time.LoadLocation(r.Zone)
	if err != nil {
		zone = time.UTC
	}
	return ui.MomentText(at.In(zone), r.Today) + " " + at.In(zone).Format("MST")
}

func scheduleTitle(s letter.Schedule) string {
	switch s.Kind {
	case letter.ScheduleFailed:
		return "Not paid: " + s.Amount.String() + ", which you planned for " + s.PayOn.Human(s.Today)
	case letter.ScheduleNothing:
		return "Nothing to pay on " + s.PayOn.Human(s.Today) + " any more"
	case letter.ScheduleLeftOut:
		return "Not all that you planned for " + s.PayOn.Human(s.Today) + " is paid"
	}
	if s.PayOn == s.Today.AddDays(1) {
		return "Tomorrow: " + s.Amount.String() + " will be paid"
	}
	return "On " + s.PayOn.Human(s.Today) + ": " + s.Amount.String() + " will be paid"
}

func scheduleLead(s letter.Schedule) string {
	switch s.Kind {
	case letter.ScheduleFailed:
		return "Nothing was charged, and the invoices are open as before."
	case letter.ScheduleNothing:
		return "What you had planned was paid, withdrawn or disputed meanwhile. Nothing was charged."
	case letter.ScheduleLeftOut:
		return "What is left out would have cost more than you planned, and is open as before. The rest is being paid as planned."
	}
	return "You planned this payment. It takes what is still open then, and never more than this. You can cancel it until it starts, in the early morning of that day."
}

func scheduleFacts(s letter.Schedule) []letter.Fact {
	facts := []letter.Fact{{Label: "Date", Value: s.PayOn.Human(s.Today)}, {Label: "With", Value: s.Method}, {Label: "Amount", Value: s.Amount.String()}}
	reason := "Reason"
	if s.Kind == letter.ScheduleLeftOut {
		facts[2].Label, reason = "Planned", "Left out"
		facts = append(facts, letter.Fact{Label: "Charged", Value: s.Charged.String()})
	}
	if s.Reason != "" {
		facts = append(facts, letter.Fact{Label: reason, Value: s.Reason})
	}
	return facts
}

func scheduleAction(s letter.Schedule) string {
	switch s.Kind {
	case letter.ScheduleFailed:
		return "Pay in another way"
	case letter.ScheduleNothing:
		return "See your invoices"
	case letter.ScheduleLeftOut:
		return "See what is open"
	}
	return "Look, or cancel it"
}

func invitationLead(i letter.Invitation) string {
	who := i.From
	if i.Email != "" && i.Email != i.From {
		who += " (" + i.Email + ")"
	}
	return who + " asks you to join a team on " + hubName(i.Footer) + "."
}

func invitationTerms(i letter.Invitation) string {
	return "In a team you see and pay one another's invoices. Each keeps an own reminder, and anyone can leave. Nothing is shared before you say yes; you have " +
		ui.Count(i.Days, "day", "days") + ". If you do not know who asks, do nothing."
}

func signInLead(s letter.SignIn) string {
	return "Follow the link to sign in. It works once, for " + ui.Count(s.Minutes, "minute", "minutes") + "."
}

func signInAsked(s letter.SignIn) string {
	if s.Asked == "" {
		return "If you did not ask for it, do nothing: nobody can sign in without this mail."
	}
	return "Asked for " + s.Asked + ". If that was not you, do nothing: nobody can sign in without this mail."
}
