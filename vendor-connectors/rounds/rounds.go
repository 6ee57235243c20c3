// Package rounds reads books that keep the time of each record's last change and
// can list what changed since a time, in an order that changes do not disturb (by
// id). A round reads every list once. The next one begins where the books' clock
// stood at the beginning of this one, and a little before, because a change shows
// only once it is committed; what that brings again unchanged is left out. So
// nothing is lost: what changes behind the place where a round reads comes in the next,
// and a pull that goes on with a broken round reads that one too.
package rounds

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

const (
	overlap    = 15 * time.Minute // longer than a transaction of the books takes
	mostEdge   = 500              // records that a cursor remembers; more come again
	mostCursor = 1 << 20          // bytes
)

// List is one list of the books.
type List struct {
	// Look says how far the list and its clock are now.
	Look func(ctx context.Context) (Look, error)
	// Read gives a page of what changed at since or later (zero: everything), after
	// the place where the page before ended ("": the beginning).
	Read func(ctx context.Context, since time.Time, after string) (Batch, error)
}

// Look is how far a list is.
type Look struct {
	Newest time.Time // of the last change in the list; zero: it is empty
	Now    time.Time // the books' clock, as Newest is written; zero: it is not known
	Count  int64     // records in the list; 0: not known
}

// Batch is one page of a list.
type Batch struct {
	Records []Record
	Next    string // the place to go on from; empty: there is no more
}

// Record is one record as the books gave it.
type Record struct {
	ID      string
	Changed time.Time
	Raw     []byte                 // as it came; the same bytes are the same record
	Add     func(*connectors.Page) // puts it into a page
}

// Reader reads lists. Now is the hub's clock.
type Reader struct {
	Lists []List
	Now   func() time.Time
}

// state is what a cursor holds.
type state struct {
	Reading bool        `json:"reading"` // in the middle of a round
	List    int         `json:"list,omitempty"`
	After   string      `json:"after,omitempty"`
	Done    int64       `json:"done,omitempty"`
	Total   int64       `json:"total,omitempty"`
	Since   []time.Time `json:"since,omitempty"` // per list, where this round looks from
	Marks   []mark      `json:"marks"`           // per list, where the books stood when the round began

	// Seen is what came near the end of the round before, per list: id and fingerprint.
	// Edge is the same of this round, for the next.
	Seen []map[string]string `json:"seen,omitempty"`
	Edge []map[string]string `json:"edge,omitempty"`
}

// mark is where a list stood, by the books' clock and by ours.
type mark struct {
	At     time.Time `json:"at"`     // where the next round looks from
	Theirs time.Time `json:"theirs"` // zero: it is not known
	Ours   time.Time `json:"ours"`
}

// Pull is connectors.Connector.Pull over the lists.
func (r Reader) Pull(ctx context.Context, cursor string, sink func(connectors.Page) error) error {
	s, err := r.decode(cursor)
	if err != nil {
		return err
	}
	again := s.Reading // what changed while an earlier pull broke off must come in this one
	if !s.Reading {
		if err := r.begin(ctx, &s); err != nil {
			return err
		}
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		batch, err := r.Lists[s.List].Read(ctx, s.Since[s.List], s.After)
		if err != nil {
			return err
		}
		page := s.page(batch)
		ended := s.advance(batch, len(r.Lists))
		if page.Cursor, err = s.encode(); err != nil {
			return err
		}
		if ended || len(page.Accounts)+len(page.Invoices)+len(page.Credits)+len(page.Gone)+len(page.Rejected) > 0 {
			if err := sink(page); err != nil {
				return err
			}
		}
		if ended && !again {
			return nil
		}
		if ended {
			again = false
			if err := r.begin(ctx, &s); err != nil {
				return err
			}
			s.Done = page.Done // it goes on counting
		}
	}
}

// begin opens a round: it asks each list how far it is before it reads any.
func (r Reader) begin(ctx context.Context, s *state) error {
	first := len(s.Marks) == 0
	if first {
		s.Marks = make([]mark, len(r.Lists))
	}
	s.Since, s.Done, s.Total = make([]time.Time, len(r.Lists)), 0, 0
	s.Edge = make([]map[string]string, len(r.Lists))
	for i, list := range r.Lists {
		look, err := list.Look(ctx)
		if err != nil {
			return err
		}
		if first {
			s.Total += look.Count
		}
		now := mark{At: look.Newest, Theirs: look.Now, Ours: r.Now().UTC()}
		s.Since[i] = s.Marks[i].since(now)
		if now.At.IsZero() {
			now.At = s.Marks[i].At
		}
		if !now.Theirs.IsZero() && now.At.After(now.Theirs) { // stamped by a clock that was ahead: later changes get earlier times
			now.At = now.Theirs
		}
		s.Marks[i], s.Edge[i] = now, map[string]string{}
	}
	s.Reading, s.List, s.After = true, 0, ""
	return nil
}

// since is where a round looks from that begins now: a little before the mark, and
// as much earlier as the books' clock was set back meanwhile.
func (m mark) since(now mark) time.Time {
	if m.At.IsZero() {
		return time.Time{}
	}
	back := time.Duration(0)
	if !m.Theirs.IsZero() && !now.Theirs.IsZero() {
		back = max(0, m.Theirs.Add(now.Ours.Sub(m.Ours)).Sub(now.Theirs))
	}
	return m.At.Add(-overlap - back)
}

// page takes what is new in a batch.
func (s *state) page(batch Batch) connectors.Page {
	var page connectors.Page
	seen := map[string]string{}
	if s.List < len(s.Seen) {
		seen = s.Seen[s.List]
	}
	for _, record := range batch.Records {
		sum := sha256.Sum256(record.Raw)
		fingerprint := hex.EncodeToString(sum[:8])
		if !record.Changed.Before(s.Marks[s.List].At.Add(-overlap)) && len(s.Edge[s.List]) < mostEdge {
			s.Edge[s.List][record.ID] = fingerprint
		}
		if seen[record.ID] != fingerprint {
			record.Add(&page)
		}
	}
	s.Done += int64(len(batch.Records))
	if s.Total > 0 {
		s.Total = max(s.Total, s.Done) // records may come while it is read
	}
	page.Done, page.Total = s.Done, s.Total
	return page
}

// advance goes on to what comes after a batch; true: the round is over.
func (s *state) advance(batch Batch, lists int) bool {
	s.After = batch.Next
	if batch.Next != "" {
		return false
	}
	if s.List++; s.List < lists {
		return false
	}
	*s = state{Marks: s.Marks, Seen: s.Edge}
	return true
}

func (s *state) encode() (string, error) {
	encoded, err := json.Marshal(s)
	if err != nil {
		return "", fmt.Errorf("encode the cursor: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(encoded), nil
}

// decode opens a cursor. One that this reader cannot have made is as good as one
// that the books have forgotten: everything is read again.
func (r Reader) decode(cursor string) (state, error) {
	var s state
	if cursor == "" {
		return s, nil
	}
	decoded, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil && len(decoded) <= mostCursor {
		err = json.Unmarshal(decoded, &s)
	}
	n := len(r.Lists)
	sound := err == nil && len(decoded) <= mostCursor && len(s.Marks) == n && (len(s.Seen) == 0 || len(s.Seen) == n)
	if s.Reading {
		sound = sound && len(s.Since) == n && len(s.Edge) == n && s.List >= 0 && s.List < n
	}
	if !sound {
		return state{}, fmt.Errorf("%w: the cursor is not one of this connector", connectors.ErrCursor)
	}
	for i, edge := range s.Edge {
		if edge == nil {
			s.Edge[i] = map[string]string{}
		}
	}
	return s, nil
}
