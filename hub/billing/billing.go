// Package billing keeps what the vendors' books say is owed and what was done
// with it here.
//
// The books say what is owed: source_open. What the hub applied and the books
// do not show yet comes off it: open = source_open − Σ unreflected
// applications, never below zero. A payment on its way reserves part of open
// (held), so that nobody pays the same invoice twice.
package billing

import (
	"context"
	"time"

	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// Service is the room's entrance.
type Service struct {
	DB    *store.DB
	Party *party.Service
	Now   func() time.Time
	// Fetch reads a paper that stays in the books of a connection; nil: there are no
	// connections.
	Fetch func(ctx context.Context, connectionID, ref string) (DocumentRecord, error)
}

// Status of an invoice or credit, as the hub sees it.
type Status string

// An invoice is open while something is owed on it.
const (
	Open Status = "open"
	Paid Status = "paid"
	Void Status = "void"
)
