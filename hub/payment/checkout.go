package payment

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// CheckoutLife is how long a payer has at the gateway's page; Stripe takes no
// less than 30 minutes for a Checkout Session's expires_at.
const CheckoutLife = 35 * time.Minute

// Difference is what changed on one invoice between quote and payment.
type Difference struct {
	InvoiceID string
	Number    string
	Currency  money.Currency
	Was       int64  // open in the quote; with Charge, what was to be charged
	Is        int64  // open now; with Charge, what would be charged now
	Charge    bool   // a discount or a late fee differs, not what is open
	Why       string // for the payer
	PaymentID string // of the same customer's checkout that holds it, if one does
}

// ChangedError says that a quote cannot be paid as it was frozen. Nothing was
// charged.
type ChangedError struct{ Differences []Difference }

func (e *ChangedError) Error() string {
	return fmt.Sprintf("%d invoices changed since the quote", len(e.Differences))
}

// Started is a payment and where the payer goes now: to the gateway's page, or,
// with nothing to charge, to its receipt.
type Started struct {
	Payment     Payment
	RedirectURL string
}

// Start pays one currency of a quote. Asked twice, it answers with the same
// payment. Errors: *ChangedError; fault.Gone for an old quote; fault.Conflict
// when hash and quote do not belong together; fault.Unavailable when the
// gateway cannot be reached (nothing is charged); fault.Limited after too many
// declined cards.
func (s *Service) Start(ctx context.Context, payer Payer, quoteID, hash string, currency money.Currency) (Started, error) {
	var payment Payment
	if err := s.throttled(ctx, payer.Contact.ID, HashAddress(payer.Address)); err != nil {
		return Started{}, err
	}
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var err error
		payment, err = s.start(ctx, tx, payer, quoteID, hash, currency)
		return err
	})
	if err != nil {
		return Started{}, err
	}
	if payment.Status == Settled || payment.Status == Processing {
		return Started{Payment: payment, RedirectURL: s.receiptURL(payment)}, nil
	}
	if payment.Status != Pending {
		return Started{}, fault.New(fault.Conflict, "This payment has ended (%s). Go back and choose again what to pay.", payment.Status)
	}
	return s.openCheckout(ctx, payment)
}

func (s *Service) receiptURL(payment Payment) string {
	return s.PublicURL + "/pay/" + payment.ID
}

func (s *Service) start(ctx context.Context, tx bun.IDB, payer Payer, quoteID, hash string, currency money.Currency) (Payment, error) {
	row, err := s.ownQuote(ctx, tx, payer, quoteID)
	if err != nil {
		return Payment{}, err
	}
	if !store.SameToken(row.Hash, hash) || hashQuote(row) != row.Hash {
		return Payment{}, fault.New(fault.Conflict, "This selection was altered on its way. Nothing was charged. Go back and choose again.")
	}
	existing, found, err := paymentOfQuote(ctx, s.DB, tx, row.ID, currency)
	if err != nil || found {
		return existing, err
	}
	if !s.Now().Before(row.ExpiresAt) {
		return Payment{}, fault.New(fault.Gone, "This selection is older than %d minutes. Nothing was charged. Go back and choose again.", int(QuoteLife.Minutes()))
	}
	quote, err := row.decode()
	if err != nil {
		return Payment{}, err
	}
	for _, part := range quote.Currencies {
		if part.Currency == currency {
			return s.begin(ctx, tx, payer, row, part)
		}
	}
	return Payment{}, fault.New(fault.NotFound, "This selection has nothing in %s.", currency)
}

// begin checks that everything is as the quote froze it, then makes payment,
// shares and lines and reserves what they take.
func (s *Service) begin(ctx context.Context, tx bun.IDB, payer Payer, row quoteRow, part CurrencyQuote) (Payment, error) {
	if refused := s.refused(part); refused != "" {
		return Payment{}, fault.New(fault.Invalid, "%s Nothing was charged.", refused)
	}
	payment := s.newPayment(payer, row, part)
	shares, lines := s.newShares(payment, part)
	invoiceIDs, creditIDs := idsOf(lines)
	invoices, credits, err := s.Billing.LockTx(ctx, tx, invoiceIDs, creditIDs)
	if err != nil {
		return Payment{}, err
	}
	if err := s.unchanged(ctx, tx, payer, part, invoices, credits); err != nil {
		return Payment{}, err
	}
	if err := insertPayment(ctx, tx, payment, shares, lines); err != nil {
		return Payment{}, err
	}
	if err := s.Billing.ReserveTx(ctx, tx, payment.ID, invoices, reservations(lines)); err != nil {
		return Payment{}, err
	}
	if payment.Amount > 0 {
		return payment, nil
	}
	// credits alone: there is nothing to charge, so it is settled at once
	item := &settling{paymentID: payment.ID, state: State{Phase: PhaseSucceeded, Captured: money.New(0, payment.Currency), Method: MethodCredit}}
	settled, err := s.settleTx(ctx, tx, []*settling{item})
	return settled[payment.ID], errors.Join(err, item.err)
}

func (s *Service) newPayment(payer Payer, row quoteRow, part CurrencyQuote) Payment {
	now := s.Now().UTC()
	id := store.NewID()
	return Payment{ID: id, CustomerID: payer.Contact.CustomerID, ContactID: payer.Contact.ID, QuoteID: row.ID, Number: code("R"),
		Currency: part.Currency, Amount: part.Charge, CreditAmount: part.Credit, Status: Pending, Gateway: s.Gateway.Name(), MethodWanted: part.Method,
		StartedFrom:    HashAddress(payer.Address),
		IdempotencyKey: "checkout-" + id, CheckoutState: "pending", CreatedAt: now, UpdatedAt: now, ExpiresAt: now.Add(CheckoutLife)}
}

func (s *Service) newShares(payment Payment, part CurrencyQuote) ([]Share, []Line) {
	var shares []Share
	var lines []Line
	for _, vendor := range part.Vendors {
		share := Share{ID: store.NewID(), CustomerID: payment.CustomerID, VendorID: vendor.VendorID, PaymentID: payment.ID, Reference: code("SH"),
			Currency: part.Currency, Amount: vendor.Charge, CreditAmount: vendor.Credit, Discount: vendor.Discount, LateFee: vendor.LateFee, Status: Pending,
			CreatedAt: payment.CreatedAt, UpdatedAt: payment.CreatedAt}
		shares = append(shares, share)
		for _, quoted := range vendor.Lines {
			line := Line{CustomerID: payment.CustomerID, VendorID: vendor.VendorID, PaymentID: payment.ID, ShareID: share.ID, InvoiceID: quoted.InvoiceID}
			for _, credit := range quoted.Credits {
				line.ID, line.CreditID, line.Amount = store.NewID(), credit.CreditID, credit.Amount
				lines = append(lines, line)
			}
			if quoted.Charge > 0 {
				line.ID, line.CreditID, line.Amount = store.NewID(), "", quoted.Charge
				line.LateFee, line.Discount = quoted.LateFee, quoted.Discount
				lines = append(lines, line)
			}
		}
	}
	return shares, lines
}

func idsOf(lines []Line) (invoiceIDs, creditIDs []string) {
	seen := map[string]bool{}
	for _, line := range lines {
		if !seen[line.InvoiceID] {
			seen[line.InvoiceID], invoiceIDs = true, append(invoiceIDs, line.InvoiceID)
		}
		if line.CreditID != "" && !seen[line.CreditID] {
			seen[line.CreditID], creditIDs = true, append(creditIDs, line.CreditID)
		}
	}
	return invoiceIDs, creditIDs
}

// reservations are what lines take of their invoices: what a discount settles
// too, so that nobody pays it elsewhere meanwhile, and not the late fee.
func reservations(lines []Line) []billing.Reservation {
	out := make([]billing.Reservation, len(lines))
	for i, line := range lines {
		out[i] = billing.Reservation{InvoiceID: line.InvoiceID, CreditID: line.CreditID, Amount: line.Amount - line.LateFee + line.Discount}
	}
	return out
}

// unchanged holds the locked rows against the quote. What the payer saw must
// still be so, and it must still be the payer's to see.
func (s *Service) unchanged(ctx context.Context, tx bun.IDB, payer Payer, part CurrencyQuote, invoices map[string]billing.Invoice, credits map[string]billing.Credit) error {
	ids := make([]string, 0, len(invoices))
	for id := range invoices {
		ids = append(ids, id)
	}
	items, err := s.Billing.ItemsTx(ctx, tx, payer.Viewer, ids)
	if err != nil {
		return err
	}
	seen := make(map[string]bool, len(items))
	for _, item := range items {
		seen[item.ID] = true
	}
	facts, err := s.incentiveFacts(ctx, tx, slices.Collect(maps.Values(invoices)))
	if err != nil {
		return err
	}
	var differences []Difference
	var held []string
	taken := map[string]int64{} // of each credit, by the lines before
	for _, vendor := range part.Vendors {
		for _, line := range vendor.Lines {
			invoice := invoices[line.InvoiceID]
			difference, differs := compare(line, part.Currency, invoice, credits, taken, seen[line.InvoiceID])
			if !differs {
				difference, differs = compareIncentives(line, part.Currency, facts.of(invoice, line.Amount, line.pays(), part.Method))
			}
			if differs {
				differences = append(differences, difference)
				held = append(held, line.InvoiceID)
			}
		}
	}
	if len(differences) == 0 {
		return nil
	}
	holders, err := holdersOf(ctx, tx, payer.Contact.CustomerID, held)
	if err != nil {
		return err
	}
	for i := range differences {
		differences[i].PaymentID = holders[differences[i].InvoiceID]
	}
	return &ChangedError{Differences: differences}
}

func compare(line QuoteLine, currency money.Currency, invoice billing.Invoice, credits map[string]billing.Credit, taken map[string]int64, seen bool) (Difference, bool) {
	difference := Difference{InvoiceID: line.InvoiceID, Number: line.Number, Currency: currency, Was: line.Open, Is: invoice.Open}
	switch {
	case !seen:
		difference.Why = "This invoice can no longer be paid here: its vendor is suspended, or took you off its account."
		difference.Is = 0
	case invoice.Status == billing.Void:
		difference.Why = "The vendor withdrew this invoice."
	case invoice.Currency != currency:
		difference.Why = "The vendor changed the currency of this invoice."
	case invoice.Open == 0:
		difference.Why = "This invoice has been paid meanwhile."
	case invoice.Open != line.Open:
		difference.Why = "The vendor changed what is open on this invoice."
	case invoice.Payable() < line.Amount:
		difference.Why = "This invoice is being paid in another checkout."
	default:
		for _, part := range line.Credits {
			taken[part.CreditID] += part.Amount
			if credits[part.CreditID].Usable() < taken[part.CreditID] {
				difference.Why = "Credit " + part.Number + " has been used meanwhile."
				return difference, true
			}
		}
		return difference, false
	}
	return difference, true
}

// openCheckout asks the gateway for the page. The key makes it the same page on
// every try. Whatever the gateway says, the row tells how it went.
func (s *Service) openCheckout(ctx context.Context, payment Payment) (Started, error) {
	if payment.OffSession { // there is no page: its own says how far the charge is
		return Started{Payment: payment, RedirectURL: s.receiptURL(payment)}, nil
	}
	if payment.CheckoutURL != "" {
		return Started{Payment: payment, RedirectURL: payment.CheckoutURL}, nil
	}
	request, err := s.checkoutRequest(ctx, payment)
	if err != nil {
		return Started{}, err
	}
	first, err := beginCheckout(ctx, s.DB, payment.ID, s.Now())
	if err != nil {
		return Started{}, err
	}
	checkout, err := s.Gateway.Checkout(ctx, request)
	if errors.Is(err, ErrSpent) {
		// this key never told the address of a page, so nobody can pay on one that it made: another may be opened
		if request.Key, err = freshCheckoutKey(ctx, s.DB, payment.ID, request.Key); err != nil {
			return Started{}, err
		}
		checkout, err = s.Gateway.Checkout(ctx, request)
	}
	switch {
	case err == nil:
		payment.GatewayRef, payment.CheckoutURL = checkout.Ref, checkout.URL
		return Started{Payment: payment, RedirectURL: checkout.URL}, setCheckout(ctx, s.DB, payment.ID, "done", checkout.Ref, checkout.URL, s.Now())
	case errors.Is(err, ErrRefused), errors.Is(err, ErrUnavailable) && first: // not after an attempt that may have made the page
		if failErr := s.fail(ctx, payment.ID, Failed, "The payment page could not be opened."); failErr != nil {
			return Started{}, errors.Join(err, failErr)
		}
		return Started{}, fault.Wrap(fault.Unavailable, err, "The payment page could not be opened. Nothing was charged. Try again in a few minutes.")
	default:
		if markErr := setCheckout(ctx, s.DB, payment.ID, "unknown", "", "", s.Now()); markErr != nil {
			return Started{}, errors.Join(err, markErr)
		}
		return Started{}, fault.Wrap(fault.Unavailable, err, "The payment page did not answer. You have not been charged. Press Pay again in a minute: it continues the same payment.")
	}
}

func (s *Service) checkoutRequest(ctx context.Context, payment Payment) (CheckoutRequest, error) {
	row, err := readQuote(ctx, s.DB, payment.CustomerID, payment.QuoteID)
	if err != nil {
		return CheckoutRequest{}, err
	}
	quote, err := row.decode()
	if err != nil {
		return CheckoutRequest{}, err
	}
	contact, err := s.Party.Contact(ctx, payment.ContactID)
	if err != nil {
		return CheckoutRequest{}, err
	}
	request := CheckoutRequest{PaymentID: payment.ID, Key: payment.IdempotencyKey, Amount: money.New(payment.Amount, payment.Currency), Method: payment.MethodWanted,
		PayerEmail: contact.Email, ReturnURL: s.receiptURL(payment), CancelURL: s.receiptURL(payment), ExpiresAt: payment.ExpiresAt}
	for _, part := range quote.Currencies {
		if part.Currency != payment.Currency {
			continue
		}
		for _, vendor := range part.Vendors {
			for _, line := range vendor.Lines {
				request.Lines = append(request.Lines, line.gatewayLines(vendor.Name, payment.Currency)...)
			}
		}
	}
	return request, nil
}

// closeLost ends a payment whose page never became known and is over: its key is
// not used again, since it might make a second page. What was paid on the first
// one is found and booked.
func (s *Service) closeLost(ctx context.Context, payment Payment, why string) error {
	ref, err := s.Gateway.FindPayment(ctx, payment.ID, payment.CreatedAt, payment.ExpiresAt)
	if errors.Is(err, ErrNotFound) {
		return s.fail(ctx, payment.ID, Expired, why)
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "The payment service did not answer. Try again in a minute.")
	}
	if err := adoptRef(ctx, s.DB, payment.ID, "", ref, s.Now()); err != nil {
		return err
	}
	payment.GatewayRef = ref
	_, err = s.refresh(ctx, payment, nil)
	return err
}

// Resume continues a payer's open checkout: where to go.
func (s *Service) Resume(ctx context.Context, payer Payer, paymentID string) (Started, error) {
	payment, err := s.Payment(ctx, payer, paymentID)
	if err != nil {
		return Started{}, err
	}
	if payment.Status != Pending {
		return Started{Payment: payment, RedirectURL: s.receiptURL(payment)}, nil
	}
	return s.openCheckout(ctx, payment)
}

// Cancel closes a payer's open checkout and lets go of what it held. When it
// was paid just before, it is settled instead, and the payment says so.
func (s *Service) Cancel(ctx context.Context, payer Payer, paymentID string) (Payment, error) {
	payment, err := s.Payment(ctx, payer, paymentID)
	if err != nil {
		return payment, err
	}
	if payment.Status == Pending {
		if err := s.close(ctx, payment, "The checkout was cancelled."); err != nil {
			return payment, err
		}
	}
	return s.Payment(ctx, payer, paymentID)
}

// close ends an open checkout at the gateway first, so that it cannot be paid
// after its holds are gone.
func (s *Service) close(ctx context.Context, payment Payment, why string) error {
	if payment.OffSession {
		return s.closeCharge(ctx, payment, why)
	}
	if payment.GatewayRef == "" {
		if payment.CheckoutState == "pending" {
			return s.fail(ctx, payment.ID, Expired, why)
		}
		// the page may exist although its answer was lost
		if !s.Now().Before(payment.ExpiresAt) {
			return s.closeLost(ctx, payment, why)
		}
		started, err := s.openCheckout(ctx, payment)
		if err != nil {
			return err
		}
		payment = started.Payment
	}
	state, err := s.Gateway.Close(ctx, payment.GatewayRef)
	if errors.Is(err, ErrNotFound) {
		return s.fail(ctx, payment.ID, Expired, why)
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "The payment page did not answer. Try again in a minute.")
	}
	return s.converge(ctx, payment.ID, state, why)
}
