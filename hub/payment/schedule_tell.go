package payment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/mail"
	"github.com/sheaf-hub/sheaf/hub/mail/letter"
	"github.com/sheaf-hub/sheaf/hub/money"
)

// tellDue tells payers of what starts tomorrow, each plan once. What is due to
// start already is not told: its outcome is.
func (s *Service) tellDue(ctx context.Context) (int, error) {
	due, err := dueNotices(ctx, s.DB, s.Now(), startBatch)
	if err != nil {
		return 0, err
	}
	var failures []error
	for _, schedule := range due {
		failures = append(failures, s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
			fresh, err := markTold(ctx, tx, schedule.ID, s.Now())
			if err != nil || !fresh {
				return err
			}
			return s.tellAhead(ctx, tx, schedule)
		}))
	}
	return len(due), errors.Join(failures...)
}

func (s *Service) tellAhead(ctx context.Context, tx bun.IDB, schedule Schedule) error {
	return s.mailPlanned(ctx, tx, schedule, letter.Schedule{Kind: letter.ScheduleAhead})
}

// tellEnd tells the payer at once that nothing was paid, and why.
func (s *Service) tellEnd(ctx context.Context, tx bun.IDB, schedule Schedule) error {
	kind := letter.ScheduleFailed
	if schedule.State == NothingLeft {
		kind = letter.ScheduleNothing
	}
	return s.mailPlanned(ctx, tx, schedule, letter.Schedule{Kind: kind, Reason: schedule.Failure})
}

// mailPlanned names all that was planned.
func (s *Service) mailPlanned(ctx context.Context, tx bun.IDB, schedule Schedule, view letter.Schedule) error {
	vendors, err := s.scheduleVendors(ctx, tx, schedule)
	if err != nil {
		return err
	}
	view.Vendors = vendors
	return s.mailSchedule(ctx, tx, schedule, view)
}

// mailSchedule commits one mail about a plan with the change that causes it,
// unless the mailbox cannot be reached.
func (s *Service) mailSchedule(ctx context.Context, tx bun.IDB, schedule Schedule, view letter.Schedule) error {
	contact, err := s.Party.ContactTx(ctx, tx, schedule.ContactID)
	if err != nil || !contact.BouncedAt.IsZero() {
		return err
	}
	method, err := readMethod(ctx, tx, schedule.MethodID)
	if err != nil {
		return err
	}
	view.Today, view.ContactName, view.PayOn, view.Footer = money.DateOf(s.Now(), contact.Zone()), contact.Name, schedule.PayOn, s.Footer
	view.Amount, view.Method, view.URL = money.New(schedule.Amount, schedule.Currency), method.Name(), s.scheduleLink(schedule, view.Kind)
	rendered, err := s.Letters.Schedule(view)
	if err != nil {
		return fmt.Errorf("render the notice: %w", err)
	}
	var worthless time.Time // never: it stays news
	if view.Kind == letter.ScheduleAhead {
		worthless = schedule.StartsAt
	}
	return s.Outbox.AppendMailTx(ctx, tx, "schedule", mail.Message{From: s.From, To: mail.Address{Name: contact.Name, Email: contact.Email},
		Subject: rendered.Subject, Text: rendered.Text, HTML: rendered.HTML, AutoReply: true}, worthless)
}

// scheduleLink leads to where the payer can cancel, or pay in another way.
func (s *Service) scheduleLink(schedule Schedule, kind letter.ScheduleKind) string {
	if kind == letter.ScheduleAhead {
		return s.PublicURL + "/me/schedules#" + schedule.ID
	}
	return s.PublicURL + "/me"
}

func (s *Service) scheduleVendors(ctx context.Context, tx bun.IDB, schedule Schedule) ([]letter.ScheduleVendor, error) {
	lines, err := plannedLines(ctx, tx, []string{schedule.ID})
	if err != nil {
		return nil, err
	}
	var vendors []letter.ScheduleVendor
	for _, line := range lines {
		if len(vendors) == 0 || vendors[len(vendors)-1].Name != line.VendorName {
			vendors = append(vendors, letter.ScheduleVendor{Name: line.VendorName, Amount: money.New(0, schedule.Currency)})
		}
		vendor := &vendors[len(vendors)-1]
		amount := money.New(line.Amount, schedule.Currency)
		vendor.Amount.Minor += line.Amount
		vendor.Lines = append(vendor.Lines, letter.VendorLine{Invoice: line.Number, Amount: amount})
	}
	return vendors, nil
}
