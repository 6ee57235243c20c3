package outbox

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/store"
)

func insertMail(ctx context.Context, tx bun.IDB, row MailRow) error {
	if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil {
		return fmt.Errorf("append mail: %w", err)
	}
	return nil
}

func readMail(ctx context.Context, db bun.IDB, id string) (MailRow, error) {
	var row MailRow
	if err := db.NewSelect().Model(&row).Where("id = ?", id).Scan(ctx); err != nil {
		return row, fmt.Errorf("read mail: %w", err)
	}
	return row, nil
}

func finishMail(ctx context.Context, db bun.IDB, row MailRow, state, answer string, next, now time.Time) error {
	query := db.NewUpdate().Model((*MailRow)(nil)).Set("state = ?", state).Set("claimed_until = NULL").
		Set("last_answer = ?", answer).Set("updated_at = ?", now.UTC()).
		Where("id = ?", row.ID).Where("attempts = ?", row.Attempts).Where("state = ?", Sending)
	switch state {
	case Pending:
		query = query.Set("next_attempt_at = ?", next.UTC())
	case Done: // what was sent may hold a sign-in link: it is not kept
		query = query.Set("next_attempt_at = NULL").Set("content = ''")
	default:
		query = query.Set("next_attempt_at = NULL")
	}
	if _, err := query.Exec(ctx); err != nil {
		return fmt.Errorf("record mail: %w", err)
	}
	return nil
}

func listMails(ctx context.Context, db bun.IDB, state string, page store.PageRequest) ([]MailRow, string, error) {
	var rows []MailRow
	query := db.NewSelect().Model(&rows).ExcludeColumn("content").Where("state = ?", state).Order("id DESC").Limit(page.Fetch())
	if page.Cursor != "" {
		_, id, err := store.DecodeCursor(page.Cursor)
		if err != nil {
			return nil, "", err
		}
		query = query.Where("id < ?", id)
	}
	if err := query.Scan(ctx); err != nil {
		return nil, "", fmt.Errorf("list mails: %w", err)
	}
	rows, next := store.CutPage(rows, page, func(row MailRow) (time.Time, string) { return row.CreatedAt, row.ID })
	return rows, next, nil
}

func reviveMail(ctx context.Context, db bun.IDB, id string, now time.Time) error {
	result, err := db.NewUpdate().Model((*MailRow)(nil)).Set("state = ?", Pending).Set("next_attempt_at = ?", now.UTC()).
		Set("updated_at = ?", now.UTC()).Where("id = ?", id).Where("state = ?", Dead).Exec(ctx)
	if err != nil {
		return fmt.Errorf("revive mail: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return fault.New(fault.NotFound, "There is no such dead mail.")
	}
	return nil
}
