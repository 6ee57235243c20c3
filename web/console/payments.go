package console

import (
	"encoding/csv"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/payment"
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
	view.From, view.To = string(r.today[:8]+"01"), string(r.today)
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
		Status: returnedStatus(share.Share), HasTransfer: share.TransferState != "", Transfer: transferStatus(share)}
}

// numbers names up to three invoices, each once.
func numbers(lines []payment.ReceiptLine) string {
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
	if isSettled(share) {
		advice := paymentURL(share.ID) + "/remittance"
		view.PDF, view.CSV, view.XML = advice+".pdf", advice+".csv", advice+".xml"
	}
	for _, line := range share.Lines {
		view.Lines = append(view.Lines, paymentLines(line, share.Currency)...)
	}
	view.Facts, view.TransferFacts = r.paymentFacts(share), r.transferFacts(share)
	return view
}

// paymentLines are what one invoice got: money, of which a late fee, a discount,
// or a credit.
func paymentLines(line payment.ReceiptLine, currency money.Currency) []PaymentLine {
	shown := PaymentLine{URL: invoiceURL(line.InvoiceID), Number: line.Number, Account: line.Account}
	part := func(by, note string, minor int64) PaymentLine {
		shown.By, shown.Note, shown.Amount = by, note, money.New(minor, currency)
		return shown
	}
	note := ""
	if line.LateFee > 0 {
		note = money.New(line.LateFee, currency).String() + " of it a late fee"
	}
	var lines []PaymentLine
	if line.Amount > 0 || line.Discount == 0 {
		lines = append(lines, part(byWord(line.CreditNumber), note, line.Amount))
	}
	if line.Discount > 0 {
		lines = append(lines, part("Discount", "given by you, not paid", line.Discount))
	}
	return lines
}

// paymentFacts speak of the figures that there are.
func (r at) paymentFacts(share payment.VendorShare) []ui.Fact {
	facts := []ui.Fact{{Label: "Money", Body: ui.Money(money.New(share.Amount, share.Currency))}}
	facts = append(facts, someAmounts(share.Currency, labelled{"Of which late fees", share.LateFee}, labelled{"By credits", share.CreditAmount}, labelled{"Discounts given", share.Discount},
		labelled{"Refunded", share.Refunded}, labelled{"Charged back", share.ChargedBack})...)
	facts = append(facts, ui.Fact{Label: "Method", Text: methodWord(share.Method)}, ui.Fact{Label: "Begun", Body: ui.Moment(r.local(share.CreatedAt), r.today)})
	if !share.SettledAt.IsZero() {
		facts = append(facts, ui.Fact{Label: "Settled", Body: ui.Moment(r.local(share.SettledAt), r.today)})
	}
	return facts
}

func (r at) transferFacts(share payment.VendorShare) []ui.Fact {
	facts := []ui.Fact{{Label: "State", Body: status(transferStatus(share))}, {Label: "Since", Body: ui.Moment(r.local(share.TransferAt), r.today)}}
	taken := someAmounts(share.Currency, labelled{"Processing fee", share.ProcessingFee}, labelled{"Hub's fee", share.HubFee}, labelled{"Kept for what you owed", share.Netted})
	facts = append(append(facts, taken...), ui.Fact{Label: "Amount", Body: ui.Money(money.New(share.Sent(), share.Currency))})
	if share.TransferRef != "" {
		facts = append(facts, ui.Fact{Label: "Reference", Text: share.TransferRef})
	}
	return facts
}

type labelled struct {
	label string
	minor int64
}

func someAmounts(currency money.Currency, figures ...labelled) []ui.Fact {
	var facts []ui.Fact
	for _, figure := range figures {
		if figure.minor != 0 {
			facts = append(facts, ui.Fact{Label: figure.label, Body: ui.Money(money.New(figure.minor, currency))})
		}
	}
	return facts
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
	head := []string{"reference", "status", "begun", "settled", "method", "currency", "invoice", "account", "by", "amount", "transfer"}
	if err := h.exportShares(r, filter, head, writeShare); err != nil {
		return err
	}
	r.csv("payments-" + string(r.today) + ".csv")
	return nil
}

func writeShare(file *csv.Writer, share payment.VendorShare) {
	head := []string{share.Reference, string(share.Status), stamp(share.CreatedAt), stamp(share.SettledAt), share.Method, string(share.Currency)}
	write := func(invoice, account, by string, minor int64) {
		writeRow(file, append(append([]string{}, head...), invoice, account, by, money.New(minor, share.Currency).Decimal(), share.TransferState))
	}
	for _, line := range share.Lines {
		write(line.Number, line.Account, byWord(line.CreditNumber), line.Amount)
		if line.Discount > 0 {
			write(line.Number, line.Account, "Discount", line.Discount)
		}
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
