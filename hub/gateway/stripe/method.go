package stripe

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/sheaf-hub/sheaf/hub/payment"
)

// slack is how far Stripe's clock may be from ours when a search begins at a time.
const slack = 10 * time.Minute

// SaveMethod makes the page on which a payer leaves a means of payment. A payer
// that Stripe does not know yet becomes a customer first.
func (g *Gateway) SaveMethod(ctx context.Context, request payment.SetupRequest) (payment.Checkout, error) {
	common, err := with(ctx, request.Key)
	if err != nil {
		return payment.Checkout{}, err
	}
	if digits(request.Currency) < 0 {
		return payment.Checkout{}, fmt.Errorf("%w: Stripe takes no %s", payment.ErrRefused, request.Currency)
	}
	payer := request.PayerRef
	if payer == "" {
		if payer, err = g.newPayer(ctx, request); err != nil {
			return payment.Checkout{}, err
		}
	}
	ours := map[string]string{metaSetup: request.SetupID}
	params := &stripego.CheckoutSessionParams{Params: common, Mode: stripego.String(string(stripego.CheckoutSessionModeSetup)), Customer: &payer,
		Currency: lower(request.Currency), ClientReferenceID: &request.SetupID, Metadata: ours, SuccessURL: &request.ReturnURL, CancelURL: optional(request.CancelURL),
		SetupIntentData: &stripego.CheckoutSessionSetupIntentDataParams{Metadata: ours}}
	if !request.ExpiresAt.IsZero() {
		params.ExpiresAt = stripego.Int64(request.ExpiresAt.Unix())
	}
	session, err := g.api.CheckoutSessions.New(params)
	if err != nil {
		return payment.Checkout{}, changing("make the page for a means of payment", err)
	}
	return payment.Checkout{Ref: session.ID, URL: session.URL}, nil
}

func (g *Gateway) newPayer(ctx context.Context, request payment.SetupRequest) (string, error) {
	key := request.Key + "-payer"
	customer, err := g.api.Customers.New(&stripego.CustomerParams{Params: stripego.Params{Context: ctx, IdempotencyKey: &key}, Email: optional(request.Email),
		Metadata: map[string]string{metaCustomer: request.CustomerID}})
	if err != nil {
		return "", changing("make the payer known", err)
	}
	return customer.ID, nil
}

// LookSetup fetches how far such a page is.
func (g *Gateway) LookSetup(ctx context.Context, ref string) (payment.SetupState, error) {
	if !strings.HasPrefix(ref, "cs_") {
		return payment.SetupState{}, payment.ErrNotFound
	}
	session, err := g.api.CheckoutSessions.Get(ref, &stripego.CheckoutSessionParams{Params: stripego.Params{Context: ctx}, Expand: expand("setup_intent.payment_method")})
	if err != nil {
		return payment.SetupState{}, reading("look at the page for a means of payment", err)
	}
	if session.Livemode != g.live || session.Mode != stripego.CheckoutSessionModeSetup {
		return payment.SetupState{}, fmt.Errorf("%w: this page keeps no means of payment", payment.ErrNotFound)
	}
	return setupState(session), nil
}

func setupState(session *stripego.CheckoutSession) payment.SetupState {
	state := payment.SetupState{Phase: payment.PhaseOpen, SetupID: session.Metadata[metaSetup]}
	if session.Customer != nil {
		state.PayerRef = session.Customer.ID
	}
	intent := session.SetupIntent
	switch {
	case session.Status == stripego.CheckoutSessionStatusExpired:
		state.Phase = payment.PhaseExpired
	case session.Status != stripego.CheckoutSessionStatusComplete || intent == nil:
	case intent.Status == stripego.SetupIntentStatusSucceeded && intent.PaymentMethod != nil:
		state.Phase, state.MethodRef = payment.PhaseSucceeded, intent.PaymentMethod.ID
		state.Method, state.Detail, state.Expires = keptMethod(intent.PaymentMethod)
		if intent.Mandate != nil {
			state.Mandate = intent.Mandate.ID
		}
	case intent.Status == stripego.SetupIntentStatusCanceled, intent.Status == stripego.SetupIntentStatusRequiresPaymentMethod:
		state.Phase = payment.PhaseExpired // the page is over and left nothing
	}
	return state
}

func keptMethod(method *stripego.PaymentMethod) (class payment.MethodClass, detail, expires string) {
	class = classOf(string(method.Type))
	switch {
	case method.Card != nil:
		return class, ending(cardName(string(method.Card.Brand)), method.Card.Last4), fmt.Sprintf("%04d-%02d", method.Card.ExpYear, method.Card.ExpMonth)
	case method.USBankAccount != nil:
		return class, ending("Bank account", method.USBankAccount.Last4), ""
	case method.SEPADebit != nil:
		return class, ending("Bank account", method.SEPADebit.Last4), ""
	case method.BACSDebit != nil:
		return class, ending("Bank account", method.BACSDebit.Last4), ""
	case method.ACSSDebit != nil:
		return class, ending("Bank account", method.ACSSDebit.Last4), ""
	case method.AUBECSDebit != nil:
		return class, ending("Bank account", method.AUBECSDebit.Last4), ""
	}
	return class, methodName(string(method.Type)), ""
}

// ChargeSaved charges a kept method while the payer is away, once per key. A
// decline, or a bank that wants the payer, is a State of payment.PhaseFailed.
func (g *Gateway) ChargeSaved(ctx context.Context, request payment.ChargeRequest) (string, payment.State, error) {
	common, err := with(ctx, request.Key)
	if err != nil {
		return "", payment.State{}, err
	}
	units, err := positive(request.Amount)
	if err != nil {
		return "", payment.State{}, err
	}
	kind, err := g.kindOfMethod(ctx, request.MethodRef)
	if err != nil {
		return "", payment.State{}, err
	}
	intent, err := g.api.PaymentIntents.New(&stripego.PaymentIntentParams{Params: common, Amount: &units, Currency: lower(request.Amount.Currency),
		Customer: &request.PayerRef, PaymentMethod: &request.MethodRef, PaymentMethodTypes: stripego.StringSlice([]string{kind}), Confirm: stripego.Bool(true),
		OffSession: stripego.Bool(true), Metadata: map[string]string{metaPayment: request.PaymentID}, Expand: intentExpansions("")})
	if err != nil {
		return g.declined(ctx, request, err)
	}
	state, err := g.stateOfIntent(ctx, intent)
	return intent.ID, state, err
}

// kindOfMethod is Stripe's word for a kept method: a charge names the one kind
// that it is to be, or Stripe would offer all that the platform has switched on.
func (g *Gateway) kindOfMethod(ctx context.Context, ref string) (string, error) {
	if ref == "" {
		return "", fmt.Errorf("%w: there is no means of payment to charge", payment.ErrRefused)
	}
	method, err := g.api.PaymentMethods.Get(ref, &stripego.PaymentMethodParams{Params: stripego.Params{Context: ctx}})
	if err == nil {
		return string(method.Type), nil
	}
	if err = reading("look at the means of payment", err); errors.Is(err, payment.ErrNotFound) {
		return "", fmt.Errorf("%w: the means of payment is gone", payment.ErrRefused)
	}
	return "", fmt.Errorf("%w: %w", payment.ErrUnavailable, err) // nothing was asked to change yet
}

// declined reads the state that a card's decline left behind; other failures stay
// what they are.
func (g *Gateway) declined(ctx context.Context, request payment.ChargeRequest, err error) (string, payment.State, error) {
	var answer *stripego.Error
	if !errors.As(err, &answer) || answer.Type != stripego.ErrorTypeCard {
		return "", payment.State{}, changing("charge the kept method", err)
	}
	class := request.Method
	if class == payment.MethodAny {
		class = payment.MethodCard
	}
	state := payment.State{Phase: payment.PhaseFailed, PaymentID: request.PaymentID, Method: class, Reason: reason(string(answer.DeclineCode), string(answer.Code))}
	if answer.PaymentIntent == nil {
		return "", state, nil
	}
	return answer.PaymentIntent.ID, state, nil
}

// FindCharge looks a charge of a kept method up among its payer's payments.
func (g *Gateway) FindCharge(ctx context.Context, request payment.ChargeRequest) (string, payment.State, error) {
	if request.PayerRef == "" || request.PaymentID == "" {
		return "", payment.State{}, payment.ErrNotFound
	}
	params := &stripego.PaymentIntentListParams{ListParams: allPages(ctx), Customer: &request.PayerRef, Expand: intentExpansions("data.")}
	if !request.Since.IsZero() {
		params.CreatedRange = &stripego.RangeQueryParams{GreaterThanOrEqual: request.Since.Add(-slack).Unix()}
	}
	list := g.api.PaymentIntents.List(params)
	for n := 0; list.Next(); n++ {
		if n == pageSize*mostPages {
			return "", payment.State{}, tooMany("payments of one payer")
		}
		if intent := list.PaymentIntent(); intent.Metadata[metaPayment] == request.PaymentID {
			state, err := g.stateOfIntent(ctx, intent)
			return intent.ID, state, err
		}
	}
	if err := list.Err(); err != nil {
		return "", payment.State{}, reading("look for the charge", err)
	}
	return "", payment.State{}, payment.ErrNotFound
}

// ForgetMethod removes a kept method; one that is gone is no error.
func (g *Gateway) ForgetMethod(ctx context.Context, ref string) error {
	if ref == "" {
		return nil
	}
	key := fmt.Sprintf("forget-%s-%d", ref, g.config.Now().UnixNano())
	_, err := g.api.PaymentMethods.Detach(ref, &stripego.PaymentMethodDetachParams{Params: stripego.Params{Context: ctx, IdempotencyKey: &key}})
	if err == nil {
		return nil
	}
	failed := changing("forget the means of payment", err)
	if !errors.Is(failed, payment.ErrRefused) {
		return failed
	}
	method, err := g.api.PaymentMethods.Get(ref, &stripego.PaymentMethodParams{Params: stripego.Params{Context: ctx}})
	if err != nil {
		if looked := reading("look at the means of payment", err); !errors.Is(looked, payment.ErrNotFound) {
			return looked
		}
		return nil
	}
	if method.Customer == nil {
		return nil
	}
	return failed
}
