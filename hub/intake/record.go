package intake

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/party"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

func problem(pointer, format string, args ...any) fault.Problem {
	return fault.Problem{Pointer: pointer, Message: fmt.Sprintf(format, args...)}
}

func clip(text string) string { return party.PlainText(text, 200) }

// badID says what keeps text from being an external id: it is compared byte by
// byte for ever, so nothing invisible may stand in it.
func badID(pointer, id string) []fault.Problem {
	switch {
	case id == "" || len(id) > 200:
		return []fault.Problem{problem(pointer, "Give an id of 1 to 200 bytes that never changes.")}
	case !utf8.ValidString(id) || strings.ContainsFunc(id, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }):
		return []fault.Problem{problem(pointer, "The id holds invisible characters. Send plain text.")}
	}
	return nil
}

func accountRecord(account connectors.Account) (party.AccountRecord, []fault.Problem) {
	problems := badID("/external_id", account.ExternalID)
	record := party.AccountRecord{ExternalID: account.ExternalID, Name: clip(account.Name), Terms: clip(account.Terms), Currency: account.Currency}
	if record.Name == "" {
		problems = append(problems, problem("/name", "Give the name under which people know this customer."))
	}
	if account.Currency != "" && !account.Currency.Valid() {
		problems = append(problems, problem("/currency", "%q is not an ISO 4217 currency.", clip(string(account.Currency))))
	}
	if limit := account.CreditLimit; limit != nil {
		if limit.Currency != account.Currency || limit.Minor < 0 || limit.Minor > money.MaxMinor {
			problems = append(problems, problem("/credit_limit", "The limit must be an amount of the account's currency, zero or more."))
		}
		record.CreditLimit = &limit.Minor
	}
	if len(account.Contacts) > mostContacts {
		problems = append(problems, problem("/contacts", "There are %d contacts; an account may list %d.", len(account.Contacts), mostContacts))
		return record, problems
	}
	for i, contact := range account.Contacts {
		role := party.Role(contact.Role)
		switch role {
		case "":
			role = party.Payables
		case party.Payables, party.Approver, party.Copy:
		default:
			problems = append(problems, problem(fmt.Sprintf("/contacts/%d/role", i), "%q is not a role. Write payables, approver or copy.", clip(contact.Role)))
		}
		record.Contacts = append(record.Contacts, party.ContactRecord{Email: clip(contact.Email), Name: clip(contact.Name), Role: role})
	}
	return record, problems
}

// seenAccount is the account that a document mentions; one that cannot be used
// is left out, and the document then says that its account is not known.
func seenAccount(account *connectors.Account, externalID string) *party.AccountRecord {
	if account == nil {
		return nil
	}
	mentioned := *account
	mentioned.ExternalID = externalID
	if strings.TrimSpace(mentioned.Name) == "" {
		mentioned.Name = externalID
	}
	record, problems := accountRecord(mentioned)
	if len(problems) > 0 {
		return nil
	}
	record.Seen = true
	return &record
}

// mergeSeen adds the mailboxes that a second document gives for the same account.
func mergeSeen(first, second party.AccountRecord) party.AccountRecord {
	merged := first
	merged.Contacts = append([]party.ContactRecord(nil), first.Contacts...)
	for _, contact := range second.Contacts {
		known := false
		for _, listed := range merged.Contacts {
			known = known || strings.EqualFold(listed.Email, contact.Email)
		}
		if !known && len(merged.Contacts) < mostContacts {
			merged.Contacts = append(merged.Contacts, contact)
		}
	}
	if merged.Terms == "" {
		merged.Terms = second.Terms
	}
	if merged.Currency == "" {
		merged.Currency = second.Currency
	}
	return merged
}

func invoiceRecord(invoice connectors.Invoice) (billing.InvoiceRecord, []fault.Problem) {
	problems := checkShape(invoice.ExternalID, invoice.Account, invoice.Total, invoice.Open, invoice.Status, invoice.Documents)
	problems = append(problems, badDates(map[string]money.Date{"/issued_on": invoice.IssuedOn, "/due_on": invoice.DueOn})...)
	if len(invoice.Lines) > mostLines {
		problems = append(problems, problem("/lines", "There are %d lines; an invoice may have %d.", len(invoice.Lines), mostLines))
		return billing.InvoiceRecord{}, problems
	}
	record := billing.InvoiceRecord{ExternalID: invoice.ExternalID, Number: numberOf(invoice.Number, invoice.ExternalID), Account: invoice.Account,
		IssuedOn: invoice.IssuedOn, DueOn: invoice.DueOn, Terms: clip(invoice.Terms), Currency: invoice.Total.Currency,
		Total: invoice.Total.Minor, Open: invoice.Open.Minor, Status: statusOf(invoice.Status), PurchaseOrder: clip(invoice.PurchaseOrder),
		Note: party.PlainLines(invoice.Note, 2000), Documents: documentRecords(invoice.Documents), Applied: ours(invoice.Applied)}
	for _, line := range invoice.Lines {
		record.Lines = append(record.Lines, billing.Line{Description: party.PlainText(line.Description, 500), Quantity: party.PlainText(line.Quantity, 40),
			UnitPrice: party.PlainText(line.UnitPrice, 40), Amount: party.PlainText(line.Amount, 40)})
	}
	return record, problems
}

func creditRecord(credit connectors.Credit) (billing.CreditRecord, []fault.Problem) {
	problems := checkShape(credit.ExternalID, credit.Account, credit.Total, credit.Open, credit.Status, credit.Documents)
	problems = append(problems, badDates(map[string]money.Date{"/issued_on": credit.IssuedOn})...)
	return billing.CreditRecord{ExternalID: credit.ExternalID, Number: numberOf(credit.Number, credit.ExternalID), Account: credit.Account,
		IssuedOn: credit.IssuedOn, Currency: credit.Total.Currency, Total: credit.Total.Minor, Open: credit.Open.Minor, Status: statusOf(credit.Status),
		Note: party.PlainLines(credit.Note, 2000), Documents: documentRecords(credit.Documents), Applied: ours(credit.Applied)}, problems
}

// checkShape finds what would break further in; what a record says is judged
// by billing.
func checkShape(externalID, account string, total, open money.Amount, status connectors.Status, documents []connectors.Document) []fault.Problem {
	problems := badID("/external_id", externalID)
	problems = append(problems, badID("/account", account)...)
	if open.Currency != total.Currency && (open.Currency != "" || open.Minor != 0) {
		problems = append(problems, problem("/open", "What is open is in %s, and the total in %s.", clip(string(open.Currency)), clip(string(total.Currency))))
	}
	switch status {
	case "", connectors.StatusOpen, connectors.StatusPaid, connectors.StatusVoid:
	default:
		problems = append(problems, problem("/status", "%q is not a status. Write open, paid or void.", clip(string(status))))
	}
	if len(documents) > mostDocuments {
		problems = append(problems, problem("/documents", "There are %d documents; a record may have %d.", len(documents), mostDocuments))
	}
	for i, document := range documents {
		if len(document.Ref) > 500 || document.Ref != "" && document.Content != nil {
			problems = append(problems, problem(fmt.Sprintf("/documents/%d", i), "%s has a name in the books that cannot be kept.", clip(document.Name)))
		}
		if len(document.Content) > billing.MostDocumentBytes {
			problems = append(problems, problem(fmt.Sprintf("/documents/%d", i), "%s is larger than %d MB.", clip(document.Name), billing.MostDocumentBytes>>20))
		}
	}
	return problems
}

// badDates finds what no calendar has: a database would refuse the whole batch.
func badDates(dates map[string]money.Date) []fault.Problem {
	var problems []fault.Problem
	for _, pointer := range []string{"/issued_on", "/due_on"} {
		if date := dates[pointer]; date != "" {
			if _, err := money.ParseDate(string(date)); err != nil {
				problems = append(problems, problem(pointer, "%q is not a date. Write it like 2026-11-30.", clip(string(date))))
			}
		}
	}
	return problems
}

func numberOf(number, externalID string) string {
	if number = clip(number); number == "" {
		return clip(externalID)
	}
	return number
}

func statusOf(status connectors.Status) billing.Status {
	if status == "" {
		return billing.Open
	}
	return billing.Status(status)
}

func documentRecords(documents []connectors.Document) []billing.DocumentRecord {
	var records []billing.DocumentRecord
	for _, document := range documents {
		records = append(records, billing.DocumentRecord{Name: document.Name, ContentType: party.PlainText(document.ContentType, 120),
			Content: document.Content, Held: party.PlainText(document.Held, 200), Ref: document.Ref})
	}
	return records
}
