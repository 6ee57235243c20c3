package quickbooks

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/sheaf-hub/sheaf/hub/money"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/rest"
)

// RecordPayment books one payment in QuickBooks per customer, to the account of the
// settings, with a line for each invoice, and one for each credit memo that is used: of
// credits alone it is a payment of zero. So all of it is booked, or nothing. Its number is
// our reference, or a short form of it, and its private note holds the whole.
//
// A payment in QuickBooks has no discount. So it is a journal entry from the account for
// discounts to the customer's receivables, under the same number, which the payment uses
// like a credit. A late fee is on no invoice; the note tells it and it is not booked.
//
// What QuickBooks holds already under the number is never booked again: each try looks
// first. Beside that each write carries a request id, to which QuickBooks gives the
// same answer again, for an earlier try that is still on its way. Where QuickBooks has less
// open than the payment brings, it is refused, because only the vendor knows what the
// rest is for.
func (c *Client) RecordPayment(ctx context.Context, payment connectors.Payment) (connectors.Recorded, error) {
	plan, err := newPlan(payment)
	if err != nil {
		return connectors.Recorded{}, err
	}
	held, err := c.held(ctx, &plan)
	if err != nil {
		return connectors.Recorded{}, err
	}
	open, err := c.opened(ctx, &plan)
	if err != nil {
		return connectors.Recorded{}, err
	}
	groups, err := open.groups(&plan, len(held) > 0)
	if err != nil {
		return connectors.Recorded{}, err
	}
	for _, one := range groups { // before any is booked
		if _, there := held[one.customer]; !there {
			if err := open.check(one); err != nil {
				return connectors.Recorded{}, err
			}
		}
	}
	for _, one := range groups {
		if _, there := held[one.customer]; !there {
			if held[one.customer], err = c.book(ctx, one); err != nil {
				return connectors.Recorded{}, err
			}
		}
	}
	return c.recorded(held), nil
}

// recorded answers for all payments under one reference: the id of the one of the
// first customer, and the latest time.
func (c *Client) recorded(held map[string]wirePayment) connectors.Recorded {
	var recorded connectors.Recorded
	for _, customer := range slices.Sorted(maps.Keys(held)) {
		payment := held[customer]
		if recorded.ExternalID == "" {
			recorded.ExternalID = payment.ID
		}
		if at, err := parseTime(payment.MetaData.LastUpdatedTime); err == nil && at.After(recorded.At) {
			recorded.At = at.UTC()
		}
	}
	if recorded.At.IsZero() {
		recorded.At = c.deps.Now().UTC() // QuickBooks did not say
	}
	return recorded
}

// opened is what QuickBooks has of the documents of a plan, by id.
type opened struct {
	invoices, credits map[string]document
}

// document is an invoice or a credit memo, as a payment meets it.
type document struct {
	number, customer, currency string

	open money.Amount
}

func (c *Client) opened(ctx context.Context, p *plan) (opened, error) {
	invoices, err := c.documents(ctx, txnInvoice, p.invoices(), p.currency)
	if err != nil {
		return opened{}, err
	}
	credits, err := c.documents(ctx, txnCredit, p.credits(), p.currency)
	return opened{invoices: invoices, credits: credits}, err
}

// documents reads invoices or credit memos. What is open of one in another currency than
// the payment's is not read.
func (c *Client) documents(ctx context.Context, entity string, ids []string, currency money.Currency) (map[string]document, error) {
	records, err := c.byID(ctx, entity, ids)
	if err != nil {
		return nil, err
	}
	found := map[string]document{}
	home := money.Currency("")
	for _, raw := range records {
		var wire wireDocument
		if err := json.Unmarshal(raw, &wire); err != nil {
			return nil, unusable("an " + entity)
		}
		one := document{number: firstOf(wire.DocNumber, wire.ID), customer: wire.CustomerRef.Value, currency: wire.CurrencyRef.Value}
		if one.currency == "" { // of a company with one currency
			if home == "" {
				if home, err = c.homeCurrency(ctx); err != nil {
					return nil, err
				}
			}
			one.currency = string(home)
		}
		if one.currency == string(currency) {
			left := wire.Balance
			if entity == txnCredit && wire.RemainingCredit != "" {
				left = wire.RemainingCredit
			}
			if one.open, err = parseAmount(left, currency); err != nil {
				return nil, refused("what %s %s has open in QuickBooks cannot be read: %s", strings.ToLower(entity), clip(one.number, 60), err)
			}
		}
		found[wire.ID] = one
	}
	return found, nil
}

// groups parts a plan by customer. The currency must be the invoices': QuickBooks would
// take the amount in it. When something was booked already, an invoice that is not there
// was deleted since, and stands in no group.
func (o opened) groups(p *plan, booked bool) ([]group, error) {
	var groups []group
	for _, one := range p.shares {
		invoice, there := o.invoices[one.invoice]
		switch {
		case !there && booked:
			continue
		case !there:
			return nil, refused("QuickBooks has no invoice %s", one.invoice)
		case invoice.currency != string(p.currency):
			return nil, refused("invoice %s is in %s, the payment is in %s", clip(invoice.number, 60), clip(invoice.currency, 10), p.currency)
		case !isID(invoice.customer):
			return nil, refused("invoice %s names no customer in QuickBooks", clip(invoice.number, 60))
		}
		for _, use := range one.credits {
			if err := o.fits(use, invoice, p); err != nil && !booked {
				return nil, err
			}
		}
		at := slices.IndexFunc(groups, func(g group) bool { return g.customer == invoice.customer })
		if at < 0 {
			at = len(groups)
			groups = append(groups, group{plan: p, customer: invoice.customer})
		}
		groups[at].shares = append(groups[at].shares, one)
	}
	return groups, nil
}

func (o opened) fits(use use, invoice document, p *plan) error {
	credit, there := o.credits[use.credit]
	switch {
	case use.minor == 0:
		return nil
	case !there:
		return refused("QuickBooks has no credit memo %s", use.credit)
	case credit.currency != string(p.currency):
		return refused("credit memo %s is in %s, the payment is in %s", clip(credit.number, 60), clip(credit.currency, 10), p.currency)
	case credit.customer != invoice.customer:
		return refused("credit memo %s and invoice %s are of two customers in QuickBooks", clip(credit.number, 60), clip(invoice.number, 60))
	}
	return nil
}

// check holds what a group brings against what is open.
func (o opened) check(g group) error {
	for _, one := range g.shares {
		if invoice := o.invoices[one.invoice]; one.total() > invoice.open.Minor {
			return refused("invoice %s has %s open in QuickBooks, and the payment brings %s. Book it by hand", clip(invoice.number, 60), invoice.open.Decimal(), g.decimal(one.total()))
		}
	}
	for _, one := range g.uses() {
		if credit := o.credits[one.credit]; one.minor > credit.open.Minor {
			return refused("credit memo %s has %s left in QuickBooks, and the payment uses %s. Book it by hand", clip(credit.number, 60), credit.open.Decimal(), g.decimal(one.minor))
		}
	}
	return nil
}

// held are the payments that QuickBooks has under our reference, by customer.
func (c *Client) held(ctx context.Context, p *plan) (map[string]wirePayment, error) {
	wanted := number(p.reference)
	got, err := c.query(ctx, statement{entity: txnPayment, where: []string{equals("PaymentRefNum", wanted)}})
	if err != nil {
		return nil, err
	}
	held := map[string]wirePayment{}
	for _, raw := range got.records {
		var payment wirePayment
		if err := json.Unmarshal(raw, &payment); err != nil {
			return nil, unusable("a list of payments")
		}
		if _, twice := held[payment.CustomerRef.Value]; !twice && payment.PaymentRefNum == wanted && payment.ID != "" {
			held[payment.CustomerRef.Value] = payment
		}
	}
	return held, nil
}

// Bodies of what is written.
type (
	newPayment struct {
		CustomerRef         ref
		CurrencyRef         ref
		TotalAmt            json.Number
		TxnDate             money.Date
		PaymentRefNum       string
		PrivateNote         string
		DepositToAccountRef *ref `json:",omitempty"`
		Line                []newLine
	}
	newLine struct {
		Amount    json.Number
		LinkedTxn []newLink
	}
	newLink struct {
		TxnID   string `json:"TxnId"`
		TxnType string
	}
)

// book writes the payment of one customer.
func (c *Client) book(ctx context.Context, g group) (wirePayment, error) {
	body := newPayment{CustomerRef: ref{Value: g.customer}, CurrencyRef: ref{Value: string(g.currency)}, TotalAmt: json.Number(g.decimal(g.money())),
		TxnDate: g.date, PaymentRefNum: number(g.reference), PrivateNote: g.note()}
	line := func(kind, id string, minor int64) {
		if minor > 0 {
			body.Line = append(body.Line, newLine{Amount: json.Number(g.decimal(minor)), LinkedTxn: []newLink{{TxnID: id, TxnType: kind}}})
		}
	}
	for _, one := range g.shares {
		line(txnInvoice, one.invoice, one.total())
	}
	for _, one := range g.uses() {
		line(txnCredit, one.credit, one.minor)
	}
	chart, err := c.chartFor(ctx, g)
	if err != nil {
		return wirePayment{}, err
	}
	if g.money() > 0 {
		if body.DepositToAccountRef, err = c.depositTo(chart, g.clearing); err != nil {
			return wirePayment{}, err
		}
	}
	if g.discount() > 0 {
		entry, err := c.discount(ctx, g, chart)
		if err != nil {
			return wirePayment{}, err
		}
		line(txnJournal, entry, g.discount())
	}
	var answer struct{ Payment wirePayment }
	if err := c.write(ctx, "/payment", g, body, &answer); err != nil {
		return wirePayment{}, err
	}
	if !isID(answer.Payment.ID) {
		return wirePayment{}, unclear("payment")
	}
	return answer.Payment, nil
}

// depositTo is where money goes; nil: where QuickBooks puts it by itself.
func (c *Client) depositTo(chart chart, clearing bool) (*ref, error) {
	setting, use := c.paymentAccount, "payments"
	if clearing {
		if setting, use = c.clearingAccount, "clearing"; setting == "" {
			return nil, refused("the settings of this connection name no clearing account. Enter its name")
		}
	}
	if setting == "" {
		return nil, nil
	}
	account, err := chart.deposit(setting, use)
	if err != nil {
		return nil, err
	}
	return &ref{Value: account.ID}, nil
}

// unclear is an answer to a write that does not say what was written.
func unclear(what string) error {
	return fmt.Errorf("%w: QuickBooks' answer does not name the %s that it wrote", connectors.ErrUnknown, what)
}

// write posts a record. Its request id is made of our reference, the customer and what
// kind it is, so that the same write has the same on every try and no other has it.
func (c *Client) write(ctx context.Context, path string, g group, body, into any) error {
	sum := sha256.Sum256([]byte(strings.Join([]string{c.company, path, g.reference, g.customer}, "\n")))
	const most = 40 // QuickBooks takes 50 characters
	_, err := c.call(ctx, rest.Call{Method: http.MethodPost, Path: path, Query: url.Values{"requestid": {hex.EncodeToString(sum[:])[:most]}}, Body: body, Write: true}, into)
	return err
}
