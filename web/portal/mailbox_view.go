package portal

import (
	"time"

	"github.com/sheaf-hub/sheaf/web/ui"
)

// MailboxView lists the captured mails, at /dev/mail, newest first.
type MailboxView struct {
	Page  ui.Page
	Mails []MailRow
	Query string // q: narrows by address or subject
	Pages ui.CursorPager
}

// MailRow is one captured mail.
type MailRow struct {
	URL     string
	To      string
	Subject string
	At      time.Time
}

// MailView is one captured mail. HTML is shown from RawURL in a frame that is
// sandboxed: that address must answer with its own policy
// ("default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox").
type MailView struct {
	Page    ui.Page
	From    string
	To      string
	Subject string
	At      time.Time
	Headers []ui.Fact
	Links   []string // the URLs of the text part, to be followed from here
	Text    string
	Files   []ui.FileLink // attached
	RawURL  string        // of the HTML part; empty: there is none
}
