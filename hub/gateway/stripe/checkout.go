package stripe

import (
	"context"
	"errors"
	"fmt"
	"strings"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/payment"
)

// Sizes of what a Checkout Session takes (docs.stripe.com/api/checkout/sessions/create).
const (
	mostLines = 100 // "maximum of 100 line items" in payment mode
	mostName  = 250 // characters of a product's name
	mostNote  = 500 // characters of a product's description
)

// Checkout makes a Checkout Session, or gives again the one that the key made.
// The same key with other content is payment.ErrRefused.
func (g *Gateway) Checkout(ctx context.Context, request payment.CheckoutRequest) (payment.Checkout, error) {
	params, err := checkoutParams(ctx, request)
	if err != nil {
		return payment.Checkout{}, err
	}
	session, err := g.api.CheckoutSessions.New(params)
	if err != nil {
		return payment.Checkout{}, changing("make the payment page", err)
	}
	return payment.Checkout{Ref: session.ID, URL: session.URL}, nil
}

func checkoutParams(ctx context.Context, request payment.CheckoutRequest) (*stripego.CheckoutSessionParams, error) {
	common, err := with(ctx, request.Key)
	if err != nil {
		return nil, err
	}
	items, err := lineItems(request.Lines, request.Amount)
	if err != nil {
		return nil, err
	}
	ours := map[string]string{metaPayment: request.PaymentID}
	params := &stripego.CheckoutSessionParams{Params: common, Mode: stripego.String(string(stripego.CheckoutSessionModePayment)), LineItems: items,
		CustomerEmail: optional(request.PayerEmail), ClientReferenceID: &request.PaymentID, Metadata: ours, SuccessURL: &request.ReturnURL,
		CancelURL: optional(request.CancelURL), PaymentIntentData: &stripego.CheckoutSessionPaymentIntentDataParams{Metadata: ours}}
	if !request.ExpiresAt.IsZero() {
		params.ExpiresAt = stripego.Int64(request.ExpiresAt.Unix())
	}
	return params, restrict(params, request.Method, request.Amount.Currency)
}

// restrict offers one class of methods alone; of payment.MethodAny, the platform's
// settings at Stripe say what is offered.
func restrict(params *stripego.CheckoutSessionParams, method payment.MethodClass, currency money.Currency) error {
	switch method {
	case payment.MethodAny:
		return nil
	case payment.MethodCard:
		params.PaymentMethodTypes = stripego.StringSlice([]string{"card"})
		return nil
	case payment.MethodBankDebit:
		kind := bankDebit(currency)
		if kind == "" {
			return fmt.Errorf("%w: Stripe has no bank debit in %s", payment.ErrRefused, currency)
		}
		params.PaymentMethodTypes = stripego.StringSlice([]string{kind})
		if kind == "acss_debit" {
			params.PaymentMethodOptions = &stripego.CheckoutSessionPaymentMethodOptionsParams{ACSSDebit: &stripego.CheckoutSessionPaymentMethodOptionsACSSDebitParams{
				MandateOptions: &stripego.CheckoutSessionPaymentMethodOptionsACSSDebitMandateOptionsParams{
					PaymentSchedule: stripego.String("sporadic"), TransactionType: stripego.String("business")}}}
		}
		return nil
	}
	return fmt.Errorf("%w: Stripe cannot take a payment by %q", payment.ErrRefused, string(method))
}

// item is one line of Stripe's page.
type item struct {
	name, note string
	amount     int64 // our minor units
}

// lineItems names vendor and invoice number, as closely as Stripe's page can
// show it: each line; each vendor, when there are too many; or the sum.
func lineItems(lines []payment.CheckoutLine, total money.Amount) ([]*stripego.CheckoutSessionLineItemParams, error) {
	if _, err := positive(total); err != nil {
		return nil, err
	}
	sum := money.New(0, total.Currency)
	for _, line := range lines {
		var err error
		if sum, err = sum.Add(line.Amount); err != nil {
			return nil, fmt.Errorf("%w: the lines cannot be added: %w", payment.ErrRefused, err)
		}
	}
	if len(lines) > 0 && sum != total {
		return nil, fmt.Errorf("%w: the lines come to %s and the payment to %s", payment.ErrRefused, sum, total)
	}
	for _, items := range [][]item{eachLine(lines), eachVendor(lines)} {
		if shown, ok := show(items, total.Currency); ok {
			return shown, nil
		}
	}
	whole, ok := show([]item{{name: wholeName(lines), amount: total.Minor}}, total.Currency)
	if !ok {
		return nil, fmt.Errorf("%w: Stripe cannot take %s exactly", payment.ErrRefused, total)
	}
	return whole, nil
}

func eachLine(lines []payment.CheckoutLine) []item {
	var items []item
	for _, line := range lines {
		if !line.Amount.Zero() {
			items = append(items, item{name: line.Vendor + " · " + line.Number, note: line.Note, amount: line.Amount.Minor})
		}
	}
	return items
}

// eachVendor adds up what goes to one vendor, in the order of the first lines.
func eachVendor(lines []payment.CheckoutLine) []item {
	var items []item
	var numbers [][]string
	at := map[string]int{}
	for _, line := range lines {
		i, known := at[line.Vendor]
		if !known {
			i = len(items)
			at[line.Vendor] = i
			items, numbers = append(items, item{}), append(numbers, nil)
		}
		items[i].amount += line.Amount.Minor
		numbers[i] = append(numbers[i], line.Number)
		items[i].name = fmt.Sprintf("%s · %s", line.Vendor, count(len(numbers[i]), "invoice"))
		items[i].note = strings.Join(numbers[i][:min(len(numbers[i]), 50)], ", ")
	}
	return items
}

func wholeName(lines []payment.CheckoutLine) string {
	vendors := map[string]bool{}
	for _, line := range lines {
		vendors[line.Vendor] = true
	}
	if len(lines) == 0 {
		return "Invoices"
	}
	return count(len(lines), "invoice") + " of " + count(len(vendors), "vendor")
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// show says whether Stripe's page can show these items: not too many, and each
// an amount that it can say.
func show(items []item, currency money.Currency) ([]*stripego.CheckoutSessionLineItemParams, bool) {
	if len(items) == 0 || len(items) > mostLines {
		return nil, false
	}
	var shown []*stripego.CheckoutSessionLineItemParams
	for _, item := range items {
		units, err := positive(money.New(item.amount, currency))
		if err != nil {
			return nil, false
		}
		shown = append(shown, &stripego.CheckoutSessionLineItemParams{Quantity: stripego.Int64(1), PriceData: &stripego.CheckoutSessionLineItemPriceDataParams{
			Currency: lower(currency), UnitAmount: &units, ProductData: &stripego.CheckoutSessionLineItemPriceDataProductDataParams{
				Name: stripego.String(clip(item.name, mostName)), Description: optional(clip(item.note, mostNote))}}})
	}
	return shown, true
}

// sessionExpansions are what the state of a session is read from.
func sessionExpansions() []*string {
	return expand("payment_intent.latest_charge.balance_transaction", "payment_intent.latest_charge.refunds")
}

// Close expires a session, so that nobody can pay on it, and returns the state
// that it then has. A session that was paid, or is being paid, stays so.
func (g *Gateway) Close(ctx context.Context, ref string) (payment.State, error) {
	if !strings.HasPrefix(ref, "cs_") {
		return payment.State{}, payment.ErrNotFound
	}
	// expiring twice is harmless, and a kept answer of an earlier try would hide
	// what the session became since: each try has a key of its own
	key := fmt.Sprintf("close-%s-%d", ref, g.config.Now().UnixNano())
	session, err := g.api.CheckoutSessions.Expire(ref, &stripego.CheckoutSessionExpireParams{Params: stripego.Params{Context: ctx, IdempotencyKey: &key}, Expand: sessionExpansions()})
	if err == nil {
		return g.stateOfSession(ctx, session)
	}
	failed := changing("close the payment page", err)
	state, err := g.Look(ctx, ref)
	switch {
	case errors.Is(err, payment.ErrNotFound):
		return payment.State{}, err
	case err != nil, state.Phase == payment.PhaseOpen:
		return payment.State{}, failed
	}
	return state, nil
}
