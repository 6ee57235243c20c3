package payment

import (
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
)

// ChargeLease is how long one attempt at a charge may take before it counts as
// unknown.
const ChargeLease = 60 * time.Second

// StartSaved pays one currency of a quote with a means of payment that the payer
// keeps, without a page. It is Start in everything else: the same rows, the same
// reservation, the same settlement. What the gateway says stands on the payment;
// one that was declined has failed with the reason. Faults besides those of
// Start: NotFound for another's means of payment; Invalid for one that has expired.
func (s *Service) StartSaved(ctx context.Context, payer Payer, quoteID, hash string, currency money.Currency, methodID string) (Started, error) {
	if err := s.mayKeep(payer); err != nil {
		return Started{}, err
	}
	var payment Payment
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		method, err := lockOwnMethod(ctx, s.DB, tx, payer.Contact.ID, methodID)
		if err != nil {
			return err
		}
		if err := s.chargeable(method, money.DateOf(s.Now(), payer.Contact.Zone())); err != nil {
			return err
		}
		payment, err = s.startSaved(ctx, tx, payer, quoteID, hash, currency, method, s.Now().Add(CheckoutLife))
		return err
	})
	if err != nil {
		return Started{}, err
	}
	started := Started{Payment: payment, RedirectURL: s.receiptURL(payment)}
	if payment.Status == Failed || payment.Status == Expired {
		return Started{}, fault.New(fault.Conflict, "This payment has ended (%s). Go back and choose again what to pay.", payment.Status)
	}
	if payment.Status != Pending || !payment.OffSession { // paid by credits, or its page is open: it says so
		return started, nil
	}
	if err := s.charge(ctx, payment); err != nil {
		return started, err
	}
	started.Payment, err = readPayment(ctx, s.DB, payment.ID)
	return started, err
}

// chargeable says whether a means of payment can be charged on a day.
func (s *Service) chargeable(method SavedMethod, on money.Date) error {
	if method.Gateway != s.Gateway.Name() {
		return fault.At("method", "%s can no longer be used here. Save it again, or pay in another way.", method.Name())
	}
	if last := method.LastDay(); last != "" && on > last {
		return fault.At("method", "%s has expired by then. Choose an earlier date or another means of payment.", method.Name())
	}
	return nil
}

// startSaved begins a payment as Start does, and marks it as one without a page.
func (s *Service) startSaved(ctx context.Context, tx bun.IDB, payer Payer, quoteID, hash string, currency money.Currency, method SavedMethod, until time.Time) (Payment, error) {
	payment, err := s.start(ctx, tx, payer, quoteID, hash, currency)
	if err != nil || payment.Status != Pending {
		return payment, err
	}
	if err := s.keepsDiscount(payment.MethodWanted, method); err != nil {
		return payment, err
	}
	fresh, err := markOffSession(ctx, tx, payment.ID, method, until, s.Now())
	if err != nil || !fresh {
		return payment, err
	}
	if payment, err = readPayment(ctx, tx, payment.ID); err != nil {
		return payment, err
	}
	return payment, s.Access.AuditTx(ctx, tx, contactActor(payer.Contact), access.Change{Action: "method.charged", SubjectKind: "payment", SubjectID: payment.ID,
		CustomerID: payment.CustomerID, After: auditedCharge{Method: method.Detail, Amount: money.New(payment.Amount, payment.Currency).String()}})
}

// auditedCharge is what the audit log keeps of the charge of a kept method.
type auditedCharge struct {
	Method string `json:"method"`
	Amount string `json:"amount"`
}

// charge asks the gateway for the money of an off-session payment, once: whoever
// takes the row from pending to sending does. An answer that does not come is
// looked for later, and never asked for again blindly.
func (s *Service) charge(ctx context.Context, payment Payment) error {
	request, err := s.chargeRequest(ctx, payment)
	if err != nil {
		return err
	}
	first, err := beginCharge(ctx, s.DB, payment.ID, s.Now())
	if err != nil || !first {
		return err
	}
	callCtx, cancel := context.WithTimeout(ctx, gatewayTimeout)
	defer cancel()
	ref, state, err := s.Methods.ChargeSaved(callCtx, request)
	// what is known must be written down although the caller has gone
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), gatewayTimeout/2)
	defer done()
	switch {
	case err == nil:
		return s.charged(ctx, payment, ref, state)
	case errors.Is(err, ErrRefused):
		if err := setCheckout(ctx, s.DB, payment.ID, "failed", "", "", s.Now()); err != nil {
			return err
		}
		return s.fail(ctx, payment.ID, Failed, "The payment provider did not take the charge. Nothing was charged.")
	case errors.Is(err, ErrUnavailable): // surely nothing happened: reconciling asks again until the payment's time is over
		return setCheckout(ctx, s.DB, payment.ID, "pending", "", "", s.Now())
	default:
		return setCheckout(ctx, s.DB, payment.ID, "unknown", "", "", s.Now())
	}
}

func (s *Service) charged(ctx context.Context, payment Payment, ref string, state State) error {
	if err := setCheckout(ctx, s.DB, payment.ID, "done", ref, "", s.Now()); err != nil {
		return err
	}
	return s.converge(ctx, payment.ID, state, "")
}

func (s *Service) chargeRequest(ctx context.Context, payment Payment) (ChargeRequest, error) {
	method, err := readMethod(ctx, s.DB, payment.SavedMethodID)
	if err != nil {
		return ChargeRequest{}, err
	}
	page, err := s.checkoutRequest(ctx, payment) // the lines as the payer saw them
	if err != nil {
		return ChargeRequest{}, err
	}
	since := payment.ChargeSentAt
	if since.IsZero() {
		since = s.Now()
	}
	return ChargeRequest{PaymentID: payment.ID, Key: payment.IdempotencyKey, PayerRef: method.PayerRef, MethodRef: method.MethodRef, Method: method.Class,
		Amount: page.Amount, Lines: page.Lines, Since: since}, nil
}

// resolveCharge brings an off-session payment further: one that was never tried
// is, one without an answer is looked for. After its time nothing is tried any
// more.
func (s *Service) resolveCharge(ctx context.Context, payment Payment) error {
	if s.Methods == nil {
		return nil
	}
	if payment.GatewayRef != "" {
		return s.Refresh(ctx, payment.GatewayRef)
	}
	switch payment.CheckoutState {
	case "pending":
		if !s.Now().Before(payment.ExpiresAt) {
			return s.giveUpCharge(ctx, payment, "The payment provider could not be reached in time. Nothing was charged.")
		}
		return s.charge(ctx, payment)
	case "sending", "unknown":
		return s.findCharge(ctx, payment)
	}
	// it was given up, and a crash came before the payment said so
	return s.giveUpCharge(ctx, payment, "The payment provider did not take the charge. Nothing was charged.")
}

// findCharge asks the gateway whether an attempt without an answer was made.
// Only when it surely was not does the payment wait for another one.
func (s *Service) findCharge(ctx context.Context, payment Payment) error {
	if payment.CheckoutState == "sending" && s.Now().Before(payment.UpdatedAt.Add(ChargeLease)) {
		return nil // somebody is waiting for the answer
	}
	request, err := s.chargeRequest(ctx, payment)
	if err != nil {
		return err
	}
	callCtx, cancel := context.WithTimeout(ctx, gatewayTimeout)
	defer cancel()
	ref, state, err := s.Methods.FindCharge(callCtx, request)
	switch {
	case err == nil:
		return s.charged(ctx, payment, ref, state)
	case errors.Is(err, ErrNotFound):
		if s.Now().Before(payment.UpdatedAt.Add(ChargeLease)) {
			return nil // the request may be on its way still
		}
		return retryCharge(ctx, s.DB, payment, s.Now())
	default:
		return err
	}
}

// giveUpCharge ends a payment that was not charged; nobody can begin to charge
// it any more.
func (s *Service) giveUpCharge(ctx context.Context, payment Payment, why string) error {
	ended, err := endCharge(ctx, s.DB, payment.ID, s.Now())
	if err != nil || !ended {
		return err
	}
	return s.fail(ctx, payment.ID, Expired, why)
}

// closeCharge ends an off-session payment if nothing was charged, and says how
// it stands otherwise.
func (s *Service) closeCharge(ctx context.Context, payment Payment, why string) error {
	if s.Methods == nil {
		return fault.New(fault.Unavailable, "The payment provider cannot be asked now. Try again later.")
	}
	if payment.CheckoutState != "pending" {
		if err := s.resolveCharge(ctx, payment); err != nil {
			return fault.Wrap(fault.Unavailable, err, "The payment provider did not answer. Try again in a minute.")
		}
	}
	return s.giveUpCharge(ctx, payment, why)
}
