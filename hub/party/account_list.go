package party

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/store"
)

// ListAccounts pages through a vendor's accounts, the newest first; search
// narrows by name and external id, in any case.
func (s *Service) ListAccounts(ctx context.Context, vendorID, search string, page store.PageRequest) ([]Account, string, error) {
	var accounts []Account
	var next string
	err := s.DB.AsVendor(ctx, vendorID, func(ctx context.Context, tx bun.Tx) error {
		var err error
		accounts, next, err = listAccounts(ctx, tx, vendorID, search, page)
		return err
	})
	return accounts, next, err
}

func listAccounts(ctx context.Context, tx bun.IDB, vendorID, search string, page store.PageRequest) ([]Account, string, error) {
	var accounts []Account
	query := tx.NewSelect().Model(&accounts).Where("a.vendor_id = ?", vendorID).OrderExpr("a.created_at DESC, a.id DESC").Limit(page.Fetch())
	if search = strings.ToLower(strings.TrimSpace(search)); search != "" {
		like := "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(search) + "%"
		query = query.Where(`(LOWER(a.name) LIKE ? ESCAPE '\' OR LOWER(a.external_id) LIKE ? ESCAPE '\')`, like, like)
	}
	if page.Cursor != "" {
		at, id, err := store.DecodeCursor(page.Cursor)
		if err != nil {
			return nil, "", err
		}
		query = query.Where("(a.created_at, a.id) < (?, ?)", at, id)
	}
	if err := query.Scan(ctx); err != nil {
		return nil, "", fmt.Errorf("list accounts: %w", err)
	}
	accounts, next := store.CutPage(accounts, page, func(a Account) (time.Time, string) { return a.CreatedAt, a.ID })
	return accounts, next, nil
}
