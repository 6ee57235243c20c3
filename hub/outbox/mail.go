package outbox

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/mail"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// Mails is the job table of single mails: sign-in links, answers, receipts. A
// digest is not one of them. Their delivery is "at least once": a crash between
// sending and recording sends the same Message-ID again.
const Mails store.JobTable = "mails"

// MailLease is how long one attempt of a mail may take.
const MailLease = 60 * time.Second

// MailRow is one mail on its way. Content is sealed until it is sent, then emptied.
type MailRow struct {
	bun.BaseModel `bun:"table:mails,alias:m"`
	ID            string    `bun:"id,pk"`
	Kind          string    `bun:"kind"`
	Recipient     string    `bun:"recipient"`
	Subject       string    `bun:"subject"`
	Content       string    `bun:"content"`
	MessageID     string    `bun:"message_id"`
	State         string    `bun:"state"`
	Attempts      int       `bun:"attempts"`
	NextAttemptAt time.Time `bun:"next_attempt_at,nullzero"`
	ClaimedUntil  time.Time `bun:"claimed_until,nullzero"`
	LastAnswer    string    `bun:"last_answer"`
	ExpiresAt     time.Time `bun:"expires_at,nullzero"`
	CreatedAt     time.Time `bun:"created_at"`
	UpdatedAt     time.Time `bun:"updated_at"`
}

func mailContext(id string) string { return "mail:" + id }

// AppendMailTx commits a mail with the change that causes it. expires is when
// it is worth nothing any more; zero: never.
func (s *Service) AppendMailTx(ctx context.Context, tx bun.IDB, kind string, message mail.Message, expires time.Time) error {
	now := s.Now().UTC()
	row := MailRow{ID: store.NewID(), Kind: kind, Recipient: message.To.Email, Subject: message.Subject, State: Pending,
		NextAttemptAt: now, ExpiresAt: expires, CreatedAt: now, UpdatedAt: now}
	row.MessageID = row.ID + "@" + domainOf(message.From.Email)
	message.MessageID, message.Date = row.MessageID, now
	encoded, err := json.Marshal(message)
	if err != nil {
		return fmt.Errorf("encode mail: %w", err)
	}
	if row.Content, err = s.Sealer.Seal(string(encoded), mailContext(row.ID)); err != nil {
		return err
	}
	return insertMail(ctx, tx, row)
}

func domainOf(address string) string {
	_, domain, found := strings.Cut(address, "@")
	if !found {
		return "localhost"
	}
	return domain
}

// ClaimMail begins an attempt; ok is false when the mail has moved on, or is
// dead because it expired or can no longer be opened.
func (s *Service) ClaimMail(ctx context.Context, ref store.JobRef) (MailRow, mail.Message, bool, error) {
	ok, err := s.DB.Claim(ctx, Mails, ref, s.Now(), MailLease, true)
	if err != nil || !ok {
		return MailRow{}, mail.Message{}, false, err
	}
	row, err := readMail(ctx, s.DB, ref.ID)
	if err != nil || row.Attempts != ref.Attempt+1 { // another claim came between
		return MailRow{}, mail.Message{}, false, err
	}
	if !row.ExpiresAt.IsZero() && !row.ExpiresAt.After(s.Now()) {
		return row, mail.Message{}, false, s.RecordMail(ctx, row, Dead, "It expired before it could be sent.", time.Time{})
	}
	plain, err := s.Sealer.Open(row.Content, mailContext(row.ID))
	if err != nil {
		return row, mail.Message{}, false, s.RecordMail(ctx, row, Dead, err.Error(), time.Time{})
	}
	var message mail.Message
	if err := json.Unmarshal([]byte(plain), &message); err != nil {
		return row, mail.Message{}, false, s.RecordMail(ctx, row, Dead, "cannot be decoded", time.Time{})
	}
	return row, message, true, nil
}

// RecordMail ends an attempt: Done, Dead, or Pending with the next attempt.
func (s *Service) RecordMail(ctx context.Context, row MailRow, state, answer string, next time.Time) error {
	return finishMail(ctx, s.DB, row, state, clip(answer), next, s.Now())
}

// DeadMails lists the mails that no attempt will be made for any more.
func (s *Service) DeadMails(ctx context.Context, page store.PageRequest) ([]MailRow, string, error) {
	return listMails(ctx, s.DB, Dead, page)
}

// RetryMail tries a dead mail again.
func (s *Service) RetryMail(ctx context.Context, id string) error {
	return reviveMail(ctx, s.DB, id, s.Now())
}
