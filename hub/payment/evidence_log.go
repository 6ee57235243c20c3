package payment

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"
)

// mostLogLines bounds each kind of line of a log: the newest ones stay.
const mostLogLines = 200

// Logs are what the hub itself knows that may speak for a vendor, as plain text;
// empty: it knows nothing.
type Logs struct {
	Mails  string // what was sent about the invoices, and what happened with them
	Visits string // when the payer's people signed in, and when it paid
}

// chooseLogs keeps the logs that a vendor ticked as they are now.
func (s *Service) chooseLogs(ctx context.Context, tx bun.IDB, part *ChargebackShare, evidence Evidence) error {
	part.MailLog, part.AccessLog = "", ""
	if !evidence.Mails && !evidence.Visits {
		return nil
	}
	logs, err := s.logsOf(ctx, tx, *part)
	if evidence.Mails {
		part.MailLog = logs.Mails
	}
	if evidence.Visits {
		part.AccessLog = logs.Visits
	}
	return err
}

// logsOf writes the logs of one vendor's part: its own invoices, and the people
// whom it lists itself. A subject line is left out: it counts other vendors.
func (s *Service) logsOf(ctx context.Context, db bun.IDB, part ChargebackShare) (Logs, error) {
	invoiceIDs, err := contestedInvoices(ctx, db, part)
	if err != nil || len(invoiceIDs) == 0 {
		return Logs{}, err
	}
	mails, err := mailLog(ctx, db, part.VendorID, invoiceIDs)
	if err != nil {
		return Logs{}, err
	}
	history, err := historyLog(ctx, db, part.VendorID, invoiceIDs)
	if err != nil {
		return Logs{}, err
	}
	visits, err := visitLog(ctx, db, part.VendorID, invoiceIDs)
	if err != nil {
		return Logs{}, err
	}
	share, err := readShare(ctx, db, part.ShareID)
	if err != nil {
		return Logs{}, err
	}
	return Logs{Mails: written("Reminders that were sent by mail:", mailWords(mails), "What happened with the invoices:", historyWords(history)),
		Visits: written("The payment:", paymentWords(share), "When the payer's people signed in to the page on which they see and pay these invoices:", visitWords(visits))}, nil
}

// written puts titled lists under one another, without those that are empty.
func written(titlesAndLines ...any) string {
	var out strings.Builder
	for i := 0; i+1 < len(titlesAndLines); i += 2 {
		title, lines := titlesAndLines[i].(string), titlesAndLines[i+1].([]string)
		if len(lines) == 0 {
			continue
		}
		if out.Len() > 0 {
			out.WriteString("\n\n")
		}
		out.WriteString(title + "\n" + strings.Join(lines, "\n"))
	}
	return clippedRunes(out.String(), MostEvidenceText)
}

func clippedRunes(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most])
}

func logTime(at time.Time) string { return at.UTC().Format("2006-01-02 15:04 UTC") }

// mailWords writes one line for each mail, with the invoices that it listed.
func mailWords(rows []mailRow) []string {
	var lines []string
	for i := 0; i < len(rows); {
		first := rows[i]
		numbers := []string{first.Number}
		for i++; i < len(rows) && rows[i].DigestID == first.DigestID; i++ {
			numbers = append(numbers, rows[i].Number)
		}
		lines = append(lines, fmt.Sprintf("%s  to %s: %s", logTime(first.SentAt), first.Email, strings.Join(numbers, ", ")))
	}
	return lines
}

func historyWords(rows []historyRow) []string {
	lines := make([]string, len(rows))
	for i, row := range rows {
		lines[i] = fmt.Sprintf("%s  %s: %s", logTime(row.At), row.Number, row.Text)
	}
	return lines
}

func visitWords(rows []visitRow) []string {
	lines := make([]string, len(rows))
	for i, row := range rows {
		lines[i] = fmt.Sprintf("%s  %s signed in", logTime(row.CreatedAt), row.Email)
		if row.Device != "" {
			lines[i] += " (" + row.Device + ")"
		}
		lines[i] += ", last seen " + logTime(row.SeenAt)
	}
	return lines
}

func paymentWords(share Share) []string {
	lines := []string{logTime(share.CreatedAt) + "  begun by the payer, reference " + share.Reference}
	if !share.SettledAt.IsZero() {
		by := ""
		if share.Method != "" {
			by = " by " + share.Method
		}
		lines = append(lines, logTime(share.SettledAt)+"  settled"+by)
	}
	return lines
}
