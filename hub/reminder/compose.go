package reminder

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/mail/letter"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/party"
)

// MostLines bounds the lines of one mail, a vendor's heading counted as one:
// about 700 bytes of HTML a line keep it under the 100 KB at which mail readers
// begin to cut.
const MostLines = 90

// MostNewLines bounds the lines of one vendor that the contact does not know yet.
const MostNewLines = 10

// MostCredits bounds the credits of one mail; the others of a vendor stand
// there as one sum.
const MostCredits = 20

// SoonDays is what counts as due soon.
const SoonDays = 7

// Sections of a digest.
const (
	sectionOverdue    = "overdue"
	sectionSoon       = "soon"
	sectionLater      = "later"
	sectionDisputed   = "disputed"
	sectionScheduled  = "scheduled"
	sectionProcessing = "processing"
	sectionNew        = "new"
)

// line is one invoice of a digest.
type line struct {
	item    billing.Item
	section string
	asked   bool   // whether it is asked for, and so counts as a reminder
	note    string // why not, or what is special
}

// bundle is all that a digest says, as it is true now.
type bundle struct {
	today   money.Date
	lines   []line
	credits []billing.Credit
	vendors map[string]party.Vendor
	answers map[string]string
}

// gather reads what a contact is to be reminded of, in a fixed number of queries.
func (s *Service) gather(ctx context.Context, contact party.Contact) (bundle, error) {
	return s.gatherUnless(ctx, contact, s.Stale)
}

// gatherUnless leaves out what comes from connections that are stale; nil: none is.
func (s *Service) gatherUnless(ctx context.Context, contact party.Contact, isStale staleFunc) (bundle, error) {
	today := money.DateOf(s.Now(), contact.Zone())
	viewer := billing.Viewer{CustomerID: contact.CustomerID, Reminded: contact.ID}
	items, _, err := s.Billing.OpenItems(ctx, viewer, today)
	if err != nil {
		return bundle{}, err
	}
	states, err := s.Party.VendorStates(ctx, s.DB, contact)
	if err != nil {
		return bundle{}, err
	}
	stale, err := staleOf(ctx, items, isStale)
	if err != nil {
		return bundle{}, err
	}
	out := bundle{today: today}
	vendorIDs := map[string]bool{}
	for _, item := range items {
		if states[item.VendorID] == party.VendorNotMine || stale[item.ConnectionID] {
			continue
		}
		out.lines = append(out.lines, place(item, states[item.VendorID], today))
		vendorIDs[item.VendorID] = true
	}
	if err := s.addOffers(ctx, out); err != nil {
		return bundle{}, err
	}
	ids := slices.Sorted(maps.Keys(vendorIDs))
	if out.vendors, err = s.Party.Vendors(ctx, s.DB, ids); err != nil {
		return bundle{}, err
	}
	if out.credits, err = s.Billing.OpenCredits(ctx, viewer); err != nil {
		return bundle{}, err
	}
	out.credits = slices.DeleteFunc(out.credits, func(c billing.Credit) bool { return states[c.VendorID] != party.VendorMine || c.Usable() == 0 })
	if s.Answers != nil {
		if out.answers, err = s.Answers(ctx, ids); err != nil {
			return bundle{}, err
		}
	}
	return out, nil
}

// staleFunc says which connections' invoices must not be asked for.
type staleFunc func(ctx context.Context, connectionIDs []string) (map[string]bool, error)

// staleOf says of which connections nothing may be asked for: what their books say
// may be long paid.
func staleOf(ctx context.Context, items []billing.Item, isStale staleFunc) (map[string]bool, error) {
	if isStale == nil {
		return nil, nil
	}
	ids := map[string]bool{}
	for _, item := range items {
		if item.ConnectionID != "" {
			ids[item.ConnectionID] = true
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	return isStale(ctx, slices.Sorted(maps.Keys(ids)))
}

// addOffers notes discounts and late fees on the lines that are asked for.
func (s *Service) addOffers(ctx context.Context, b bundle) error {
	if s.Offers == nil {
		return nil
	}
	offers, err := s.Offers(ctx, b.asked(), b.today)
	for i := range b.lines {
		if words := offers[b.lines[i].item.ID]; b.lines[i].asked && words != "" {
			b.lines[i].note = strings.TrimPrefix(b.lines[i].note+", "+words, ", ")
		}
	}
	return err
}

// asked are the invoices that the bundle asks for.
func (b bundle) asked() []billing.Item {
	var items []billing.Item
	for _, line := range b.lines {
		if line.asked {
			items = append(items, line.item)
		}
	}
	return items
}

// place decides in which section an invoice stands and whether it is asked for.
func place(item billing.Item, state party.VendorState, today money.Date) line {
	placed := line{item: item}
	if state != party.VendorMine {
		placed.section = sectionNew
		return placed
	}
	if hold, ok := item.HoldOf(billing.HoldDispute, today); ok {
		placed.section, placed.note = sectionDisputed, heldAmount("in dispute", hold, item)
		return placed
	}
	if item.Payable() == 0 {
		placed.section = sectionProcessing
		return placed
	}
	if hold, ok := item.HoldOf(billing.HoldScheduled, today); ok { // also when a part of it is not planned: the payer is at it
		placed.section, placed.note = sectionScheduled, scheduledNote(hold, item, today)
		return placed
	}
	if note := held(item, today); note != "" {
		placed.section, placed.note = sectionLater, note
		return placed
	}
	placed.asked = true
	if item.Held > 0 {
		placed.note = money.New(item.Held, item.Currency).String() + " is on its way"
	}
	switch {
	case item.DueOn == "":
		placed.section = sectionLater
	case item.DueOn < today:
		placed.section = sectionOverdue
	case item.DueOn <= today.AddDays(SoonDays):
		placed.section = sectionSoon
	default:
		placed.section = sectionLater
	}
	return placed
}

func heldAmount(word string, hold billing.Hold, item billing.Item) string {
	if hold.Amount > 0 && hold.Amount < item.Open {
		return money.New(hold.Amount, item.Currency).String() + " " + word
	}
	return ""
}

// scheduledNote says when an invoice, or a part of it, will be paid as its payer
// planned. With several dates, the earliest counts.
func scheduledNote(hold billing.Hold, item billing.Item, today money.Date) string {
	for _, other := range item.Holds {
		if other.Kind == billing.HoldScheduled && other.Active(today) && other.EndsOn < hold.EndsOn {
			hold = other
		}
	}
	note := "will be paid on " + hold.PaysOn().Human(today)
	if hold.Amount > 0 && hold.Amount < item.Open {
		return money.New(hold.Amount, item.Currency).String() + " " + note
	}
	return note
}

// held says why an invoice that could be paid is not asked for now.
func held(item billing.Item, today money.Date) string {
	for _, hold := range item.Holds {
		if !hold.Active(today) {
			continue
		}
		switch hold.Kind {
		case billing.HoldPromise:
			if hold.EndsOn != "" {
				return "promised for " + hold.EndsOn.AddDays(-1).Human(today)
			}
			return "promised"
		case billing.HoldPlan:
			return "in a payment plan"
		case billing.HoldSent:
			return "you told the vendor that payment is on its way"
		case billing.HoldManual:
			return "on hold by the vendor"
		}
	}
	return ""
}

// letter arranges a bundle for the mail; link is the digest's own.
func (s *Service) letter(contact party.Contact, b bundle, link string) letter.Digest {
	out := letter.Digest{Today: b.today, ContactName: contact.Name, PageURL: link, SettingsURL: s.PublicURL + "/me/settings",
		Unsubscribe: s.unsubscribeURL(contact), Footer: s.Footer,
		Rhythm: fmt.Sprintf("every %s at %02d:00, %s", contact.DigestWeekday, contact.DigestHour, contact.Zone())}
	byVendor := map[string][]line{}
	for _, line := range b.lines {
		byVendor[line.item.VendorID] = append(byVendor[line.item.VendorID], line)
	}
	ids := slices.SortedFunc(maps.Keys(byVendor), func(x, y string) int {
		return cmp.Or(cmp.Compare(rank(byVendor[x]), rank(byVendor[y])), cmp.Compare(b.vendors[x].Name, b.vendors[y].Name), cmp.Compare(x, y))
	})
	room, creditRoom := rooms(ids, byVendor), MostCredits
	for i, id := range ids {
		lines := byUrgency(byVendor[id])
		shown := min(len(lines), max(0, room[i]-1))
		out.More += len(lines) - shown
		switch {
		case room[i] == 0: // the page has it
		case lines[0].section == sectionNew:
			out.New = append(out.New, newVendor(b.vendors[id], lines, shown))
		default:
			vendor := describe(b.vendors[id], b.answers[id])
			vendor.More = len(lines) - shown
			for _, line := range lines[:shown] {
				addLine(&vendor, line, link)
			}
			vendor.Credits = creditLines(b.credits, id, &creditRoom)
			out.Vendors = append(out.Vendors, vendor)
		}
	}
	out.Totals = totals(b)
	if slices.ContainsFunc(b.lines, func(l line) bool { return l.asked }) {
		out.PayAllURL = link + "?select=all"
	}
	return out
}

// rooms shares the mail's lines out among vendors, one at a time in their order,
// so that one with many invoices does not crowd out the others. The first of a
// vendor's lines is its heading.
func rooms(ids []string, lines map[string][]line) []int {
	out := make([]int, len(ids))
	room := MostLines
	for gave := true; gave && room > 0; {
		gave = false
		for i, id := range ids {
			wants := len(lines[id])
			if lines[id][0].section == sectionNew {
				wants = min(wants, MostNewLines)
			}
			if room > 0 && out[i] < 1+wants {
				out[i]++
				room--
				gave = true
			}
		}
	}
	return out
}

// creditLines are one vendor's credits as far as there is room, and per currency
// what the others come to.
func creditLines(credits []billing.Credit, vendorID string, room *int) []letter.DigestCredit {
	var out []letter.DigestCredit
	left, sums := map[money.Currency]int{}, map[money.Currency]int64{}
	for _, credit := range credits {
		switch {
		case credit.VendorID != vendorID:
		case *room > 0:
			*room--
			out = append(out, letter.DigestCredit{Number: credit.Number, Open: money.New(credit.Usable(), credit.Currency)})
		default:
			left[credit.Currency]++
			sums[credit.Currency] += credit.Usable()
		}
	}
	for _, currency := range slices.Sorted(maps.Keys(sums)) {
		out = append(out, letter.DigestCredit{Number: fmt.Sprintf("%d more", left[currency]), Open: money.New(sums[currency], currency)})
	}
	return out
}

// rank puts vendors with something overdue first.
func rank(lines []line) int {
	best := 9
	for _, line := range lines {
		best = min(best, urgency(line.section))
	}
	return best
}

func urgency(section string) int {
	return slices.Index([]string{sectionOverdue, sectionSoon, sectionLater, sectionDisputed, sectionScheduled, sectionProcessing, sectionNew}, section)
}

func byUrgency(lines []line) []line {
	sorted := slices.Clone(lines)
	slices.SortStableFunc(sorted, func(a, b line) int { return cmp.Compare(urgency(a.section), urgency(b.section)) })
	return sorted
}

func newVendor(vendor party.Vendor, lines []line, room int) letter.NewVendor {
	sums := map[money.Currency]int64{}
	for _, line := range lines {
		sums[line.item.Currency] += line.item.Open
	}
	out := letter.NewVendor{Name: vendor.Name, Invoices: len(lines)}
	for _, currency := range slices.Sorted(maps.Keys(sums)) {
		out.Totals = append(out.Totals, money.New(sums[currency], currency))
	}
	for i, line := range lines {
		if i == room {
			out.More = len(lines) - room
			break
		}
		item := line.item
		out.Lines = append(out.Lines, letter.DigestLine{Number: plainNumber(item), Issued: item.IssuedOn, Due: item.DueOn,
			Open: money.New(item.Payable(), item.Currency), Total: money.New(item.Total, item.Currency)})
	}
	return out
}

// invoiceNumber is what a number looks like that cannot carry a message: short,
// of letters, digits and the usual separators, with a digit in it.
var invoiceNumber = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N} ./#_-]{0,29}$`)

// plainNumber is the number of an unknown vendor's invoice, if it is no more
// than that: the number is that vendor's own text.
func plainNumber(item billing.Item) string {
	if invoiceNumber.MatchString(item.Number) && strings.ContainsAny(item.Number, "0123456789") && !strings.Contains(strings.ToLower(item.Number), "www.") {
		return item.Number
	}
	if item.IssuedOn != "" {
		return "invoice of " + string(item.IssuedOn)
	}
	return "invoice without a plain number"
}

func describe(vendor party.Vendor, answers string) letter.DigestVendor {
	return letter.DigestVendor{Name: vendor.Name, Contact: vendor.ContactName, Phone: vendor.Phone, PhoneURI: phoneURI(vendor.Phone), Email: vendor.Email, Answers: answers}
}

// phoneURI is the number in the form of a tel: link (RFC 3966), empty when it
// is not international or not a number.
func phoneURI(phone string) string {
	if !strings.HasPrefix(phone, "+") {
		return ""
	}
	number, err := phonenumbers.Parse(phone, "ZZ")
	if err != nil || !phonenumbers.IsPossibleNumber(number) {
		return ""
	}
	return phonenumbers.Format(number, phonenumbers.E164)
}

func addLine(vendor *letter.DigestVendor, l line, link string) {
	item := l.item
	out := letter.DigestLine{Number: item.Number, Issued: item.IssuedOn, Due: item.DueOn, Open: money.New(item.Payable(), item.Currency),
		Total: money.New(item.Total, item.Currency), Note: l.note}
	if l.asked {
		out.PayURL = link + "?invoice=" + item.ID
	}
	switch l.section {
	case sectionOverdue:
		vendor.Overdue = append(vendor.Overdue, out)
	case sectionSoon:
		vendor.Soon = append(vendor.Soon, out)
	case sectionDisputed:
		out.Open = money.New(item.Open, item.Currency)
		vendor.Disputed = append(vendor.Disputed, out)
	case sectionScheduled:
		out.Open = money.New(item.Open, item.Currency)
		vendor.Scheduled = append(vendor.Scheduled, out)
	case sectionProcessing:
		out.Open = money.New(item.Open, item.Currency)
		vendor.Processing = append(vendor.Processing, out)
	default:
		vendor.Later = append(vendor.Later, out)
	}
}

// totals sums what is asked for, per currency, over vendors that are not new.
func totals(b bundle) []letter.DigestTotal {
	type sum struct{ overdue, soon, later, credits int64 }
	sums := map[money.Currency]*sum{}
	of := func(currency money.Currency) *sum {
		if sums[currency] == nil {
			sums[currency] = &sum{}
		}
		return sums[currency]
	}
	for _, line := range b.lines {
		if !line.asked {
			continue
		}
		switch line.section {
		case sectionOverdue:
			of(line.item.Currency).overdue += line.item.Payable()
		case sectionSoon:
			of(line.item.Currency).soon += line.item.Payable()
		default:
			of(line.item.Currency).later += line.item.Payable()
		}
	}
	for _, credit := range b.credits {
		of(credit.Currency).credits += credit.Usable()
	}
	var out []letter.DigestTotal
	for _, currency := range slices.Sorted(maps.Keys(sums)) {
		s := sums[currency]
		out = append(out, letter.DigestTotal{Overdue: money.New(s.overdue, currency), Soon: money.New(s.soon, currency), Later: money.New(s.later, currency),
			ToPay: money.New(s.overdue+s.soon+s.later, currency), Credits: money.New(s.credits, currency)})
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func domainOf(address string) string {
	_, domain, _ := strings.Cut(address, "@")
	return cmp.Or(domain, "localhost")
}
