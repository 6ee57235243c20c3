package erpnext

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/rest"
)

// booking is one payment on its way into ERPNext: a payment entry for its money, a
// journal entry for its credits. Each bears our reference and is looked for first.
type booking struct {
	*Client
	payment  connectors.Payment
	currency money.Currency
	zone     *time.Location
	invoices map[string]wireInvoice // that the lines name, credits too
}

// share is what one invoice gets.
type share struct {
	invoice  string
	amount   money.Amount // of money and discount
	discount money.Amount
}

type move struct {
	invoice, credit string
	amount          money.Amount
}

// RecordPayment is connectors.PaymentRecorder.RecordPayment.
func (c *Client) RecordPayment(ctx context.Context, payment connectors.Payment) (connectors.Recorded, error) {
	currency, err := money.ParseCurrency(payment.Currency)
	if err != nil {
		return connectors.Recorded{}, fmt.Errorf("%w: %w", connectors.ErrRefused, err)
	}
	b := &booking{Client: c, payment: payment, currency: currency, invoices: map[string]wireInvoice{}}
	shares, moves, received, err := b.shares()
	if err != nil {
		return connectors.Recorded{}, fmt.Errorf("%w: %w", connectors.ErrRefused, err)
	}
	if b.zone, err = c.zone(ctx); err != nil {
		return connectors.Recorded{}, err
	}
	var recorded connectors.Recorded
	if len(moves) > 0 { // first: it leaves open what the money is for
		if recorded, err = b.once(ctx, journalType, "cheque_no", func() (any, error) { return b.journalEntry(ctx, moves) }); err != nil {
			return connectors.Recorded{}, err
		}
	}
	if len(shares) > 0 {
		recorded, err = b.once(ctx, paymentType, "reference_no", func() (any, error) { return b.paymentEntry(ctx, shares, received) })
	}
	return recorded, err
}

// shares adds up the lines by invoice, and by invoice and credit.
func (b *booking) shares() (shares []*share, moves []*move, received money.Amount, err error) {
	received = money.New(0, b.currency)
	if b.payment.Reference == "" || len(b.payment.Lines) == 0 {
		return nil, nil, received, errors.New("a payment needs a reference and lines")
	}
	for i, line := range b.payment.Lines {
		amount, amountErr := b.amount(line.Amount)
		discount, discountErr := b.amount(line.Discount)
		fee, feeErr := b.amount(line.LateFee)
		if err := errors.Join(amountErr, discountErr, feeErr); err != nil {
			return nil, nil, received, fmt.Errorf("line %d: %w", i+1, err)
		}
		if line.Invoice == "" || amount.Minor <= fee.Minor || line.Credit != "" && (discount.Positive() || fee.Positive()) {
			return nil, nil, received, fmt.Errorf("line %d: it needs an invoice, and an amount that is more than its late fee; a credit has neither fee nor discount", i+1)
		}
		if line.Credit != "" {
			moves = append(moves, &move{line.Invoice, line.Credit, amount})
			continue
		}
		received.Minor += amount.Minor
		settles := money.New(amount.Minor-fee.Minor+discount.Minor, b.currency)
		found := false
		for _, one := range shares {
			if one.invoice == line.Invoice {
				one.amount.Minor, one.discount.Minor, found = one.amount.Minor+settles.Minor, one.discount.Minor+discount.Minor, true
			}
		}
		if !found {
			shares = append(shares, &share{line.Invoice, settles, discount})
		}
	}
	return shares, moves, received, nil
}

func (b *booking) amount(decimal string) (money.Amount, error) {
	if decimal == "" {
		decimal = "0"
	}
	amount, err := money.Parse(decimal, b.currency)
	if err == nil && amount.Minor < 0 {
		err = fmt.Errorf("%w: %s is less than nothing", money.ErrRange, amount)
	}
	return amount, err
}

// once finds the entry with our reference, or makes it. It is submitted as it is made,
// in one transaction of ERPNext's; a draft that is there is one that somebody took back
// or never finished, and is submitted.
func (b *booking) once(ctx context.Context, doctype, field string, entry func() (any, error)) (connectors.Recorded, error) {
	var found envelope[[]wireEntry]
	if _, err := b.list(ctx, doctype, []string{"name", "docstatus", "creation"}, []filter{{field, "=", b.payment.Reference}, {"docstatus", "in", []int{draft, submitted}}}, "docstatus desc", 1, &found); err != nil {
		return connectors.Recorded{}, err
	}
	if len(found.Data) > 0 && found.Data[0].Status == submitted {
		return b.recorded(found.Data[0]), nil
	}
	call := rest.Call{Method: http.MethodPost, Path: "/resource/" + url.PathEscape(doctype), Write: true}
	if len(found.Data) > 0 {
		call.Method, call.Path, call.Body = http.MethodPut, call.Path+"/"+url.PathEscape(found.Data[0].Name), map[string]any{"docstatus": submitted}
	} else {
		body, err := entry()
		if err != nil {
			return connectors.Recorded{}, err
		}
		call.Body = body
	}
	var booked envelope[wireEntry]
	if _, err := b.api.JSON(ctx, call, &booked); err != nil {
		return connectors.Recorded{}, err
	}
	if booked.Data.Name == "" || booked.Data.Status != submitted {
		return connectors.Recorded{}, fmt.Errorf("%w: ERPNext does not say that it submitted the %s", connectors.ErrUnknown, doctype)
	}
	return b.recorded(booked.Data), nil
}

func (b *booking) recorded(entry wireEntry) connectors.Recorded {
	return connectors.Recorded{ExternalID: entry.Name, At: entry.Created.in(b.zone)}
}

// invoice reads a sales invoice that the payment names, and judges it.
func (b *booking) invoice(ctx context.Context, name string) (wireInvoice, error) {
	if known, ok := b.invoices[name]; ok {
		return known, nil
	}
	var found envelope[[]wireInvoice]
	if _, err := b.list(ctx, invoiceType, invoiceFields(), []filter{{"name", "=", name}}, "name asc", 1, &found); err != nil {
		return wireInvoice{}, err
	}
	switch {
	case len(found.Data) == 0:
		return wireInvoice{}, fmt.Errorf("%w: ERPNext does not have %s (any more)", connectors.ErrRefused, name)
	case found.Data[0].Status != submitted:
		return wireInvoice{}, fmt.Errorf("%w: %s is not submitted in ERPNext", connectors.ErrRefused, name)
	case found.Data[0].Customer != b.payment.Account:
		return wireInvoice{}, fmt.Errorf("%w: %s belongs to another customer", connectors.ErrRefused, name)
	case found.Data[0].Currency != string(b.currency) || found.Data[0].AccountCurrency != "" && found.Data[0].AccountCurrency != string(b.currency):
		return wireInvoice{}, fmt.Errorf("%w: %s or its receivable account is not in %s", connectors.ErrRefused, name, b.currency)
	}
	b.invoices[name] = found.Data[0]
	return found.Data[0], nil
}

func number(amount money.Amount) json.Number { return json.Number(amount.Decimal()) }

type paymentReference struct {
	Doctype   string      `json:"reference_doctype"`
	Name      string      `json:"reference_name"`
	Allocated json.Number `json:"allocated_amount"`
}

type deduction struct {
	Account    string      `json:"account"`
	CostCenter string      `json:"cost_center"`
	Amount     json.Number `json:"amount"`
}

// paymentEntry is what books the money. What it holds beyond its references, late fees,
// stays with the customer as an advance.
func (b *booking) paymentEntry(ctx context.Context, shares []*share, received money.Amount) (any, error) {
	var first wireInvoice
	var references []paymentReference
	discount := money.New(0, b.currency)
	for i, one := range shares {
		invoice, err := b.invoice(ctx, one.invoice)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			first = invoice
		}
		if invoice.Company != first.Company || invoice.Receivable != first.Receivable {
			return nil, fmt.Errorf("%w: %s and %s belong to two companies or receivable accounts, which one payment entry cannot pay", connectors.ErrRefused, first.Name, invoice.Name)
		}
		references = append(references, paymentReference{invoiceType, one.invoice, number(one.amount)})
		discount.Minor += one.discount.Minor
	}
	into, err := b.moneyAccount(ctx, first.Company)
	if err != nil {
		return nil, err
	}
	body := map[string]any{"docstatus": submitted, "payment_type": "Receive", "party_type": customerType, "party": b.payment.Account, "company": first.Company,
		"posting_date": b.payment.Date, "paid_from": first.Receivable, "paid_to": into.Name, "paid_amount": number(received), "received_amount": number(received),
		"reference_no": b.payment.Reference, "reference_date": b.payment.Date, "remarks": "Paid through Sheaf", "custom_remarks": 1, "references": references}
	if mode := b.settings[modeOfPayment]; mode != "" {
		body["mode_of_payment"] = mode
	}
	if discount.Positive() {
		center, err := b.costCenter(ctx, first.Company)
		if err != nil {
			return nil, err
		}
		if b.settings[discountAccount] == "" { // ERPNext has none of its own for this
			return nil, fmt.Errorf("%w: a discount was given, and no account for discounts is set in this connection", connectors.ErrRefused)
		}
		body["deductions"] = []deduction{{b.settings[discountAccount], center, number(discount)}}
	}
	return body, nil
}

// moneyAccount is where the money goes; its currency must be the payment's, because
// nothing is exchanged here.
func (b *booking) moneyAccount(ctx context.Context, company string) (account, error) {
	setting, called := connectors.PaymentAccount, "account for payments"
	if b.payment.Clearing {
		setting, called = connectors.ClearingAccount, "clearing account"
	}
	names := several(b.settings[setting])
	if len(names) == 0 {
		return account{}, fmt.Errorf("%w: no %s is set in this connection", connectors.ErrRefused, called)
	}
	for _, name := range names {
		found, err := b.account(ctx, name)
		if err != nil {
			return account{}, err
		}
		if found.Company == company && found.Currency == string(b.currency) {
			return found, nil
		}
	}
	return account{}, fmt.Errorf("%w: no %s of %.60q in %s is set in this connection", connectors.ErrRefused, called, company, b.currency)
}

func (b *booking) costCenter(ctx context.Context, company string) (string, error) {
	var found envelope[[]struct {
		CostCenter string `json:"cost_center"`
	}]
	if _, err := b.list(ctx, companyType, []string{"cost_center"}, []filter{{"name", "=", company}}, "name asc", 1, &found); err != nil {
		return "", err
	}
	if len(found.Data) == 0 || found.Data[0].CostCenter == "" {
		return "", fmt.Errorf("%w: the company %.60q has no default cost center, which a discount needs", connectors.ErrRefused, company)
	}
	return found.Data[0].CostCenter, nil
}

type journalLine struct {
	Account   string      `json:"account"`
	PartyType string      `json:"party_type"`
	Party     string      `json:"party"`
	Debit     json.Number `json:"debit_in_account_currency,omitempty"`
	Credit    json.Number `json:"credit_in_account_currency,omitempty"`
	Type      string      `json:"reference_type"`
	Name      string      `json:"reference_name"`
}

// journalEntry moves what returns are worth to invoices, as ERPNext's own payment
// reconciliation does.
func (b *booking) journalEntry(ctx context.Context, moves []*move) (any, error) {
	var lines []journalLine
	company := ""
	for _, one := range moves {
		invoice, err := b.invoice(ctx, one.invoice)
		if err != nil {
			return nil, err
		}
		credit, err := b.invoice(ctx, one.credit)
		if err != nil {
			return nil, err
		}
		owed, owedErr := money.Parse(invoice.Outstanding.String(), b.currency)
		left, leftErr := money.Parse(credit.Outstanding.String(), b.currency)
		switch {
		case credit.IsReturn == 0 || invoice.IsReturn != 0 || owedErr != nil || leftErr != nil:
			return nil, fmt.Errorf("%w: %s is no credit note that can be set against %s", connectors.ErrRefused, one.credit, one.invoice)
		case owed.Minor < one.amount.Minor || -left.Minor < one.amount.Minor:
			return nil, fmt.Errorf("%w: %s are open of %s and %s are left of %s, which is less than %s", connectors.ErrRefused, owed, one.invoice, left.Neg(), one.credit, one.amount)
		case invoice.Company != credit.Company || company != "" && company != invoice.Company:
			return nil, fmt.Errorf("%w: %s and %s belong to two companies", connectors.ErrRefused, one.invoice, one.credit)
		}
		company = invoice.Company
		lines = append(lines,
			journalLine{Account: invoice.Receivable, PartyType: customerType, Party: b.payment.Account, Credit: number(one.amount), Type: invoiceType, Name: one.invoice},
			journalLine{Account: credit.Receivable, PartyType: customerType, Party: b.payment.Account, Debit: number(one.amount), Type: invoiceType, Name: one.credit})
	}
	return map[string]any{"docstatus": submitted, "voucher_type": "Credit Note", "company": company, "posting_date": b.payment.Date, "multi_currency": 1,
		"cheque_no": b.payment.Reference, "cheque_date": b.payment.Date, "user_remark": "Credit used through Sheaf", "accounts": lines}, nil
}
