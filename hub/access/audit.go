package access

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/store"
)

// mostAudited bounds one side of a change, in bytes of JSON.
const mostAudited = 16 << 10

// Change is one thing that was done. Before and After are what to keep of it,
// as JSON; nil is nothing (before a creation, after a removal). Neither may hold
// a token, a secret or a key: pass a struct made for the log. VendorID decides
// which vendor sees the entry; empty: the operator alone.
type Change struct {
	Action      string // "case.resolved", "key.revoked"
	SubjectKind string
	SubjectID   string
	VendorID    string
	CustomerID  string
	Before      any
	After       any
}

// Entry is one line of the audit log. Before and After are JSON or empty.
type Entry struct {
	bun.BaseModel `bun:"table:audit_log,alias:al"`
	ID            string    `bun:"id,pk"`
	At            time.Time `bun:"at"`
	ActorKind     string    `bun:"actor_kind"`
	ActorID       string    `bun:"actor_id"`
	ActorName     string    `bun:"actor_name"`
	VendorID      string    `bun:"vendor_id,nullzero"`
	CustomerID    string    `bun:"customer_id,nullzero"`
	Action        string    `bun:"action"`
	SubjectKind   string    `bun:"subject_kind"`
	SubjectID     string    `bun:"subject_id"`
	Before        string    `bun:"before"`
	After         string    `bun:"after"`
}

// AuditTx keeps a change, with who made it, inside the transaction that makes it.
func (s *Service) AuditTx(ctx context.Context, tx bun.IDB, actor Actor, change Change) error {
	before, err := auditJSON(change.Before)
	if err != nil {
		return fmt.Errorf("audit %s: %w", change.Action, err)
	}
	after, err := auditJSON(change.After)
	if err != nil {
		return fmt.Errorf("audit %s: %w", change.Action, err)
	}
	return insertEntry(ctx, tx, Entry{ID: store.NewID(), At: s.now(), ActorKind: actor.Kind, ActorID: actor.ID, ActorName: plain(actor.Name, 200),
		VendorID: change.VendorID, CustomerID: change.CustomerID, Action: change.Action,
		SubjectKind: change.SubjectKind, SubjectID: change.SubjectID, Before: before, After: after})
}

func auditJSON(value any) (string, error) {
	if value == nil {
		return "", nil
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return "", err
	}
	if len(encoded) > mostAudited { // the change itself must not fail for it
		return fmt.Sprintf(`{"too_long_to_keep_bytes":%d}`, len(encoded)), nil
	}
	return string(encoded), nil
}

// ListAudit is a vendor's audit log, newest first.
func (s *Service) ListAudit(ctx context.Context, vendorID string, page store.PageRequest) ([]Entry, string, error) {
	var entries []Entry
	var next string
	err := s.DB.AsVendor(ctx, vendorID, func(ctx context.Context, tx bun.Tx) error {
		var err error
		entries, next, err = listEntries(ctx, tx, vendorID, page)
		return err
	})
	return entries, next, err
}

// ListAllAudit is everything that was done, newest first: for the operator alone.
func (s *Service) ListAllAudit(ctx context.Context, page store.PageRequest) ([]Entry, string, error) {
	return listEntries(ctx, s.DB, "", page)
}
