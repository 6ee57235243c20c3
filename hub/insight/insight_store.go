package insight

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// seconds between two columns or arguments, in either database's words.
func seconds(kind store.Dialect) string {
	if kind == store.Postgres {
		return "CAST(EXTRACT(EPOCH FROM (COALESCE(answered_at, ?) - created_at)) AS bigint)"
	}
	return "unixepoch(COALESCE(answered_at, ?)) - unixepoch(created_at)"
}

func responseTimes(ctx context.Context, db *store.DB, vendorIDs []string, since, now time.Time) (map[string]ResponseTime, error) {
	times := make(map[string]ResponseTime, len(vendorIDs))
	if len(vendorIDs) == 0 {
		return times, nil
	}
	var rows []struct {
		VendorID string `bun:"vendor_id"`
		Seconds  int64  `bun:"seconds"`
		Answers  int    `bun:"answers"`
	}
	err := db.NewRaw(`WITH waits AS (
			SELECT vendor_id, answered_at, `+seconds(db.Kind)+` AS seconds FROM cases
			WHERE vendor_id IN (?) AND created_at >= ? AND kind IN ('question', 'dispute', 'plan')
			AND (answered_at IS NOT NULL OR (status = 'open' AND created_at < ?))),
		ranked AS (
			SELECT vendor_id, seconds, ROW_NUMBER() OVER (PARTITION BY vendor_id ORDER BY seconds) AS place,
				COUNT(*) OVER (PARTITION BY vendor_id) AS waits, COUNT(answered_at) OVER (PARTITION BY vendor_id) AS answers FROM waits)
		SELECT vendor_id, seconds, answers FROM ranked WHERE place = (waits + 1) / 2 AND answers >= ?`,
		now, bun.List(vendorIDs), since, now.AddDate(0, 0, -7), FewestAnswers).Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("read response times: %w", err)
	}
	for _, row := range rows {
		times[row.VendorID] = ResponseTime{Median: time.Duration(max(0, row.Seconds)) * time.Second, Answers: row.Answers}
	}
	return times, nil
}

func aging(ctx context.Context, tx bun.IDB, vendorID string, today money.Date) ([]Aging, error) {
	day := func(n int) string { return string(today.AddDays(-n)) }
	var list []Aging
	err := tx.NewRaw(`SELECT currency, COUNT(*) AS invoices,
			CAST(SUM(CASE WHEN due_on IS NULL OR due_on >= ? THEN open ELSE 0 END) AS bigint) AS current_open,
			CAST(SUM(CASE WHEN due_on < ? AND due_on >= ? THEN open ELSE 0 END) AS bigint) AS days_30,
			CAST(SUM(CASE WHEN due_on < ? AND due_on >= ? THEN open ELSE 0 END) AS bigint) AS days_60,
			CAST(SUM(CASE WHEN due_on < ? AND due_on >= ? THEN open ELSE 0 END) AS bigint) AS days_90,
			CAST(SUM(CASE WHEN due_on < ? THEN open ELSE 0 END) AS bigint) AS older,
			CAST(SUM(open) AS bigint) AS total
		FROM invoices WHERE vendor_id = ? AND status = 'open' GROUP BY currency ORDER BY currency`,
		day(0), day(0), day(30), day(30), day(60), day(60), day(90), day(90), vendorID).Scan(ctx, &list)
	if err != nil {
		return nil, fmt.Errorf("sum by age: %w", err)
	}
	return list, nil
}

func accuracy(ctx context.Context, tx bun.IDB, vendorID string, since time.Time) (Accuracy, error) {
	var counted Accuracy
	err := tx.NewRaw(`SELECT COUNT(*) AS invoices,
			COUNT(CASE WHEN EXISTS (SELECT 1 FROM cases AS k WHERE k.invoice_id = i.id AND k.kind = 'dispute' AND k.status <> 'withdrawn') THEN 1 END) AS disputed,
			COUNT(CASE WHEN EXISTS (SELECT 1 FROM cases AS k WHERE k.invoice_id = i.id AND k.kind = 'dispute'
				AND k.resolution IN ('accepted', 'partly_accepted')) THEN 1 END) AS accepted
		FROM invoices AS i WHERE i.vendor_id = ? AND i.created_at >= ?`, vendorID, since).Scan(ctx, &counted)
	if err != nil {
		return counted, fmt.Errorf("count disputes: %w", err)
	}
	return counted, nil
}

func accountability(ctx context.Context, tx bun.IDB, vendorID string, since time.Time) (Accountability, error) {
	var counted Accountability
	err := tx.NewRaw(`SELECT COUNT(*) AS promises, COUNT(CASE WHEN resolution = 'kept' THEN 1 END) AS kept,
			COUNT(CASE WHEN resolution = 'broken' THEN 1 END) AS broken
		FROM cases WHERE vendor_id = ? AND kind = 'promise' AND status <> 'withdrawn' AND created_at >= ?`, vendorID, since).Scan(ctx, &counted)
	if err != nil {
		return counted, fmt.Errorf("count promises: %w", err)
	}
	return counted, nil
}
