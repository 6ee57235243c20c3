package portal

import (
	"encoding/csv"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// InvoicesCSV is the list of open invoices as a file. GET /me/invoices.csv for a
// contact.
func (h *Handlers) InvoicesCSV(c *fiber.Ctx) error {
	who, b, err := h.exported(c)
	if err != nil {
		return h.refuse(c, err)
	}
	out := &strings.Builder{}
	file := csv.NewWriter(out)
	_ = file.Write([]string{"vendor", "account", "invoice", "your order", "issued", "due", "currency", "total", "open", "to pay", "status"})
	for _, item := range b.items {
		row := []string{b.vendors[item.VendorID].Name, item.AccountExternalID, item.Number, item.PurchaseOrder, string(item.IssuedOn), string(item.DueOn),
			string(item.Currency), money.New(item.Total, item.Currency).Decimal(), item.OpenAmount().Decimal(), money.New(item.Payable(), item.Currency).Decimal(),
			strings.Join(standingWords(item, b.day), ", ")}
		for i, cell := range row {
			row[i] = defused(cell)
		}
		_ = file.Write(row) // into memory: it cannot fail
	}
	file.Flush()
	c.Set(fiber.HeaderContentType, "text/csv; charset=utf-8")
	c.Set(fiber.HeaderContentDisposition, dispositionOf("attachment", "invoices-"+string(who.today)+".csv"))
	return c.SendString("\ufeff" + out.String()) // the mark tells spreadsheets that this is UTF-8
}

// exported reads what a contact may take with it: its own vendors' books.
func (h *Handlers) exported(c *fiber.Ctx) (visitor, books, error) {
	who, err := h.contact(c)
	if err != nil {
		return who, books{}, err
	}
	b, err := h.read(c.UserContext(), who)
	if err != nil {
		return who, b, err
	}
	kept := b.items[:0]
	for _, item := range b.items {
		if b.mine(item.VendorID) {
			kept = append(kept, item)
		}
	}
	b.items = kept
	return who, b, nil
}

// standingWords say how an invoice stands: "12 days overdue", "in dispute".
func standingWords(item billing.Item, day money.Date) []string {
	var words []string
	for _, status := range holdStatuses(item, day) {
		words = append(words, lowerFirst(status.Text))
	}
	if item.Payable() == 0 {
		words = append(words, "payment on its way")
	}
	if len(words) == 0 && item.DueOn != "" {
		words = append(words, strings.ReplaceAll(ui.DueIn(item.DueOn, day), "\u00a0", " "))
	}
	return words
}

func lowerFirst(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	return strings.ToLower(string(first)) + text[size:]
}

// defused keeps a spreadsheet from taking a cell for a formula.
func defused(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r\n", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

// DueDates is a calendar with one day's entry per open invoice that has a due
// date (RFC 5545); importing it again changes what is there, since an invoice's
// UID stays. GET /me/due.ics for a contact.
func (h *Handlers) DueDates(c *fiber.Ctx) error {
	who, b, err := h.exported(c)
	if err != nil {
		return h.refuse(c, err)
	}
	host := "sheaf.invalid"
	if parsed, err := url.Parse(h.Kit.PublicURL); err == nil && parsed.Hostname() != "" {
		host = parsed.Hostname()
	}
	out := &calendar{}
	out.line("BEGIN", "VCALENDAR")
	out.line("VERSION", "2.0")
	out.line("PRODID", "-//Sheaf//Due dates//EN")
	out.line("CALSCALE", "GREGORIAN")
	out.line("METHOD", "PUBLISH")
	out.text("X-WR-CALNAME", "Invoices to pay")
	for _, item := range b.items {
		if item.DueOn != "" {
			out.due(item, b, who, host, h.Kit.PublicURL, h.Kit.Now())
		}
	}
	out.line("END", "VCALENDAR")
	c.Set(fiber.HeaderContentType, "text/calendar; charset=utf-8; method=PUBLISH")
	c.Set(fiber.HeaderContentDisposition, dispositionOf("attachment", "due-dates.ics"))
	return c.SendString(out.String())
}

// calendar writes content lines, folded at 75 octets and ended by CRLF.
type calendar struct{ strings.Builder }

func (o *calendar) due(item billing.Item, b books, who visitor, host, publicURL string, now time.Time) {
	day := func(date money.Date) string { return strings.ReplaceAll(string(date), "-", "") }
	vendor := b.vendors[item.VendorID].Name
	left := money.New(item.Payable(), item.Currency).String()
	o.line("BEGIN", "VEVENT")
	o.line("UID", "invoice-"+item.ID+"@"+host)
	o.line("DTSTAMP", now.UTC().Format("20060102T150405Z"))
	o.line("LAST-MODIFIED", item.UpdatedAt.UTC().Format("20060102T150405Z"))
	o.line("DTSTART;VALUE=DATE", day(item.DueOn))
	o.line("DTEND;VALUE=DATE", day(item.DueOn.AddDays(1)))
	o.text("SUMMARY", "Due: "+item.Number+", "+vendor+", "+left)
	o.text("DESCRIPTION", "Invoice "+item.Number+" from "+vendor+": "+left+" to pay.\n"+strings.Join(standingWords(item, b.day), ", "))
	o.line("URL", publicURL+who.base+"/invoices/"+item.ID)
	o.line("TRANSP", "TRANSPARENT")
	o.line("END", "VEVENT")
}

func (o *calendar) text(name, value string) {
	value = strings.ReplaceAll(value, "\u00a0", " ")
	o.line(name, strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\r\n", `\n`, "\n", `\n`, "\r", `\n`).Replace(value))
}

func (o *calendar) line(name, value string) {
	line := name + ":" + value
	for room := 75; len(line) > room; room = 74 { // what goes on begins with a space
		cut := room
		for !utf8.RuneStart(line[cut]) {
			cut--
		}
		o.WriteString(line[:cut] + "\r\n ")
		line = line[cut:]
	}
	o.WriteString(line + "\r\n")
}
