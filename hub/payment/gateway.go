package payment

import (
	"context"
	"errors"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
)

// Gateway takes money from payers and sends it to vendors. Every call that
// changes something carries a key of ours: the same key twice has one effect.
// Every Find looks for what an earlier call with the same request may have
// made, by the ids of ours that it carries; ErrNotFound when it was never made.
//
// Nothing that a call sends towards one vendor's account names another vendor,
// or bears an id that another vendor's account sees too.
type Gateway interface {
	// Name is stored with each payment.
	Name() string
	// Limits says what one checkout in a currency may come to.
	Limits(currency money.Currency) Limits
	// Checkout makes the page on which the payer pays, or gives again the one
	// that the key made.
	Checkout(ctx context.Context, request CheckoutRequest) (Checkout, error)
	// Look fetches a payment's state as it is now, by the reference that Checkout
	// or ChargeSaved gave; ErrNotFound when the gateway has none of it.
	Look(ctx context.Context, ref string) (State, error)
	// FindPayment looks for money that moved, or is on its way, for a payment of
	// ours whose checkout's answer was lost, and gives a reference for Look;
	// ErrNotFound when nobody paid. since is when the checkout was asked for,
	// until when its page was to close.
	FindPayment(ctx context.Context, paymentID string, since, until time.Time) (string, error)
	// Close ends an open checkout, so that nobody can pay it any more, and
	// returns the state that it then has: it may have been paid just before.
	Close(ctx context.Context, ref string) (State, error)
	// Transfer sends money to a vendor's account.
	Transfer(ctx context.Context, request TransferRequest) (TransferResult, error)
	FindTransfer(ctx context.Context, request TransferRequest) (TransferResult, error)
	// Refund gives money of a settled payment back to its payer.
	Refund(ctx context.Context, request RefundRequest) (RefundResult, error)
	FindRefund(ctx context.Context, request RefundRequest) (RefundResult, error)
	// Reverse takes money of a transfer back from the vendor's account;
	// ErrInsufficient when the account cannot cover it.
	Reverse(ctx context.Context, request ReversalRequest) (ReversalResult, error)
	FindReversal(ctx context.Context, request ReversalRequest) (ReversalResult, error)
}

// Errors of a gateway; anything else means that nobody knows whether it
// happened.
var (
	ErrNotFound     = errors.New("the gateway does not know it")
	ErrRefused      = errors.New("the gateway refused it")                 // trying again does not help
	ErrUnavailable  = errors.New("the gateway did not take the request")   // surely nothing happened; try again later
	ErrInsufficient = errors.New("the account does not hold enough money") // surely nothing happened; it may later
	ErrSpent        = errors.New("the key answers with an old failure")    // it may have happened; this key will never tell more
)

// Limits are what one checkout may come to, in minor units of its currency.
type Limits struct {
	Supported bool  // false: the gateway takes no payments in it
	Least     int64 // 0: no bound
	Most      int64 // 0: no bound
	Step      int64 // the amount must be a multiple of it; 0 and 1: any
}

// MethodClass is how a payer pays, as far as a vendor's incentives and the
// availability of the money depend on it.
type MethodClass string

// The classes of methods.
const (
	MethodAny       MethodClass = ""           // the payer chooses on the gateway's page
	MethodCard      MethodClass = "card"       // at once, and dearer
	MethodBankDebit MethodClass = "bank debit" // days, and cheaper
	MethodCredit    MethodClass = "credit"     // nothing was charged
)

// CheckoutRequest is what a payer is asked to pay, in one currency.
type CheckoutRequest struct {
	PaymentID  string
	Key        string
	Amount     money.Amount
	Lines      []CheckoutLine // their amounts add up to Amount
	Method     MethodClass    // MethodBankDebit: nothing else is offered
	PayerEmail string
	ReturnURL  string // where the payer comes back, whatever happened
	CancelURL  string
	ExpiresAt  time.Time
}

// CheckoutLine names vendor and invoice number to the payer. A line of a late
// fee or of a discount says so in Note; a discount is in Amount already.
type CheckoutLine struct {
	Vendor string       `json:"vendor"`
	Number string       `json:"number"`
	Amount money.Amount `json:"amount"`
	Note   string       `json:"note,omitempty"`
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

// State is a payment as the gateway knows it.
type State struct {
	Phase       Phase
	PaymentID   string       // ours, as the gateway kept it
	Captured    money.Amount // of a succeeded one
	Fee         money.Amount // what the gateway keeps of it; known when Phase is succeeded
	Method      MethodClass
	Detail      string    // "Visa ending 4242", for the payer; may be empty
	Reason      string    // of a failed one, for the payer
	IntentRef   string    // the gateway's other name of the payment, which messages may use; may be empty
	SourceRef   string    // what transfers and refunds name as where the money comes from
	AvailableAt time.Time // when the money can be sent on; zero: now
	Refunds     []RefundResult
	Disputes    []string // references, for LookDispute
	Declines    int      // tries that were declined on an open page so far
}

// TransferRequest sends money to one vendor. It names nothing of the payment's
// other shares.
type TransferRequest struct {
	TransferID string
	Key        string
	VendorID   string
	AccountRef string // the vendor's account at the gateway
	SourceRef  string // State.SourceRef of the payment; empty: out of what is available
	PaymentRef string // the gateway's reference of the payment that the money comes from
	Amount     money.Amount
	Reference  string    // of the share, as the vendor's books list it
	Since      time.Time // when it was first tried: FindTransfer need not look before
}

// TransferResult is a transfer as the gateway knows it.
type TransferResult struct {
	Ref      string
	Amount   money.Amount
	Reversed money.Amount // taken back from it so far
}

// RefundRequest gives a part of a payment back.
type RefundRequest struct {
	RefundID   string
	Key        string
	PaymentRef string
	SourceRef  string
	Amount     money.Amount
}

// RefundResult is a refund as the gateway knows it.
type RefundResult struct {
	Ref      string
	RefundID string // ours; empty: it was made elsewhere
	Amount   money.Amount
	Phase    Phase  // processing, succeeded or failed (the money came back to us)
	Reason   string // of a failed one
}

// ReversalRequest takes a part of a transfer back.
type ReversalRequest struct {
	ReversalID  string
	Key         string
	TransferRef string
	Amount      money.Amount
}

// ReversalResult is a reversal as the gateway knows it.
type ReversalResult struct {
	Ref    string
	Amount money.Amount
}

// Accounts opens and follows vendors' accounts at the gateway. A hub without
// them (the sandbox) sends every share at once.
type Accounts interface {
	// OpenAccount makes a vendor's account, or gives again the one that the key made.
	OpenAccount(ctx context.Context, request AccountRequest) (AccountState, error)
	FindAccount(ctx context.Context, request AccountRequest) (AccountState, error)
	// AccountLink is a page of the gateway on which the vendor's staff says who it
	// is; it works for minutes, once. ReturnURL is where it ends, whatever
	// happened; RefreshURL where a page that has expired leads.
	AccountLink(ctx context.Context, ref, returnURL, refreshURL string) (string, error)
	// LookAccount fetches an account as it is now.
	LookAccount(ctx context.Context, ref string) (AccountState, error)
	// AccountCountries lists the countries (ISO 3166-1 alpha-2) whose vendors this
	// hub can pay: those of its own region.
	AccountCountries(ctx context.Context) ([]string, error)
}

// AccountRequest opens a vendor's account.
type AccountRequest struct {
	VendorID string
	Key      string
	Name     string
	Email    string
	Country  string // ISO 3166-1 alpha-2
}

// AccountState is an account as the gateway knows it.
type AccountState struct {
	Ref              string
	VendorID         string // ours, as the gateway kept it
	Country          string
	Currency         money.Currency // that it is paid out in
	DetailsSubmitted bool
	CanReceive       bool     // transfers to it are taken
	CanPayOut        bool     // its money goes on to its bank
	Due              []string // what the gateway still wants to know, in its words ("external_account")
	DueBy            time.Time
	Disabled         string // why it is shut, in the gateway's words; empty: it is not
}

// Methods keeps payers' means of payment, with their consent, and charges them
// while the payer is away.
type Methods interface {
	// SaveMethod makes the page on which a payer leaves a means of payment.
	SaveMethod(ctx context.Context, request SetupRequest) (Checkout, error)
	LookSetup(ctx context.Context, ref string) (SetupState, error)
	// ChargeSaved charges a kept method; the State is final, or processing. A
	// decline is a State of PhaseFailed, not an error.
	ChargeSaved(ctx context.Context, request ChargeRequest) (string, State, error)
	FindCharge(ctx context.Context, request ChargeRequest) (string, State, error)
	// ForgetMethod removes a kept method; one that is gone is no error.
	ForgetMethod(ctx context.Context, ref string) error
}

// SetupRequest asks a payer for a means of payment.
type SetupRequest struct {
	SetupID    string
	Key        string
	PayerRef   string // the gateway's of this customer; empty: it has none yet
	CustomerID string
	Email      string
	Currency   money.Currency
	ReturnURL  string
	CancelURL  string
	ExpiresAt  time.Time
}

// SetupState is how far that page is.
type SetupState struct {
	Phase     Phase // open, succeeded, expired
	SetupID   string
	PayerRef  string
	MethodRef string
	Method    MethodClass
	Detail    string // "Visa ending 4242"
	Expires   string // "2028-11" of a card; empty: never
	Mandate   string // the gateway's reference of what the payer agreed to; may be empty
}

// ChargeRequest charges a kept method.
type ChargeRequest struct {
	PaymentID string
	Key       string
	PayerRef  string
	MethodRef string
	Method    MethodClass
	Amount    money.Amount
	Lines     []CheckoutLine
	Since     time.Time // when it was first tried
}

// Disputes follows what payers' banks take back.
type Disputes interface {
	LookDispute(ctx context.Context, ref string) (Dispute, error)
	// SendEvidence gives a dispute what speaks for the vendors. With Submit it is
	// final; the bank decides on it.
	SendEvidence(ctx context.Context, request EvidenceRequest) (Dispute, error)
}

// DisputePhase is how far a dispute is.
type DisputePhase string

// Phases of a dispute. An inquiry takes no money.
const (
	DisputeInquiry  DisputePhase = "inquiry"
	DisputeOpen     DisputePhase = "needs_response"
	DisputeInReview DisputePhase = "under_review"
	DisputeWon      DisputePhase = "won"
	DisputeLost     DisputePhase = "lost"
	DisputeClosed   DisputePhase = "closed" // an inquiry that ended without money
)

// Dispute is a chargeback as the gateway knows it.
type Dispute struct {
	Ref         string
	PaymentID   string // ours, as the gateway kept it; may be empty
	PaymentRef  string // the payment intent
	SourceRef   string // the charge
	Phase       DisputePhase
	Amount      money.Amount
	Withdrawn   bool         // its amount is gone from our balance now
	Fee         money.Amount // what the gateway charges for it, as of now
	Reason      string       // the network's word: "fraudulent"
	EvidenceDue time.Time
	Submitted   bool // evidence was sent for good
}

// EvidenceRequest is what speaks for the vendors of a disputed payment.
type EvidenceRequest struct {
	DisputeRef string
	Key        string
	Text       string
	AccessLog  string
	Files      []EvidenceFile
	Submit     bool
}

// EvidenceFile is one paper: "receipt" (the invoices) or "communication" (mails).
type EvidenceFile struct {
	Kind        string
	Name        string
	ContentType string
	Content     []byte
}

// Payouts lists what went on to vendors' banks.
type Payouts interface {
	// ListPayouts pages through an account's payouts made since, newest first.
	ListPayouts(ctx context.Context, accountRef string, since time.Time, cursor string) ([]Payout, string, error)
	// PayoutLines pages through what a payout is made of.
	PayoutLines(ctx context.Context, accountRef, payoutRef, cursor string) ([]PayoutLine, string, error)
}

// Payout is one line on a vendor's bank statement.
type Payout struct {
	Ref        string
	Amount     money.Amount
	Status     string // pending, in_transit, paid, failed, canceled: the gateway's words
	Reason     string // of a failed one
	Bank       string // "STRIPE TEST BANK ending 6789"
	Statement  string // what the bank's line says; may be empty
	ArrivalOn  money.Date
	CreatedAt  time.Time
	Itemizable bool // the gateway can say what it is made of
}

// PayoutLine is one part of a payout.
type PayoutLine struct {
	Ref         string
	Kind        string // "transfer", "reversal", "adjustment", "fee", … in our words where we have one
	TransferRef string // of a transfer or its reversal
	Amount      money.Amount
	Fee         money.Amount
}

// Messages lists what a gateway says has happened, for what never arrived.
type Messages interface {
	// ListHints pages through the messages of a time, the newest first; until is
	// not in it.
	ListHints(ctx context.Context, since, until time.Time, cursor string) ([]Hint, string, error)
}

// Hint is a message of the gateway that something happened. Nothing in it is
// believed but its ids: the object is fetched again.
type Hint struct {
	EventID    string
	Type       string // the gateway's
	Subject    Subject
	Ref        string // of the subject
	PaymentID  string // ours, where the object carries it
	TransferID string // ours, of a transfer
	RefundID   string // ours, of a refund; the subject is its payment
	Paid       bool   // says that a page was paid: likely, and to be looked at as ever
	SourceRef  string // of a charge or refund: State.SourceRef of the payment
	AccountRef string // of an account's own events
	At         time.Time
}

// Subject is what kind of object a hint speaks of.
type Subject string

// The subjects; SubjectNone is stored and needs no work.
const (
	SubjectNone    Subject = ""
	SubjectPayment Subject = "payment"
	SubjectSetup   Subject = "setup"
	SubjectDispute Subject = "dispute"
	SubjectAccount Subject = "account"
	SubjectPayout  Subject = "payout"
	// SubjectTransfer is one of the hub's transfers to a vendor's account.
	SubjectTransfer Subject = "transfer"
)
