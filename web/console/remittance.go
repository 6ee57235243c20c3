package console

import (
	"bufio"
	"context"
	"encoding/csv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/paper"
)

// RemittancePDF says what one share is made of. GET /vendor/payments/:id/remittance.pdf
func (h *Handlers) RemittancePDF(c *fiber.Ctx) error {
	r, share, err := h.remitted(c)
	if err != nil {
		return err
	}
	file, err := r.remittance(share, h.Kit.HubName).Write()
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderCacheControl, "private, no-store")
	c.Attachment("remittance-" + share.Reference + ".pdf")
	c.Set(fiber.HeaderContentType, "application/pdf")
	return c.Send(file)
}

// RemittanceCSV is the same for a program. GET /vendor/payments/:id/remittance.csv
func (h *Handlers) RemittanceCSV(c *fiber.Ctx) error {
	r, share, err := h.remitted(c)
	if err != nil {
		return err
	}
	out := &strings.Builder{}
	file := csv.NewWriter(out)
	_ = file.Write(remittanceHead()) // into memory: it cannot fail
	writeRemittance(file, share)
	file.Flush()
	r.csv("remittance-" + share.Reference + ".csv")
	return c.SendString(out.String())
}

// remitted is a share for which there is something to book.
func (h *Handlers) remitted(c *fiber.Ctx) (at, payment.VendorShare, error) {
	r, err := h.open(c, "Remittance advice", "/vendor/payments")
	if err != nil {
		return r, payment.VendorShare{}, err
	}
	share, err := h.Payment.VendorShare(r.ctx(), r.vendor.ID, page.Param(c, "id"))
	if err == nil && !isSettled(share) {
		err = fault.New(fault.Conflict, "There is no remittance advice: this payment is not settled. Do not book it before it is.")
	}
	return r, share, err
}

func isSettled(share payment.VendorShare) bool {
	return share.Status == payment.Settled || share.Status == payment.Refunded || share.Status == payment.ChargedBack
}

func (r at) csv(name string) {
	r.Attachment(name)
	r.Set(fiber.HeaderContentType, "text/csv; charset=utf-8")
	r.Set(fiber.HeaderCacheControl, "private, no-store")
}

func (r at) remittance(share payment.VendorShare, hub string) paper.Remittance {
	of := func(minor int64) money.Amount { return money.New(minor, share.Currency) }
	if hub == "" {
		hub = "Sheaf"
	}
	out := paper.Remittance{Hub: hub, Vendor: r.vendor.Name, Zone: r.zone, Reference: share.Reference, Status: paymentStatus(share.Status).Text, Method: share.Method,
		Settled: share.SettledAt, Unapplied: of(share.Unapplied), Share: of(share.Amount), ProcessingFee: of(share.ProcessingFee), HubFee: of(share.HubFee),
		Netted: of(share.Netted), Sent: of(share.Sent()), TransferRef: share.TransferRef, SentAt: share.SentAt}
	if share.TransferState != "" {
		out.Transfer = transferStatus(share).Text
	}
	for _, part := range payment.InvoiceParts(share.Lines) {
		out.Lines = append(out.Lines, paper.RemittanceLine{Invoice: part.Number, ExternalID: part.ExternalID, Account: part.Account, AccountName: part.AccountName,
			Credits: creditNumbers(part), Settled: of(part.Settled()), Credit: of(part.Credit), Discount: of(part.Discount), LateFee: of(part.LateFee), Paid: of(part.Amount)})
	}
	for _, back := range share.Returns {
		out.Returns = append(out.Returns, paper.RemittanceReturn{What: back.Kind.Words(), At: back.Asked, Amount: of(back.Amount)})
	}
	return out
}

func creditNumbers(part payment.InvoicePart) []string {
	numbers := make([]string, len(part.Credits))
	for i, credit := range part.Credits {
		numbers[i] = credit.Number
	}
	return numbers
}

// mostDays bounds the period of one file.
const mostDays = 366

// ExportRemittance is every share that was settled from one day to another, the
// last included, in the vendor's zone; without them, in this month. GET
// /vendor/remittance.csv
func (h *Handlers) ExportRemittance(c *fiber.Ctx) error {
	r, err := h.open(c, "Remittance advice", "/vendor/payments")
	if err != nil {
		return err
	}
	from, to, err := r.period()
	if err != nil {
		return err
	}
	filter := payment.ShareFilter{SettledFrom: r.midnight(from), SettledBefore: r.midnight(to.AddDays(1))}
	if err := h.exportShares(r, filter, remittanceHead(), writeRemittance); err != nil {
		return err
	}
	r.csv("remittance-" + string(from) + "-" + string(to) + ".csv")
	return nil
}

// period reads from and to.
func (r at) period() (from, to money.Date, err error) {
	from, to = r.today[:8]+"01", r.today
	for _, field := range []struct {
		name string
		date *money.Date
	}{{"from", &from}, {"to", &to}} {
		if text := page.Query(r.Ctx, field.name, 20); text != "" {
			if *field.date, err = money.ParseDate(text); err != nil {
				return from, to, fault.At(field.name, "Write the date like 2026-11-30.")
			}
		}
	}
	switch days := from.DaysUntil(to); {
	case days < 0:
		err = fault.At("to", "The period ends before it begins.")
	case days >= mostDays:
		err = fault.At("to", "Choose at most %d days at once.", mostDays)
	}
	return from, to, err
}

// midnight is when a day begins for the vendor.
func (r at) midnight(day money.Date) time.Time {
	d := day.Time()
	return time.Date(d.Year(), d.Month(), d.Day(), 0, 0, 0, 0, r.zone)
}

// exportShares writes shares to the answer, page by page. More than one file
// may hold is refused: a file that lacks rows without a word would be booked as
// if it were whole.
func (h *Handlers) exportShares(r at, filter payment.ShareFilter, head []string, write func(*csv.Writer, payment.VendorShare)) error {
	ctx, cancel := context.WithTimeout(r.ctx(), 30*time.Second)
	defer cancel()
	out := bufio.NewWriter(r.Response().BodyWriter())
	file := csv.NewWriter(out)
	_ = file.Write(head) // into a buffer in memory: it cannot fail
	request := store.PageRequest{Limit: exportPage}
	for read := 0; ; read += exportPage {
		shares, next, err := h.Payment.ListVendorShares(ctx, r.vendor.ID, filter, request)
		if err == nil && next != "" && read+exportPage >= mostExported {
			err = fault.New(fault.TooLarge, "These are more than %d payments. Choose less at once.", mostExported)
		}
		if err != nil {
			r.Response().ResetBody()
			return err
		}
		for _, share := range shares {
			write(file, share)
		}
		if request.Cursor = next; next == "" {
			break
		}
	}
	file.Flush()
	return out.Flush()
}

func remittanceHead() []string {
	return []string{"record", "reference", "status", "settled", "method", "currency", "account", "account name", "invoice", "invoice id",
		"money", "late fee", "discount", "credit", "credits", "processing fee", "hub fee", "netted", "sent", "transfer", "transfer reference", "sent at"}
}

// writeRemittance writes one row per invoice, one of money that no invoice
// took, one of the transfer with its fees, and one of each return. A figure
// stands in one row only, so that every column can be summed.
func writeRemittance(file *csv.Writer, share payment.VendorShare) {
	of := func(minor int64) string { return money.New(minor, share.Currency).Decimal() }
	write := func(record string, cells ...string) {
		row := append([]string{record, share.Reference, string(share.Status), stamp(share.SettledAt), share.Method, string(share.Currency)}, cells...)
		writeRow(file, append(row, make([]string, len(remittanceHead())-len(row))...))
	}
	for _, part := range payment.InvoiceParts(share.Lines) {
		write("invoice", part.Account, part.AccountName, part.Number, part.ExternalID, of(part.Amount), of(part.LateFee), of(part.Discount), of(part.Credit), strings.Join(creditNumbers(part), "; "))
	}
	if share.Unapplied > 0 {
		write("unapplied", "", "", "", "", of(share.Unapplied))
	}
	if share.TransferState != "" {
		write("transfer", "", "", "", "", "", "", "", "", "", of(share.ProcessingFee), of(share.HubFee), of(share.Netted), of(share.Sent()),
			share.TransferState, share.TransferRef, stamp(share.SentAt))
	}
	for _, back := range share.Returns {
		if back.Kind != payment.ReturnChargebackWon {
			write(string(back.Kind), "", "", "", "", of(-back.Amount))
		}
	}
}

// stamp is an instant for programs; empty for none.
func stamp(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}

// writeRow defuses every cell but those that are amounts of ours: a minus
// before digits alone is a number to any program.
func writeRow(file *csv.Writer, row []string) {
	for i, cell := range row {
		if !isDecimal(cell) {
			row[i] = defused(cell)
		}
	}
	_ = file.Write(row) // into a buffer in memory: it cannot fail
}

func isDecimal(cell string) bool {
	digits := strings.TrimPrefix(cell, "-")
	return digits != "" && strings.Trim(digits, "0123456789.") == ""
}
