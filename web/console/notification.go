package console

import (
	"context"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/web/camt"
	"github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// The forms in which a period's remittance advice is offered.
const (
	asCSV  = "csv"
	asCamt = "camt"
)

func adviceFormats() []ui.Option {
	return []ui.Option{{Value: asCSV, Label: "CSV"}, {Value: asCamt, Label: "camt.054 (XML)"}}
}

// RemittanceOfPeriod is the one that the form asks for. GET /vendor/remittance
func (h *Handlers) RemittanceOfPeriod(c *fiber.Ctx) error {
	switch as := page.Query(c, "as", 20); as {
	case "", asCSV:
		return h.ExportRemittance(c)
	case asCamt:
		return h.ExportNotification(c)
	}
	return fault.At("as", "Choose CSV or camt.054.")
}

// RemittanceXML says what one share is made of, as a bank would. GET
// /vendor/payments/:id/remittance.xml
func (h *Handlers) RemittanceXML(c *fiber.Ctx) error {
	r, share, err := h.remitted(c)
	if err != nil {
		return err
	}
	file := r.notification(h.Kit.HubName, h.Kit.Now())
	file.Entries = entries(share, time.Time{}, time.Time{})
	return r.sendNotification(file, "remittance-"+share.Reference+".xml")
}

// ExportNotification is what came and went back from one day to another, the last
// included, in the vendor's zone; without them, in this month. Money that went back
// stands under its own day, also when the payment was settled before. GET
// /vendor/remittance.xml
func (h *Handlers) ExportNotification(c *fiber.Ctx) error {
	r, err := h.open(c, "Remittance advice", "/vendor/payments")
	if err != nil {
		return err
	}
	from, to, err := r.period()
	if err != nil {
		return err
	}
	file := r.notification(h.Kit.HubName, h.Kit.Now())
	file.From, file.To = r.midnight(from), r.midnight(to.AddDays(1))
	if err := h.moved(r, &file); err != nil {
		return err
	}
	return r.sendNotification(file, "remittance-"+string(from)+"-"+string(to)+".xml")
}

// moved reads a period's entries. More than one file may hold is refused, as for
// the CSV.
func (h *Handlers) moved(r at, file *camt.Notification) error {
	ctx, cancel := context.WithTimeout(r.ctx(), 30*time.Second)
	defer cancel()
	filter := payment.ShareFilter{SettledFrom: file.From, SettledBefore: file.To, Returned: true}
	request := store.PageRequest{Limit: exportPage}
	for read := 0; ; read += exportPage {
		shares, next, err := h.Payment.ListVendorShares(ctx, r.vendor.ID, filter, request)
		if err == nil && next != "" && read+exportPage >= mostExported {
			err = fault.New(fault.TooLarge, "These are more than %d payments. Choose less at once.", mostExported)
		}
		if err != nil {
			return err
		}
		for _, share := range shares {
			if isSettled(share) {
				file.Entries = append(file.Entries, entries(share, file.From, file.To)...)
			}
		}
		if request.Cursor = next; next == "" {
			return nil
		}
	}
}

func (r at) notification(hub string, now time.Time) camt.Notification {
	if hub == "" {
		hub = "Sheaf"
	}
	return camt.Notification{Hub: hub, Vendor: r.vendor.Name, VendorID: r.vendor.ID, Made: now, Zone: r.zone}
}

func (r at) sendNotification(file camt.Notification, name string) error {
	out, err := file.Write()
	if err != nil {
		return err
	}
	r.Attachment(name)
	r.Set(fiber.HeaderContentType, "application/xml; charset=utf-8")
	r.Set(fiber.HeaderCacheControl, "private, no-store")
	return r.Send(out)
}

// entries are what a share moved in a period, before its end; without one, ever.
// A share without money moved none: its credits stand in the CSV.
func entries(share payment.VendorShare, from, before time.Time) []camt.Entry {
	var list []camt.Entry
	add := func(entry camt.Entry) {
		entry.Reference, entry.Currency = share.Reference, share.Currency
		if entry.Amount > 0 && (before.IsZero() || !entry.Booked.Before(from) && entry.Booked.Before(before)) {
			list = append(list, entry)
		}
	}
	add(camt.Entry{Kind: camt.Settled, Amount: share.Amount, Booked: share.SettledAt, Valued: share.SentAt, Transfer: share.TransferRef, Method: share.Method,
		Charges: []camt.Charge{{Name: "Processing fee", Amount: share.ProcessingFee}, {Name: "Hub fee", Amount: share.HubFee}}, Parts: entryParts(share)})
	for _, back := range share.Returns {
		switch back.Kind {
		case payment.ReturnRefund:
			add(camt.Entry{Kind: camt.Refund, Amount: back.Amount, Booked: back.Asked, Pending: !back.Done})
		case payment.ReturnChargeback:
			add(camt.Entry{Kind: camt.Chargeback, Amount: back.Amount, Booked: back.Asked})
		case payment.ReturnChargebackWon:
			add(camt.Entry{Kind: camt.Chargeback, Amount: back.Amount, Booked: back.Asked})
			add(camt.Entry{Kind: camt.ChargebackWon, Amount: back.Amount, Booked: back.Ended})
		}
	}
	return list
}

// entryParts are the invoices that got money, and what none of them took.
func entryParts(share payment.VendorShare) []camt.Part {
	var parts []camt.Part
	for _, part := range payment.InvoiceParts(share.Lines) {
		if part.Amount > 0 {
			parts = append(parts, camt.Part{Invoice: part.Number, InvoiceID: part.ExternalID, Account: part.Account, Name: part.AccountName, Amount: part.Amount,
				LateFee: part.LateFee, Discount: part.Discount, Credit: part.Credit, CreditNote: creditNumbers(part)})
		}
	}
	if share.Unapplied > 0 {
		parts = append(parts, camt.Part{Amount: share.Unapplied})
	}
	return parts
}
