// Package payment turns a selection of invoices and credits into one checkout
// per currency, and its money into what each vendor gets.
//
// A quote freezes what was seen. Start reserves the invoices and sends the
// payer to the gateway. Settle, in one transaction, books the money, applies
// it, lets go of the holds, and commits one event and one transfer per vendor.
// What the gateway says is always fetched again: messages from it are hints.
package payment

import (
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/ledger"
	"github.com/sheaf-hub/sheaf/hub/mail"
	"github.com/sheaf-hub/sheaf/hub/mail/letter"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// Service is the room's entrance.
type Service struct {
	DB        *store.DB
	Party     *party.Service
	Billing   *billing.Service
	Ledger    *ledger.Service
	Outbox    *outbox.Service
	Access    *access.Service
	Gateway   Gateway
	Accounts  Accounts // nil: vendors need no accounts at the gateway
	Methods   Methods  // nil: means of payment are not kept, and nothing is planned
	Disputes  Disputes // nil: the gateway knows no chargebacks
	Payouts   Payouts  // nil: the gateway knows no banks of vendors
	Messages  Messages // nil: the gateway keeps no list of what happened
	Letters   Letters
	Papers    ReceiptPapers
	From      mail.Address // who tells payers
	PublicURL string       // without a slash at the end
	Footer    letter.Footer
	Now       func() time.Time
	// Overpaid is told, inside the settlement, of money that no invoice took.
	Overpaid OverpaidTx
	// AddTask adds what a person has to do, inside the change that causes it.
	AddTask TaskTx

	group together
}

// Letters renders what payers are told; letter.Renderer is one.
type Letters interface {
	Receipt(letter.Receipt) (letter.Rendered, error)
	Schedule(letter.Schedule) (letter.Rendered, error)
}

// Status of a payment and of each of its shares.
type Status string

// The states of a payment, as vendors see them too.
const (
	Pending     Status = "pending"
	Processing  Status = "processing"
	Settled     Status = "settled"
	Failed      Status = "failed"
	Expired     Status = "expired"
	Refunded    Status = "refunded"
	ChargedBack Status = "charged_back"
)

// Final says whether a payment can still change by itself.
func (s Status) Final() bool { return s != Pending && s != Processing }

// booked says whether its money is in the ledger.
func (s Status) booked() bool { return s == Settled || s == Refunded || s == ChargedBack }

// Payment is one checkout in one currency. Amounts are minor units.
type Payment struct {
	bun.BaseModel  `bun:"table:payments,alias:p"`
	ID             string         `bun:"id,pk"`
	CustomerID     string         `bun:"customer_id"`
	ContactID      string         `bun:"contact_id"`
	QuoteID        string         `bun:"quote_id"`
	Number         string         `bun:"number"`
	Currency       money.Currency `bun:"currency"`
	Amount         int64          `bun:"amount"`
	CreditAmount   int64          `bun:"credit_amount"`
	Captured       int64          `bun:"captured"`
	Unapplied      int64          `bun:"unapplied"`
	Status         Status         `bun:"status"`
	Gateway        string         `bun:"gateway"`
	GatewayRef     string         `bun:"gateway_ref"`
	CheckoutURL    string         `bun:"checkout_url"`
	Method         string         `bun:"method"`
	Failure        string         `bun:"failure"`
	IdempotencyKey string         `bun:"idempotency_key"`
	CheckoutState  string         `bun:"checkout_state"`
	CreatedAt      time.Time      `bun:"created_at"`
	UpdatedAt      time.Time      `bun:"updated_at"`
	ExpiresAt      time.Time      `bun:"expires_at"`
	ProcessingAt   time.Time      `bun:"processing_at,nullzero"`
	SettledAt      time.Time      `bun:"settled_at,nullzero"`
	MethodWanted   MethodClass    `bun:"method_wanted"` // MethodAny: the payer chooses on the gateway's page
	MethodDetail   string         `bun:"method_detail"` // "Visa ending 4242", for the payer alone
	SourceRef      string         `bun:"source_ref"`    // the gateway's name of the charge
	IntentRef      string         `bun:"intent_ref"`    // and its other name of the payment
	Fee            int64          `bun:"fee"`           // what the gateway kept
	AvailableAt    time.Time      `bun:"available_at,nullzero"`
	OffSession     bool           `bun:"off_session"`  // charged by a kept method, without a page
	StartedFrom    string         `bun:"started_from"` // the address that began it, hashed
	Declines       int            `bun:"declines"`
	SavedMethodID  string         `bun:"saved_method_id,nullzero"` // what an off-session payment charges
	ChargeSentAt   time.Time      `bun:"charge_sent_at,nullzero"`  // when that was first tried
}

// Share is what one vendor gets of a payment.
type Share struct {
	bun.BaseModel `bun:"table:shares,alias:s"`
	ID            string         `bun:"id,pk"`
	CustomerID    string         `bun:"customer_id"`
	VendorID      string         `bun:"vendor_id"`
	PaymentID     string         `bun:"payment_id"`
	Reference     string         `bun:"reference"` // what the vendor's books list
	Currency      money.Currency `bun:"currency"`
	Amount        int64          `bun:"amount"`
	CreditAmount  int64          `bun:"credit_amount"`
	Unapplied     int64          `bun:"unapplied"`
	Status        Status         `bun:"status"`
	Method        string         `bun:"method"`
	CreatedAt     time.Time      `bun:"created_at"`
	UpdatedAt     time.Time      `bun:"updated_at"`
	SettledAt     time.Time      `bun:"settled_at,nullzero"`
	ProcessingFee int64          `bun:"processing_fee"` // borne by the vendor
	HubFee        int64          `bun:"hub_fee"`
	Discount      int64          `bun:"discount"` // given by the vendor, beside Amount
	LateFee       int64          `bun:"late_fee"` // part of Amount
	Refunded      int64          `bun:"refunded"`
	ChargedBack   int64          `bun:"charged_back"`
}

// Line is what was asked for on one invoice: money, or a credit.
type Line struct {
	bun.BaseModel `bun:"table:payment_lines,alias:pl"`
	ID            string `bun:"id,pk"`
	CustomerID    string `bun:"customer_id"`
	VendorID      string `bun:"vendor_id"`
	PaymentID     string `bun:"payment_id"`
	ShareID       string `bun:"share_id"`
	InvoiceID     string `bun:"invoice_id"`
	CreditID      string `bun:"credit_id,nullzero"`
	Amount        int64  `bun:"amount"`   // of money: with LateFee
	LateFee       int64  `bun:"late_fee"` // part of Amount that does not pay the invoice
	Discount      int64  `bun:"discount"` // settles more of the invoice without money
}

// Allocation is what one invoice got of the money.
type Allocation struct {
	bun.BaseModel `bun:"table:allocations,alias:al"`
	ID            string    `bun:"id,pk"`
	CustomerID    string    `bun:"customer_id"`
	VendorID      string    `bun:"vendor_id"`
	PaymentID     string    `bun:"payment_id"`
	ShareID       string    `bun:"share_id"`
	InvoiceID     string    `bun:"invoice_id"`
	Amount        int64     `bun:"amount"`   // with LateFee
	LateFee       int64     `bun:"late_fee"` // part of Amount that did not pay the invoice
	CreatedAt     time.Time `bun:"created_at"`
}

// Transfer is the sending of one share to one vendor.
type Transfer struct {
	bun.BaseModel  `bun:"table:transfers,alias:t"`
	ID             string         `bun:"id,pk"`
	CustomerID     string         `bun:"customer_id"`
	VendorID       string         `bun:"vendor_id"`
	PaymentID      string         `bun:"payment_id"`
	ShareID        string         `bun:"share_id"`
	Currency       money.Currency `bun:"currency"`
	Amount         int64          `bun:"amount"`
	State          string         `bun:"state"`
	IdempotencyKey string         `bun:"idempotency_key"`
	KeyUsedAt      time.Time      `bun:"key_used_at,nullzero"`
	GatewayRef     string         `bun:"gateway_ref"`
	Attempts       int            `bun:"attempts"`
	NextAttemptAt  time.Time      `bun:"next_attempt_at,nullzero"`
	ClaimedUntil   time.Time      `bun:"claimed_until,nullzero"`
	LastAnswer     string         `bun:"last_answer"`
	CreatedAt      time.Time      `bun:"created_at"`
	UpdatedAt      time.Time      `bun:"updated_at"`
	Kind           string         `bun:"kind"`              // "share", or "return" of what was taken in vain
	CauseID        string         `bun:"cause_id,nullzero"` // of a return: the refund, or the chargeback's part
	Netted         int64          `bun:"netted"`            // of Amount, kept for what the vendor owed
	Reversed       int64          `bun:"reversed"`          // taken back, or about to be
	AccountRef     string         `bun:"account_ref"`       // where it goes
	FixedAt        time.Time      `bun:"fixed_at,nullzero"` // when Netted and AccountRef were settled for good
	SentAt         time.Time      `bun:"sent_at,nullzero"`
	WaitsFor       string         `bun:"waits_for"` // "account", "vendor", "funds"; empty: nothing
}

// crockford is the alphabet of receipt numbers and references: no letter that
// is read as a digit (Douglas Crockford's base 32).
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// code makes a short readable code of 10 letters (50 random bits of a fresh id).
func code(prefix string) string {
	random := store.HashToken(store.NewID() + store.NewToken())
	out := make([]byte, 10)
	for i := range out {
		out[i] = crockford[(unhex(random[2*i])<<4|unhex(random[2*i+1]))&31]
	}
	return prefix + "-" + string(out[:5]) + "-" + string(out[5:])
}

func unhex(c byte) byte {
	if c >= 'a' {
		return c - 'a' + 10
	}
	return c - '0'
}
