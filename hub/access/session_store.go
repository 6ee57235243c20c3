package access

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/store"
)

func insertSession(ctx context.Context, tx bun.IDB, row sessionRow) error {
	if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil {
		return fmt.Errorf("open the session: %w", err)
	}
	return nil
}

func selectSessions(db bun.IDB, into any) *bun.SelectQuery {
	return db.NewSelect().Model(into).ColumnExpr("s.*").
		ColumnExpr("c.email AS contact_email, c.name AS contact_name, c.customer_id").
		ColumnExpr("st.email AS staff_email, st.name AS staff_name, st.role AS staff_role, st.disabled_at AS staff_disabled_at, st.vendor_id").
		ColumnExpr("v.name AS vendor_name, v.status AS vendor_status").
		Join("LEFT JOIN contacts AS c ON c.id = s.contact_id").
		Join("LEFT JOIN staff AS st ON st.id = s.staff_id").
		Join("LEFT JOIN vendors AS v ON v.id = st.vendor_id")
}

func readSession(ctx context.Context, db bun.IDB, hash string) (sessionView, bool, error) {
	var view sessionView
	err := selectSessions(db, &view).Where("s.token_hash = ?", hash).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return sessionView{}, false, nil
	}
	if err != nil {
		return sessionView{}, false, fmt.Errorf("read the session: %w", err)
	}
	return view, true, nil
}

func readSessionByID(ctx context.Context, tx bun.IDB, id string) (sessionView, error) {
	var view sessionView
	if err := selectSessions(tx, &view).Where("s.id = ?", id).Scan(ctx); err != nil {
		return sessionView{}, fmt.Errorf("read the session: %w", err)
	}
	return view, nil
}

// touchSession writes nothing when another request did so meanwhile.
func touchSession(ctx context.Context, db bun.IDB, id string, seen, expires, unlessAfter time.Time) error {
	_, err := db.NewUpdate().Model((*sessionRow)(nil)).Set("seen_at = ?", seen).Set("expires_at = ?", expires).
		Where("id = ?", id).Where("seen_at <= ?", unlessAfter).Where("revoked_at IS NULL").Exec(ctx)
	if err != nil {
		return fmt.Errorf("note the session as seen: %w", err)
	}
	return nil
}

func revokeToken(ctx context.Context, db bun.IDB, hash string, now time.Time) error {
	_, err := db.NewUpdate().Model((*sessionRow)(nil)).Set("revoked_at = ?", now).
		Where("token_hash = ?", hash).Where("revoked_at IS NULL").Exec(ctx)
	if err != nil {
		return fmt.Errorf("sign out: %w", err)
	}
	return nil
}

// Staff are one person by their address, whatever the vendor.
const (
	ofContact = "s.contact_id = ?"
	ofStaff   = "s.staff_id IN (SELECT o.id FROM staff AS o JOIN staff AS me ON me.email = o.email WHERE me.id = ?)"
)

func ownSessions(actor Actor) (string, string) {
	if actor.Kind == KindContact {
		return ofContact, actor.ContactID
	}
	return ofStaff, actor.ID
}

// revokeSessions ends all of the actor's sessions, or one of them: NotFound
// when that one is not the actor's own or has ended.
func revokeSessions(ctx context.Context, tx bun.IDB, actor Actor, sessionID string, now time.Time) error {
	own, id := ownSessions(actor)
	query := tx.NewUpdate().Model((*sessionRow)(nil)).Set("revoked_at = ?", now).Where(own, id).Where("s.revoked_at IS NULL")
	if sessionID != "" {
		query = query.Where("s.id = ?", sessionID)
	}
	result, err := query.Exec(ctx)
	if err != nil {
		return fmt.Errorf("sign out: %w", err)
	}
	n, err := result.RowsAffected()
	if err == nil && n == 0 && sessionID != "" {
		return noSuch("session")
	}
	return err
}

func revokeStaffSessions(ctx context.Context, tx bun.IDB, staffID string, now time.Time) error {
	_, err := tx.NewUpdate().Model((*sessionRow)(nil)).Set("revoked_at = ?", now).
		Where("staff_id = ?", staffID).Where("revoked_at IS NULL").Exec(ctx)
	if err != nil {
		return fmt.Errorf("end the sessions: %w", err)
	}
	return nil
}

func listSessions(ctx context.Context, db bun.IDB, actor Actor, now time.Time, page store.PageRequest) ([]sessionView, string, error) {
	var views []sessionView
	own, id := ownSessions(actor)
	query := selectSessions(db, &views).Where(own, id).Where("s.revoked_at IS NULL").Where("s.expires_at > ?", now).
		Order("s.id DESC").Limit(page.Fetch())
	if page.Cursor != "" {
		_, after, err := store.DecodeCursor(page.Cursor)
		if err != nil {
			return nil, "", err
		}
		query = query.Where("s.id < ?", after)
	}
	if err := query.Scan(ctx); err != nil {
		return nil, "", fmt.Errorf("list sessions: %w", err)
	}
	views, next := store.CutPage(views, page, func(view sessionView) (time.Time, string) { return view.CreatedAt, view.ID })
	return views, next, nil
}

func moveSession(ctx context.Context, tx bun.IDB, sessionID, email, staffID string, now time.Time) (bool, error) {
	result, err := tx.NewUpdate().Model((*sessionRow)(nil)).Set("staff_id = ?", staffID).
		Where("id = ?", sessionID).Where("revoked_at IS NULL").Where("expires_at > ?", now).
		Where("staff_id IN (SELECT id FROM staff WHERE email = ? AND disabled_at IS NULL)", email).
		Where("EXISTS (SELECT 1 FROM staff WHERE id = ? AND email = ? AND disabled_at IS NULL)", staffID, email).Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("switch the session: %w", err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

// contactByEmail is empty when no contact has the address.
func contactByEmail(ctx context.Context, tx bun.IDB, email string) (string, error) {
	var id string
	err := tx.NewSelect().TableExpr("contacts").ColumnExpr("id").Where("email = ?", email).Scan(ctx, &id)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("read the contact: %w", err)
	}
	return id, nil
}
