package mail

import (
	"errors"
	"time"
)

// ErrNoMail says that a captured mail does not exist.
var ErrNoMail = errors.New("there is no such mail")

// Captured is one line in the list of mails that were kept instead of sent.
type Captured struct {
	ID         string // stands in URLs: letters, digits, dots and hyphens
	CapturedAt time.Time
	MessageID  string
	From       Address
	To         []Address
	Subject    string
}

// CapturedMail is one kept mail, read back from the bytes that would have left.
type CapturedMail struct {
	Captured
	Header      []HeaderField // as written, in order
	Text        string
	HTML        string
	Attachments []Attachment
	Raw         []byte
}

// HeaderField is one header line, unfolded and decoded.
type HeaderField struct{ Name, Value string }

// Mailbox is where the page /dev/mail reads kept mails.
type Mailbox interface {
	// List returns up to limit mails, newest first, after the cursor ("" at the
	// start); next is "" at the end.
	List(limit int, cursor string) (mails []Captured, next string, err error)
	// Open returns one mail, or ErrNoMail.
	Open(id string) (CapturedMail, error)
}
