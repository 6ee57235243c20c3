package console

import (
	"bufio"
	"context"
	"encoding/csv"
	"fmt"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/web/page"
)

// payoutColumns head the file. The amounts of a payout's rows add up to its payout_amount.
var payoutColumns = []string{"payout", "arrives", "status", "bank", "statement", "currency", "payout_amount", "line", "reference", "invoice", "account", "amount"}

// ExportPayout is one payout as a file, one row per invoice. GET /vendor/payouts/:id/lines.csv
func (h *Handlers) ExportPayout(c *fiber.Ctx) error {
	r, err := h.open(c, "Payout", payoutsPath)
	if err != nil {
		return err
	}
	payout, _, err := h.Payment.Payout(r.ctx(), r.vendor.ID, page.Param(c, "id"))
	if err != nil {
		return err
	}
	return h.stream(r, "payout-"+string(payout.ArrivalOn)+".csv", payoutColumns, func(ctx context.Context, row func(...string)) error {
		return h.writePayout(ctx, payout, row)
	})
}

// ExportPayouts are the payouts that arrive in a period. GET /vendor/payouts.csv
func (h *Handlers) ExportPayouts(c *fiber.Ctx) error {
	r, err := h.open(c, "Payouts", payoutsPath)
	if err != nil {
		return err
	}
	filter, _ := period(c)
	vendorID := r.vendor.ID
	return h.stream(r, "payouts-"+string(r.today)+".csv", payoutColumns, func(ctx context.Context, row func(...string)) error {
		request := store.PageRequest{Limit: 100}
		for {
			payouts, next, err := h.Payment.ListPayouts(ctx, vendorID, filter, request)
			if err != nil {
				return err
			}
			for _, payout := range payouts {
				if err := h.writePayout(ctx, payout, row); err != nil {
					return err
				}
			}
			if request.Cursor = next; next == "" {
				return nil
			}
		}
	})
}

// writePayout writes a payout's lines, part by part, and what is not explained.
func (h *Handlers) writePayout(ctx context.Context, payout payment.VendorPayout, row func(...string)) error {
	decimal := func(minor int64) string { return money.New(minor, payout.Currency).Decimal() }
	head := []string{payout.GatewayRef, string(payout.ArrivalOn), payout.Status, payout.Bank, payout.Statement, string(payout.Currency), decimal(payout.Amount)}
	write := func(cells ...string) { row(append(append([]string{}, head...), cells...)...) }
	left := payout.Amount
	request := store.PageRequest{Limit: store.MaxPage}
	for {
		items, next, err := h.Payment.PayoutItems(ctx, payout, request)
		if err != nil {
			return err
		}
		for _, item := range items {
			left -= item.Amount - item.Fee
			writeItem(item, decimal, write)
		}
		if request.Cursor = next; next == "" {
			break
		}
	}
	if left != 0 {
		write("not explained", "", "", "", decimal(left))
	}
	return nil
}

func writeItem(item payment.PayoutItem, decimal func(int64) string, write func(...string)) {
	if item.Exchanged {
		var numbers []string
		for _, part := range item.Parts {
			if part.Kind == payment.PartInvoice {
				numbers = append(numbers, part.Number)
			}
		}
		write("exchanged from "+item.Sent.String(), item.Reference, strings.Join(numbers, " "), "", decimal(item.Amount-item.Fee))
		return
	}
	for _, part := range item.Parts {
		line := string(part.Kind)
		if part.Kind == payment.PartOther {
			line = item.Kind
		}
		write(line, item.Reference, part.Number, part.Account, decimal(part.Amount))
	}
}

// streamTime bounds how long one file may take.
const streamTime = 2 * time.Minute

// stream answers with a file that is written while it is read: nothing of it is
// kept. What fails underway cannot be an error page any more: the last row says it.
func (h *Handlers) stream(r at, name string, columns []string, write func(ctx context.Context, row func(...string)) error) error {
	log, base := h.Kit.Log, context.WithoutCancel(r.ctx()) // the handler has ended by then
	r.Set(fiber.HeaderContentType, "text/csv; charset=utf-8")
	r.Attachment(name)
	r.Context().SetBodyStreamWriter(func(out *bufio.Writer) {
		ctx, cancel := context.WithTimeout(base, streamTime)
		defer cancel()
		file := csv.NewWriter(out)
		row := func(cells ...string) {
			for i, cell := range cells {
				cells[i] = defused(cell)
			}
			if file.Write(cells) != nil { // the reader has gone
				cancel()
			}
		}
		_ = file.Write(columns)
		if err := guarded(func() error { return write(ctx, row) }); err != nil {
			log.Warn("a file was not written to its end", "file", name, "error", err)
			_ = file.Write([]string{"This file is not complete: ask for it again."})
		}
		file.Flush()
	})
	return nil
}

// guarded makes an error of a panic: here, nobody above would take it.
func guarded(work func() error) (err error) {
	defer func() {
		if caught := recover(); caught != nil {
			err = fmt.Errorf("panic: %v", caught)
		}
	}()
	return work()
}
