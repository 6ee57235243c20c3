package invoiceninja

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/sheaf-hub/sheaf/hub/money"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/rest"
)

// How a payment was made (app/Models/PaymentType.php).
const (
	typeTransfer  = "1"
	typeACH       = "4"
	typeCardOther = "12"
	typeCredit    = "32"
)

// What is sent to book a payment. Everything goes in one call, which books all of
// it or nothing.
type newPayment struct {
	ClientID  string      `json:"client_id"`
	Amount    json.Number `json:"amount"` // money alone; what no invoice gets stays with the client
	Date      string      `json:"date"`
	TypeID    string      `json:"type_id"`
	Reference string      `json:"transaction_reference"`
	// Idempotency is refused a second time by versions that know it, also when two
	// tries run at once; others leave it aside.
	Idempotency string        `json:"idempotency_key"`
	Notes       string        `json:"private_notes"`
	Invoices    []*paid       `json:"invoices"`
	Credits     []*creditUsed `json:"credits,omitempty"`
}

type paid struct {
	Invoice  string      `json:"invoice_id"`
	Amount   json.Number `json:"amount"`
	Discount json.Number `json:"cash_discount,omitempty"`

	amount, discount money.Amount
}

type creditUsed struct {
	Credit string      `json:"credit_id"`
	Amount json.Number `json:"amount"`

	amount money.Amount
}

// RecordPayment is connectors.PaymentRecorder.RecordPayment. Invoice Ninja keeps no
// accounts, so Payment.Clearing makes no difference.
func (c *Client) RecordPayment(ctx context.Context, payment connectors.Payment) (connectors.Recorded, error) {
	body, err := bodyOf(payment)
	if err != nil {
		return connectors.Recorded{}, fmt.Errorf("%w: %w", connectors.ErrRefused, err)
	}
	if held, found, err := c.held(ctx, body); err != nil || found {
		return held, err
	}
	if err := c.judge(ctx, payment); err != nil {
		return connectors.Recorded{}, err
	}
	var booked single[wirePayment]
	_, err = c.api.JSON(ctx, rest.Call{Method: http.MethodPost, Path: "/payments", Query: url.Values{"email_receipt": {"false"}}, Body: body, Write: true}, &booked)
	if errors.Is(err, connectors.ErrRefused) { // another try may have been quicker
		if held, found, lookErr := c.held(ctx, body); lookErr == nil && found {
			return held, nil
		}
	}
	if err == nil && booked.Data.ID == "" {
		err = fmt.Errorf("%w: Invoice Ninja does not say what it booked", connectors.ErrUnknown)
	}
	if err != nil {
		return connectors.Recorded{}, err
	}
	return connectors.Recorded{ExternalID: booked.Data.ID, At: booked.Data.Created.time()}, nil
}

// judge refuses a payment in another currency than its client's: Invoice Ninja takes
// amounts without one.
func (c *Client) judge(ctx context.Context, payment connectors.Payment) error {
	books, err := c.newBooks(ctx)
	if err != nil {
		return err
	}
	currency, err := books.currency(ctx, payment.Account, nil)
	switch {
	case errors.Is(err, connectors.ErrGone):
		return fmt.Errorf("%w: Invoice Ninja does not have client %s (any more)", connectors.ErrRefused, payment.Account)
	case err != nil:
		return err
	case string(currency) != payment.Currency:
		return fmt.Errorf("%w: the client is invoiced in %s, and the payment is in %s", connectors.ErrRefused, currency, payment.Currency)
	}
	return nil
}

// held looks for the reference among the payments of the invoices that it pays.
func (c *Client) held(ctx context.Context, body newPayment) (connectors.Recorded, bool, error) {
	for _, line := range body.Invoices {
		var invoice single[wireDue]
		_, err := c.api.JSON(ctx, rest.Call{Path: "/invoices/" + url.PathEscape(line.Invoice), Query: url.Values{"include": {"payments"}}}, &invoice)
		switch {
		case errors.Is(err, connectors.ErrGone):
			return connectors.Recorded{}, false, fmt.Errorf("%w: Invoice Ninja does not have invoice %s (any more)", connectors.ErrRefused, line.Invoice)
		case err != nil:
			return connectors.Recorded{}, false, err
		case invoice.Data.ID != line.Invoice:
			return connectors.Recorded{}, false, fmt.Errorf("%w: Invoice Ninja gives another invoice than %s", connectors.ErrUnreachable, line.Invoice)
		}
		for _, one := range invoice.Data.Payments {
			if one.stands() && one.Reference == body.Reference {
				return connectors.Recorded{ExternalID: one.ID, At: one.Created.time()}, true, nil
			}
		}
	}
	return connectors.Recorded{}, false, nil
}

// bodyOf gathers the lines by invoice and by credit, as Invoice Ninja takes each once.
func bodyOf(payment connectors.Payment) (newPayment, error) {
	currency, err := money.ParseCurrency(payment.Currency)
	if err != nil {
		return newPayment{}, err
	}
	if payment.Reference == "" || len(payment.Lines) == 0 {
		return newPayment{}, errors.New("a payment needs a reference and lines")
	}
	sum := sha256.Sum256([]byte(payment.Reference))
	body := newPayment{ClientID: payment.Account, Date: payment.Date, TypeID: typeFor(payment.Method), Reference: payment.Reference,
		Idempotency: "sheaf-" + hex.EncodeToString(sum[:16]), Notes: "Paid through Sheaf"}
	received := money.New(0, currency)
	for i, line := range payment.Lines {
		amounts, err := amountsOf(line, currency)
		if err != nil {
			return newPayment{}, fmt.Errorf("line %d: %w", i+1, err)
		}
		body.pay(line.Invoice, amounts)
		if line.Credit != "" {
			body.use(line.Credit, amounts.total)
		} else {
			received.Minor += amounts.total.Minor
		}
	}
	body.Amount = json.Number(received.Decimal())
	for _, one := range body.Invoices {
		one.Amount = json.Number(one.amount.Decimal())
		if one.discount.Positive() {
			one.Discount = json.Number(one.discount.Decimal())
		}
	}
	for _, one := range body.Credits {
		one.Amount = json.Number(one.amount.Decimal())
	}
	return body, nil
}

type lineAmounts struct{ total, pays, discount money.Amount }

func amountsOf(line connectors.PaymentLine, currency money.Currency) (lineAmounts, error) {
	read := func(text string) (money.Amount, error) {
		if text == "" {
			text = "0"
		}
		amount, err := money.Parse(text, currency)
		if err == nil && amount.Minor < 0 {
			err = fmt.Errorf("%w: %s is less than nothing", money.ErrRange, amount)
		}
		return amount, err
	}
	total, err := read(line.Amount)
	if err != nil {
		return lineAmounts{}, err
	}
	discount, err := read(line.Discount)
	if err != nil {
		return lineAmounts{}, err
	}
	fee, err := read(line.LateFee)
	if err != nil {
		return lineAmounts{}, err
	}
	pays := money.New(total.Minor-fee.Minor, currency)
	if line.Invoice == "" || pays.Minor <= 0 {
		return lineAmounts{}, errors.New("it needs an invoice, and an amount that is more than its late fee")
	}
	return lineAmounts{total: total, pays: pays, discount: discount}, nil
}

func (b *newPayment) pay(invoice string, amounts lineAmounts) {
	for _, one := range b.Invoices {
		if one.Invoice == invoice {
			one.amount.Minor += amounts.pays.Minor
			one.discount.Minor += amounts.discount.Minor
			return
		}
	}
	b.Invoices = append(b.Invoices, &paid{Invoice: invoice, amount: amounts.pays, discount: amounts.discount})
}

func (b *newPayment) use(credit string, amount money.Amount) {
	for _, one := range b.Credits {
		if one.Credit == credit {
			one.amount.Minor += amount.Minor
			return
		}
	}
	b.Credits = append(b.Credits, &creditUsed{Credit: credit, amount: amount})
}

func typeFor(method string) string {
	switch method {
	case "card":
		return typeCardOther
	case "bank debit":
		return typeACH
	case "credit":
		return typeCredit
	}
	return typeTransfer
}
