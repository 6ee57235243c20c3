package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/mail"
	"github.com/sheaf-hub/sheaf/hub/mail/letter"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// Receipts is the job table of receipts by mail: one row per settled payment.
// Done means that the mail stands in the outbox, which sends it like any other.
const Receipts store.JobTable = "receipts"

// ReceiptLease is how long the writing of one receipt may take.
const ReceiptLease = 60 * time.Second

// MostReceiptAttempts is how often a receipt is begun before a person looks at it.
const MostReceiptAttempts = 8

// ReceiptPapers makes the PDF that goes with it.
type ReceiptPapers interface {
	Receipt(letter.Receipt) ([]byte, error)
}

// receiptJob is one receipt to be mailed.
type receiptJob struct {
	bun.BaseModel `bun:"table:receipts,alias:rc"`
	ID            string    `bun:"id,pk"`
	CustomerID    string    `bun:"customer_id"`
	PaymentID     string    `bun:"payment_id"`
	ContactID     string    `bun:"contact_id"`
	State         string    `bun:"state"` // pending → sending → done | failed
	Attempts      int       `bun:"attempts"`
	NextAttemptAt time.Time `bun:"next_attempt_at,nullzero"`
	ClaimedUntil  time.Time `bun:"claimed_until,nullzero"`
	LastAnswer    string    `bun:"last_answer"`
	CreatedAt     time.Time `bun:"created_at"`
	UpdatedAt     time.Time `bun:"updated_at"`
}

// FailedReceipt is a receipt that nobody got, for the operator.
type FailedReceipt struct {
	ID         string    `bun:"id"`
	Number     string    `bun:"number"` // of the payment
	Email      string    `bun:"email"`  // empty: the contact is gone
	Attempts   int       `bun:"attempts"`
	LastAnswer string    `bun:"last_answer"`
	CreatedAt  time.Time `bun:"created_at"`
}

// receiptsFor are the rows that a settlement of these payments commits: one
// for each on which money or credits were settled.
func receiptsFor(now time.Time, payments ...Payment) []receiptJob {
	jobs := make([]receiptJob, 0, len(payments))
	for _, p := range payments {
		if p.Captured > 0 || p.CreditAmount > 0 {
			jobs = append(jobs, receiptJob{ID: store.NewID(), CustomerID: p.CustomerID, PaymentID: p.ID, ContactID: p.ContactID, State: "pending",
				NextAttemptAt: now.UTC(), CreatedAt: now.UTC(), UpdatedAt: now.UTC()})
		}
	}
	return jobs
}

// SendReceipt writes one receipt and hands it to the outbox, in one transaction
// with its row: a second claim makes no second mail. A contact who has
// unsubscribed from reminders gets it all the same; one whose mail comes back
// does not. A ref that has moved on is nothing.
func (s *Service) SendReceipt(ctx context.Context, ref store.JobRef) error {
	ok, err := s.DB.Claim(ctx, Receipts, ref, s.Now(), ReceiptLease, true)
	if err != nil || !ok {
		return err
	}
	job, err := readReceiptJob(ctx, s.DB, ref.ID)
	if err != nil || job.Attempts != ref.Attempt+1 {
		return err
	}
	message, why, err := s.receiptMessage(ctx, job)
	if err != nil { // due again when the claim has run out
		return err
	}
	if why != "" {
		_, err := finishReceipt(ctx, s.DB, job, "failed", party.PlainText(why, 500), s.Now())
		return err
	}
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		held, err := finishReceipt(ctx, tx, job, "done", "", s.Now())
		if err != nil || !held {
			return err
		}
		return s.Outbox.AppendMailTx(ctx, tx, "receipt", message, time.Time{})
	})
}

// receiptMessage is the mail, or why there can be none.
func (s *Service) receiptMessage(ctx context.Context, job receiptJob) (mail.Message, string, error) {
	if job.Attempts > MostReceiptAttempts {
		return mail.Message{}, fmt.Sprintf("It was begun %d times and never came to an end.", job.Attempts-1), nil
	}
	contact, err := s.Party.Contact(ctx, job.ContactID)
	if fault.Is(err, fault.NotFound) {
		return mail.Message{}, "The contact is gone.", nil
	}
	if err != nil {
		return mail.Message{}, "", err
	}
	if !contact.BouncedAt.IsZero() {
		return mail.Message{}, "Mail to the contact comes back: " + contact.BounceReason, nil
	}
	payment, err := readPayment(ctx, s.DB, job.PaymentID)
	if err != nil {
		return mail.Message{}, "", err
	}
	receipt, err := s.receiptOf(ctx, payment)
	if err != nil {
		return mail.Message{}, "", err
	}
	view := s.letterOf(receipt, contact)
	view.Payer, view.Attached = contact.DisplayName(), true
	paper, err := s.Papers.Receipt(view)
	if err != nil {
		return mail.Message{}, "The PDF cannot be written: " + err.Error(), nil
	}
	rendered, err := s.Letters.Receipt(view)
	if err != nil {
		return mail.Message{}, "The mail cannot be written: " + err.Error(), nil
	}
	return mail.Message{From: s.From, To: mail.Address{Name: contact.Name, Email: contact.Email}, Subject: rendered.Subject, Text: rendered.Text, HTML: rendered.HTML,
		AutoReply: true, Attachments: []mail.Attachment{{Name: "receipt-" + payment.Number + ".pdf", ContentType: "application/pdf", Content: paper}}}, "", nil
}

// FailedReceipts pages through the receipts that nobody got, newest first.
func (s *Service) FailedReceipts(ctx context.Context, page store.PageRequest) ([]FailedReceipt, string, error) {
	return failedReceipts(ctx, s.DB, page)
}

// RetryReceipt tries a failed receipt again; fault.NotFound when none failed.
func (s *Service) RetryReceipt(ctx context.Context, id string) error {
	return reviveReceipt(ctx, s.DB, id, s.Now())
}
