package portal

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/nyaruka/phonenumbers"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/insight"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/reminder"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// books is what a visitor sees of all its vendors' books, from one reading.
type books struct {
	day      money.Date
	items    []billing.Item // none of a vendor that is "not mine"; the earliest due first
	more     bool           // there are others: these are billing.MostShown
	credits  []billing.Credit
	states   map[string]party.VendorState
	vendors  map[string]party.Vendor
	answers  map[string]insight.ResponseTime
	underWay map[string]payment.Payment // pending and processing, by id
	team     map[string]party.Contact
	papers   map[string][]billing.Document // of the rows that are shown, by invoice
	offers   map[string]payment.Offer      // discounts and late fees of those that have any, by invoice
}

// read reads the books in a fixed number of queries, however many rows.
func (h *Handlers) read(ctx context.Context, who visitor) (books, error) {
	b := books{day: who.today}
	var err error
	if b.items, b.more, err = h.Billing.OpenItems(ctx, who.viewer(), who.today); err != nil {
		return b, err
	}
	if b.states, err = h.Party.VendorStates(ctx, h.DB, who.contact()); err != nil {
		return b, err
	}
	b.items = slices.DeleteFunc(b.items, func(item billing.Item) bool { return b.states[item.VendorID] == party.VendorNotMine })
	if b.credits, err = h.Billing.OpenCredits(ctx, who.viewer()); err != nil {
		return b, err
	}
	b.credits = slices.DeleteFunc(b.credits, func(c billing.Credit) bool { return !b.mine(c.VendorID) || c.Usable() == 0 })
	ids := b.vendorIDs()
	if b.vendors, err = h.Party.Vendors(ctx, h.DB, ids); err != nil {
		return b, err
	}
	if b.answers, err = h.Insight.ResponseTimes(ctx, ids); err != nil {
		return b, err
	}
	if b.offers, err = h.Payment.Offers(ctx, b.items); err != nil {
		return b, err
	}
	return b, h.readUnderWay(ctx, who, &b)
}

// shownFees notes which late fees a page shows: the days in which a vendor waives
// one are counted from the first time.
func (h *Handlers) shownFees(ctx context.Context, b books) error {
	var late []billing.Item
	for _, item := range b.items {
		if offer := b.offers[item.ID]; offer.LateFee+offer.Waived > 0 {
			late = append(late, item)
		}
	}
	if len(late) == 0 {
		return nil
	}
	return h.Payment.Shown(ctx, late)
}

// readUnderWay reads the payments that hold some of the invoices, if any does.
func (h *Handlers) readUnderWay(ctx context.Context, who visitor, b *books) error {
	held := slices.ContainsFunc(b.items, func(item billing.Item) bool { return item.Held > 0 })
	if !held {
		return nil
	}
	const newest = 100 // what is under way is young: a checkout lasts half an hour, a bank debit some days
	list, _, err := h.Payment.ListForCustomer(ctx, who.contact().CustomerID, store.PageRequest{Limit: newest})
	if err != nil {
		return err
	}
	b.underWay = map[string]payment.Payment{}
	for _, p := range list {
		if !p.Status.Final() {
			b.underWay[p.ID] = p
		}
	}
	b.team, err = h.team(ctx, who)
	return err
}

func (h *Handlers) team(ctx context.Context, who visitor) (map[string]party.Contact, error) {
	list, err := h.Party.Team(ctx, who.contact().CustomerID)
	team := make(map[string]party.Contact, len(list))
	for _, contact := range list {
		team[contact.ID] = contact
	}
	return team, err
}

func (b books) mine(vendorID string) bool { return b.states[vendorID] == party.VendorMine }

func (b books) vendorIDs() []string {
	seen := map[string]bool{}
	for _, item := range b.items {
		seen[item.VendorID] = true
	}
	for _, credit := range b.credits {
		seen[credit.VendorID] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// Standings of an invoice, as the filter names them.
const (
	standsOverdue    = "overdue"
	standsSoon       = "soon"
	standsLater      = "later"
	standsDisputed   = "disputed"
	standsProcessing = "processing"
)

// standing says how an invoice stands, and whether it is asked for now: the
// digest counts the same way.
func standing(item billing.Item, day money.Date) (stands string, asked bool) {
	if _, disputed := item.HoldOf(billing.HoldDispute, day); disputed {
		return standsDisputed, false
	}
	if item.Payable() == 0 {
		return standsProcessing, false
	}
	for _, kind := range []billing.HoldKind{billing.HoldPromise, billing.HoldPlan, billing.HoldSent, billing.HoldManual, billing.HoldScheduled} {
		if _, held := item.HoldOf(kind, day); held {
			return standsLater, false
		}
	}
	switch {
	case item.DueOn == "":
		return standsLater, true
	case item.DueOn < day:
		return standsOverdue, true
	case item.DueOn <= day.AddDays(reminder.SoonDays):
		return standsSoon, true
	}
	return standsLater, true
}

// holdStatuses are the chips that say why an invoice is not asked for.
func holdStatuses(item billing.Item, day money.Date) []Status {
	var list []Status
	add := func(tone ui.Tone, text string) { list = append(list, Status{Tone: tone, Text: text}) }
	for _, hold := range item.Holds {
		if !hold.Active(day) {
			continue
		}
		switch hold.Kind {
		case billing.HoldDispute:
			if hold.Amount > 0 && hold.Amount < item.Open {
				add(ui.ToneWarn, money.New(hold.Amount, item.Currency).String()+" in dispute")
			} else {
				add(ui.ToneWarn, "In dispute")
			}
		case billing.HoldPromise:
			if hold.EndsOn != "" {
				add(ui.ToneInfo, "Promised for "+hold.EndsOn.AddDays(-1).Human(day))
			} else {
				add(ui.ToneInfo, "Promised")
			}
		case billing.HoldPlan:
			add(ui.ToneInfo, "Payment plan")
		case billing.HoldSent:
			add(ui.ToneInfo, "You said it is on its way")
		case billing.HoldScheduled:
			text := "Will be paid on " + hold.PaysOn().Human(day)
			if hold.Amount > 0 && hold.Amount < item.Open {
				text = money.New(hold.Amount, item.Currency).String() + " will be paid on " + hold.PaysOn().Human(day)
			}
			add(ui.ToneInfo, text)
		case billing.HoldManual:
			add(ui.ToneNeutral, "On hold by the vendor")
		}
	}
	if item.Held > 0 && item.Payable() > 0 {
		add(ui.ToneInfo, money.New(item.Held, item.Currency).String()+" on its way")
	}
	return list
}

// row is an invoice of a list, with nothing ticked.
func (b books) row(who visitor, item billing.Item) InvoiceRow {
	stands, asked := standing(item, b.day)
	row := InvoiceRow{ID: item.ID, Number: item.Number, URL: who.base + "/invoices/" + item.ID, Order: item.PurchaseOrder, Issued: item.IssuedOn, Due: item.DueOn,
		Open: money.New(item.Open, item.Currency), Total: money.New(item.Total, item.Currency), Held: !asked, Payable: item.Payable() > 0,
		Statuses: holdStatuses(item, b.day)}
	if b.mine(item.VendorID) {
		row.Files = fileLinks(who, b.papers[item.ID])
	}
	if offer, some := b.offers[item.ID]; some {
		row.Note, row.Full, row.Charge = offer.Note(b.day), offer.Payable, offer.Charge()
	}
	if row.Payable && item.Payable() < item.Open {
		row.Amount = money.New(item.Payable(), item.Currency).Decimal()
	}
	if item.Held > 0 && item.Payable() == 0 {
		row.Statuses = append(row.Statuses, b.heldBy(item))
	}
	if stands == standsLater && item.DueOn == "" && asked {
		row.Statuses = append(row.Statuses, Status{Tone: ui.ToneNeutral, Text: "No due date given"})
	}
	return row
}

// heldBy says whether an invoice waits for a payer or for the bank.
func (b books) heldBy(item billing.Item) Status {
	for _, hold := range item.Holds {
		if b.underWay[hold.PaymentID].Status == payment.Pending {
			return Status{Tone: ui.ToneInfo, Text: "In an open checkout"}
		}
	}
	return Status{Tone: ui.ToneInfo, Text: "Payment processing"}
}

// section describes a vendor, without its rows.
func (b books) section(vendorID string) VendorSection {
	return vendorSectionOf(b.vendors[vendorID], b.answers)
}

func vendorSectionOf(vendor party.Vendor, answers map[string]insight.ResponseTime) VendorSection {
	section := VendorSection{ID: vendor.ID, Name: vendor.Name, Contact: vendor.ContactName, Email: vendor.Email}
	if number, err := phonenumbers.Parse(vendor.Phone, "ZZ"); err == nil && phonenumbers.IsPossibleNumber(number) {
		section.Phone = phonenumbers.Format(number, phonenumbers.INTERNATIONAL)
		section.PhoneURI = phonenumbers.Format(number, phonenumbers.E164)
	} else if vendor.Phone != "" {
		section.Contact = joined(section.Contact, vendor.Phone) // shown, but nothing that a telephone could dial
	}
	if answer, known := answers[vendor.ID]; known {
		section.Answers = ui.Sentence(answer.Words())
	}
	return section
}

func joined(a, b string) string {
	if a == "" {
		return b
	}
	return a + ", " + b
}

// vendorOrder puts vendors with the most urgent invoice first, then by name.
func (b books) vendorOrder(items []billing.Item) []string {
	rank := map[string]int{}
	for _, item := range items {
		stands, _ := standing(item, b.day)
		place := slices.Index([]string{standsOverdue, standsSoon, standsLater, standsDisputed, standsProcessing}, stands)
		if best, seen := rank[item.VendorID]; !seen || place < best {
			rank[item.VendorID] = place
		}
	}
	return slices.SortedFunc(maps.Keys(rank), func(x, y string) int {
		return cmp.Or(cmp.Compare(rank[x], rank[y]), cmp.Compare(b.vendors[x].Name, b.vendors[y].Name), cmp.Compare(x, y))
	})
}
