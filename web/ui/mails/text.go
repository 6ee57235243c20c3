package mails

import (
	"strconv"
	"strings"

	"github.com/sheaf-hub/sheaf/hub/mail/letter"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// page builds a text part, line by line. No-break spaces become plain ones:
// not every mail program shows them.
type page struct{ out strings.Builder }

func (p *page) line(parts ...string) {
	p.out.WriteString(strings.ReplaceAll(strings.Join(parts, ""), "\u00a0", " "))
	p.out.WriteByte('\n')
}

func (p *page) some(label, value string) {
	if value != "" {
		p.line(label, value)
	}
}

func (p *page) quote(text string) {
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		p.line("> ", strings.TrimRight(line, "\r "))
	}
	p.line()
}

func (p *page) facts(facts []letter.Fact) {
	for _, fact := range facts {
		p.line(fact.Label, ": ", fact.Value)
	}
	p.line()
}

func (p *page) footer(f letter.Footer) {
	p.line("-- ")
	p.line(hubName(f))
	for _, line := range f.Postal {
		p.line(line)
	}
	p.some("Help: ", f.HelpURL)
}

// DigestText is the digest's text part.
func DigestText(d letter.Digest) string {
	p := &page{}
	p.line(greeting(d.ContactName))
	p.line()
	p.line(digestLead(d))
	p.line()
	for _, total := range d.Totals {
		p.line("To pay: ", total.ToPay.String())
		if total.Overdue.Positive() {
			p.line("  overdue ", total.Overdue.String())
		}
		if total.Soon.Positive() {
			p.line("  due within 7 days ", total.Soon.String())
		}
		if total.Later.Positive() {
			p.line("  due later ", total.Later.String())
		}
		if total.Credits.Positive() {
			p.line("  credits on hand ", total.Credits.String())
		}
	}
	if d.PayAllURL != "" {
		p.line()
		p.line("Look and pay all at once:")
		p.line(d.PayAllURL)
	}
	for _, vendor := range d.Vendors {
		p.vendor(d, vendor)
	}
	p.newVendors(d)
	p.line()
	p.line("Everything on one page, with papers:")
	p.line(d.PageURL)
	if d.More > 0 {
		p.line("(", ui.Count(d.More, "more invoice stands", "more invoices stand"), " there.)")
	}
	p.line()
	p.some("You get this ", d.Rhythm)
	p.some("Change day or time: ", d.SettingsURL)
	p.line("Unsubscribe: ", d.Unsubscribe)
	p.line()
	p.footer(d.Footer)
	return p.out.String()
}

func (p *page) vendor(d letter.Digest, v letter.DigestVendor) {
	p.line()
	p.line(strings.ToUpper(v.Name))
	for _, s := range sections(v) {
		p.line()
		p.line(s.title)
		for _, line := range s.lines {
			p.line("  ", line.Number, "  ", line.Open.String())
			p.line("    ", s.detail(line, d.Today))
			p.some("    pay: ", line.PayURL)
		}
	}
	if v.More > 0 {
		p.line("  and ", strconv.Itoa(v.More), " more on the page")
	}
	for _, credit := range v.Credits {
		p.line("  Credit on hand: ", credit.Number, "  ", credit.Open.String())
	}
	p.line()
	p.some("  Ask: ", strings.Join(filled(v.Contact, v.Phone, v.Email), ", "))
	p.some("  ", v.Answers)
}

func (p *page) newVendors(d letter.Digest) {
	if len(d.New) == 0 {
		return
	}
	p.line()
	p.line("NEW VENDORS")
	p.line(newVendorLead)
	for _, vendor := range d.New {
		p.line("  ", vendor.Name, ": ", newVendorDetail(vendor))
		for _, line := range vendor.Lines {
			p.line("    ", line.Number, "  ", line.Open.String(), "  ", lineDetail(line, true, d.Today))
		}
		if vendor.More > 0 {
			p.line("    and ", strconv.Itoa(vendor.More), " more on the page")
		}
	}
}

func filled(values ...string) []string {
	kept := values[:0]
	for _, value := range values {
		if value != "" {
			kept = append(kept, value)
		}
	}
	return kept
}

func signInText(s letter.SignIn) string {
	p := &page{}
	p.line(signInLead(s))
	p.line()
	p.line(s.URL)
	p.line()
	p.line(signInAsked(s))
	p.line()
	p.footer(s.Footer)
	return p.out.String()
}

func invitationText(i letter.Invitation) string {
	p := &page{}
	p.line(invitationLead(i))
	p.line()
	p.line(invitationTerms(i))
	p.line()
	p.line(i.URL)
	p.line()
	p.footer(i.Footer)
	return p.out.String()
}

func scheduleText(s letter.Schedule) string {
	p := &page{}
	p.line(greeting(s.ContactName))
	p.line()
	p.line(scheduleTitle(s), ".")
	p.line(scheduleLead(s))
	p.line()
	p.facts(scheduleFacts(s))
	for _, vendor := range s.Vendors {
		p.line(vendor.Name, ": ", vendor.Amount.String())
		p.lines(vendor.Lines)
	}
	p.line(scheduleAction(s), ":")
	p.line(s.URL)
	p.line()
	p.footer(s.Footer)
	return p.out.String()
}

func caseText(c letter.CaseUpdate) string {
	p := &page{}
	p.line(greeting(c.ContactName))
	p.line()
	p.line(caseTitle(c), ".")
	p.line()
	if c.Outcome != "" {
		p.line("Outcome: ", c.Outcome)
		p.line()
	}
	if c.Message != "" {
		p.line(caseAuthor(c), ":")
		p.quote(c.Message)
	}
	p.line("Read and reply:")
	p.line(c.URL)
	p.line()
	p.footer(c.Footer)
	return p.out.String()
}

func caseAuthor(c letter.CaseUpdate) string {
	if c.Author == "" {
		return c.Vendor
	}
	return c.Author + ", " + c.Vendor
}

func eventText(e letter.VendorEvent) string {
	p := &page{}
	p.line(eventTitle(e), ".")
	if lead := eventLead(e); lead != "" {
		p.line(lead)
	}
	p.line()
	p.facts(eventFacts(e))
	p.lines(e.Lines)
	if e.Message != "" {
		p.line("The customer writes:")
		p.quote(e.Message)
	}
	p.line("See it on your page:")
	p.line(e.URL)
	p.line()
	p.footer(e.Footer)
	return p.out.String()
}

func (p *page) lines(lines []letter.VendorLine) {
	for _, line := range lines {
		amount := ""
		if line.Amount.Currency != "" {
			amount = "  " + line.Amount.String()
		}
		p.line("  Invoice ", line.Invoice, amount)
		p.some("    ", line.Note)
	}
	if len(lines) > 0 {
		p.line()
	}
}

func receiptText(r letter.Receipt) string {
	p := &page{}
	p.line(greeting(r.ContactName))
	p.line()
	p.line(receiptLead(r))
	p.line()
	p.facts(receiptFacts(r))
	for _, vendor := range r.Vendors {
		p.line(vendor.Name, ": ", vendor.Amount.String())
		p.some("  Reference: ", vendor.Reference)
		p.some("  State: ", vendor.State)
		for _, line := range receiptLines(r, vendor) {
			p.line("  ", line.Invoice, "  ", line.Amount.String())
			p.some("    ", line.Note)
		}
		p.line()
	}
	p.line(receiptEnd(r))
	p.line()
	p.line("See it on the page:")
	p.line(r.URL)
	p.line()
	p.footer(r.Footer)
	return p.out.String()
}
