package outbox_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/mail"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/store"
)

const signInLink = "https://hub.example/sign-in/very-secret"

func (b *box) mail(expires time.Time) store.JobRef {
	b.t.Helper()
	err := b.DB.InTx(context.Background(), func(ctx context.Context, tx bun.Tx) error {
		return b.AppendMailTx(ctx, tx, "sign-in", mail.Message{From: mail.Address{Email: "hub@hub.example"}, To: mail.Address{Email: "ann@acme.example"},
			Subject: "Sign in", Text: signInLink, Attachments: []mail.Attachment{{Name: "a", Content: []byte{0, 1, 255}}}}, expires)
	})
	if err != nil {
		b.t.Fatal(err)
	}
	refs := b.due(outbox.Mails, "kind")
	if len(refs) != 1 || refs[0].Group != "sign-in" {
		b.t.Fatalf("%+v", refs)
	}
	return refs[0]
}

func (b *box) claimMail(ref store.JobRef) (outbox.MailRow, mail.Message) {
	b.t.Helper()
	row, message, ok, err := b.ClaimMail(context.Background(), ref)
	if err != nil || !ok {
		b.t.Fatalf("claim mail: %v, %v", ok, err)
	}
	return row, message
}

func (b *box) recordMail(row outbox.MailRow, state, answer string, next time.Time) {
	b.t.Helper()
	if err := b.RecordMail(context.Background(), row, state, answer, next); err != nil {
		b.t.Fatal(err)
	}
}

func TestAMailIsSealedThenSentThenEmptied(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		ref := b.mail(b.clock().Add(time.Hour))
		if b.count("mails", "content LIKE '%secret%'") != 0 || b.count("mails", "content LIKE 'v1.%'") != 1 {
			t.Fatal("a mail stands in the clear")
		}
		row, message := b.claimMail(ref)
		if message.Text != signInLink || message.MessageID != row.ID+"@hub.example" || string(message.Attachments[0].Content) != "\x00\x01\xff" {
			t.Fatalf("%+v", message)
		}
		if _, _, ok, err := b.ClaimMail(t.Context(), ref); ok || err != nil {
			t.Fatal("claimed twice", err)
		}
		b.recordMail(row, outbox.Pending, "421 later", b.clock().Add(time.Minute))
		b.pass(time.Minute)
		refs := b.due(outbox.Mails, "kind")
		if len(refs) != 1 || refs[0].Attempt != 1 {
			t.Fatalf("%+v", refs)
		}
		again, message := b.claimMail(refs[0])
		if message.MessageID != row.MessageID {
			t.Fatal("another Message-ID for the same mail")
		}
		b.recordMail(row, outbox.Dead, "a late holder", time.Time{})
		b.recordMail(again, outbox.Done, "250 ok", time.Time{})
		if b.count("mails", "state = 'done' AND content = '' AND next_attempt_at IS NULL AND last_answer = '250 ok'") != 1 {
			t.Fatal("it was not emptied")
		}
	})
}

func TestAStaleMailIsRetaken(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		ref := b.mail(time.Time{})
		slow, _ := b.claimMail(ref)
		b.pass(outbox.MailLease)
		fast, _ := b.claimMail(b.due(outbox.Mails, "kind")[0])
		b.recordMail(slow, outbox.Done, "late", time.Time{})
		if b.count("mails", "state = 'sending' AND content <> ''") != 1 {
			t.Fatal("a holder that lost its claim ended it")
		}
		b.recordMail(fast, outbox.Done, "", time.Time{})
		if b.count("mails", "state = 'done'") != 1 {
			t.Fatal("not done")
		}
	})
}

func TestDeadMailsAreListedAndTriedAgain(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		for range 3 {
			row, _ := b.claimMail(b.mail(time.Time{}))
			b.recordMail(row, outbox.Dead, "550 no such mailbox", time.Time{})
		}
		page, next, err := b.DeadMails(t.Context(), store.PageRequest{Limit: 2})
		if err != nil || len(page) != 2 || next == "" || page[0].Content != "" || page[0].LastAnswer != "550 no such mailbox" {
			t.Fatalf("%+v, %v", page, err)
		}
		rest, next, err := b.DeadMails(t.Context(), store.PageRequest{Limit: 2, Cursor: next})
		if err != nil || len(rest) != 1 || next != "" {
			t.Fatalf("%+v, %v", rest, err)
		}
		if err := b.RetryMail(t.Context(), rest[0].ID); err != nil {
			t.Fatal(err)
		}
		if err := b.RetryMail(t.Context(), rest[0].ID); !fault.Is(err, fault.NotFound) {
			t.Fatalf("one that is not dead: %v", err)
		}
		refs := b.due(outbox.Mails, "kind")
		if len(refs) != 1 || refs[0].ID != rest[0].ID {
			t.Fatalf("%+v", refs)
		}
		if _, message := b.claimMail(refs[0]); message.Text != signInLink {
			t.Fatal("what is tried again lost its content")
		}
	})
}

func TestWhatCannotBeSentAnyMoreIsDead(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		ref := b.mail(b.clock().Add(10 * time.Minute))
		b.pass(10 * time.Minute)
		if _, _, ok, err := b.ClaimMail(t.Context(), ref); ok || err != nil {
			t.Fatal("an expired mail was handed out", err)
		}
		if b.count("mails", "state = 'dead' AND last_answer LIKE '%expired%'") != 1 {
			t.Fatal("it is not dead")
		}
		lost := b.mail(time.Time{})
		other, err := store.NewSealer(store.NewSealKey())
		if err != nil {
			t.Fatal(err)
		}
		b.Sealer = other // the key was taken out of the configuration
		if _, _, ok, err := b.ClaimMail(t.Context(), lost); ok || err != nil {
			t.Fatal(err)
		}
		dead, _, err := b.DeadMails(t.Context(), store.PageRequest{})
		if err != nil || len(dead) != 2 || !strings.Contains(dead[0].LastAnswer, "SHEAF_SECRET_KEYS") {
			t.Fatalf("%+v, %v", dead, err)
		}
	})
}
