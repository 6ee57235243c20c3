package odoo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// stands says that a payment counts in the books.
func (p wirePayment) stands() bool {
	return p.State != paymentDraft && p.State != paymentCancelled && p.State != paymentRejected
}

// booking is one payment on its way into Odoo: a payment for each invoice, because
// Odoo spreads one over several by itself, and one for the fees. All have our reference as
// their memo, so that each is found again.
type booking struct {
	*Client
	payment  connectors.Payment
	currency money.Currency
	held     []wirePayment
	recorded connectors.Recorded
}

// share is what one invoice gets of a payment.
type share struct {
	invoice        int64
	pays, discount money.Amount
}

// RecordPayment is connectors.PaymentRecorder.RecordPayment.
func (c *Client) RecordPayment(ctx context.Context, payment connectors.Payment) (connectors.Recorded, error) {
	currency, err := money.ParseCurrency(payment.Currency)
	if err != nil {
		return connectors.Recorded{}, fmt.Errorf("%w: %w", connectors.ErrRefused, err)
	}
	b := &booking{Client: c, payment: payment, currency: currency}
	shares, credits, fees, err := b.shares()
	if err != nil {
		return connectors.Recorded{}, fmt.Errorf("%w: %w", connectors.ErrRefused, err)
	}
	if b.held, err = c.payments(ctx, payment.Reference); err != nil {
		return connectors.Recorded{}, err
	}
	for _, line := range credits { // first, so that a discount is what is left then
		if err := b.credit(ctx, line); err != nil {
			return connectors.Recorded{}, err
		}
	}
	for _, one := range shares {
		if err := b.pay(ctx, one); err != nil {
			return connectors.Recorded{}, err
		}
	}
	if fees.Positive() {
		if err := b.fee(ctx, fees); err != nil {
			return connectors.Recorded{}, err
		}
	}
	return b.recorded, nil
}

// shares adds up the lines by invoice.
func (b *booking) shares() (shares []*share, credits []connectors.PaymentLine, fees money.Amount, err error) {
	if b.payment.Reference == "" || len(b.payment.Lines) == 0 {
		return nil, nil, fees, errors.New("a payment needs a reference and lines")
	}
	fees = money.New(0, b.currency)
	for i, line := range b.payment.Lines {
		invoice, err := strconv.ParseInt(line.Invoice, 10, 64)
		if err != nil {
			return nil, nil, fees, fmt.Errorf("line %d: %.40q is no invoice of Odoo's", i+1, line.Invoice)
		}
		amount, amountErr := b.amount(line.Amount)
		discount, discountErr := b.amount(line.Discount)
		fee, feeErr := b.amount(line.LateFee)
		if err := errors.Join(amountErr, discountErr, feeErr); err != nil {
			return nil, nil, fees, fmt.Errorf("line %d: %w", i+1, err)
		}
		pays := money.New(amount.Minor-fee.Minor, b.currency)
		if pays.Minor <= 0 || line.Credit != "" && (discount.Positive() || fee.Positive()) {
			return nil, nil, fees, fmt.Errorf("line %d: it needs an amount that is more than its late fee, and a credit has neither fee nor discount", i+1)
		}
		if line.Credit != "" {
			credits = append(credits, line)
			continue
		}
		fees.Minor += fee.Minor
		at := slices.IndexFunc(shares, func(s *share) bool { return s.invoice == invoice })
		if at < 0 {
			at, shares = len(shares), append(shares, &share{invoice: invoice, pays: money.New(0, b.currency), discount: money.New(0, b.currency)})
		}
		shares[at].pays.Minor += pays.Minor
		shares[at].discount.Minor += discount.Minor
	}
	return shares, credits, fees, nil
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

// payments are those that bear a memo.
func (c *Client) payments(ctx context.Context, memo string) ([]wirePayment, error) {
	var list []wirePayment
	_, err := c.search(ctx, "account.payment", domain{term("memo", "=", memo)},
		[]string{"id", "memo", "state", "amount", "invoice_ids", "reconciled_invoice_ids", "create_date"}, "id", mostAside, &list)
	return list, err
}

func (b *booking) note(id string, at time.Time) {
	if b.recorded.ExternalID == "" {
		b.recorded.ExternalID = id
	}
	if at.After(b.recorded.At) {
		b.recorded.At = at
	}
}

// pay registers what one invoice gets, unless Odoo has it already.
func (b *booking) pay(ctx context.Context, one *share) error {
	for _, held := range b.held {
		if held.stands() && (slices.Contains(held.Invoices, one.invoice) || slices.Contains(held.Reconciled, one.invoice)) {
			b.note(strconv.FormatInt(held.ID, 10), held.Created.time())
			return nil
		}
	}
	move, err := b.move(ctx, one.invoice)
	if err != nil {
		return err
	}
	journal, err := b.journal(ctx, move.Company.ID)
	if err != nil {
		return err
	}
	values := args{"payment_date": b.payment.Date, "amount": json.Number(one.pays.Decimal()), "currency_id": move.Currency.ID, "journal_id": journal,
		"communication": b.payment.Reference, "group_payment": true, "installments_mode": "full", "payment_difference_handling": "open"}
	if one.discount.Positive() {
		account, err := b.writeOff(ctx, move, one)
		if err != nil {
			return err
		}
		values["payment_difference_handling"], values["writeoff_account_id"], values["writeoff_label"] = "reconcile", account, "Early payment discount"
	}
	about := map[string]any{"active_model": "account.move", "active_ids": []int64{one.invoice}}
	var wizard []int64
	if _, err := b.call(ctx, "account.payment.register", "create", args{"vals_list": []args{values}, "context": about}, &wizard); err != nil {
		return err // a wizard books nothing yet
	}
	if len(wizard) != 1 {
		return fmt.Errorf("%w: Odoo opens no payment for invoice %d", connectors.ErrUnreachable, one.invoice)
	}
	var ignored any // an action for Odoo's own pages
	if err := b.write(ctx, "account.payment.register", "action_create_payments", args{"ids": wizard, "context": about}, &ignored); err != nil {
		return err
	}
	return b.confirm(ctx, one.invoice)
}

// confirm asks what was booked, for its id and Odoo's own time.
func (b *booking) confirm(ctx context.Context, invoice int64) error {
	held, err := b.payments(ctx, b.payment.Reference)
	if err != nil {
		return err
	}
	for _, one := range held {
		if one.stands() && (slices.Contains(one.Invoices, invoice) || slices.Contains(one.Reconciled, invoice)) {
			b.note(strconv.FormatInt(one.ID, 10), one.Created.time())
			return nil
		}
	}
	return fmt.Errorf("%w: Odoo does not show the payment of invoice %d", connectors.ErrUnknown, invoice)
}

// move reads an invoice or a credit note that a payment names.
func (b *booking) move(ctx context.Context, id int64) (wireMove, error) {
	var found []wireMove
	if _, err := b.search(ctx, "account.move", domain{term("id", "=", id), term("move_type", "in", []string{typeInvoice, typeCredit})}, moveFields(), "id", 1, &found); err != nil {
		return wireMove{}, err
	}
	switch {
	case len(found) == 0:
		return wireMove{}, fmt.Errorf("%w: Odoo does not have invoice %d (any more)", connectors.ErrRefused, id)
	case found[0].State != movePosted:
		return wireMove{}, fmt.Errorf("%w: %s is not posted in Odoo", connectors.ErrRefused, number(found[0]))
	case found[0].Currency.Name != string(b.currency):
		return wireMove{}, fmt.Errorf("%w: %s is in %s and the payment in %s", connectors.ErrRefused, number(found[0]), found[0].Currency.Name, b.currency)
	case found[0].Customer.id() != b.payment.Account:
		return wireMove{}, fmt.Errorf("%w: %s belongs to another customer", connectors.ErrRefused, number(found[0]))
	}
	return found[0], nil
}

// writeOff is the account for a discount. Odoo writes off all that the payment leaves
// open, so it must be the discount and nothing else.
func (b *booking) writeOff(ctx context.Context, move wireMove, one *share) (int64, error) {
	residual, err := money.Parse(move.Residual.String(), b.currency)
	if err != nil {
		return 0, fmt.Errorf("%w: what is open of %s: %w", connectors.ErrRefused, number(move), err)
	}
	if residual.Minor != one.pays.Minor+one.discount.Minor {
		return 0, fmt.Errorf("%w: %s are open of %s, so %s and a discount of %s do not settle it. Book it by hand", connectors.ErrRefused, residual, number(move), one.pays, one.discount)
	}
	code := b.settings[discountAccount]
	if code == "" {
		return 0, fmt.Errorf("%w: a discount was given, and no account for discounts is set in this connection", connectors.ErrRefused)
	}
	return b.account(ctx, code)
}

func (c *Client) account(ctx context.Context, code string) (int64, error) {
	var found []struct {
		ID int64 `json:"id"`
	}
	if _, err := c.search(ctx, "account.account", domain{term("code", "=", code)}, []string{"id"}, "id", 1, &found); err != nil {
		return 0, err
	}
	if len(found) == 0 {
		return 0, fmt.Errorf("%w: Odoo has no account with the code %.20q. Correct the account for discounts", connectors.ErrRefused, code)
	}
	return found[0].ID, nil
}

type journal struct {
	ID      int64 `json:"id"`
	Company link  `json:"company_id"`
}

// journals are those with a short code; each company may have one.
func (c *Client) journals(ctx context.Context, code string) ([]journal, error) {
	var found []journal
	if _, err := c.search(ctx, "account.journal", domain{term("code", "=", code), term("type", "in", []string{"bank", "cash", "credit"})},
		[]string{"id", "company_id"}, "id", mostAside, &found); err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%w: Odoo has no bank or cash journal with the short code %.20q. Correct it in this connection", connectors.ErrRefused, code)
	}
	return found, nil
}

func (b *booking) journal(ctx context.Context, company int64) (int64, error) {
	name, called := connectors.PaymentAccount, "journal for payments"
	if b.payment.Clearing {
		name, called = connectors.ClearingAccount, "clearing journal"
	}
	code := b.settings[name]
	if code == "" {
		return 0, fmt.Errorf("%w: no %s is set in this connection", connectors.ErrRefused, called)
	}
	found, err := b.journals(ctx, code)
	if err != nil {
		return 0, err
	}
	for _, one := range found {
		if one.Company.ID == company || len(found) == 1 {
			return one.ID, nil
		}
	}
	return 0, fmt.Errorf("%w: the invoice's company has no journal %.20q", connectors.ErrRefused, code)
}

// fee books what pays no invoice as a payment of its own, which stays with the
// customer until the vendor writes its invoice for it.
func (b *booking) fee(ctx context.Context, fees money.Amount) error {
	memo := b.payment.Reference + " late fee"
	held, err := b.payments(ctx, memo)
	if err != nil {
		return err
	}
	for _, one := range held {
		if one.stands() {
			b.note(strconv.FormatInt(one.ID, 10), one.Created.time())
			return nil
		}
	}
	var draft []int64
	if at := slices.IndexFunc(held, func(one wirePayment) bool { return one.State == paymentDraft }); at >= 0 {
		draft = []int64{held[at].ID} // a try that broke off between the two calls
	} else if draft, err = b.draftFee(ctx, memo, fees); err != nil {
		return err
	}
	var ignored any
	return b.write(ctx, "account.payment", "action_post", args{"ids": draft}, &ignored)
}

func (b *booking) draftFee(ctx context.Context, memo string, fees money.Amount) ([]int64, error) {
	first, err := strconv.ParseInt(b.payment.Lines[0].Invoice, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", connectors.ErrRefused, err)
	}
	move, err := b.move(ctx, first)
	if err != nil {
		return nil, err
	}
	journal, err := b.journal(ctx, move.Company.ID)
	if err != nil {
		return nil, err
	}
	var draft []int64
	err = b.write(ctx, "account.payment", "create", args{"vals_list": []args{{"payment_type": "inbound", "partner_type": "customer", "partner_id": move.Customer.ID,
		"amount": json.Number(fees.Decimal()), "currency_id": move.Currency.ID, "date": b.payment.Date, "journal_id": journal, "memo": memo}}}, &draft)
	if err == nil && len(draft) != 1 {
		err = fmt.Errorf("%w: Odoo does not say which payment it made", connectors.ErrUnknown)
	}
	return draft, err
}
