package notify

import (
	"context"
	"fmt"
	"strings"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/outbox"
)

func eventsAfter(ctx context.Context, db bun.IDB, after string, limit int64) ([]outbox.Event, error) {
	var events []outbox.Event
	query := db.NewSelect().Model(&events).Column("id", "vendor_id", "data").Order("id").Limit(limit)
	if after != "" {
		query = query.Where("id > ?", after)
	}
	if err := query.Scan(ctx); err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	return events, nil
}

// vendorTables have rows of one vendor; sharedTables have rows that more than
// one vendor is part of, which no vendor may be told the id of.
var vendorTables = []string{"accounts", "invoices", "credits", "documents", "shares", "transfers", "cases", "messages", "events", "deliveries", "endpoints", "connections"}
var sharedTables = []string{"customers", "contacts", "quotes", "payments", "digests"}

// ownersOf says which vendor each id belongs to; "" for what is shared.
func ownersOf(ctx context.Context, db bun.IDB, named map[string]bool) (map[string]string, error) {
	owners := map[string]string{}
	if len(named) == 0 {
		return owners, nil
	}
	list := make([]string, 0, len(named))
	for id := range named {
		list = append(list, id)
	}
	var parts []string
	var args []any
	for _, table := range vendorTables {
		parts = append(parts, "SELECT id, vendor_id FROM ? WHERE id IN (?)")
		args = append(args, bun.Ident(table), bun.List(list))
	}
	for _, table := range sharedTables {
		parts = append(parts, "SELECT id, NULL FROM ? WHERE id IN (?)")
		args = append(args, bun.Ident(table), bun.List(list))
	}
	parts = append(parts, "SELECT id, id FROM vendors WHERE id IN (?)")
	args = append(args, bun.List(list))
	var rows []struct {
		ID       string `bun:"id"`
		VendorID string `bun:"vendor_id"`
	}
	if err := db.NewRaw(strings.Join(parts, " UNION ALL "), args...).Scan(ctx, &rows); err != nil {
		return nil, fmt.Errorf("read owners: %w", err)
	}
	for _, row := range rows {
		owners[row.ID] = row.VendorID
	}
	return owners, nil
}
