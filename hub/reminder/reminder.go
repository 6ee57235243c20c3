// Package reminder bundles what a contact owes to all its vendors into one
// digest per period, and sends it at most once.
//
// A digest is planned as a row that is unique per contact and period, claimed
// before anything leaves, and composed from what is true at that moment. When
// nobody can say whether the mail server took it, it becomes unknown and is
// shown to the operator: it is never sent again by itself.
package reminder

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/mail"
	"github.com/sheaf-hub/sheaf/hub/mail/letter"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// Letters renders digests; letter.Renderer is one.
type Letters interface {
	Digest(letter.Digest) (letter.Rendered, error)
}

// Service is the room's entrance.
type Service struct {
	DB        *store.DB
	Party     *party.Service
	Billing   *billing.Service
	Access    *access.Service
	Outbox    *outbox.Service
	Letters   Letters
	Sender    mail.Sender
	From      mail.Address
	ListID    string // "digest.sheaf.example"
	PublicURL string // without a slash at the end
	Footer    letter.Footer
	Now       func() time.Time
	// Answers says how fast vendors usually answer, in words, by vendor id; nil: nobody knows.
	Answers func(ctx context.Context, vendorIDs []string) (map[string]string, error)
	// Stale says which connections' books were read too long ago to ask for what they
	// say is owed; nil: none.
	Stale func(ctx context.Context, connectionIDs []string) (map[string]bool, error)
	// Offers says what discount or late fee there is on invoices, in words with
	// their dates, by invoice id; nil: nobody knows.
	Offers func(ctx context.Context, items []billing.Item, today money.Date) (map[string]string, error)
	// Told hears which invoices a digest that was sent asked for; nil: nobody does.
	Told func(ctx context.Context, items []billing.Item) error
}

// Digests is the job table of this room.
const Digests store.JobTable = "digests"

// Lease is how long one sending may take before it counts as unknown.
const Lease = 2 * time.Minute

// MostAttempts is how often a digest is offered to a mail server that says "later".
const MostAttempts = 8

// State of a digest.
type State string

// The states. A skipped digest had nothing to say, or nobody to say it to.
const (
	Pending State = "pending"
	Sending State = "sending"
	Done    State = "done"
	Failed  State = "failed"
	Unknown State = "unknown"
	Skipped State = "skipped"
)

// States lists all of them.
func States() []State { return []State{Pending, Sending, Done, Failed, Unknown, Skipped} }

// Digest is one bundled reminder to one contact for one period.
type Digest struct {
	bun.BaseModel `bun:"table:digests,alias:dg"`
	ID            string    `bun:"id,pk"`
	CustomerID    string    `bun:"customer_id"`
	ContactID     string    `bun:"contact_id"`
	Period        string    `bun:"period"` // ISO week in the contact's zone
	State         State     `bun:"state"`
	DueAt         time.Time `bun:"due_at"`
	Attempts      int       `bun:"attempts"`
	NextAttemptAt time.Time `bun:"next_attempt_at,nullzero"`
	ClaimedUntil  time.Time `bun:"claimed_until,nullzero"`
	MessageID     string    `bun:"message_id"` // set just before SMTP begins
	Subject       string    `bun:"subject"`
	Lines         int       `bun:"lines"`
	LastAnswer    string    `bun:"last_answer"`
	DecidedBy     string    `bun:"decided_by"`
	CreatedAt     time.Time `bun:"created_at"`
	UpdatedAt     time.Time `bun:"updated_at"`
	SentAt        time.Time `bun:"sent_at,nullzero"`
}

// Listed is a digest with whom it went to.
type Listed struct {
	Digest `bun:",extend"`
	Email  string `bun:"email"`
}

// List pages through digests in a state, newest first: for the operator.
func (s *Service) List(ctx context.Context, state State, page store.PageRequest) ([]Listed, string, error) {
	return listDigests(ctx, s.DB, state, page)
}

// Counts is how many digests are in each state.
func (s *Service) Counts(ctx context.Context) (map[State]int, error) {
	return countDigests(ctx, s.DB)
}

// Decide settles an unknown digest by the operator's word: it was sent, or it
// was not and is sent again.
func (s *Service) Decide(ctx context.Context, actor access.Actor, digestID string, sent bool) error {
	if !store.ValidID(digestID) {
		return fault.New(fault.NotFound, "There is no such digest.")
	}
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		decided, err := decideDigest(ctx, tx, digestID, sent, actor.Name, s.Now().UTC())
		if err != nil {
			return err
		}
		if !decided {
			return fault.New(fault.Conflict, "This digest is not waiting for a decision: somebody decided before.")
		}
		return s.Access.AuditTx(ctx, tx, actor, access.Change{Action: "digest.decided", SubjectKind: "digest", SubjectID: digestID,
			Before: Unknown, After: map[bool]string{true: "sent", false: "send again"}[sent]})
	})
}

// InvoiceIDs are the invoices that a digest listed: all that its link shows.
func (s *Service) InvoiceIDs(ctx context.Context, digestID string) ([]string, error) {
	return listedInvoices(ctx, s.DB, digestID)
}
