// Package mails is how Sheaf's mails look. It renders the letters of
// hub/mail/letter, each into a text part and an HTML part that say the same.
//
// The HTML is made for mail programs: tables, styles on the elements, no
// picture and no script. It is readable at 320 pixels, and where a program
// turns colours round for a dark screen nothing vanishes.
package mails

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/a-h/templ"
	"github.com/sheaf-hub/sheaf/hub/mail/letter"
)

// ErrLetter is answered for a letter that lacks what its mail cannot go
// without; the text says what. It is a defect of the caller.
var ErrLetter = errors.New("the letter is not complete")

// Renderer renders every letter. It holds nothing; the zero value is ready.
type Renderer struct{}

var _ letter.Renderer = Renderer{}

// New is a ready Renderer.
func New() Renderer { return Renderer{} }

// Digest renders the bundled reminder.
func (Renderer) Digest(d letter.Digest) (letter.Rendered, error) {
	if err := need(d.PageURL, "PageURL", d.Unsubscribe, "Unsubscribe"); err != nil {
		return letter.Rendered{}, err
	}
	return rendered(digestSubject(d), DigestText(d), digestMail(d))
}

// SignIn renders the mail with a sign-in link.
func (Renderer) SignIn(s letter.SignIn) (letter.Rendered, error) {
	if err := need(s.URL, "URL"); err != nil {
		return letter.Rendered{}, err
	}
	return rendered("Your link to sign in to "+hubName(s.Footer), signInText(s), signInMail(s))
}

// Invitation renders the question whether to join a team.
func (Renderer) Invitation(i letter.Invitation) (letter.Rendered, error) {
	if err := need(i.URL, "URL"); err != nil {
		return letter.Rendered{}, err
	}
	return rendered(i.From+" asks you to look after invoices together", invitationText(i), invitationMail(i))
}

// CaseUpdate renders a vendor's answer to a customer.
func (Renderer) CaseUpdate(c letter.CaseUpdate) (letter.Rendered, error) {
	if err := need(c.URL, "URL"); err != nil {
		return letter.Rendered{}, err
	}
	return rendered(caseTitle(c), caseText(c), caseMail(c))
}

// VendorEvent renders the news of one event for a vendor's staff.
func (Renderer) VendorEvent(e letter.VendorEvent) (letter.Rendered, error) {
	if err := need(e.URL, "URL", e.Type, "Type"); err != nil {
		return letter.Rendered{}, err
	}
	return rendered(eventTitle(e), eventText(e), eventMail(e))
}

// Receipt renders what a payment did.
func (Renderer) Receipt(r letter.Receipt) (letter.Rendered, error) {
	if err := need(r.URL, "URL"); err != nil {
		return letter.Rendered{}, err
	}
	return rendered(receiptTitle(r), receiptText(r), receiptMail(r))
}

// Schedule renders the news of a planned payment.
func (Renderer) Schedule(s letter.Schedule) (letter.Rendered, error) {
	if err := need(s.URL, "URL", string(s.Kind), "Kind"); err != nil {
		return letter.Rendered{}, err
	}
	return rendered(scheduleTitle(s), scheduleText(s), scheduleMail(s))
}

func rendered(subject, text string, html templ.Component) (letter.Rendered, error) {
	var page bytes.Buffer
	if err := html.Render(context.Background(), &page); err != nil {
		return letter.Rendered{}, fmt.Errorf("rendering a mail: %w", err)
	}
	return letter.Rendered{Subject: oneLine(subject), Text: text, HTML: page.String()}, nil
}

// need takes values and their names in turn.
func need(pairs ...string) error {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i] == "" {
			return fmt.Errorf("%w: no %s", ErrLetter, pairs[i+1])
		}
	}
	return nil
}

// oneLine keeps a subject to one line of at most 150 characters, without the
// control and direction marks that could make it read as another.
func oneLine(text string) string {
	const most = 150
	clean := strings.Map(func(r rune) rune {
		switch {
		case r == '\u00a0':
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, text)
	runes := []rune(strings.Join(strings.Fields(clean), " "))
	if len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return string(runes)
}

func hubName(f letter.Footer) string {
	if f.HubName == "" {
		return "Sheaf"
	}
	return f.HubName
}
