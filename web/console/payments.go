package console

import (
	"bufio"
	"context"
	"encoding/csv"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// ListPayments lists the vendor's shares. GET /vendor/payments
func (h *Handlers) ListPayments(c *fiber.Ctx) error {
	r, err := h.open(c, "Payments", "/vendor/payments")
	if err != nil {
		return err
	}
	view := PaymentsView{Frame: r.frame, Status: known(page.Query(c, "status", 20), paymentStatuses()), CSV: "/vendor/payments.csv"}
	if view.Status != "" {
		view.CSV += "?status=" + view.Status
	}
	shares, next, err := h.Payment.ListVendorShares(r.ctx(), r.vendor.ID, payment.ShareFilter{Status: payment.Status(view.Status)}, page.Cursor(r.Ctx, onOnePage))
	if err != nil {
		return err
	}
	for _, share := range shares {
		view.Rows = append(view.Rows, r.paymentRow(share))
	}
	view.Pages = page.CursorPages(r.Ctx, next)
	if view.Debts, err = h.debts(r); err != nil {
		return err
	}
	if view.Tabs, err = h.paymentTabs(r, "/vendor/payments"); err != nil {
		return err
	}
	return page.Render(c, fiber.StatusOK, Payments(view))
}

func (r at) paymentRow(share payment.VendorShare) PaymentRow {
	return PaymentRow{URL: paymentURL(share.ID), Reference: share.Reference, At: r.local(share.CreatedAt),
		Amount: money.New(share.Amount, share.Currency), Credit: money.New(share.CreditAmount, share.Currency), Invoices: numbers(share.Lines),
		Status: returnedStatus(share.Share), HasTransfer: share.TransferState != "", Transfer: transferStatus(share.TransferState)}
}

// numbers names up to three invoices, each once.
func numbers(lines []payment.VendorLine) string {
	const most = 3
	seen := map[string]bool{}
	var list []string
	for _, line := range lines {
		if !seen[line.InvoiceID] {
			seen[line.InvoiceID] = true
			list = append(list, line.Number)
		}
	}
	if len(list) > most {
		return strings.Join(list[:most], ", ") + " and " + strconv.Itoa(len(list)-most) + " more"
	}
	return strings.Join(list, ", ")
}

// ShowPayment shows one share. GET /vendor/payments/:id
func (h *Handlers) ShowPayment(c *fiber.Ctx) error {
	return h.showPayment(c, page.Param(c, "id"), RefundForm{}, nil)
}

// showPayment is the page with what was entered into its form, after an error.
func (h *Handlers) showPayment(c *fiber.Ctx, id string, form RefundForm, problems []ui.FieldError) error {
	r, err := h.open(c, "Payment", "/vendor/payments")
	if err != nil {
		return err
	}
	share, err := h.Payment.VendorShare(r.ctx(), r.vendor.ID, id)
	if err != nil {
		return err
	}
	view := r.paymentView(share)
	view.Refund, view.Page.Errors = form, problems
	if err := h.fillReturns(r, share, &view); err != nil {
		return err
	}
	if len(problems) > 0 {
		return page.Render(c, fiber.StatusUnprocessableEntity, Payment(view))
	}
	return page.Render(c, fiber.StatusOK, Payment(view))
}

func (r at) paymentView(share payment.VendorShare) PaymentView {
	amount := func(minor int64) money.Amount { return money.New(minor, share.Currency) }
	view := PaymentView{Frame: r.frame, URL: paymentURL(share.ID), Reference: share.Reference, Status: returnedStatus(share.Share), Amount: amount(share.Amount),
		Unapplied: amount(share.Unapplied), HasTransfer: share.TransferState != ""}
	view.Page.Title = "Payment " + share.Reference
	for _, line := range share.Lines {
		view.Lines = append(view.Lines, PaymentLine{URL: invoiceURL(line.InvoiceID), Number: line.Number, Account: line.Account,
			By: byWord(line.CreditNumber), Amount: amount(line.Amount)})
	}
	view.Facts = []ui.Fact{{Label: "Money", Body: ui.Money(view.Amount)}, {Label: "By credits", Body: ui.Money(amount(share.CreditAmount))},
		{Label: "Method", Text: methodWord(share.Method)}, {Label: "Begun", Body: ui.Moment(r.local(share.CreatedAt), r.today)}}
	if !share.SettledAt.IsZero() {
		view.Facts = append(view.Facts, ui.Fact{Label: "Settled", Body: ui.Moment(r.local(share.SettledAt), r.today)})
	}
	view.TransferFacts = []ui.Fact{{Label: "State", Body: status(transferStatus(share.TransferState))}, {Label: "Since", Body: ui.Moment(r.local(share.TransferAt), r.today)}}
	if share.TransferRef != "" {
		view.TransferFacts = append(view.TransferFacts, ui.Fact{Label: "Reference", Text: share.TransferRef})
	}
	return view
}

// mostExported bounds one file; exportPage is how many rows are read at once.
const (
	mostExported = 20_000
	exportPage   = 500
)

// ExportPayments is the list as a file, one row per invoice of each share. GET /vendor/payments.csv
func (h *Handlers) ExportPayments(c *fiber.Ctx) error {
	r, err := h.open(c, "Payments", "/vendor/payments")
	if err != nil {
		return err
	}
	filter := payment.ShareFilter{Status: payment.Status(known(page.Query(c, "status", 20), paymentStatuses()))}
	ctx, cancel := context.WithTimeout(r.ctx(), 30*time.Second)
	defer cancel()
	out := bufio.NewWriter(c.Response().BodyWriter())
	file := csv.NewWriter(out)
	_ = file.Write([]string{"reference", "status", "begun", "settled", "method", "currency", "invoice", "account", "by", "amount", "transfer"})
	request := store.PageRequest{Limit: exportPage}
	for read := 0; read < mostExported; read += exportPage {
		shares, next, err := h.Payment.ListVendorShares(ctx, r.vendor.ID, filter, request)
		if err != nil {
			c.Response().ResetBody()
			return err
		}
		for _, share := range shares {
			writeShare(file, share)
		}
		if request.Cursor = next; next == "" {
			break
		}
	}
	file.Flush()
	c.Set(fiber.HeaderContentType, "text/csv; charset=utf-8")
	c.Attachment("payments-" + string(r.today) + ".csv")
	return out.Flush()
}

func writeShare(file *csv.Writer, share payment.VendorShare) {
	settled := ""
	if !share.SettledAt.IsZero() {
		settled = share.SettledAt.UTC().Format(time.RFC3339)
	}
	head := []string{share.Reference, string(share.Status), share.CreatedAt.UTC().Format(time.RFC3339), settled, share.Method, string(share.Currency)}
	write := func(invoice, account, by string, minor int64) {
		row := append(append([]string{}, head...), invoice, account, by, money.New(minor, share.Currency).Decimal(), share.TransferState)
		for i, cell := range row {
			row[i] = defused(cell)
		}
		_ = file.Write(row) // into a buffer in memory: it cannot fail
	}
	for _, line := range share.Lines {
		write(line.Number, line.Account, byWord(line.CreditNumber), line.Amount)
	}
	if share.Unapplied > 0 {
		write("", "", "taken by no invoice", share.Unapplied)
	}
}

// defused keeps a spreadsheet from reading a cell as a formula.
func defused(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r\n", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
