package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/mail"
)

// signInWait bounds how long the demo waits for its own worker to bring the
// mails with the sign-in links.
const signInWait = 10 * time.Second

// visit is a page behind a sign-in.
type visit struct {
	label, kind, email, next string
}

func (d *demo) visits() []visit {
	profiles := demoVendors()
	paperfold, kestrel := profiles[0].profile, profiles[len(profiles)-1].profile
	return []visit{
		{"Ann's page, as a customer", access.KindContact, demoGuest, "/me"},
		{kestrel.Name + "'s console", access.KindStaff, kestrel.Email, "/vendor"},
		{paperfold.Name + "'s console", access.KindStaff, paperfold.Email, "/vendor"},
		{"The operator's page", access.KindStaff, d.app.config.OperatorEmail, "/operator"},
	}
}

// announce prints where to look. The sign-in links come out of the mails that
// were just sent, as they would for anybody.
func (d *demo) announce(ctx context.Context) error {
	base := d.app.config.PublicURL
	reminder, err := d.reminderURL()
	if err != nil {
		return err
	}
	asked := d.clock.now()
	visits := d.visits()
	for _, visit := range visits {
		if err := d.app.access.RequestSignIn(ctx, visit.kind, visit.email, visit.next); err != nil {
			return err
		}
	}
	links, err := d.awaitLinks(ctx, asked, visits)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(d.out, 2, 4, 2, ' ', 0)
	_, _ = fmt.Fprintf(table, "\nSheaf is at %s. %s\n\n", base, d.summary())
	_, _ = fmt.Fprintf(table, "  The reminder, as mail\t%s\n", reminder)
	for i, visit := range visits {
		link := links[i]
		if link == "" { // asked for too often
			link = base + visit.next + "  (sign in as " + visit.email + ")"
		}
		_, _ = fmt.Fprintf(table, "  %s\t%s\n", visit.label, link)
	}
	_, _ = fmt.Fprintf(table, "  All mail that would have left\t%s/dev/mail\n", base)
	if err := table.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprint(d.out, d.footnote(visits))
	return err
}

func (d *demo) summary() string {
	if d.found {
		return "Everything is as the last start left it in " + d.settings.Data + "."
	}
	text := fmt.Sprintf("Six invented vendors brought %d invoices and credits.", d.brought.created)
	if d.keeps {
		return text + " They stay in " + d.settings.Data + "."
	}
	if d.stripe != nil {
		return text + " They are gone when it stops."
	}
	return text + " They are gone when it stops; --data FOLDER keeps them."
}

func (d *demo) footnote(visits []visit) string {
	var out strings.Builder
	fmt.Fprintf(&out, "\nA sign-in link shows one button to press. It works once, for %d minutes; a browser is one of these people at a time.\n", int(access.LinkLasts/time.Minute))
	fmt.Fprintf(&out, "For another one, sign in at / (%s), /vendor (%s, %s) or /operator (%s), and look into /dev/mail.\n",
		visits[0].email, visits[1].email, visits[2].email, visits[3].email)
	if d.stripe != nil {
		fmt.Fprintf(&out, "Stripe is played at %s/ : let days pass there, so that bank debits and payouts arrive, or let a bank take money back. %s left its page half way, so its share waits.\n",
			d.stripe.base, demoVendors()[len(demoVendors())-1].profile.Name)
	}
	out.WriteString("Press Ctrl-C to stop.\n")
	return out.String()
}

// reminderURL is where the guest's newest reminder is read.
func (d *demo) reminderURL() (string, error) {
	base := d.app.config.PublicURL + "/dev/mail"
	captured, err := d.guestReminder()
	if errors.Is(err, mail.ErrNoMail) {
		return base, nil
	}
	return base + "/" + captured.ID, err
}

// guestReminder is the newest reminder to the guest in the captured mailbox.
// It alone among the mails belongs to a list.
func (d *demo) guestReminder() (mail.Captured, error) {
	return d.findMail(func(m mail.Captured) (found, stop bool) {
		if len(m.To) != 1 || m.To[0].Email != demoGuest {
			return false, false
		}
		opened, err := d.app.mailbox.Open(m.ID)
		return err == nil && slices.ContainsFunc(opened.Header, func(field mail.HeaderField) bool { return strings.EqualFold(field.Name, "List-Id") }), false
	})
}

// findMail looks through the mailbox, newest first, until match says that this
// is the one or that no older one can be.
func (d *demo) findMail(match func(mail.Captured) (found, stop bool)) (mail.Captured, error) {
	cursor := ""
	for range 100 { // pages
		mails, next, err := d.app.mailbox.List(100, cursor)
		if err != nil {
			return mail.Captured{}, err
		}
		for _, one := range mails {
			found, stop := match(one)
			if found {
				return one, nil
			}
			if stop {
				return mail.Captured{}, mail.ErrNoMail
			}
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	return mail.Captured{}, mail.ErrNoMail
}

// awaitLinks reads the sign-in links out of the mails as they arrive. One that
// does not come in time stays empty.
func (d *demo) awaitLinks(ctx context.Context, asked time.Time, visits []visit) ([]string, error) {
	links := make([]string, len(visits))
	missing := len(visits)
	ctx, cancel := context.WithTimeout(ctx, signInWait)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for missing > 0 {
		select {
		case <-ctx.Done():
			return links, nil
		case <-tick.C:
		}
		for i, visit := range visits {
			if links[i] != "" {
				continue
			}
			link, err := d.signInLink(asked, visit.email)
			if err != nil {
				return nil, err
			}
			if links[i] = link; link != "" {
				missing--
			}
		}
	}
	return links, nil
}

// signInLink is the link in a mail to an address that was sent since, empty
// while there is none.
func (d *demo) signInLink(since time.Time, email string) (string, error) {
	var link string
	_, err := d.findMail(func(m mail.Captured) (found, stop bool) {
		if m.CapturedAt.Before(since) {
			return false, true
		}
		if len(m.To) != 1 || m.To[0].Email != email {
			return false, false
		}
		opened, err := d.app.mailbox.Open(m.ID)
		if err != nil {
			return false, false
		}
		link = linkIn(opened.Text, d.app.config.PublicURL+"/sign-in/")
		return link != "", false
	})
	if errors.Is(err, mail.ErrNoMail) {
		return "", nil
	}
	return link, err
}

// linkIn is the first address in a text that begins so.
func linkIn(text, start string) string {
	at := strings.Index(text, start)
	if at < 0 {
		return ""
	}
	link := text[at:]
	if end := strings.IndexAny(link, " \t\r\n>)"); end >= 0 {
		link = link[:end]
	}
	return link
}
