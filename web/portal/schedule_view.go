package portal

import (
	"slices"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// SchedulesView lists planned payments, at /me/schedules.
type SchedulesView struct {
	Page     ui.Page
	Upcoming []ScheduleRow
	Past     []ScheduleRow
	Pages    ui.CursorPager
}

// ScheduleRow is one planned payment.
type ScheduleRow struct {
	ID      string
	PayOn   money.Date
	Amount  money.Amount
	Method  string
	Who     string // a colleague's name; empty: the reader's own
	Status  Status
	Note    string // why it failed; may be empty
	Vendors []ScheduleVendor
	Payment string // its payment's page; empty: there is none
	Cancel  string // a POST; empty: it cannot be cancelled, or not by the reader
}

// ScheduleVendor is what one vendor gets of it.
type ScheduleVendor struct {
	Name     string
	Amount   money.Amount
	Invoices []string
}

// SavedOffer is how a quote can be paid with what the contact keeps.
type SavedOffer struct {
	Charge  string // a POST: now
	Plan    string // a POST: on a date
	Add     string // where another is saved
	Methods []ui.Option
	Buttons []SavedButton // of the methods, in the same order
	First   money.Date
	Last    money.Date
	Credits bool // some are set against it: it can be paid now alone
}

// SavedButton pays at once with one kept means of payment.
type SavedButton struct {
	ID   string
	Name string
	Less money.Amount // what it saves, as a bank account; positive: it leads to that amount first
}

// saves says whether one of them costs less.
func (o SavedOffer) saves() bool {
	return slices.ContainsFunc(o.Buttons, func(b SavedButton) bool { return b.Less.Positive() })
}

// named is the name of one of the means of payment.
func (o SavedOffer) named(id string) string {
	for _, button := range o.Buttons {
		if button.ID == id {
			return button.Name
		}
	}
	return ""
}

// SchedulePick is what was chosen to plan a payment, kept after an error.
type SchedulePick struct {
	Method string
	Date   string
	Dearer *SchedulePrice // it costs more on that date; nil: it does not
}

// SchedulePrice is what a payment comes to on a later date, to be agreed to.
type SchedulePrice struct {
	On          money.Date
	Total       money.Amount
	Agreed      string // Total as the form sends it back
	Differences []Difference
}

func scheduleRows(who visitor, list []payment.Planned, team map[string]party.Contact) []ScheduleRow {
	rows := make([]ScheduleRow, 0, len(list))
	for _, plan := range list {
		rows = append(rows, scheduleOf(who, plan, team))
	}
	return rows
}

func scheduleOf(who visitor, plan payment.Planned, team map[string]party.Contact) ScheduleRow {
	row := ScheduleRow{ID: plan.ID, PayOn: plan.PayOn, Amount: money.New(plan.Amount, plan.Currency), Method: ui.Sentence(plan.MethodDetail),
		Status: scheduleStatus(plan), Note: plan.Failure}
	if plan.PaymentID != "" {
		row.Payment = "/me/payments/" + plan.PaymentID
	}
	if plan.ContactID != who.contact().ID {
		row.Who = "A colleague"
		if colleague, known := team[plan.ContactID]; known {
			row.Who = colleague.DisplayName()
		}
	} else if plan.State == payment.Scheduled {
		row.Cancel = "/me/schedules/" + plan.ID + "/cancellations"
	}
	for _, line := range plan.Lines {
		if n := len(row.Vendors); n == 0 || row.Vendors[n-1].Name != line.VendorName {
			row.Vendors = append(row.Vendors, ScheduleVendor{Name: line.VendorName, Amount: money.New(0, plan.Currency)})
		}
		vendor := &row.Vendors[len(row.Vendors)-1]
		vendor.Amount.Minor += line.Amount
		vendor.Invoices = append(vendor.Invoices, line.Number)
	}
	return row
}

// with is the means of payment, and whose it is when it is a colleague's.
func (r ScheduleRow) with() string {
	if r.Who == "" {
		return r.Method
	}
	return r.Method + ", planned by " + r.Who
}

// to is who gets it: a vendor's name, or how many there are.
func (r ScheduleRow) to() string {
	if len(r.Vendors) == 1 {
		return r.Vendors[0].Name
	}
	return ui.Count(len(r.Vendors), "vendor", "vendors")
}

// scheduleStatus is the chip of a planned payment; one that has started stands
// as its payment does.
func scheduleStatus(plan payment.Planned) Status {
	switch plan.State {
	case payment.Scheduled:
		return Status{Tone: ui.ToneInfo, Text: "Planned"}
	case payment.Starting:
		return Status{Tone: ui.ToneInfo, Text: "Starting"}
	case payment.Cancelled:
		return Status{Tone: ui.ToneNeutral, Text: "Cancelled"}
	case payment.StartFailed:
		if plan.PaymentStatus == payment.Settled { // captured all the same
			break
		}
		return Status{Tone: ui.ToneBad, Text: "Not paid"}
	case payment.NothingLeft:
		return Status{Tone: ui.ToneNeutral, Text: "Nothing was left to pay"}
	}
	if plan.PaymentStatus == payment.Pending {
		return Status{Tone: ui.ToneInfo, Text: "Being charged"}
	}
	return PaymentStatus(string(plan.PaymentStatus))
}
