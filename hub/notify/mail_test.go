package notify_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/mail"
	"github.com/sheaf-hub/sheaf/hub/mail/mailtest"
	"github.com/sheaf-hub/sheaf/hub/notify"
	"github.com/sheaf-hub/sheaf/hub/notify/standardwebhooks"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/store"
)

const staff = "ar@north.example"

type line map[string]any

// Each type of event makes a mail that says what it is about.
func TestStaffMailOfEachType(t *testing.T) {
	invoices := []line{{"number": "N-1", "account": "C-1", "amount": "125.00", "discount": "2.00", "late_fee": "0.00"}, {"number": "N-2", "account": "C-1", "amount": "40.00", "credit": line{"number": "CR-7"}}}
	data := map[string]struct {
		data  line
		words []string
	}{
		outbox.PaymentSettled: {line{"reference": "SH-7K2M", "currency": "EUR", "amount": "165.00", "unapplied": "2.50", "method": "card", "invoices": invoices},
			[]string{"SH-7K2M", "EUR 165.00", "N-1", "EUR 125.00", "and a discount of EUR 2.00", "N-2", "by credit CR-7", "EUR 2.50", "card", "C-1", "https://hub.example/vendor/payments"}},
		outbox.PaymentProcessing:     {line{"reference": "SH-1", "currency": "EUR", "amount": "1.00", "invoices": []line{{"number": "N-1", "account": "C-1", "amount": "1.00", "discount": "0.00", "late_fee": "0.50"}}}, []string{"SH-1", "N-1", "with a late fee of EUR 0.50", "/vendor/payments"}},
		outbox.PaymentFailed:         {line{"reference": "SH-1", "currency": "EUR", "amount": "1.00", "reason": "declined by the bank"}, []string{"declined by the bank", "/vendor/payments"}},
		outbox.PaymentRefunded:       {line{"reference": "SH-1", "currency": "JPY", "amount": "1000"}, []string{"JPY 1,000"}},
		outbox.PaymentChargedBack:    {line{"reference": "SH-1", "currency": "EUR", "amount": "1.00"}, []string{"EUR 1.00"}},
		outbox.CreditApplied:         {line{"reference": "SH-1", "currency": "EUR", "amount": "40.00", "invoices": invoices[1:]}, []string{"CR-7", "N-2"}},
		outbox.CaseOpened:            {line{"kind": "dispute", "reason": "damaged", "invoice": line{"number": "N-9"}, "messages": []line{{"author": "Ann", "text": "Two chairs came <broken>."}}}, []string{"N-9", "damaged", "Two chairs came <broken>.", "/vendor/cases"}},
		outbox.CaseMessage:           {line{"kind": "question", "invoice": line{"number": "N-9"}, "message": line{"author": "Ann", "text": "Any news?"}}, []string{"N-9", "Any news?"}},
		outbox.CaseResolved:          {line{"kind": "promise", "invoice": line{"number": "N-9"}, "promised_on": "2026-12-03"}, []string{"N-9", "2026-12-03"}},
		outbox.TransferSent:          {line{"reference": "SH-1", "currency": "EUR", "amount": "164.00"}, []string{"EUR 164.00"}},
		outbox.AccountContactBounced: {line{"email": "gone@acme.example", "reason": "550 no such user", "accounts": []string{"C-1"}}, []string{"gone@acme.example", "550 no such user", "/vendor/unreachable"}},
		outbox.ConnectionFailing:     {line{"reason": "the password was refused"}, []string{"the password was refused"}},
	}
	each(t, func(t *testing.T, d *desk) {
		d.endpoint(outbox.Mail, staff, "*")
		for i, kind := range outbox.Types() {
			c, ok := data[kind]
			if !ok {
				t.Fatalf("nobody tries %s", kind)
			}
			event := d.event(kind, c.data)
			delivery := d.deliver(event)
			d.want(delivery, outbox.Done, 250, "")
			got := d.post.To(staff)
			if len(got) != i+1 {
				t.Fatalf("%s: %d mails", kind, len(got))
			}
			message := got[i]
			for _, word := range c.words {
				if !strings.Contains(message.Text, word) {
					t.Errorf("%s: no %q in:\n%s", kind, word, message.Text)
				}
			}
			raw := strings.ToLower(string(message.Raw))
			if !strings.Contains(raw, "message-id: <"+delivery.ID+"@hub.example>") || !strings.Contains(raw, "auto-submitted: auto-generated") || strings.Contains(message.HTML, "<broken>") {
				t.Errorf("%s: headers or markup:\n%.1500s", kind, raw)
			}
		}
	})
}

func TestStaffHearOfWhatTheyChoseAlone(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.endpoint(outbox.Mail, staff, notify.StaffEvents()...)
		for _, kind := range outbox.Types() {
			d.event(kind, line{})
		}
		n, err := d.DB.NewSelect().Model((*outbox.Delivery)(nil)).Count(context.Background())
		if d.must(err); int(n) != len(notify.StaffEvents()) {
			t.Fatalf("%d mails for %d types", n, len(notify.StaffEvents()))
		}
	})
}

func TestStaffMailThatIsNotTaken(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.endpoint(outbox.Mail, staff, "*")
		d.post.Fail(mailtest.Rcpt, 451)
		event := d.event(outbox.CaseOpened, line{})
		d.want(d.deliver(event), outbox.Pending, 0, "451")
		d.post.Heal()
		d.pass(5 * time.Second)
		d.want(d.deliver(event), outbox.Done, 250, "")
		d.post.DropAfterData(1)
		perhaps := d.event(outbox.CaseMessage, line{})
		d.want(d.deliver(perhaps), outbox.Pending, 0, "")
		d.pass(5 * time.Second)
		d.want(d.deliver(perhaps), outbox.Done, 250, "")
		got := d.post.To(staff)
		if len(got) != 3 {
			t.Fatalf("%d mails", len(got))
		}
		id := d.delivery(perhaps).ID // both copies have the same Message-ID
		for _, message := range got[1:] {
			if !strings.Contains(string(message.Raw), id) {
				t.Error("a repetition cannot be told by its Message-ID")
			}
		}
		d.post.FailRecipient(staff, 550)
		d.want(d.deliver(d.event(outbox.CaseResolved, line{})), outbox.Dead, 550, "550")
		d.Sender = grumbler{mail.ErrDeferred}
		d.want(d.deliver(d.event(outbox.TransferSent, line{})), outbox.Pending, 0, "451 no")
	})
}

// grumbler answers with bytes that no database keeps as text.
type grumbler struct{ kind error }

func (g grumbler) Send(context.Context, mail.Message) error {
	return fmt.Errorf("%w: 451 n\x00o\xff", g.kind)
}

func (d *desk) mail(expires time.Time) outbox.MailRow {
	d.t.Helper()
	ctx := context.Background()
	message := mail.Message{From: mail.Address{Email: "hub@hub.example"}, To: mail.Address{Email: "ann@acme.example"}, Subject: "Your link", Text: "https://hub.example/sign-in/secret\n"}
	d.must(d.Outbox.AppendMailTx(ctx, d.DB, "sign-in", message, expires))
	return d.row("")
}

func (d *desk) row(id string) outbox.MailRow {
	d.t.Helper()
	var row outbox.MailRow
	query := d.DB.NewSelect().Model(&row).Order("id DESC").Limit(1)
	if id != "" {
		query = query.Where("id = ?", id)
	}
	d.must(query.Scan(context.Background()))
	return row
}

func (d *desk) sendMail(id string) outbox.MailRow {
	d.t.Helper()
	row := d.row(id)
	d.must(d.SendMail(context.Background(), store.JobRef{ID: id, Attempt: row.Attempts}))
	return d.row(id)
}

func TestASingleMailIsSentAtLeastOnce(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		row := d.mail(time.Time{})
		if strings.Contains(row.Content, "secret") {
			t.Error("a link is stored in the clear")
		}
		d.post.DropAfterData(1)
		if row = d.sendMail(row.ID); row.State != outbox.Pending {
			t.Fatalf("perhaps taken: %+v", row)
		}
		d.pass(5 * time.Second)
		if row = d.sendMail(row.ID); row.State != outbox.Done || row.Content != "" {
			t.Fatalf("sent: %+v", row)
		}
		got := d.post.To("ann@acme.example")
		if len(got) != 2 || !strings.Contains(string(got[0].Raw), row.MessageID) || !strings.Contains(string(got[1].Raw), row.MessageID) {
			t.Fatalf("%d copies", len(got))
		}
		d.sendMail(row.ID)
		if n := len(d.post.Messages()); n != 2 {
			t.Fatalf("sent again: %d", n)
		}
	})
}

func TestASingleMailThatCannotBeSent(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		late := d.mail(d.clock().Add(10 * time.Minute))
		d.pass(10 * time.Minute)
		if row := d.sendMail(late.ID); row.State != outbox.Dead || !strings.Contains(row.LastAnswer, "expired") || d.post.Attempts() != 0 {
			t.Errorf("expired: %+v", row)
		}
		d.post.FailRecipient("ann@acme.example", 550)
		if row := d.sendMail(d.mail(time.Time{}).ID); row.State != outbox.Dead || !strings.Contains(row.LastAnswer, "550") {
			t.Errorf("refused: %+v", row)
		}
		d.Sender = grumbler{mail.ErrDeferred}
		row, schedule := d.mail(time.Time{}), standardwebhooks.Schedule()
		for i := 1; i < len(schedule); i++ {
			if row = d.sendMail(row.ID); row.State != outbox.Pending || !row.NextAttemptAt.Equal(d.clock().Add(schedule[i])) {
				t.Fatalf("attempt %d: %+v", i, row)
			}
			d.pass(schedule[i])
		}
		if row = d.sendMail(row.ID); row.State != outbox.Dead || row.Attempts != standardwebhooks.Attempts {
			t.Errorf("given up: %+v", row)
		}
	})
}
