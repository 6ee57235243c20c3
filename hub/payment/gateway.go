package payment

import (
	"context"
	"errors"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
)

// Gateway takes money from payers and sends it to vendors. Every call that
// changes something carries a key of ours: the same key twice has one effect.
type Gateway interface {
	// Name is stored with each payment.
	Name() string
	// Checkout makes the page on which the payer pays, or gives again the one
	// that the key made.
	Checkout(ctx context.Context, request CheckoutRequest) (Checkout, error)
	// Look fetches the checkout's state as it is now; ErrNotFound when the
	// gateway has none of that reference.
	Look(ctx context.Context, ref string) (State, error)
	// Close ends an open checkout, so that nobody can pay it any more, and
	// returns the state that it then has: it may have been paid just before.
	Close(ctx context.Context, ref string) (State, error)
	// Transfer sends a share to its vendor.
	Transfer(ctx context.Context, request TransferRequest) (TransferResult, error)
	// FindTransfer looks a transfer up by our id; ErrNotFound when it was never made.
	FindTransfer(ctx context.Context, transferID string) (TransferResult, error)
}

// Errors of a gateway; anything else means that nobody knows whether it
// happened.
var (
	ErrNotFound    = errors.New("the gateway does not know it")
	ErrRefused     = errors.New("the gateway refused it")               // trying again does not help
	ErrUnavailable = errors.New("the gateway did not take the request") // surely nothing happened; try again later
)

// CheckoutRequest is what a payer is asked to pay, in one currency.
type CheckoutRequest struct {
	PaymentID  string
	Key        string
	Amount     money.Amount
	Lines      []CheckoutLine
	PayerEmail string
	ReturnURL  string // where the payer comes back, whatever happened
	CancelURL  string
	ExpiresAt  time.Time
}

// CheckoutLine names vendor and invoice number to the payer.
type CheckoutLine struct {
	Vendor string       `json:"vendor"`
	Number string       `json:"number"`
	Amount money.Amount `json:"amount"`
}

// Checkout is a page to pay on.
type Checkout struct {
	Ref string // the gateway's
	URL string
}

// Phase is how far a checkout is.
type Phase string

// Phases; a checkout that is processing becomes succeeded or failed later.
const (
	PhaseOpen       Phase = "open"
	PhaseProcessing Phase = "processing"
	PhaseSucceeded  Phase = "succeeded"
	PhaseFailed     Phase = "failed"
	PhaseExpired    Phase = "expired"
)

// State is a checkout as the gateway knows it.
type State struct {
	Phase    Phase
	Captured money.Amount // of a succeeded one
	Method   string       // "card", "bank debit"
	Reason   string       // of a failed one, for the payer
}

// TransferRequest sends one share to one vendor. It names nothing of the
// payment's other shares.
type TransferRequest struct {
	TransferID string
	Key        string
	VendorID   string
	PaymentRef string // the gateway's reference of the checkout that the money comes from
	Amount     money.Amount
}

// TransferResult is a transfer as the gateway knows it.
type TransferResult struct {
	Ref    string
	Amount money.Amount
}
