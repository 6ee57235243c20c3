package xero

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/sheaf-hub/sheaf/hub/money"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/rest"
)

// An allocation in Xero has no reference. Before one is made, a note in the history
// of the credit says for which payment of ours it will be, and how much of the credit
// stands against the invoice so far; a later try reads there whether more does now.

// move allocates a credit to an invoice, unless that was done. It answers Xero's id
// and time of it.
func (c *Client) move(ctx context.Context, p plan, one move) (id, at string, err error) {
	kind, creditID, _ := splitCredit(one.credit)
	credit, err := c.readCredit(ctx, kind, creditID)
	if err != nil {
		return "", "", err
	}
	if !kind.ofCustomers(credit.Type) || credit.CurrencyCode != string(p.currency) {
		return "", "", refused("%s %s is not a customer's credit in %s", strings.ToLower(kind.title), creditID, p.currency)
	}
	now, err := allocated(credit, one.invoice, p.currency)
	if err != nil {
		return "", "", err
	}
	path := kind.path + "/" + creditID
	before, noted, err := c.intention(ctx, path, p, one)
	if err != nil {
		return "", "", err
	}
	if noted && now.Minor >= before.Minor+one.amount.Minor {
		return creditID, credit.UpdatedDateUTC, nil
	}
	if !noted {
		if err := c.addHistory(ctx, path, p.reference, intention(p, one)+one.amount.Decimal()+onTopOf+now.Decimal()); err != nil {
			return "", "", err
		}
	}
	at, err = c.allocate(ctx, path, p, one)
	return creditID, at, err
}

const onTopOf = " on top of "

// intention begins the note of one move.
func intention(p plan, one move) string {
	return fmt.Sprintf("Payment %s against invoice %s: ", p.reference, strings.ToLower(one.invoice))
}

// intention looks for the note of a move, and how much stood against the invoice then.
func (c *Client) intention(ctx context.Context, path string, p plan, one move) (money.Amount, bool, error) {
	records, err := c.history(ctx, path)
	if err != nil {
		return money.Amount{}, false, err
	}
	var least money.Amount
	found := false
	for _, record := range records {
		said, ok := strings.CutPrefix(record.Details, intention(p, one))
		if !ok {
			continue
		}
		_, text, _ := strings.Cut(said, onTopOf)
		before, err := money.Parse(strings.TrimSpace(text), p.currency)
		if err != nil {
			return before, false, refused("the note of payment %s in the history of the credit was changed. Allocate it by hand", p.reference)
		}
		if !found || before.Minor < least.Minor {
			least, found = before, true
		}
	}
	return least, found, nil
}

func (c *Client) readCredit(ctx context.Context, kind creditKind, id string) (wireCreditSince, error) {
	var answer struct{ CreditNotes, Overpayments, Prepayments []wireCreditSince }
	if err := c.read(ctx, rest.Call{Path: accounting + kind.path + "/" + id}, &answer); err != nil {
		return wireCreditSince{}, err
	}
	for _, found := range append(append(answer.CreditNotes, answer.Overpayments...), answer.Prepayments...) {
		if strings.EqualFold(kind.id(found.wireCredit), id) {
			return found, nil
		}
	}
	return wireCreditSince{}, fmt.Errorf("%w: Xero answers something that is not the %s", connectors.ErrUnreachable, strings.ToLower(kind.title))
}

type wireCreditSince struct {
	wireCredit
	UpdatedDateUTC string
}

// allocated is how much of a credit stands against an invoice.
func allocated(credit wireCreditSince, invoice string, currency money.Currency) (money.Amount, error) {
	sum := money.New(0, currency)
	for _, one := range credit.Allocations {
		if one.IsDeleted || !strings.EqualFold(one.Invoice.InvoiceID, invoice) {
			continue
		}
		amount, err := money.Parse(one.Amount.String(), currency)
		if err != nil {
			return sum, fmt.Errorf("%w: an allocation of the credit cannot be read: %w", connectors.ErrUnreachable, err)
		}
		if sum, err = sum.Add(amount); err != nil {
			return sum, fmt.Errorf("%w: %w", connectors.ErrUnreachable, err)
		}
	}
	return sum, nil
}

// allocate writes the allocation and answers when.
func (c *Client) allocate(ctx context.Context, path string, p plan, one move) (string, error) {
	type allocation struct {
		Invoice struct{ InvoiceID string }
		Amount  json.Number
		Date    string
	}
	body := struct{ Allocations []allocation }{[]allocation{{Amount: json.Number(one.amount.Decimal()), Date: string(p.date)}}}
	body.Allocations[0].Invoice.InvoiceID = one.invoice
	var answer struct {
		Allocations []wireAllocation
		DateTimeUTC string
	}
	if err := c.write(ctx, path+"/Allocations", p.reference, body, &answer); err != nil {
		return "", err
	}
	if len(answer.Allocations) == 0 {
		return "", unclear("allocation")
	}
	for _, written := range answer.Allocations {
		if err := judged(written.StatusAttributeString, written.ValidationErrors); err != nil {
			return "", err
		}
	}
	return answer.DateTimeUTC, nil
}
