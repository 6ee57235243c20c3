package tryton

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/rounds"
)

const mostLines = 1000 // of one invoice, as the hub takes them

// invoiceRow is an invoice or a credit note as Tryton gives it.
type invoiceRow struct {
	ID          int64   `json:"id"`
	Number      string  `json:"number"`
	Reference   *string `json:"reference"`
	State       string  `json:"state"`
	InvoiceDate moment  `json:"invoice_date"`
	TotalAmount decimal `json:"total_amount"`
	AmountToPay decimal `json:"amount_to_pay"`
	CreateDate  moment  `json:"create_date"`
	WriteDate   moment  `json:"write_date"`
	PartyID     int64   `json:"party"`
	CompanyID   int64   `json:"company"`
	AccountID   int64   `json:"account"`
	Currency    struct {
		ID     int64  `json:"id"`
		Code   string `json:"code"`
		Digits int    `json:"digits"`
	} `json:"currency."`
	Term struct {
		Name *string `json:"name"`
	} `json:"payment_term."`
	Description  *string `json:"description"`
	Comment      *string `json:"comment"`
	ReportFormat *string `json:"invoice_report_format"`
	LinesToPay   []int64 `json:"lines_to_pay"`
	PaymentLines []int64 `json:"payment_lines"`
}

func (r invoiceRow) key() int64 { return r.ID }

func invoiceFields() []string {
	return []string{"number", "reference", "state", "invoice_date", "total_amount", "amount_to_pay", "create_date", "write_date", "party", "company", "account",
		"currency.code", "currency.digits", "payment_term.name", "description", "comment", "invoice_report_format", "lines_to_pay", "payment_lines"}
}

func (c *Client) invoices(ctx context.Context, domain []any, limit int) ([]invoiceRow, error) {
	var rows []invoiceRow
	_, err := c.search(ctx, query{model: "account.invoice", domain: domain, order: byID(), limit: limit, fields: invoiceFields()}, &rows)
	return rows, err
}

// External ids are Tryton's own: they never change, and a number can.

const idPrefix = "invoice-"

func (r invoiceRow) externalID() string { return idPrefix + strconv.FormatInt(r.ID, 10) }

// idOf reads Tryton's id out of an external one.
func idOf(externalID string) (int64, error) {
	text, ours := strings.CutPrefix(externalID, idPrefix)
	id, err := strconv.ParseInt(text, 10, 64)
	if !ours || err != nil || id <= 0 {
		return 0, fmt.Errorf("%.60q is no invoice of Tryton's", externalID)
	}
	return id, nil
}

// aside is what belongs to the invoices of one page.
type aside struct {
	moves   map[int64]moveLineRow // lines to pay and payments, by their id
	applied map[int64][]string    // our references, by invoice
	lines   map[int64][]connectors.Line
}

// records turns invoices into neutral records, behind the accounts that they are on.
func (c *Client) records(ctx context.Context, rows []invoiceRow, since time.Time) ([]rounds.Record, error) {
	a, err := c.aside(ctx, rows)
	if err != nil {
		return nil, err
	}
	var parties []int64
	for _, row := range rows {
		if !slices.Contains(parties, row.PartyID) {
			parties = append(parties, row.PartyID)
		}
	}
	accounts, err := c.accounts(ctx, parties)
	if err != nil {
		return nil, err
	}
	var list []rounds.Record
	for _, one := range accounts {
		record, err := one.record(since)
		if err != nil {
			return nil, err
		}
		list = append(list, record)
	}
	for _, row := range rows {
		record, err := a.record(row, since)
		if err != nil {
			return nil, err
		}
		list = append(list, record)
	}
	return list, nil
}

func (c *Client) aside(ctx context.Context, rows []invoiceRow) (aside, error) {
	a := aside{moves: map[int64]moveLineRow{}}
	var ids, moves []int64
	for _, row := range rows {
		ids, moves = append(ids, row.ID), slices.Concat(moves, row.LinesToPay, row.PaymentLines)
	}
	if len(moves) > 0 {
		found, err := searchAll[moveLineRow](ctx, c, query{model: "account.move.line", domain: []any{term("id", "in", moves)}, fields: []string{"maturity_date", "reconciliation", "write_date"}})
		if err != nil {
			return a, err
		}
		for _, line := range found {
			a.moves[line.ID] = line
		}
	}
	var err error
	if a.lines, err = c.lines(ctx, ids); err != nil {
		return a, err
	}
	a.applied, err = c.references(ctx, ids)
	return a, err
}

// moveLineRow is a line of a move: a part of an invoice that has its own day to pay,
// or a payment.
type moveLineRow struct {
	ID             int64  `json:"id"`
	MaturityDate   moment `json:"maturity_date"`
	Reconciliation *int64 `json:"reconciliation"`
	WriteDate      moment `json:"write_date"`
}

func (r moveLineRow) key() int64 { return r.ID }

type lineRow struct {
	ID          int64       `json:"id"`
	Invoice     int64       `json:"invoice"`
	Sequence    *int64      `json:"sequence"`
	Description *string     `json:"description"`
	Quantity    json.Number `json:"quantity"`
	UnitPrice   decimal     `json:"unit_price"`
	Amount      decimal     `json:"amount"`
	Product     struct {
		Name *string `json:"rec_name"`
	} `json:"product."`
}

func (r lineRow) key() int64 { return r.ID }

// place is where a line stands: those without a number come first.
func (r lineRow) place() int64 {
	if r.Sequence == nil {
		return -1
	}
	return *r.Sequence
}

func (r lineRow) line() connectors.Line {
	description := strings.TrimSpace(text(r.Description))
	if description == "" {
		description = text(r.Product.Name)
	}
	return connectors.Line{Description: description, Quantity: strings.TrimSuffix(r.Quantity.String(), ".0"), UnitPrice: string(r.UnitPrice), Amount: string(r.Amount)}
}

// lines are what people read of invoices.
func (c *Client) lines(ctx context.Context, invoices []int64) (map[int64][]connectors.Line, error) {
	rows, err := searchAll[lineRow](ctx, c, query{model: "account.invoice.line", domain: []any{term("invoice", "in", invoices), term("type", "=", "line")},
		fields: []string{"invoice", "sequence", "description", "quantity", "unit_price", "amount", "product.rec_name"}})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(rows, func(a, b lineRow) int { return cmp.Compare(a.place(), b.place()) })
	lines := map[int64][]connectors.Line{}
	for _, row := range rows {
		if len(lines[row.Invoice]) < mostLines {
			lines[row.Invoice] = append(lines[row.Invoice], row.line())
		}
	}
	return lines, nil
}

// record is one invoice or credit note, or why it is none.
func (a aside) record(row invoiceRow, since time.Time) (rounds.Record, error) {
	changed := latest(row.CreateDate, row.WriteDate)
	for _, id := range slices.Concat(row.LinesToPay, row.PaymentLines) {
		if at := a.moves[id].WriteDate.Time; at.After(changed) {
			changed = at
		}
	}
	total, open, err := row.amounts()
	switch {
	case err != nil:
		rejected := connectors.Rejected{Place: row.Number, ExternalID: row.externalID(), Problems: []connectors.Problem{{Field: "/total", Message: err.Error()}}}
		return record(row.externalID(), changed, since, rejected, func(page *connectors.Page) { page.Rejected = append(page.Rejected, rejected) })
	case total.Minor < 0:
		credit := a.credit(row, total, open)
		return record(row.externalID(), changed, since, credit, func(page *connectors.Page) { page.Credits = append(page.Credits, credit) })
	}
	invoice := a.invoice(row, total, open)
	return record(row.externalID(), changed, since, invoice, func(page *connectors.Page) { page.Invoices = append(page.Invoices, invoice) })
}

func (r invoiceRow) amounts() (total, open money.Amount, err error) {
	currency, err := money.ParseCurrency(r.Currency.Code)
	if err != nil {
		return total, open, fmt.Errorf("the currency %.10q is none that the hub knows; its code in Tryton must be that of ISO 4217", r.Currency.Code)
	}
	if total, err = r.TotalAmount.amount(currency); err != nil {
		return total, open, fmt.Errorf("the total %q %s cannot be read: %w", r.TotalAmount, currency, err)
	}
	if open, err = r.AmountToPay.amount(currency); err != nil {
		return total, open, fmt.Errorf("the amount to pay %q %s cannot be read: %w", r.AmountToPay, currency, err)
	}
	return total, open, nil
}

func (r invoiceRow) status(open money.Amount) connectors.Status {
	switch {
	case r.State == "cancelled":
		return connectors.StatusVoid
	case r.State == "paid" || open.Minor == 0: // Tryton leaves a difference of exchange rates to a person, and nothing is to be paid
		return connectors.StatusPaid
	}
	return connectors.StatusOpen
}

// note is what is printed on the invoice beside its lines.
func (r invoiceRow) note() string {
	return strings.TrimSpace(strings.TrimSpace(text(r.Description)) + "\n" + strings.TrimSpace(text(r.Comment)))
}

// invoice is the neutral record. What Tryton holds paid above the total is not
// owed by anybody here.
func (a aside) invoice(r invoiceRow, total, open money.Amount) connectors.Invoice {
	open.Minor = min(max(open.Minor, 0), total.Minor)
	return connectors.Invoice{ExternalID: r.externalID(), Number: r.Number, Account: accountID(r.PartyID), IssuedOn: r.InvoiceDate.date(), DueOn: a.due(r), Terms: text(r.Term.Name),
		Total: total, Open: open, PurchaseOrder: text(r.Reference), Note: r.note(), Status: r.status(open), Lines: a.lines[r.ID], Applied: a.applied[r.ID],
		Documents: []connectors.Document{r.document()}}
}

func (a aside) credit(r invoiceRow, total, open money.Amount) connectors.Credit {
	total.Minor, open.Minor = -total.Minor, -open.Minor
	open.Minor = min(max(open.Minor, 0), total.Minor)
	return connectors.Credit{ExternalID: r.externalID(), Number: r.Number, Account: accountID(r.PartyID), IssuedOn: r.InvoiceDate.date(), Total: total, Open: open, Note: r.note(),
		Status: r.status(open), Applied: a.applied[r.ID], Documents: []connectors.Document{r.document()}}
}

// due is the earliest day on which something of an invoice is still due, or else the
// latest on which something was.
func (a aside) due(r invoiceRow) money.Date {
	var due, paid money.Date
	for _, id := range r.LinesToPay {
		line := a.moves[id]
		switch day := line.MaturityDate.date(); {
		case day == "":
		case line.Reconciliation != nil:
			paid = max(paid, day)
		case due == "" || day < due:
			due = day
		}
	}
	if due == "" {
		return paid
	}
	return due
}
