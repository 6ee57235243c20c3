package payment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// MostScheduleDays is how far ahead a payment can be planned.
const MostScheduleDays = 90

// mostPlanned bounds how many payments a contact has planned at once.
const mostPlanned = 100

// Hours of the payer's day at which a planned payment starts, and at which the
// payer is told of it on the day before.
const (
	startHour = 6
	tellHour  = 10
)

// MostLate is how late a planned payment may still start, after the hub was
// down. One that is later is not a payment on that date any more.
const MostLate = 7 * 24 * time.Hour

// startLease is how long one start may take before another worker goes on.
const startLease = 2 * time.Minute

// startRetry is how long a start waits that could not be made.
const startRetry = 5 * time.Minute

// ScheduleState is how far a planned payment is.
type ScheduleState string

// A planned payment waits, starts, and then is a payment like any other; the
// other states are ends without one. Failed is also the end of one whose payment
// failed.
const (
	Scheduled   ScheduleState = "scheduled"
	Starting    ScheduleState = "starting"
	StartedOn   ScheduleState = "started"
	Cancelled   ScheduleState = "cancelled"
	StartFailed ScheduleState = "failed"
	NothingLeft ScheduleState = "nothing_left"
)

// Schedule is a payment for a date of the payer's choice, with a means of
// payment that it keeps. It reserves nothing: on the day it takes what is still
// payable, and never more than was promised.
type Schedule struct {
	bun.BaseModel `bun:"table:scheduled_payments,alias:sp"`
	ID            string         `bun:"id,pk"`
	CustomerID    string         `bun:"customer_id"` // when it was planned
	ContactID     string         `bun:"contact_id"`
	MethodID      string         `bun:"method_id"`
	QuoteID       string         `bun:"quote_id"`
	Currency      money.Currency `bun:"currency"`
	Amount        int64          `bun:"amount"` // promised, in minor units
	PayOn         money.Date     `bun:"pay_on"`
	Zone          string         `bun:"zone"` // the contact's when it chose the date
	StartsAt      time.Time      `bun:"starts_at"`
	TellAt        time.Time      `bun:"tell_at"`
	ToldAt        time.Time      `bun:"told_at,nullzero"`
	State         ScheduleState  `bun:"state"`
	PaymentID     string         `bun:"payment_id,nullzero"`
	Failure       string         `bun:"failure"` // for the payer
	Attempts      int            `bun:"attempts"`
	NextAttemptAt time.Time      `bun:"next_attempt_at,nullzero"`
	ClaimedUntil  time.Time      `bun:"claimed_until,nullzero"`
	LastAnswer    string         `bun:"last_answer"`
	CreatedAt     time.Time      `bun:"created_at"`
	UpdatedAt     time.Time      `bun:"updated_at"`
	EndedAt       time.Time      `bun:"ended_at,nullzero"`
}

// ScheduledLine is what is promised to one invoice.
type ScheduledLine struct {
	bun.BaseModel `bun:"table:scheduled_lines,alias:sl"`
	ID            string `bun:"id,pk"`
	ScheduleID    string `bun:"schedule_id"`
	VendorID      string `bun:"vendor_id"`
	InvoiceID     string `bun:"invoice_id"`
	Amount        int64  `bun:"amount"` // at most charged for it
	Pays          int64  `bun:"pays"`   // of the invoice: Amount with its discount, without its late fee
}

// auditedSchedule is what the audit log keeps of a planned payment.
type auditedSchedule struct {
	PayOn    money.Date `json:"pay_on"`
	Amount   string     `json:"amount"`
	Method   string     `json:"method"`
	Invoices int        `json:"invoices"`
}

// ScheduleBounds are the first and the last day for which a contact can plan a
// payment now; with a method, not after it expires.
func (s *Service) ScheduleBounds(contact party.Contact, method SavedMethod) (first, last money.Date) {
	today := money.DateOf(s.Now(), contact.Zone())
	first, last = today.AddDays(1), today.AddDays(MostScheduleDays)
	if expires := method.LastDay(); expires != "" && expires < last {
		last = expires
	}
	return first, last
}

// PlanPayment plans to pay one currency of a quote on a date, with a means of
// payment that the payer keeps. What is charged then is counted as of that date,
// on which a discount may have ended and a late fee begun. Agreed is what the
// payer agrees to, in minor units; 0: what the quote says. Asked twice, it answers
// with the same plan. Errors: *DearerError when it would be more than agreed;
// *ChangedError; fault.Invalid for the date or for credits, which are
// applied at once; NotFound for another's quote or means of payment; Gone for an
// old quote; Conflict when it is being paid already.
func (s *Service) PlanPayment(ctx context.Context, payer Payer, quoteID, hash string, currency money.Currency, methodID string, payOn money.Date, agreed int64) (Schedule, error) {
	if err := s.mayKeep(payer); err != nil {
		return Schedule{}, err
	}
	var schedule Schedule
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		part, err := s.plannable(ctx, tx, payer, quoteID, hash, currency)
		if err != nil {
			return err
		}
		// the quote's row is locked now: two clicks at once make one plan
		found := false
		if schedule, found, err = scheduleOfQuote(ctx, tx, quoteID, currency); err != nil || found {
			return err
		}
		schedule, err = s.plan(ctx, tx, payer, quoteID, part, methodID, payOn, agreed)
		return err
	})
	return schedule, err
}

// plannable reads and locks the part of a quote that is to be paid later.
func (s *Service) plannable(ctx context.Context, tx bun.IDB, payer Payer, quoteID, hash string, currency money.Currency) (CurrencyQuote, error) {
	row, err := s.ownQuote(ctx, tx, payer, quoteID)
	if err != nil {
		return CurrencyQuote{}, err
	}
	if !store.SameToken(row.Hash, hash) || hashQuote(row) != row.Hash {
		return CurrencyQuote{}, fault.New(fault.Conflict, "This selection was altered on its way. Nothing is planned. Go back and choose again.")
	}
	payment, paid, err := paymentOfQuote(ctx, s.DB, tx, row.ID, currency)
	if err != nil {
		return CurrencyQuote{}, err
	}
	if paid {
		return CurrencyQuote{}, fault.New(fault.Conflict, "A payment of this selection was begun already (%s). Go back and choose again.", payment.Status)
	}
	quote, err := row.decode()
	if err != nil {
		return CurrencyQuote{}, err
	}
	at := slices.IndexFunc(quote.Currencies, func(part CurrencyQuote) bool { return part.Currency == currency })
	if at < 0 {
		return CurrencyQuote{}, fault.New(fault.NotFound, "This selection has nothing in %s.", currency)
	}
	if _, planned, err := scheduleOfQuote(ctx, tx, quoteID, currency); err == nil && !planned && !s.Now().Before(row.ExpiresAt) {
		return CurrencyQuote{}, fault.New(fault.Gone, "This selection is older than %d minutes. Nothing is planned. Go back and choose again.", int(QuoteLife.Minutes()))
	}
	return quote.Currencies[at], nil
}

func (s *Service) plan(ctx context.Context, tx bun.IDB, payer Payer, quoteID string, part CurrencyQuote, methodID string, payOn money.Date, agreed int64) (Schedule, error) {
	contact := payer.Contact
	if part.Credit > 0 {
		return Schedule{}, fault.At("date", "Credits are applied at once. Untick them to pay on a date, or pay now.")
	}
	method, err := lockOwnMethod(ctx, s.DB, tx, contact.ID, methodID)
	if err != nil {
		return Schedule{}, err
	}
	if full, err := planningFull(ctx, tx, contact.ID); err != nil || full {
		return Schedule{}, errors.Join(err, conflictIf(full, fmt.Sprintf("You have planned %d payments. Pay this one now, or cancel another.", mostPlanned)))
	}
	first, last := s.ScheduleBounds(contact, method)
	if payOn < first || payOn > last {
		return Schedule{}, fault.At("date", "Choose a date from %s to %s.", first.Human(""), last.Human(""))
	}
	if err := errors.Join(s.chargeable(method, payOn), s.keepsDiscount(part.Method, method)); err != nil {
		return Schedule{}, err
	}
	schedule := s.newSchedule(contact, method, quoteID, part, payOn)
	lines := newScheduledLines(schedule, part)
	invoices, err := s.stillPlannable(ctx, tx, payer, part, lines)
	if err != nil {
		return Schedule{}, err
	}
	if err := s.priceOnDate(ctx, tx, &schedule, lines, part, invoices, s.methodOf(method, part.Currency), agreed); err != nil {
		return Schedule{}, err
	}
	if err := s.keepPlan(ctx, tx, schedule, lines, invoices); err != nil {
		return Schedule{}, err
	}
	if err := s.Access.AuditTx(ctx, tx, contactActor(contact), access.Change{Action: "payment.scheduled", SubjectKind: "scheduled payment", SubjectID: schedule.ID,
		CustomerID: contact.CustomerID, After: schedule.audited(method, len(lines))}); err != nil {
		return Schedule{}, err
	}
	if schedule.ToldAt.IsZero() {
		return schedule, nil
	}
	return schedule, s.tellAhead(ctx, tx, schedule)
}

// keepPlan writes a plan, holds its invoices and notes it on them.
func (s *Service) keepPlan(ctx context.Context, tx bun.IDB, schedule Schedule, lines []ScheduledLine, invoices map[string]billing.Invoice) error {
	amounts := make(map[string]int64, len(lines))
	notes := make([]billing.Note, 0, len(lines))
	for _, line := range lines {
		amounts[line.InvoiceID] = line.Pays
		notes = append(notes, billing.Note{Invoice: invoices[line.InvoiceID], Kind: "scheduled",
			Text: fmt.Sprintf("Will be paid on %s: %s.", schedule.PayOn.Human(""), money.New(line.Amount, schedule.Currency))})
	}
	if err := insertSchedule(ctx, tx, schedule, lines); err != nil {
		return err
	}
	if err := s.Billing.HoldScheduledTx(ctx, tx, schedule.ID, invoices, amounts, schedule.PayOn); err != nil {
		return err
	}
	return s.Billing.NoteTx(ctx, tx, notes...)
}

func (p Schedule) audited(method SavedMethod, invoices int) auditedSchedule {
	return auditedSchedule{PayOn: p.PayOn, Amount: money.New(p.Amount, p.Currency).String(), Method: method.Detail, Invoices: invoices}
}

// newSchedule fixes the moments in the contact's zone, whatever its clocks do
// until then. Who plans for tomorrow is told at once.
func (s *Service) newSchedule(contact party.Contact, method SavedMethod, quoteID string, part CurrencyQuote, payOn money.Date) Schedule {
	now, zone := s.Now().UTC(), contact.Zone()
	schedule := Schedule{ID: store.NewID(), CustomerID: contact.CustomerID, ContactID: contact.ID, MethodID: method.ID, QuoteID: quoteID, Currency: part.Currency,
		Amount: part.Charge, PayOn: payOn, Zone: zone.String(), StartsAt: momentOf(payOn, startHour, zone), TellAt: momentOf(payOn.AddDays(-1), tellHour, zone),
		State: Scheduled, CreatedAt: now, UpdatedAt: now}
	schedule.NextAttemptAt = schedule.StartsAt
	if payOn == money.DateOf(now, zone).AddDays(1) || !now.Before(schedule.TellAt) {
		schedule.TellAt, schedule.ToldAt = now, now
	}
	return schedule
}

// momentOf is an hour of a date in a zone.
func momentOf(date money.Date, hour int, zone *time.Location) time.Time {
	day := date.Time()
	return time.Date(day.Year(), day.Month(), day.Day(), hour, 0, 0, 0, zone).UTC()
}

func newScheduledLines(schedule Schedule, part CurrencyQuote) []ScheduledLine {
	var lines []ScheduledLine
	for _, vendor := range part.Vendors {
		for _, line := range vendor.Lines {
			lines = append(lines, ScheduledLine{ID: store.NewID(), ScheduleID: schedule.ID, VendorID: vendor.VendorID, InvoiceID: line.InvoiceID, Amount: line.Charge, Pays: line.pays()})
		}
	}
	return lines
}

// stillPlannable locks the invoices and holds them against the quote, and
// against what is planned for them already.
func (s *Service) stillPlannable(ctx context.Context, tx bun.IDB, payer Payer, part CurrencyQuote, lines []ScheduledLine) (map[string]billing.Invoice, error) {
	ids := make([]string, len(lines))
	for i, line := range lines {
		ids[i] = line.InvoiceID
	}
	invoices, _, err := s.Billing.LockTx(ctx, tx, ids, nil)
	if err != nil {
		return nil, err
	}
	if err := s.unchanged(ctx, tx, payer, part, invoices, nil); err != nil {
		return nil, err
	}
	planned, err := plannedFor(ctx, tx, ids, time.Time{})
	if err != nil {
		return nil, err
	}
	for _, line := range lines {
		if invoice := invoices[line.InvoiceID]; planned[line.InvoiceID] > 0 && planned[line.InvoiceID]+line.Pays > invoice.Payable() {
			return nil, fault.At("date", "Invoice %s will be paid on another date already. Cancel that first.", invoice.Number)
		}
	}
	return invoices, nil
}

// CancelSchedule takes a planned payment back, until it starts. Faults: NotFound
// for another contact's; Conflict once it has started or ended.
func (s *Service) CancelSchedule(ctx context.Context, payer Payer, id string) error {
	if payer.DigestID != "" || !store.ValidID(id) {
		return noSchedule()
	}
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		schedule, err := contactsSchedule(ctx, tx, payer.Contact.ID, id)
		if err != nil {
			return err
		}
		return s.cancelSchedule(ctx, tx, payer.Contact, schedule)
	})
}

// cancelSchedule decides against a start by one update of the row.
func (s *Service) cancelSchedule(ctx context.Context, tx bun.IDB, contact party.Contact, schedule Schedule) error {
	cancelled, err := endSchedule(ctx, tx, schedule, Scheduled, Cancelled, "", s.Now())
	if err != nil {
		return err
	}
	if !cancelled {
		return fault.New(fault.Conflict, "This payment has started or ended already: it can no longer be cancelled.")
	}
	lines, err := s.letGo(ctx, tx, schedule, "The payment that was planned for %s was cancelled.")
	if err != nil {
		return err
	}
	method, err := readMethod(ctx, tx, schedule.MethodID)
	if err != nil {
		return err
	}
	return s.Access.AuditTx(ctx, tx, contactActor(contact), access.Change{Action: "payment.schedule_cancelled", SubjectKind: "scheduled payment",
		SubjectID: schedule.ID, CustomerID: contact.CustomerID, Before: schedule.audited(method, len(lines))})
}

// letGo lifts the holds of a planned payment that ends without a payment, and
// notes it on the invoices; words name the date by a %s.
func (s *Service) letGo(ctx context.Context, tx bun.IDB, schedule Schedule, words string) ([]ScheduledLine, error) {
	if err := s.Billing.LiftScheduledTx(ctx, tx, schedule.ID); err != nil {
		return nil, err
	}
	lines, err := scheduledLines(ctx, tx, schedule.ID)
	if err != nil {
		return nil, err
	}
	invoices, _, err := s.Billing.LockTx(ctx, tx, invoicesOf(lines), nil)
	if err != nil {
		return nil, err
	}
	notes := make([]billing.Note, 0, len(lines))
	for _, line := range lines {
		notes = append(notes, billing.Note{Invoice: invoices[line.InvoiceID], Kind: "scheduled", Text: fmt.Sprintf(words, schedule.PayOn.Human(""))})
	}
	return lines, s.Billing.NoteTx(ctx, tx, notes...)
}

func invoicesOf(lines []ScheduledLine) []string {
	ids := make([]string, len(lines))
	for i, line := range lines {
		ids[i] = line.InvoiceID
	}
	return ids
}

// PlannedLine is what is promised to one invoice, as pages and mails name it.
type PlannedLine struct {
	ScheduleID string `bun:"schedule_id"`
	InvoiceID  string `bun:"invoice_id"`
	VendorName string `bun:"vendor_name"`
	Number     string `bun:"number"`
	Amount     int64  `bun:"amount"`
}

// Planned is a planned payment with what its page shows.
type Planned struct {
	Schedule      `bun:",extend"`
	MethodDetail  string        `bun:"method_detail"`
	PaymentStatus Status        `bun:"payment_status"` // of one that has started; empty before
	Lines         []PlannedLine `bun:"-"`
}

// Upcoming are the planned payments of a contact and its colleagues that have
// not started, the earliest first.
func (s *Service) Upcoming(ctx context.Context, contact party.Contact) ([]Planned, error) {
	list, err := upcoming(ctx, s.DB, contact.CustomerID)
	if err != nil {
		return nil, err
	}
	return list, attachPlannedLines(ctx, s.DB, list)
}

// PastSchedules pages through those that have started or ended, the newest first.
func (s *Service) PastSchedules(ctx context.Context, contact party.Contact, page store.PageRequest) ([]Planned, string, error) {
	list, next, err := pastSchedules(ctx, s.DB, contact.CustomerID, page)
	if err != nil {
		return nil, "", err
	}
	return list, next, attachPlannedLines(ctx, s.DB, list)
}

// PlannedWith are a contact's planned payments with one of its means of payment.
func (s *Service) PlannedWith(ctx context.Context, contact party.Contact, methodID string) ([]Planned, error) {
	all, err := s.Upcoming(ctx, contact)
	return slices.DeleteFunc(all, func(p Planned) bool { return p.MethodID != methodID || p.ContactID != contact.ID }), err
}

// RunSchedules tells payers of what will be paid tomorrow, and starts what is
// due. It may run in two processes at once, and after any time of being down. It
// returns how many planned payments it moved.
func (s *Service) RunSchedules(ctx context.Context) (int, error) {
	if s.Methods == nil {
		return 0, nil
	}
	told, failure := s.tellDue(ctx)
	started, err := s.startDue(ctx)
	return told + started, errors.Join(failure, err)
}
