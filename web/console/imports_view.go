package console

import (
	"time"

	"github.com/sheaf-hub/sheaf/web/ui"
)

// ImportsView is /vendor/imports.
type ImportsView struct {
	Frame
	Connections []ConnectionRow
	Runs        []RunRow
	Pages       ui.CursorPager
}

// ConnectionRow is one connection to the vendor's books.
type ConnectionRow struct {
	ID       string
	Name     string
	Kind     string
	Health   Status
	Error    string
	LastGood time.Time
	Next     time.Time
	Held     int // invoices that wait to be closed until the vendor says yes
}

// RunRow is one run of a connection, or one file.
type RunRow struct {
	URL       string
	Source    string
	Started   time.Time
	State     Status
	Created   string
	Updated   string
	Unchanged string
	Rejected  string
}

// ImportView is /vendor/imports/ID.
type ImportView struct {
	Frame
	Source string
	State  Status
	Error  string
	Facts  []ui.Fact
	Rows   []RejectionRow
	Pages  ui.CursorPager
}

// RejectionRow is one record that was not taken.
type RejectionRow struct {
	Place      string
	ExternalID string
	Problems   []string
}
