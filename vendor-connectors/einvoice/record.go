package einvoice

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/sheaf-hub/sheaf/hub/money"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

func (a *assembly) readDates() {
	f := a.facts
	a.result.Terms = a.joined("/terms", f.terms, 4000)
	a.result.Early = earlyPayments(a.result.Terms, f.discounts)
	if f.issued == nil {
		a.refuse("/issued_on", f.root, "the invoice has no issue date")
	} else if issued, err := parseDate(f.issued); err != nil {
		a.refuse("/issued_on", f.issued, err.Error())
	} else {
		a.result.IssuedOn = issued
	}
	a.readDue()
}

// readDue settles the due date. Where a file gives several, offers of discount
// do not count and the last one is taken: an earlier one would chase what is
// not due yet. A missing one stays empty and says so.
func (a *assembly) readDue() {
	var due []money.Date
	var whole bool
	for _, found := range a.facts.due {
		day, err := parseDate(found.at)
		if err != nil {
			a.say("/due_on", found.at, err.Error())
			continue
		}
		if found.early && whole {
			continue
		}
		if !found.early && !whole {
			whole, due = true, nil
		}
		due = append(due, day)
	}
	for _, day := range due {
		a.result.DueOn = max(a.result.DueOn, day)
	}
	switch {
	case a.result.DueOn == "":
		a.sayNoDue()
	case distinct(due) > 1:
		a.say("/due_on", a.facts.due[0].at, fmt.Sprintf("%d due dates are given; the last one counts", distinct(due)))
	}
	if issued := a.result.IssuedOn; a.result.DueOn != "" && a.result.DueOn < issued {
		a.say("/due_on", a.facts.due[0].at, fmt.Sprintf("due on %s, before the issue date %s; taken as written", a.result.DueOn, issued))
	}
}

func (a *assembly) sayNoDue() {
	if a.result.Kind == KindCredit {
		return // a credit is not due
	}
	message := "there is no due date; the account's terms decide, or it stays empty"
	if days, ok := plainTerms(a.result.Terms); ok && a.result.IssuedOn != "" {
		a.result.TermsDue = a.result.IssuedOn.AddDays(days)
		message = fmt.Sprintf("there is no due date; the terms on the invoice (%s) make it %s", clip(a.result.Terms), a.result.TermsDue)
	}
	a.say("/due_on", nil, message)
}

func distinct(days []money.Date) int {
	seen := map[money.Date]bool{}
	for _, day := range days {
		seen[day] = true
	}
	return len(seen)
}

func (a *assembly) readAccount() {
	b := a.facts.buyer
	account := connectors.Account{Name: plainText(b.name.value(), 300), Currency: a.result.Currency}
	if id := firstOf(b.ids...); id != nil {
		account.ExternalID = plainText(id.value(), 200)
	} else {
		account.ExternalID = connectors.AccountSlug(account.Name)
	}
	if account.Name == "" {
		account.Name = account.ExternalID
		a.say("/account_name", a.facts.root, "the buyer has no name")
	}
	if account.ExternalID == "" {
		a.refuse("/account", a.facts.root, "the invoice names no buyer")
	}
	seen := map[string]bool{}
	for _, found := range b.emails {
		if found.value() == "" {
			continue
		}
		email, err := connectors.ParseEmail(strings.TrimPrefix(found.value(), "mailto:"))
		if err != nil {
			a.say("/emails", found, err.Error())
			continue
		}
		if key := strings.ToLower(email); !seen[key] {
			seen[key] = true
			account.Contacts = append(account.Contacts, connectors.Contact{Email: email,
				Name: plainText(b.contact.value(), 200), Phone: plainText(b.phone.value(), 60), Role: connectors.RolePayables})
		}
	}
	a.result.Account = account
}

func (a *assembly) build() {
	r := &a.result
	status := connectors.StatusOpen
	if r.Open.Zero() {
		status = connectors.StatusPaid
	}
	note := a.joined("/note", a.facts.notes, 4000)
	account := r.Account
	if r.Kind == KindCredit {
		r.Credit = &connectors.Credit{ExternalID: r.Number, Number: r.Number, Account: account.ExternalID,
			IssuedOn: r.IssuedOn, Total: r.Total, Open: r.Open, Note: note, Status: status,
			Documents: r.Documents, AccountSeen: &account}
		return
	}
	r.Invoice = &connectors.Invoice{ExternalID: r.Number, Number: r.Number, Account: account.ExternalID,
		IssuedOn: r.IssuedOn, DueOn: r.DueOn, Terms: r.Terms, Total: r.Total, Open: r.Open,
		PurchaseOrder: plainText(a.facts.order.value(), 200), Note: note, Status: status,
		Lines: a.facts.lines, Documents: r.Documents, AccountSeen: &account}
}

// joined puts several texts under one another, each trimmed line by line.
func (a *assembly) joined(field string, parts []*node, most int) string {
	var lines []string
	for _, part := range parts {
		for _, line := range strings.Split(part.text, "\n") {
			if line = strings.TrimSpace(strings.Map(printable, line)); line != "" {
				lines = append(lines, line)
			}
		}
	}
	text := strings.Join(lines, "\n")
	if runes := []rune(text); len(runes) > most {
		a.say(field, parts[0], fmt.Sprintf("longer than %d characters; the rest is left out", most))
		return string(runes[:most])
	}
	return text
}

// plainText is one line of bounded length without control or direction marks.
func plainText(text string, most int) string {
	text = strings.Join(strings.Fields(strings.Map(printable, text)), " ")
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most])
	}
	return text
}

// printable turns spacing into a space and drops what has no place in text
// that is shown: controls, and the marks that turn reading direction around.
func printable(r rune) rune {
	switch {
	case r == '\t' || r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029':
		return ' '
	case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == unicode.ReplacementChar:
		return -1
	}
	return r
}

func clip(text string) string {
	const most = 60
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
