package stripe

import (
	"context"
	"fmt"
	"strings"
	"time"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/sheaf-hub/sheaf/hub/payment"
)

// mostPages bounds a search through a list of Stripe's; a page has a hundred.
const (
	pageSize  = 100
	mostPages = 50
)

// Look fetches a payment as it is now, by its session (cs_…) or its payment
// intent (pi_…).
func (g *Gateway) Look(ctx context.Context, ref string) (payment.State, error) {
	switch {
	case strings.HasPrefix(ref, "cs_"):
		session, err := g.session(ctx, ref)
		if err != nil {
			return payment.State{}, err
		}
		return g.stateOfSession(ctx, session)
	case strings.HasPrefix(ref, "pi_"):
		intent, err := g.intent(ctx, ref)
		if err != nil {
			return payment.State{}, err
		}
		return g.stateOfIntent(ctx, intent)
	}
	return payment.State{}, payment.ErrNotFound
}

func (g *Gateway) intent(ctx context.Context, ref string) (*stripego.PaymentIntent, error) {
	intent, err := g.api.PaymentIntents.Get(ref, &stripego.PaymentIntentParams{Params: stripego.Params{Context: ctx}, Expand: intentExpansions("")})
	if err != nil {
		return nil, reading("look at the payment", err)
	}
	return intent, nil
}

// FindPayment looks for a payment's intent among those of the time in which its
// page was open: Stripe makes the intent when somebody first tries to pay.
func (g *Gateway) FindPayment(ctx context.Context, paymentID string, since, until time.Time) (string, error) {
	params := &stripego.PaymentIntentListParams{ListParams: allPages(ctx),
		CreatedRange: &stripego.RangeQueryParams{GreaterThanOrEqual: since.Add(-slack).Unix(), LesserThanOrEqual: until.Add(slack).Unix()}}
	list := g.api.PaymentIntents.List(params)
	for n := 0; list.Next(); n++ {
		if n == pageSize*mostPages {
			return "", tooMany("payments")
		}
		intent := list.PaymentIntent()
		moving := intent.Status == stripego.PaymentIntentStatusSucceeded || intent.Status == stripego.PaymentIntentStatusProcessing
		if intent.Metadata[metaPayment] == paymentID && moving {
			return intent.ID, nil
		}
	}
	if err := list.Err(); err != nil {
		return "", reading("look for the payment", err)
	}
	return "", payment.ErrNotFound
}

func intentExpansions(prefix string) []*string {
	return expand(prefix+"latest_charge.balance_transaction", prefix+"latest_charge.refunds")
}

func (g *Gateway) stateOfSession(ctx context.Context, session *stripego.CheckoutSession) (payment.State, error) {
	if session.Livemode != g.live {
		return payment.State{}, fmt.Errorf("%w: this payment is of the other mode, live or test, than the key", payment.ErrNotFound)
	}
	if session.Mode != stripego.CheckoutSessionModePayment {
		return payment.State{}, fmt.Errorf("%w: this page takes no payment", payment.ErrNotFound)
	}
	state, err := g.phaseOfSession(ctx, session)
	if err != nil {
		return payment.State{}, err
	}
	if state.PaymentID == "" {
		state.PaymentID = session.Metadata[metaPayment]
	}
	return state, nil
}

// phaseOfSession: money that has moved counts, whatever the page says; an open
// page stays open after a decline; only a page that is complete can have failed.
func (g *Gateway) phaseOfSession(ctx context.Context, session *stripego.CheckoutSession) (payment.State, error) {
	intent := session.PaymentIntent
	paid := intent != nil && intent.Status == stripego.PaymentIntentStatusSucceeded
	switch {
	case paid, session.Status == stripego.CheckoutSessionStatusComplete && intent != nil:
		return g.stateOfIntent(ctx, intent)
	case session.Status == stripego.CheckoutSessionStatusExpired:
		return payment.State{Phase: payment.PhaseExpired}, nil
	case session.Status == stripego.CheckoutSessionStatusOpen:
		declines, err := g.declines(ctx, intent)
		return payment.State{Phase: payment.PhaseOpen, Declines: declines}, err
	}
	//lint:ignore ST1005 a name begins it
	return payment.State{}, fmt.Errorf("Stripe calls payment page %s %q and names no payment", session.ID, clip(string(session.Status), 30))
}

// declines counts the tries on an open page that were turned down, as far as one
// page of charges goes.
func (g *Gateway) declines(ctx context.Context, intent *stripego.PaymentIntent) (int, error) {
	if intent == nil || (intent.LatestCharge == nil && intent.LastPaymentError == nil) {
		return 0, nil
	}
	list := g.api.Charges.List(&stripego.ChargeListParams{ListParams: onePage(ctx, ""), PaymentIntent: &intent.ID})
	failed := 0
	for list.Next() {
		if list.Charge().Status == stripego.ChargeStatusFailed {
			failed++
		}
	}
	if err := list.Err(); err != nil {
		return 0, reading("count the declined tries", err)
	}
	return failed, nil
}

func onePage(ctx context.Context, after string) stripego.ListParams {
	return stripego.ListParams{Context: ctx, Limit: stripego.Int64(pageSize), Single: true, StartingAfter: optional(after)}
}

// allPages is for searches: the iterator goes on by itself, and the caller stops
// it after mostPages.
func allPages(ctx context.Context) stripego.ListParams {
	return stripego.ListParams{Context: ctx, Limit: stripego.Int64(pageSize)}
}

func (g *Gateway) stateOfIntent(ctx context.Context, intent *stripego.PaymentIntent) (payment.State, error) {
	if intent.Livemode != g.live {
		return payment.State{}, fmt.Errorf("%w: this payment is of the other mode, live or test, than the key", payment.ErrNotFound)
	}
	state := payment.State{PaymentID: intent.Metadata[metaPayment], IntentRef: intent.ID}
	charge := intent.LatestCharge
	if charge != nil {
		state.Method, state.Detail = methodOf(charge.PaymentMethodDetails)
	}
	switch intent.Status {
	case stripego.PaymentIntentStatusSucceeded:
		return g.settled(ctx, intent, state)
	case stripego.PaymentIntentStatusProcessing, stripego.PaymentIntentStatusRequiresCapture, stripego.PaymentIntentStatusRequiresAction:
		// an action that is left when the payer has gone is the check of a bank
		// account by small deposits; it takes days
		state.Phase = payment.PhaseProcessing
		if charge == nil && len(intent.PaymentMethodTypes) == 1 {
			state.Method = classOf(intent.PaymentMethodTypes[0])
		}
	default:
		state.Phase, state.Reason = payment.PhaseFailed, reasonOf(intent)
	}
	return state, nil
}

// settled reads what was captured, what it cost, and from when on it can be sent.
// Until Stripe has booked the charge, its fee is not known and it is processing.
func (g *Gateway) settled(ctx context.Context, intent *stripego.PaymentIntent, state payment.State) (payment.State, error) {
	charge := intent.LatestCharge
	if charge == nil || charge.BalanceTransaction == nil || charge.BalanceTransaction.Currency == "" {
		state.Phase = payment.PhaseProcessing
		return state, nil
	}
	var err error
	booked := charge.BalanceTransaction
	if state.Captured, err = fromUnits(intent.AmountReceived, intent.Currency); err != nil {
		return payment.State{}, err
	}
	if state.Fee, err = fromUnits(booked.Fee, booked.Currency); err != nil {
		return payment.State{}, err
	}
	state.Phase, state.SourceRef = payment.PhaseSucceeded, charge.ID
	if !atOnce(charge.PaymentMethodDetails) {
		state.AvailableAt = time.Unix(booked.AvailableOn, 0).UTC()
	}
	if state.Refunds, err = g.refundsOf(ctx, intent, charge); err != nil {
		return payment.State{}, err
	}
	state.Disputes, err = g.disputesOf(ctx, intent, charge)
	return state, err
}

func (g *Gateway) refundsOf(ctx context.Context, intent *stripego.PaymentIntent, charge *stripego.Charge) ([]payment.RefundResult, error) {
	var results []payment.RefundResult
	if charge.Refunds != nil && !charge.Refunds.HasMore {
		for _, refund := range charge.Refunds.Data {
			result, err := refundResult(refund)
			if err != nil {
				return nil, err
			}
			results = append(results, result)
		}
		return results, nil
	}
	err := g.eachRefund(ctx, intent.ID, func(refund *stripego.Refund) (bool, error) {
		result, err := refundResult(refund)
		results = append(results, result)
		return false, err
	})
	return results, err
}

func (g *Gateway) disputesOf(ctx context.Context, intent *stripego.PaymentIntent, charge *stripego.Charge) ([]string, error) {
	if !charge.Disputed {
		return nil, nil
	}
	var refs []string
	list := g.api.Disputes.List(&stripego.DisputeListParams{ListParams: onePage(ctx, ""), PaymentIntent: &intent.ID})
	for list.Next() {
		refs = append(refs, list.Dispute().ID)
	}
	return refs, reading("list the payment's disputes", list.Err())
}

// classOf says how a kind of method counts for us: all that is not the debit of
// a bank account is at once, and dearer.
func classOf(kind string) payment.MethodClass {
	switch kind {
	case "":
		return payment.MethodAny
	case "us_bank_account", "sepa_debit", "bacs_debit", "acss_debit", "au_becs_debit", "ach_debit":
		return payment.MethodBankDebit
	}
	return payment.MethodCard
}

// atOnce says whether the money of a charge may be sent on with the charge as
// its source: cards, also those behind Link.
func atOnce(details *stripego.ChargePaymentMethodDetails) bool {
	return details != nil && (details.Type == "card" || details.Type == "link")
}

// methodOf says how a charge was paid, to the hub and in words for the payer.
func methodOf(details *stripego.ChargePaymentMethodDetails) (payment.MethodClass, string) {
	if details == nil {
		return payment.MethodAny, ""
	}
	class := classOf(string(details.Type))
	switch {
	case details.Card != nil:
		return class, ending(cardName(string(details.Card.Brand)), details.Card.Last4)
	case details.USBankAccount != nil:
		return class, ending("Bank account", details.USBankAccount.Last4)
	case details.SEPADebit != nil:
		return class, ending("Bank account", details.SEPADebit.Last4)
	case details.BACSDebit != nil:
		return class, ending("Bank account", details.BACSDebit.Last4)
	case details.ACSSDebit != nil:
		return class, ending("Bank account", details.ACSSDebit.Last4)
	case details.AUBECSDebit != nil:
		return class, ending("Bank account", details.AUBECSDebit.Last4)
	}
	return class, methodName(string(details.Type))
}

func ending(what, last4 string) string {
	if last4 == "" {
		return what
	}
	return what + " ending " + clip(last4, 8)
}

func cardName(brand string) string {
	names := map[string]string{"amex": "American Express", "diners": "Diners Club", "discover": "Discover", "eftpos_au": "Eftpos", "jcb": "JCB",
		"mastercard": "Mastercard", "unionpay": "UnionPay", "visa": "Visa"}
	if name, known := names[brand]; known {
		return name
	}
	return "Card"
}

// methodName writes Stripe's word for a method as people do.
func methodName(kind string) string {
	names := map[string]string{"ideal": "iDEAL", "eps": "EPS", "p24": "Przelewy24", "fpx": "FPX", "blik": "BLIK", "oxxo": "OXXO", "paypal": "PayPal",
		"cashapp": "Cash App Pay", "wechat_pay": "WeChat Pay", "grabpay": "GrabPay", "paynow": "PayNow", "promptpay": "PromptPay"}
	if name, known := names[kind]; known || kind == "" {
		return name
	}
	text := strings.ReplaceAll(clip(kind, 40), "_", " ")
	return strings.ToUpper(text[:1]) + text[1:]
}
