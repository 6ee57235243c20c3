package xero

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sheaf-hub/sheaf/hub/money"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/rest"
)

const (
	mostReference   = 200 // bytes; Xero keeps 255 characters
	mostPaymentLine = 500
	mostIDs         = 40 // in one query, so that the address stays short
	mostBookings    = 1000
)

// discountMark follows our reference on the booking of a discount.
const discountMark = " discount"

// RecordPayment books one payment in Xero per invoice, with our reference, to the
// account of the settings. A discount is a second one, to the account for discounts:
// Xero has no discount of a payment, and a credit note would need tax that only the
// vendor can judge. A late fee is not booked, because it is on no invoice. A line with
// a credit becomes an allocation of that credit.
//
// What Xero holds already under the reference is never booked again: each try looks
// first. Beside that each write carries an idempotency key, which Xero keeps for six
// minutes, for an earlier try that is still on its way.
func (c *Client) RecordPayment(ctx context.Context, payment connectors.Payment) (connectors.Recorded, error) {
	plan, err := c.plan(payment)
	if err != nil {
		return connectors.Recorded{}, err
	}
	held, err := c.checkInvoices(ctx, plan)
	if err != nil {
		return connectors.Recorded{}, err
	}
	if err := c.bookings(ctx, plan, held); err != nil {
		return connectors.Recorded{}, err
	}
	var recorded connectors.Recorded
	for _, one := range plan.bookings {
		booking, there := held[one.key()]
		if !there {
			if booking, err = c.book(ctx, plan, one); err != nil {
				return connectors.Recorded{}, err
			}
		}
		recorded = later(recorded, booking.PaymentID, booking.UpdatedDateUTC)
	}
	for _, one := range plan.moves {
		id, at, err := c.move(ctx, plan, one)
		if err != nil {
			return connectors.Recorded{}, err
		}
		recorded = later(recorded, id, at)
	}
	if recorded.At.IsZero() {
		recorded.At = c.deps.Now().UTC() // Xero did not say
	}
	return recorded, nil
}

// later keeps the first id and the latest time.
func later(recorded connectors.Recorded, id, instant string) connectors.Recorded {
	if recorded.ExternalID == "" {
		recorded.ExternalID = id
	}
	if at, ok := parseInstant(instant); ok && at.After(recorded.At) {
		recorded.At = at
	}
	return recorded
}

// booking is one payment in Xero: what one invoice gets into one account.
type booking struct {
	invoice, reference, account string
	amount                      money.Amount
}

// key finds a booking again: no other has the same reference on the same invoice.
func (b booking) key() string { return strings.ToLower(b.invoice) + " " + b.reference }

// move is an amount that goes from a credit to an invoice.
type move struct {
	credit, invoice string
	amount          money.Amount
}

// plan is a payment as Xero will hold it.
type plan struct {
	reference string
	date      money.Date
	currency  money.Currency
	bookings  []booking
	moves     []move
}

func refused(format string, values ...any) error {
	return fmt.Errorf("%w: %s", connectors.ErrRefused, fmt.Sprintf(format, values...))
}

// plan checks a payment before anything of it is booked.
func (c *Client) plan(payment connectors.Payment) (plan, error) {
	p := plan{reference: payment.Reference}
	if p.reference == "" || len(p.reference) > mostReference || strings.ContainsFunc(p.reference, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' }) {
		return p, refused("a payment's reference has 1 to %d characters, without quotes", mostReference)
	}
	var err error
	if p.date, err = money.ParseDate(payment.Date); err != nil {
		return p, refused("the date of the payment: %s", err)
	}
	if p.currency, err = money.ParseCurrency(payment.Currency); err != nil {
		return p, refused("the currency of the payment: %s", err)
	}
	if len(payment.Lines) == 0 || len(payment.Lines) > mostPaymentLine {
		return p, refused("a payment has 1 to %d lines, this one has %d", mostPaymentLine, len(payment.Lines))
	}
	into := c.payment
	if payment.Clearing {
		if into = c.clearing; into == "" {
			return p, refused("the settings of this connection name no clearing account. Enter its code")
		}
	}
	for _, line := range payment.Lines {
		if err := p.add(line, into, c.discount); err != nil {
			return p, err
		}
	}
	return p, nil
}

// add puts a line into the plan. Lines of one invoice that go to the same place
// become one.
func (p *plan) add(line connectors.PaymentLine, account, discounts string) error {
	if !isID(line.Invoice) {
		return refused("%q is no invoice of Xero", clip(line.Invoice, 60))
	}
	amount, err := p.part(line.Amount)
	if err != nil {
		return err
	}
	fee, err := p.part(line.LateFee)
	if err != nil {
		return err
	}
	discount, err := p.part(line.Discount)
	if err != nil {
		return err
	}
	switch {
	case fee.Minor > amount.Minor:
		return refused("the late fee is larger than the amount of its line")
	case discount.Positive() && discounts == "":
		return refused("the payment comes with a discount of %s. Enter the code of an account for discounts in the settings of this connection", discount.Decimal())
	case line.Credit != "" && (fee.Positive() || discount.Positive()):
		return refused("a credit pays no late fee and earns no discount")
	case line.Credit != "":
		return p.addMove(line, amount)
	}
	amount.Minor -= fee.Minor
	p.addBooking(booking{invoice: line.Invoice, reference: p.reference, account: account, amount: amount})
	p.addBooking(booking{invoice: line.Invoice, reference: p.reference + discountMark, account: discounts, amount: discount})
	return nil
}

func (p *plan) part(text string) (money.Amount, error) {
	if text == "" {
		return money.New(0, p.currency), nil
	}
	amount, err := money.Parse(text, p.currency)
	if err != nil || amount.Minor < 0 {
		return amount, refused("%q is not an amount of %s", clip(text, 40), p.currency)
	}
	return amount, nil
}

func (p *plan) addBooking(one booking) {
	if !one.amount.Positive() {
		return
	}
	at := slices.IndexFunc(p.bookings, func(b booking) bool { return b.key() == one.key() })
	if at < 0 {
		p.bookings = append(p.bookings, one)
		return
	}
	p.bookings[at].amount.Minor += one.amount.Minor
}

func (p *plan) addMove(line connectors.PaymentLine, amount money.Amount) error {
	if _, _, ok := splitCredit(line.Credit); !ok {
		return refused("%q is no credit of Xero", clip(line.Credit, 60))
	}
	if !amount.Positive() {
		return nil
	}
	at := slices.IndexFunc(p.moves, func(m move) bool { return m.credit == line.Credit && strings.EqualFold(m.invoice, line.Invoice) })
	if at < 0 {
		p.moves = append(p.moves, move{credit: line.Credit, invoice: line.Invoice, amount: amount})
		return nil
	}
	p.moves[at].amount.Minor += amount.Minor
	return nil
}

// invoices are those of the plan, each once.
func (p plan) invoices() []string {
	var ids []string
	add := func(id string) {
		if id = strings.ToLower(id); !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	for _, one := range p.bookings {
		add(one.invoice)
	}
	for _, one := range p.moves {
		add(one.invoice)
	}
	return ids
}

// checkInvoices makes sure that Xero has the invoices, as a customer's, in the
// currency of the payment: it would take the amount in the invoice's own. It answers the
// payments that stand on them, by booking.key.
func (c *Client) checkInvoices(ctx context.Context, p plan) (map[string]wirePayment, error) {
	found, held := map[string]bool{}, map[string]wirePayment{}
	for ids := range slices.Chunk(p.invoices(), mostIDs) {
		var answer struct{ Invoices []wireInvoice }
		query := url.Values{"IDs": {strings.Join(ids, ",")}, "page": {"1"}, "pageSize": {strconv.Itoa(mostIDs)}}
		if err := c.read(ctx, rest.Call{Path: accounting + "/Invoices", Query: query}, &answer); err != nil {
			return nil, err
		}
		if answer.Invoices == nil {
			return nil, fmt.Errorf("%w: Xero answers something that is not its list of invoices", connectors.ErrUnreachable)
		}
		for _, invoice := range answer.Invoices {
			if invoice.Type != "ACCREC" {
				return nil, refused("%s is no sales invoice", clip(invoice.InvoiceNumber, 60))
			}
			if invoice.CurrencyCode != string(p.currency) {
				return nil, refused("invoice %s is in %s, the payment is in %s", clip(invoice.InvoiceNumber, 60), clip(invoice.CurrencyCode, 10), p.currency)
			}
			found[strings.ToLower(invoice.InvoiceID)] = true
			for _, payment := range invoice.Payments {
				payment.Invoice.InvoiceID = invoice.InvoiceID
				hold(held, payment)
			}
		}
	}
	for _, id := range p.invoices() {
		if !found[id] {
			return nil, refused("Xero has no invoice %s", id)
		}
	}
	return held, nil
}

// hold notes a payment that was not taken back.
func hold(held map[string]wirePayment, payment wirePayment) {
	if payment.Status != deleted && payment.PaymentID != "" {
		held[booking{invoice: payment.Invoice.InvoiceID, reference: payment.Reference}.key()] = payment
	}
}

// bookings asks for the payments that Xero holds under the references of a plan. The
// list of payments and the invoices should say the same; either is believed.
func (c *Client) bookings(ctx context.Context, p plan, held map[string]wirePayment) error {
	var asked []string
	for _, one := range p.bookings {
		if slices.Contains(asked, one.reference) {
			continue
		}
		asked = append(asked, one.reference)
		var answer struct{ Payments []wirePayment }
		query := url.Values{"where": {`Reference=="` + one.reference + `"`}, "page": {"1"}, "pageSize": {strconv.Itoa(mostBookings)}}
		if err := c.read(ctx, rest.Call{Path: accounting + "/Payments", Query: query}, &answer); err != nil {
			return err
		}
		if answer.Payments == nil {
			return fmt.Errorf("%w: Xero answers something that is not its list of payments", connectors.ErrUnreachable)
		}
		for _, payment := range answer.Payments {
			hold(held, payment)
		}
	}
	return nil
}

// book writes one payment.
func (c *Client) book(ctx context.Context, p plan, one booking) (wirePayment, error) {
	type payment struct {
		Invoice   struct{ InvoiceID string }
		Account   account
		Date      string
		Amount    json.Number
		Reference string
	}
	body := struct{ Payments []payment }{[]payment{{Account: accountOf(one.account), Date: string(p.date), Amount: json.Number(one.amount.Decimal()), Reference: one.reference}}}
	body.Payments[0].Invoice.InvoiceID = one.invoice
	var answer struct{ Payments []wirePayment }
	if err := c.write(ctx, "/Payments", one.reference, body, &answer); err != nil {
		return wirePayment{}, err
	}
	if len(answer.Payments) != 1 {
		return wirePayment{}, unclear("payment")
	}
	written := answer.Payments[0]
	if err := judged(written.StatusAttributeString, written.ValidationErrors); err != nil {
		return wirePayment{}, err
	}
	if written.PaymentID == "" {
		return wirePayment{}, unclear("payment")
	}
	return written, nil
}

// unclear is an answer to a write that does not say what was written.
func unclear(what string) error {
	return fmt.Errorf("%w: Xero's answer does not name the %s that it wrote", connectors.ErrUnknown, what)
}

// judged finds a refusal in an answer of 200: Xero may put it beside the record.
func judged(status string, problems []validationError) error {
	if status != "ERROR" && len(problems) == 0 {
		return nil
	}
	text := joined(problems)
	if text == "" {
		text = "Xero does not say why"
	}
	return refused("%s", text)
}

// write puts a record. Its idempotency key is made of our reference and all that is
// sent, so that the same write has the same key on every try and no other has it.
func (c *Client) write(ctx context.Context, path, reference string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode a record for Xero: %w", err)
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{c.tenant, path, reference, string(text)}, "\n")))
	_, err = c.call(ctx, rest.Call{Method: http.MethodPut, Path: accounting + path, Body: json.RawMessage(text), Write: true,
		Header: http.Header{"Idempotency-Key": {hex.EncodeToString(sum[:])}}}, into)
	return err
}
