package store

import (
	"encoding/base64"
	"strings"
	"time"

	"github.com/sheaf-hub/sheaf/hub/fault"
)

// Limits of every list.
const (
	DefaultPage = 50
	MaxPage     = 500
)

// PageRequest asks for one page of a list. Cursor is opaque and comes from the
// page before; empty is the first page.
type PageRequest struct {
	Cursor string
	Limit  int
}

// Size is the limit in its bounds.
func (p PageRequest) Size() int {
	if p.Limit <= 0 {
		return DefaultPage
	}
	return min(p.Limit, MaxPage)
}

// EncodeCursor makes the cursor after a row that sorts by time and then id.
func EncodeCursor(at time.Time, id string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(at.UTC().Format(time.RFC3339Nano) + "|" + id))
}

// DecodeCursor reads it back; a fault at /cursor when it is not one of ours.
func DecodeCursor(cursor string) (time.Time, string, error) {
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	stamp, id, found := strings.Cut(string(raw), "|")
	at, timeErr := time.Parse(time.RFC3339Nano, stamp)
	if err != nil || !found || timeErr != nil || !ValidID(id) {
		return time.Time{}, "", fault.At("cursor", "This cursor is not one that this list gave. Start again without it.")
	}
	return at, id, nil
}

// Fetch is how many rows to read so that one too many tells of a next page.
func (p PageRequest) Fetch() int64 { return int64(p.Size()) + 1 }

// CutPage drops the row too many and makes the next page's cursor, empty at the end.
func CutPage[T any](rows []T, page PageRequest, key func(T) (time.Time, string)) ([]T, string) {
	if len(rows) <= page.Size() {
		return rows, ""
	}
	rows = rows[:page.Size()]
	return rows, EncodeCursor(key(rows[len(rows)-1]))
}
