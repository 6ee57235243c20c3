package tryton

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/sheaf-hub/sheaf/hub/money"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// invoiceRow is an invoice or a credit note as Tryton gives it.
type invoiceRow struct {
	ID          int64   `json:"id"`
	Number      string  `json:"number"`
	Reference   *string `json:"reference"`
	State       string  `json:"state"`
	InvoiceDate moment  `json:"invoice_date"`
	TotalAmount decimal `json:"total_amount"`
	AmountToPay decimal `json:"amount_to_pay"`
	WriteDate   moment  `json:"write_date"`
	PartyID     int64   `json:"party"`
	Party       struct {
		Name *string `json:"name"`
		Code *string `json:"code"`
	} `json:"party."`
	Currency struct {
		Code string `json:"code"`
	} `json:"currency."`
	Term struct {
		Name *string `json:"name"`
	} `json:"payment_term."`
	Description *string `json:"description"`
	LinesToPay  []int64 `json:"lines_to_pay"`
}

var invoiceFields = []string{"number", "reference", "state", "invoice_date", "total_amount", "amount_to_pay", "write_date", "party", "party.name", "party.code",
	"currency.code", "payment_term.name", "description", "lines_to_pay"}

func (c *Client) invoices(ctx context.Context, domain []any, limit int) ([]invoiceRow, error) {
	var rows []invoiceRow
	err := c.search(ctx, "account.invoice", domain, page{limit: limit, order: []any{[]any{"write_date", "ASC"}, []any{"id", "ASC"}}}, invoiceFields, &rows)
	return rows, err
}

// External ids are Tryton's own: they never change, and a number can.

func (r invoiceRow) externalID() string { return "invoice-" + strconv.FormatInt(r.ID, 10) }

func accountID(party int64) string { return "party-" + strconv.FormatInt(party, 10) }

// idOf reads Tryton's id out of an external one.
func idOf(externalID string) (int64, error) {
	text, ours := strings.CutPrefix(externalID, "invoice-")
	id, err := strconv.ParseInt(text, 10, 64)
	if !ours || err != nil || id <= 0 {
		return 0, fmt.Errorf("%w: %q is no invoice of Tryton's", connectors.ErrRefused, externalID)
	}
	return id, nil
}

func text(value *string) string {
	if value == nil {
		return ""
	}
	return *value
}

func (r invoiceRow) status(open money.Amount) connectors.Status {
	switch {
	case r.State == "cancelled":
		return connectors.StatusVoid
	case r.State == "paid" || open.Minor == 0:
		return connectors.StatusPaid
	}
	return connectors.StatusOpen
}

// invoice is the neutral record. What Tryton holds paid above the total is not
// owed by anybody here.
func (r invoiceRow) invoice(total, open money.Amount, due money.Date, applied []string) connectors.Invoice {
	open.Minor = min(max(open.Minor, 0), total.Minor)
	invoice := connectors.Invoice{ExternalID: r.externalID(), Number: r.Number, Account: accountID(r.PartyID), DueOn: due, Terms: text(r.Term.Name), Total: total, Open: open,
		PurchaseOrder: text(r.Reference), Status: r.status(open), Applied: applied, Documents: []connectors.Document{r.document()}}
	if !r.InvoiceDate.IsZero() {
		invoice.IssuedOn = money.Date(r.InvoiceDate.Format("2006-01-02"))
	}
	return invoice
}

func (r invoiceRow) credit(total, open money.Amount, applied []string) connectors.Credit {
	total.Minor, open.Minor = -total.Minor, -open.Minor
	open.Minor = min(max(open.Minor, 0), total.Minor)
	credit := connectors.Credit{ExternalID: r.externalID(), Number: r.Number, Account: accountID(r.PartyID), Total: total, Open: open, Note: text(r.Description),
		Status: r.status(open), Applied: applied, Documents: []connectors.Document{r.document()}}
	if !r.InvoiceDate.IsZero() {
		credit.IssuedOn = money.Date(r.InvoiceDate.Format("2006-01-02"))
	}
	return credit
}

// dueDates are the earliest day on which something of an invoice is still due, or
// else the latest on which something was.
func (c *Client) dueDates(ctx context.Context, rows []invoiceRow) (map[int64]money.Date, error) {
	invoiceOf := map[int64]int64{}
	var ids []int64
	for _, row := range rows {
		for _, line := range row.LinesToPay {
			invoiceOf[line], ids = row.ID, append(ids, line)
		}
	}
	dates := map[int64]money.Date{}
	paid := map[int64]money.Date{}
	for from := 0; from < len(ids); from += 1000 {
		some := ids[from:min(from+1000, len(ids))]
		var lines []struct {
			ID             int64  `json:"id"`
			MaturityDate   moment `json:"maturity_date"`
			Reconciliation *int64 `json:"reconciliation"`
		}
		err := c.search(ctx, "account.move.line", []any{[]any{"id", "in", some}}, page{limit: len(some)}, []string{"maturity_date", "reconciliation"}, &lines)
		if err != nil {
			return nil, err
		}
		for _, line := range lines {
			if line.MaturityDate.IsZero() {
				continue
			}
			day, invoice := money.Date(line.MaturityDate.Format("2006-01-02")), invoiceOf[line.ID]
			switch {
			case line.Reconciliation != nil:
				paid[invoice] = max(paid[invoice], day)
			case dates[invoice] == "" || day < dates[invoice]:
				dates[invoice] = day
			}
		}
	}
	for invoice, day := range paid {
		if dates[invoice] == "" {
			dates[invoice] = day
		}
	}
	return dates, nil
}

// accounts are the parties of invoices, with their addresses.
func (c *Client) accounts(ctx context.Context, rows []invoiceRow) ([]connectors.Account, error) {
	var accounts []connectors.Account
	place := map[int64]int{}
	var ids []int64
	for _, row := range rows {
		if _, known := place[row.PartyID]; known {
			continue
		}
		place[row.PartyID], ids = len(accounts), append(ids, row.PartyID)
		name := text(row.Party.Name)
		if name == "" {
			name = "Party " + text(row.Party.Code)
		}
		accounts = append(accounts, connectors.Account{ExternalID: accountID(row.PartyID), Name: name, Terms: text(row.Term.Name), Currency: money.Currency(row.Currency.Code)})
	}
	var mechanisms []struct {
		Party int64   `json:"party"`
		Type  string  `json:"type"`
		Value *string `json:"value"`
		Name  *string `json:"name"`
	}
	err := c.search(ctx, "party.contact_mechanism", []any{[]any{"party", "in", ids}, []any{"type", "=", "email"}}, page{limit: 20 * len(ids), order: []any{[]any{"id", "ASC"}}},
		[]string{"party", "type", "value", "name"}, &mechanisms)
	if err != nil {
		return nil, err
	}
	for _, one := range mechanisms {
		if at, known := place[one.Party]; known && text(one.Value) != "" {
			accounts[at].Contacts = append(accounts[at].Contacts, connectors.Contact{Email: text(one.Value), Name: text(one.Name), Role: connectors.RolePayables})
		}
	}
	return accounts, nil
}
