package xero

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// overlap is how far behind the last change a list is read again, for changes
// that Xero shows later than the time it gives them.
const overlap = 2 * time.Minute

// mostGiven is how many of the records in the overlap are remembered as given, per
// list; when more changed within it, the older ones come a second time.
const mostGiven = 100

// mostCursor bounds a cursor, in bytes.
const mostCursor = 64 << 10

// cursor is where a pull stands, after a page. Times are milliseconds since 1970 on
// Xero's clock.
//
// Each list is read in the order of its records' last changes, in windows: what
// changed since Floor. A page is asked for by number, but a record that changes
// meanwhile moves to the end of the list, and all behind it move up by one, so that
// the next page would miss one. Therefore a page is followed by a new window, which
// begins a little before its last change. Only when that would be before the whole page,
// because much changed at once, is the next page of the same window read; then the
// record that ended the page before is looked for again, and when it is no longer there,
// the window is read anew.
type cursor struct {
	Version int        `json:"v"`
	First   bool       `json:"first,omitempty"` // the open records are read, before what changed since
	List    int        `json:"list"`            // which is being read
	Floor   int64      `json:"floor,omitempty"`
	Pages   int        `json:"pages,omitempty"` // of the window that were read; 0: none
	Size    int        `json:"size,omitempty"`  // of these pages, as Xero gave them
	Last    key        `json:"last"`            // the last record of them, or of the list so far
	Lists   []progress `json:"lists"`
	Done    int64      `json:"done,omitempty"`
	Total   int64      `json:"total,omitempty"`
}

// key is a record's place in its list.
type key struct {
	At int64  `json:"at,omitempty"`
	ID string `json:"id,omitempty"`
}

// progress is how far one list was read.
type progress struct {
	Mark  int64   `json:"mark,omitempty"`  // all that changed until then was given
	Given []given `json:"given,omitempty"` // and of what changed later, these; oldest first
}

// given is one state of one record, by a fingerprint of id and time.
type given struct {
	At    int64  `json:"t"`
	Print string `json:"p"`
}

const cursorVersion = 1

func parseCursor(text string) (*cursor, error) {
	var c cursor
	if len(text) > mostCursor || json.Unmarshal([]byte(text), &c) != nil || c.Version != cursorVersion || len(c.Lists) != len(lists()) ||
		c.List < 0 || c.List >= len(lists()) || c.Pages < 0 || c.Size < 0 || c.Pages > 0 && c.Size == 0 {
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

func (k key) print() string {
	sum := sha256.Sum256([]byte(k.ID + strconv.FormatInt(k.At, 10)))
	return base64.RawURLEncoding.EncodeToString(sum[:8])
}

// has says whether this state of a record was given already.
func (p *progress) has(record key) bool {
	print := record.print()
	return slices.ContainsFunc(p.Given, func(one given) bool { return one.At == record.At && one.Print == print })
}

// remember that a record was given.
func (p *progress) remember(record key) {
	at := len(p.Given)
	for at > 0 && p.Given[at-1].At > record.At {
		at--
	}
	p.Given = slices.Insert(p.Given, at, given{At: record.At, Print: record.print()})
	if len(p.Given) > mostGiven {
		p.Given = slices.Delete(p.Given, 0, len(p.Given)-mostGiven)
	}
}

// reach moves the mark up behind the last change that was read, and forgets what is
// before it. What changed until the first reading began is not read past the mark
// that was set then.
func (c *cursor) reach() {
	p := &c.Lists[c.List]
	if !c.First {
		p.Mark = max(p.Mark, c.Last.At-overlap.Milliseconds())
	}
	p.Given = slices.DeleteFunc(p.Given, func(one given) bool { return one.At < p.Mark })
}

// end is where to go on after the last page of a list: at its mark, where what
// changes later comes, or at the next one while all are read first.
func (c *cursor) end() {
	c.reach()
	switch last := len(c.Lists) - 1; {
	case !c.First:
		c.begin(c.List)
	case c.List < last:
		c.begin(c.List + 1)
	default:
		c.First, c.Done = false, c.Total
		c.begin(0)
	}
}

// begin starts to read a list from where it was read to.
func (c *cursor) begin(list int) {
	c.List, c.Floor, c.Pages, c.Size, c.Last = list, 0, 0, 0, key{}
	if !c.First {
		c.Floor = c.Lists[list].Mark
	}
}
