package worklist

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
)

func insertTask(ctx context.Context, tx bun.IDB, task Task) error {
	if _, err := tx.NewInsert().Model(&task).On("CONFLICT (kind, subject_id) DO NOTHING").Exec(ctx); err != nil {
		return fmt.Errorf("add task: %w", err)
	}
	return nil
}

// ofList is the outermost condition: one vendor's tasks, or the operator's.
func ofList(query *bun.SelectQuery, vendorID string) *bun.SelectQuery {
	if vendorID == "" {
		return query.Where("t.vendor_id IS NULL")
	}
	return query.Where("t.vendor_id = ?", vendorID)
}

func listTasks(ctx context.Context, db bun.IDB, vendorID string, page store.PageRequest) ([]Task, string, error) {
	var tasks []Task
	query := ofList(db.NewSelect().Model(&tasks), vendorID).Where("t.done_at IS NULL").Order("t.id DESC").Limit(page.Fetch())
	if page.Cursor != "" {
		_, id, err := store.DecodeCursor(page.Cursor)
		if err != nil {
			return nil, "", err
		}
		query = query.Where("t.id < ?", id)
	}
	if err := query.Scan(ctx); err != nil {
		return nil, "", fmt.Errorf("list tasks: %w", err)
	}
	tasks, next := store.CutPage(tasks, page, func(t Task) (time.Time, string) { return t.CreatedAt, t.ID })
	return tasks, next, nil
}

func countTasks(ctx context.Context, db bun.IDB, vendorID string) (int64, error) {
	return ofList(db.NewSelect().Model((*Task)(nil)), vendorID).Where("t.done_at IS NULL").Count(ctx)
}

func lockTask(ctx context.Context, db *store.DB, tx bun.IDB, vendorID, id string) (Task, bool, error) {
	var tasks []Task
	if err := db.ForUpdate(ofList(tx.NewSelect().Model(&tasks), vendorID).Where("t.id = ?", id)).Scan(ctx); err != nil {
		return Task{}, false, fmt.Errorf("read task: %w", err)
	}
	if len(tasks) == 0 {
		return Task{}, false, nil
	}
	return tasks[0], true, nil
}

func markDone(ctx context.Context, tx bun.IDB, task Task) error {
	if _, err := tx.NewUpdate().Model(&task).Column("done_at", "done_by").WherePK().Exec(ctx); err != nil {
		return fmt.Errorf("tick task: %w", err)
	}
	return nil
}

// accountsOfShare names the accounts whose invoices a share was for.
func accountsOfShare(ctx context.Context, tx bun.IDB, share payment.Share) ([]string, error) {
	var names []string
	err := tx.NewRaw(`SELECT DISTINCT a.name FROM payment_lines AS pl JOIN invoices AS i ON i.id = pl.invoice_id
		JOIN accounts AS a ON a.id = i.account_id WHERE pl.share_id = ? AND pl.vendor_id = ? ORDER BY a.name LIMIT 5`, share.ID, share.VendorID).Scan(ctx, &names)
	if err != nil {
		return nil, fmt.Errorf("name the payer: %w", err)
	}
	return names, nil
}
