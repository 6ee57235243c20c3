package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/store"
)

func noSchedule() error {
	return fault.New(fault.NotFound, "There is no such planned payment, or it is not yours.")
}

func insertSchedule(ctx context.Context, tx bun.IDB, schedule Schedule, lines []ScheduledLine) error {
	if _, err := tx.NewInsert().Model(&schedule).Exec(ctx); err != nil {
		return fmt.Errorf("store schedule: %w", err)
	}
	if _, err := tx.NewInsert().Model(&lines).Exec(ctx); err != nil {
		return fmt.Errorf("store scheduled lines: %w", err)
	}
	return nil
}

func findSchedule(ctx context.Context, query *bun.SelectQuery) (Schedule, bool, error) {
	var list []Schedule
	if err := query.Model(&list).Limit(1).Scan(ctx); err != nil {
		return Schedule{}, false, fmt.Errorf("read schedule: %w", err)
	}
	if len(list) == 0 {
		return Schedule{}, false, nil
	}
	return list[0], true, nil
}

func contactsSchedule(ctx context.Context, tx bun.IDB, contactID, id string) (Schedule, error) {
	schedule, found, err := findSchedule(ctx, tx.NewSelect().Where("contact_id = ?", contactID).Where("id = ?", id))
	if err == nil && !found {
		err = noSchedule()
	}
	return schedule, err
}

func scheduleOfQuote(ctx context.Context, tx bun.IDB, quoteID string, currency money.Currency) (Schedule, bool, error) {
	return findSchedule(ctx, tx.NewSelect().Where("quote_id = ?", quoteID).Where("currency = ?", currency).Where("state <> ?", Cancelled))
}

func scheduleOfPayment(ctx context.Context, tx bun.IDB, paymentID string) (Schedule, bool, error) {
	return findSchedule(ctx, tx.NewSelect().Where("payment_id = ?", paymentID))
}

func planningFull(ctx context.Context, tx bun.IDB, contactID string) (bool, error) {
	n, err := tx.NewSelect().Model((*Schedule)(nil)).Where("contact_id = ?", contactID).Where("state = ?", Scheduled).Count(ctx)
	if err != nil {
		return false, fmt.Errorf("count schedules: %w", err)
	}
	return n >= mostPlanned, nil
}

func plannedWith(ctx context.Context, tx bun.IDB, methodID string) ([]Schedule, error) {
	var list []Schedule
	if err := tx.NewSelect().Model(&list).Where("method_id = ?", methodID).Where("state = ?", Scheduled).Order("id").Scan(ctx); err != nil {
		return nil, fmt.Errorf("read schedules: %w", err)
	}
	return list, nil
}

// plannedFor sums, by invoice, what is promised, has not started and starts before
// a time; the zero time: all of it.
func plannedFor(ctx context.Context, tx bun.IDB, invoiceIDs []string, before time.Time) (map[string]int64, error) {
	var rows []struct {
		InvoiceID string `bun:"invoice_id"`
		Amount    int64  `bun:"amount"`
	}
	query := tx.NewSelect().TableExpr("scheduled_lines AS sl").ColumnExpr("sl.invoice_id, SUM(sl.pays) AS amount").
		Join("JOIN scheduled_payments AS sp ON sp.id = sl.schedule_id").Where("sl.invoice_id IN (?)", bun.List(invoiceIDs)).
		Where("sp.state IN (?, ?)", Scheduled, Starting).Group("sl.invoice_id")
	if !before.IsZero() {
		query = query.Where("sp.starts_at < ?", before.UTC())
	}
	if err := query.Scan(ctx, &rows); err != nil {
		return nil, fmt.Errorf("read what is planned: %w", err)
	}
	sums := make(map[string]int64, len(rows))
	for _, row := range rows {
		sums[row.InvoiceID] = row.Amount
	}
	return sums, nil
}

func scheduledLines(ctx context.Context, tx bun.IDB, scheduleID string) ([]ScheduledLine, error) {
	var lines []ScheduledLine
	if err := tx.NewSelect().Model(&lines).Where("schedule_id = ?", scheduleID).Order("id").Scan(ctx); err != nil {
		return nil, fmt.Errorf("read scheduled lines: %w", err)
	}
	return lines, nil
}

// disputedInvoices are those that a dispute holds on a day.
func disputedInvoices(ctx context.Context, tx bun.IDB, invoiceIDs []string, day money.Date) (map[string]bool, error) {
	var ids []string
	err := tx.NewSelect().Model((*billing.Hold)(nil)).ColumnExpr("DISTINCT h.invoice_id").Where("h.invoice_id IN (?)", bun.List(invoiceIDs)).
		Where("h.kind = ?", billing.HoldDispute).Where("h.lifted_at IS NULL").Where("(h.ends_on IS NULL OR h.ends_on > ?)", string(day)).Scan(ctx, &ids)
	if err != nil {
		return nil, fmt.Errorf("read disputes: %w", err)
	}
	disputed := make(map[string]bool, len(ids))
	for _, id := range ids {
		disputed[id] = true
	}
	return disputed, nil
}

// dueSchedules are those to start, and those whose start was cut off.
func dueSchedules(ctx context.Context, db bun.IDB, now time.Time, limit int64) ([]Schedule, error) {
	var list []Schedule
	err := db.NewSelect().Model(&list).Where("next_attempt_at <= ?", now.UTC()).Order("next_attempt_at", "id").Limit(limit).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read due schedules: %w", err)
	}
	return list, nil
}

// claimSchedule begins a start. Against a cancellation, or another worker, one
// of the two updates changes the row and the other does not.
func claimSchedule(ctx context.Context, db bun.IDB, schedule *Schedule, now time.Time) (bool, error) {
	until := now.Add(startLease).UTC()
	claimed, err := oneRow(ctx, "claim schedule", db.NewUpdate().Model((*Schedule)(nil)).Set("state = ?", Starting).Set("attempts = attempts + 1").
		Set("claimed_until = ?", until).Set("next_attempt_at = ?", until).Set("updated_at = ?", now.UTC()).
		Where("id = ?", schedule.ID).Where("attempts = ?", schedule.Attempts).
		Where("(state = ? OR (state = ? AND claimed_until <= ?))", Scheduled, Starting, now.UTC()))
	if claimed {
		schedule.State, schedule.ClaimedUntil = Starting, until
		schedule.Attempts++
	}
	return claimed, err
}

// lockClaimed locks a claimed schedule's row; false when the claim is another's
// by now.
func lockClaimed(ctx context.Context, db *store.DB, tx bun.IDB, schedule Schedule) (bool, error) {
	row, found, err := findSchedule(ctx, db.ForUpdate(tx.NewSelect().Where("id = ?", schedule.ID)))
	return found && row.State == Starting && row.Attempts == schedule.Attempts, err
}

// postponeSchedule gives a claim back: it is tried again later, and can be
// cancelled until then.
func postponeSchedule(ctx context.Context, db bun.IDB, schedule Schedule, why string, next, now time.Time) error {
	const most = 500
	if len(why) > most {
		why = why[:most]
	}
	_, err := oneRow(ctx, "postpone schedule", db.NewUpdate().Model((*Schedule)(nil)).Set("state = ?", Scheduled).Set("claimed_until = NULL").
		Set("next_attempt_at = ?", next.UTC()).Set("last_answer = ?", why).Set("updated_at = ?", now.UTC()).
		Where("id = ?", schedule.ID).Where("state = ?", Starting).Where("attempts = ?", schedule.Attempts))
	return err
}

// endSchedule takes a schedule from one state to an end; false when it is not in
// that state any more.
func endSchedule(ctx context.Context, tx bun.IDB, schedule Schedule, from, to ScheduleState, why string, now time.Time) (bool, error) {
	query := tx.NewUpdate().Model((*Schedule)(nil)).Set("state = ?", to).Set("failure = ?", why).Set("claimed_until = NULL").Set("next_attempt_at = NULL").
		Set("ended_at = ?", now.UTC()).Set("updated_at = ?", now.UTC()).Where("id = ?", schedule.ID).Where("state = ?", from)
	if from == Starting {
		query = query.Where("attempts = ?", schedule.Attempts)
	}
	return oneRow(ctx, "end schedule", query)
}

// linkSchedule notes the payment that a schedule became, and what it left out.
func linkSchedule(ctx context.Context, tx bun.IDB, schedule Schedule, paymentID, why string, now time.Time) error {
	linked, err := oneRow(ctx, "start schedule", tx.NewUpdate().Model((*Schedule)(nil)).Set("state = ?", StartedOn).Set("payment_id = ?", paymentID).Set("failure = ?", why).
		Set("claimed_until = NULL").Set("next_attempt_at = NULL").Set("last_answer = ''").Set("ended_at = ?", now.UTC()).Set("updated_at = ?", now.UTC()).
		Where("id = ?", schedule.ID).Where("state = ?", Starting).Where("attempts = ?", schedule.Attempts))
	if err == nil && !linked {
		err = fmt.Errorf("schedule %s was taken by another start", schedule.ID)
	}
	return err
}

// dueNotices are those that start tomorrow and were not told of.
func dueNotices(ctx context.Context, db bun.IDB, now time.Time, limit int64) ([]Schedule, error) {
	var list []Schedule
	err := db.NewSelect().Model(&list).Where("told_at IS NULL").Where("state = 'scheduled'").Where("tell_at <= ?", now.UTC()).
		Where("starts_at > ?", now.UTC()).Order("tell_at", "id").Limit(limit).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read due notices: %w", err)
	}
	return list, nil
}

func markTold(ctx context.Context, tx bun.IDB, id string, now time.Time) (bool, error) {
	return oneRow(ctx, "mark told", tx.NewUpdate().Model((*Schedule)(nil)).Set("told_at = ?", now.UTC()).Where("id = ?", id).
		Where("told_at IS NULL").Where("state = ?", Scheduled))
}

// selectPlanned are the schedules of the contacts that are a customer now.
func selectPlanned(db bun.IDB, list *[]Planned, customerID string) *bun.SelectQuery {
	return db.NewSelect().Model(list).ColumnExpr("sp.*, sm.detail AS method_detail, COALESCE(p.status, '') AS payment_status").
		Join("JOIN saved_methods AS sm ON sm.id = sp.method_id").Join("LEFT JOIN payments AS p ON p.id = sp.payment_id").
		Where("sp.contact_id IN (SELECT co.id FROM contacts AS co WHERE co.customer_id = ?)", customerID)
}

func upcoming(ctx context.Context, db bun.IDB, customerID string) ([]Planned, error) {
	const most = 500
	var list []Planned
	err := selectPlanned(db, &list, customerID).Where("sp.state IN (?, ?)", Scheduled, Starting).Order("sp.pay_on", "sp.id").Limit(most).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read upcoming payments: %w", err)
	}
	return list, nil
}

func pastSchedules(ctx context.Context, db bun.IDB, customerID string, page store.PageRequest) ([]Planned, string, error) {
	var list []Planned
	query := selectPlanned(db, &list, customerID).Where("sp.state NOT IN (?, ?)", Scheduled, Starting).OrderExpr("sp.id DESC").Limit(page.Fetch())
	if page.Cursor != "" {
		_, id, err := store.DecodeCursor(page.Cursor)
		if err != nil {
			return nil, "", err
		}
		query = query.Where("sp.id < ?", id)
	}
	if err := query.Scan(ctx); err != nil {
		return nil, "", fmt.Errorf("list planned payments: %w", err)
	}
	list, next := store.CutPage(list, page, func(p Planned) (time.Time, string) { return p.CreatedAt, p.ID })
	return list, next, nil
}

// plannedLines are in the order of their vendors' names.
func plannedLines(ctx context.Context, db bun.IDB, scheduleIDs []string) ([]PlannedLine, error) {
	var lines []PlannedLine
	err := db.NewSelect().TableExpr("scheduled_lines AS sl").ColumnExpr("sl.schedule_id, sl.invoice_id, sl.amount, v.name AS vendor_name, i.number").
		Join("JOIN invoices AS i ON i.id = sl.invoice_id").Join("JOIN vendors AS v ON v.id = sl.vendor_id").
		Where("sl.schedule_id IN (?)", bun.List(scheduleIDs)).OrderExpr("v.name, v.id, i.due_on, i.number, sl.id").Scan(ctx, &lines)
	if err != nil {
		return nil, fmt.Errorf("read scheduled lines: %w", err)
	}
	return lines, nil
}

func attachPlannedLines(ctx context.Context, db bun.IDB, list []Planned) error {
	if len(list) == 0 {
		return nil
	}
	ids := make([]string, len(list))
	at := make(map[string]int, len(list))
	for i, planned := range list {
		ids[i], at[planned.ID] = planned.ID, i
	}
	lines, err := plannedLines(ctx, db, ids)
	for _, line := range lines {
		planned := &list[at[line.ScheduleID]]
		planned.Lines = append(planned.Lines, line)
	}
	return err
}
