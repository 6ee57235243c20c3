package quickbooks

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

const (
	// overlap is how far behind QuickBooks' clock a list is read again, for changes that
	// show later than the time they carry, and for a clock that was set back.
	overlap = 15 * time.Minute
	// mostGiven is how many of the records in the overlap are remembered as given, per
	// list; when more changed within it, the older ones come a second time.
	mostGiven  = 200
	mostCursor = 128 << 10 // bytes
)

// cursor is where a pull stands, after a page. Times are seconds since 1970 on
// QuickBooks' clock, which is as fine as it keeps them.
//
// Each list is read in the order of its records' last changes, from Floor on. Many
// records can have changed in one second, and so a page begins with the record that
// ended the one before: the Skip-th of the second Floor. When another stands there,
// records of that second have changed meanwhile, which moved them to the end of the list
// and all behind them up; then the second is read anew.
type cursor struct {
	Version int        `json:"v"`
	Lists   []progress `json:"lists"`
	Deleted progress   `json:"deleted"` // how far change data capture was read
	Saved   int64      `json:"saved"`   // QuickBooks' time when a cursor was last given out
	Done    int64      `json:"done,omitempty"`
	Total   int64      `json:"total,omitempty"`
}

// progress is how far one list was read.
type progress struct {
	First bool    `json:"first,omitempty"` // the open records are read, before what changed since
	Mark  int64   `json:"mark"`            // all that changed until then was given
	Floor int64   `json:"floor,omitempty"` // what is read now changed then or later; 0: whenever
	Skip  int     `json:"skip,omitempty"`  // records of the second Floor that were read
	Last  key     `json:"last"`            // the last of these
	Given []given `json:"given,omitempty"` // of what changed since Mark, these; oldest first
}

// key is a record's place in its list.
type key struct {
	At int64  `json:"at,omitempty"`
	ID string `json:"id,omitempty"`
}

// given is one state of one record, by a fingerprint of what it said.
type given struct {
	At    int64  `json:"t"`
	Print string `json:"p"`
}

const cursorVersion = 1

// newCursor begins to read everything at a time of QuickBooks' clock.
func newCursor(now time.Time) *cursor {
	at := &cursor{Version: cursorVersion, Lists: make([]progress, len(lists())), Saved: now.Unix()}
	mark := now.Add(-overlap).Unix()
	for i, one := range lists() {
		at.Lists[i] = progress{First: !one.changesAlone, Mark: mark}
		if one.changesAlone {
			at.Lists[i].Floor = mark
		}
	}
	at.Deleted.Mark = now.Add(-deletedOverlap).Unix()
	return at
}

func parseCursor(text string) (*cursor, error) {
	var c cursor
	sound := len(text) <= mostCursor && json.Unmarshal([]byte(text), &c) == nil && c.Version == cursorVersion && len(c.Lists) == len(lists()) && c.Deleted.Mark > 0
	for _, p := range c.Lists {
		sound = sound && p.Mark > 0 && p.Skip >= 0 && (p.Skip == 0 || p.Last.At == p.Floor) && (p.First || p.Floor > 0)
	}
	if !sound {
		return nil, fmt.Errorf("%w: the place to go on from cannot be read", connectors.ErrCursor)
	}
	return &c, nil
}

func (c *cursor) String() string {
	text, err := json.Marshal(c)
	if err != nil { // numbers and strings alone: it cannot fail
		return ""
	}
	return string(text)
}

// first says whether something is still read for the first time.
func (c *cursor) first() bool {
	return slices.ContainsFunc(c.Lists, func(p progress) bool { return p.First })
}

func fingerprint(raw []byte) string {
	sum := sha256.Sum256(raw)
	return base64.RawURLEncoding.EncodeToString(sum[:8])
}

// has says whether this state of a record was given already.
func (p *progress) has(at int64, print string) bool {
	return slices.Contains(p.Given, given{At: at, Print: print})
}

// remember that a record was given. What changed before the mark is not read again.
func (p *progress) remember(at int64, print string) {
	if at < p.Mark {
		return
	}
	place := len(p.Given)
	for place > 0 && p.Given[place-1].At > at {
		place--
	}
	p.Given = slices.Insert(p.Given, place, given{At: at, Print: print})
	if len(p.Given) > mostGiven {
		p.Given = slices.Delete(p.Given, 0, len(p.Given)-mostGiven)
	}
}

// reach moves the mark, behind which all was read, and forgets what is before it.
func (p *progress) reach(mark int64) {
	p.Mark = mark
	p.Given = slices.DeleteFunc(p.Given, func(one given) bool { return one.At < p.Mark })
}

// resume goes on with a list of changes in another pull, a little before the place where
// the one before stood: time has passed, and what shows late may carry an earlier time.
func (p *progress) resume() {
	if !p.First {
		p.Floor, p.Skip, p.Last = max(p.Mark, p.Floor-int64(overlap.Seconds())), 0, key{}
	}
}

// advance moves behind a full page, of which these were not read before.
func (p *progress) advance(fresh []key) {
	if len(fresh) == 0 {
		return
	}
	last := fresh[len(fresh)-1]
	if last.At != p.Floor || p.Skip == 0 {
		p.Skip = 0
	}
	for _, one := range fresh {
		if one.At == last.At {
			p.Skip++
		}
	}
	p.Floor, p.Last = last.At, last
}

// end moves behind the last page of a list, which was read at a time of QuickBooks'
// clock. A clock that was set back takes the mark back with it.
func (p *progress) end(now time.Time) {
	if !p.First {
		p.reach(now.Add(-overlap).Unix())
	}
	p.First, p.Floor, p.Skip, p.Last = false, p.Mark, 0, key{}
}
