package reminder_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/mail"
	"github.com/sheaf-hub/sheaf/hub/mail/mailtest"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/reminder"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// planned has Ann's digest ready: N-1 (125.00) and N-2 (80.00) of North, S-1
// (99.00) of South, all accepted.
func planned(d *desk) (north, south party.Vendor) {
	d.t.Helper()
	north, south = d.vendor("North"), d.vendor("South")
	d.bring(north, "C-1", ann, party.Payables, bill("N-1", 12500, "2026-11-01"), bill("N-2", 8000, "2026-11-02"))
	d.bring(south, "S-1", ann, party.Payables, bill("S-1", 9900, "2026-11-10"))
	d.says(ann, party.VendorMine, north, south)
	d.tuesday()
	if n := d.plan(); n != 1 {
		d.t.Fatalf("planned %d", n)
	}
	return north, south
}

func TestHeadersOfADigest(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		planned(d)
		digest := d.send(ann)
		d.want(digest, reminder.Done, "")
		got := d.post.To(ann)[0]
		unsubscribe := "https://hub.example/u/" + d.Access.UnsubscribeToken(d.contact(ann).ID)
		raw := strings.ReplaceAll(string(got.Raw), "\r\n ", " ") // unfolded
		for _, header := range []string{"List-Unsubscribe: <" + unsubscribe + ">", "List-Unsubscribe-Post: List-Unsubscribe=One-Click", "<digest.hub.example>",
			"Message-ID: <" + digest.MessageID + ">", "Auto-Submitted: auto-generated"} {
			if !strings.Contains(strings.ToLower(raw), strings.ToLower(header)) {
				t.Errorf("no header %q in:\n%.2000s", header, raw)
			}
		}
		if digest.MessageID != digest.ID+"@hub.example" || digest.Lines != 3 || digest.Subject != got.Subject || !digest.SentAt.Equal(d.clock()) {
			t.Errorf("recorded %+v", digest)
		}
		id, err := d.Access.ContactByUnsubscribeToken(strings.TrimPrefix(unsubscribe, "https://hub.example/u/"))
		if d.must(err); id != d.contact(ann).ID {
			t.Error("the link unsubscribes somebody else")
		}
		contains(t, got.Text, "https://hub.example/d/", unsubscribe)
		// the link shows what was listed
		token := strings.Fields(got.Text[strings.Index(got.Text, "/d/")+3:])[0]
		token, _, _ = strings.Cut(token, "?")
		link, err := d.Access.DigestLink(context.Background(), token)
		d.must(err)
		listed, err := d.InvoiceIDs(context.Background(), link.DigestID)
		if d.must(err); len(listed) != 3 {
			t.Errorf("the link lists %d invoices", len(listed))
		}
		d.sound()
	})
}

func TestEachLineIsLookedAtAgainBeforeSending(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		north, _ := planned(d)
		paid, partly := bill("N-1", 12500, "2026-11-01"), bill("N-2", 8000, "2026-11-02")
		paid.Open, partly.Open = 0, 3000
		d.bring(north, "C-1", ann, party.Payables, paid, partly)
		d.want(d.send(ann), reminder.Done, "")
		got := d.post.To(ann)[0]
		contains(t, got.Text, "N-2  EUR 30.00", "of EUR 80.00", "To pay: EUR 129.00")
		lacks(t, got.Text, "N-1 ")
	})
}

func TestNothingIsSentWhenAllIsPaidMeanwhile(t *testing.T) {
	changes := map[string]func(d *desk, north, south party.Vendor){
		"paid": func(d *desk, _, _ party.Vendor) {
			d.exec("UPDATE invoices SET status = 'paid', open = 0, source_open = 0")
		},
		"both suspended": func(d *desk, north, south party.Vendor) {
			d.inTx(func(ctx context.Context, tx bun.Tx) error {
				for _, vendor := range []party.Vendor{north, south} {
					if _, _, err := d.Party.SetVendorStatusTx(ctx, tx, vendor.ID, party.VendorSuspended, "for the test"); err != nil {
						return err
					}
				}
				return nil
			})
		},
		"not mine": func(d *desk, north, south party.Vendor) { d.says(ann, party.VendorNotMine, north, south) },
		"no longer listed": func(d *desk, north, south party.Vendor) {
			d.bring(north, "C-1", "bob@acme.example", party.Payables)
			d.bring(south, "S-1", "bob@acme.example", party.Payables)
		},
		"approver now": func(d *desk, north, south party.Vendor) {
			d.bring(north, "C-1", ann, party.Approver)
			d.bring(south, "S-1", ann, party.Approver)
		},
		"unsubscribed": func(d *desk, _, _ party.Vendor) { d.prefers(ann, "UTC", time.Tuesday, 9, true) },
		"bounced": func(d *desk, _, _ party.Vendor) {
			d.inTx(func(ctx context.Context, tx bun.Tx) error {
				return d.Party.RecordBounceTx(ctx, tx, d.contactTx(tx, ann), "no such mailbox")
			})
		},
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, d *desk) {
				north, south := planned(d)
				change(d, north, south)
				d.want(d.send(ann), reminder.Skipped, "")
				if n := d.post.Attempts(); n != 0 {
					t.Errorf("%d mails", n)
				}
				if digest := d.digest(ann); !digest.NextAttemptAt.IsZero() || digest.LastAnswer == "" {
					t.Errorf("left as %+v", digest)
				}
				d.sound()
			})
		})
	}
}

func TestASuspendedVendorIsLeftOut(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		_, south := planned(d)
		d.inTx(func(ctx context.Context, tx bun.Tx) error {
			_, _, err := d.Party.SetVendorStatusTx(ctx, tx, south.ID, party.VendorSuspended, "for the test")
			return err
		})
		d.want(d.send(ann), reminder.Done, "")
		got := d.post.To(ann)[0]
		contains(t, got.Text, "N-1", "N-2")
		lacks(t, got.Text, "South", "S-1")
	})
}

func TestADeferredDigestIsTriedLaterAndThenGivenUp(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		planned(d)
		d.post.Fail(mailtest.Rcpt, 451)
		waits := []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 6 * time.Hour}
		for i, wait := range waits {
			digest := d.send(ann)
			d.want(digest, reminder.Pending, "451")
			if digest.Attempts != i+1 || !digest.NextAttemptAt.Equal(d.clock().Add(wait)) || digest.MessageID != "" {
				t.Fatalf("after attempt %d: %+v", i+1, digest)
			}
			d.pass(wait - time.Second)
			if due, err := d.DB.HasDue(context.Background(), reminder.Digests, d.clock()); err != nil || due {
				t.Fatalf("due before its time: %t %v", due, err)
			}
			d.pass(time.Second)
		}
		digest := d.send(ann)
		d.want(digest, reminder.Failed, "451")
		if digest.Attempts != reminder.MostAttempts || !digest.NextAttemptAt.IsZero() || !d.contact(ann).BouncedAt.IsZero() {
			t.Fatalf("given up as %+v", digest)
		}
	})
}

func TestADeferredDigestGoesOutOnceTheServerTakesIt(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		planned(d)
		d.post.FailTimes(mailtest.Data, 452, 1)
		d.want(d.send(ann), reminder.Pending, "452")
		d.pass(time.Minute)
		d.want(d.send(ann), reminder.Done, "")
		if n := len(d.post.To(ann)); n != 1 {
			t.Fatalf("%d mails", n)
		}
	})
}

func TestARejectedDigestIsABounceThatItsVendorsHearOf(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		north, south := planned(d)
		d.bring(north, "C-2", ann, party.Payables, bill("N-3", 100, "2026-11-05"))
		west := d.vendor("West")
		d.bring(west, "W-1", "bob@bolt.example", party.Payables, bill("W-1", 100, "2026-11-05"))
		d.post.FailRecipient(ann, 550)
		d.want(d.send(ann), reminder.Failed, "550")
		if contact := d.contact(ann); !contact.BouncedAt.Equal(d.clock()) || !strings.Contains(contact.BounceReason, "550") {
			t.Errorf("the contact: %+v", contact)
		}
		want := map[string]string{north.ID: "C-1 C-2", south.ID: "S-1"}
		var events []outbox.Event
		d.must(d.DB.NewSelect().Model(&events).Where("type = ?", outbox.AccountContactBounced).Scan(context.Background()))
		if len(events) != 2 {
			t.Fatalf("%d events", len(events))
		}
		for _, event := range events {
			var data struct {
				Email, Reason string
				Accounts      []string
			}
			d.must(json.Unmarshal([]byte(event.Data), &data))
			if got := strings.Join(data.Accounts, " "); got != want[event.VendorID] || data.Email != ann || !strings.Contains(data.Reason, "550") {
				t.Errorf("told %s: %s", event.VendorID, event.Data)
			}
		}
		deliveries := 0
		d.must(d.DB.NewRaw("SELECT count(*) FROM deliveries").Scan(context.Background(), &deliveries))
		if deliveries != 2 {
			t.Errorf("%d deliveries", deliveries)
		}
		// no digest is planned for it any more
		d.at(d.contact(ann).NextDigestAt.Add(time.Minute))
		if d.plan(); d.digest(ann).State != reminder.Failed {
			t.Error("planned again for a mailbox that cannot be reached")
		}
		d.sound()
	})
}

// What a mail server says may hold any byte; it must not keep the row from
// being written.
func TestAnUnreadableAnswerIsRecorded(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		planned(d)
		d.Sender = grumbler{}
		d.want(d.send(ann), reminder.Failed, "550 n")
	})
}

// grumbler refuses with bytes that no database keeps as text.
type grumbler struct{}

func (grumbler) Send(context.Context, mail.Message) error {
	return fmt.Errorf("%w: 550 n\x00o \xff\xfe%s", mail.ErrRejected, strings.Repeat("!", 5000))
}

func TestADigestThatWasPerhapsTakenIsNeverSentAgain(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		ctx := context.Background()
		planned(d)
		d.post.DropAfterData(1)
		d.want(d.send(ann), reminder.Unknown, "")
		d.post.Heal()
		for range 5 {
			d.pass(26 * time.Hour)
			d.send(ann)
			if d.clock().Before(d.contact(ann).NextDigestAt) {
				if _, err := d.Run(ctx, nil); err != nil {
					t.Fatal(err)
				}
			}
		}
		d.want(d.digest(ann), reminder.Unknown, "")
		if n := len(d.post.To(ann)); n != 1 {
			t.Fatalf("%d mails", n)
		}
		unknown, _, err := d.List(ctx, reminder.Unknown, store.PageRequest{})
		if d.must(err); len(unknown) != 1 {
			t.Fatalf("the operator is shown %d", len(unknown))
		}
	})
}

func TestTheOperatorDecidesOnAnUnknownDigest(t *testing.T) {
	for name, sent := range map[string]bool{"was sent": true, "was not sent": false} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, d *desk) {
				ctx, operator := context.Background(), access.Actor{Kind: access.KindOperator, ID: store.NewID(), Name: "olive@hub.example"}
				planned(d)
				d.post.DropAfterData(1)
				digest := d.send(ann)
				d.pass(time.Hour)
				d.must(d.Decide(ctx, operator, digest.ID, sent))
				if err := d.Decide(ctx, operator, digest.ID, sent); fault.CodeOf(err) != fault.Conflict {
					t.Errorf("a second word: %v", err)
				}
				if err := d.Decide(ctx, operator, "x", sent); fault.CodeOf(err) != fault.NotFound {
					t.Errorf("a made-up digest: %v", err)
				}
				mails := 1
				if !sent {
					d.want(d.send(ann), reminder.Done, "")
					mails = 2
				}
				got := d.digest(ann)
				if d.want(got, reminder.Done, ""); got.DecidedBy != "olive@hub.example" || len(d.post.To(ann)) != mails || got.SentAt.IsZero() {
					t.Errorf("%d mails, %+v", len(d.post.To(ann)), got)
				}
				entries, _, err := d.Access.ListAllAudit(ctx, store.PageRequest{})
				if d.must(err); len(entries) != 1 || entries[0].Action != "digest.decided" {
					t.Errorf("the audit log: %+v", entries)
				}
				d.sound()
			})
		})
	}
}

func TestACrashBeforeSMTPSendsAgainAndAfterItDoesNot(t *testing.T) {
	for name, begun := range map[string]bool{"before": false, "after": true} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, d *desk) {
				ctx := context.Background()
				planned(d)
				digest := d.digest(ann)
				ok, err := d.DB.Claim(ctx, reminder.Digests, store.JobRef{ID: digest.ID}, d.clock(), reminder.Lease, false)
				if err != nil || !ok {
					t.Fatal(ok, err)
				}
				if begun {
					d.exec("UPDATE digests SET message_id = ? WHERE id = ?", digest.ID+"@hub.example", digest.ID)
				}
				d.want(d.send(ann), reminder.Sending, "") // the claim still holds
				d.pass(reminder.Lease)
				got := d.send(ann)
				if begun {
					d.want(got, reminder.Unknown, "may have taken it")
				} else {
					d.want(got, reminder.Pending, "stopped before sending")
				}
				got = d.send(ann)
				if mails := len(d.post.To(ann)); begun != (mails == 0) || begun != (got.State == reminder.Unknown) {
					t.Errorf("%d mails, %s", mails, got.State)
				}
			})
		})
	}
}

// The claim has run out, and the slow worker begins SMTP just before another
// one settles the row: the digest must not become due again.
func TestASlowWorkerThatBeganIsNotTakenForOneThatDidNot(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		ctx := context.Background()
		planned(d)
		digest := d.digest(ann)
		ok, err := d.DB.Claim(ctx, reminder.Digests, store.JobRef{ID: digest.ID}, d.clock(), reminder.Lease, false)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		d.pass(reminder.Lease)
		d.DB.DB = d.DB.WithQueryHook(&slowWorker{d: d, id: digest.ID})
		if got := d.send(ann); got.State != reminder.Sending {
			t.Fatalf("it is %s", got.State)
		}
		d.want(d.send(ann), reminder.Unknown, "may have taken it")
	})
}

// slowWorker begins SMTP right after a row was read that says it has not begun.
type slowWorker struct {
	d     *desk
	id    string
	reads int
}

func (w *slowWorker) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }
func (w *slowWorker) AfterQuery(_ context.Context, event *bun.QueryEvent) {
	if !strings.Contains(event.Query, "WHERE (id = '"+w.id) || !strings.HasPrefix(event.Query, "SELECT") {
		return
	}
	if w.reads++; w.reads == 1 {
		w.d.exec("UPDATE digests SET message_id = 'begun@hub.example' WHERE id = ?", w.id)
	}
}

func TestAnOldReferenceIsNothing(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		ctx := context.Background()
		planned(d)
		digest := d.digest(ann)
		for range 3 {
			d.must(d.Send(ctx, store.JobRef{ID: digest.ID, Attempt: 0}))
		}
		d.must(d.Send(ctx, store.JobRef{ID: digest.ID, Attempt: 7}))
		if n := len(d.post.To(ann)); n != 1 {
			t.Fatalf("%d mails", n)
		}
		if err := d.Send(ctx, store.JobRef{ID: store.NewID()}); fault.CodeOf(err) != fault.NotFound {
			t.Errorf("a digest that does not exist: %v", err)
		}
	})
}

// Check must find what it is for.
func TestCheckFindsPlantedViolations(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		ctx := context.Background()
		planned(d)
		d.want(d.send(ann), reminder.Done, "")
		d.sound()
		digest := d.digest(ann)
		d.exec("UPDATE contacts SET unsubscribed_at = ? WHERE email = ?", digest.CreatedAt.Add(-time.Minute), ann)
		checked, broken, err := d.Check(ctx)
		if d.must(err); checked != 1 || len(broken) != 1 || !strings.Contains(broken[0], digest.ID) {
			t.Errorf("unsubscribed: %d checked, %v", checked, broken)
		}
		d.exec("UPDATE contacts SET unsubscribed_at = NULL, bounced_at = ?", digest.CreatedAt.Add(-time.Minute))
		if _, broken, err = d.Check(ctx); err != nil || len(broken) != 1 {
			t.Errorf("bounced: %v %v", broken, err)
		}
		d.exec("UPDATE contacts SET bounced_at = NULL")
		d.exec("DROP INDEX digests_contact_period_key")
		digest.ID = store.NewID()
		_, err = d.DB.NewInsert().Model(&digest).Exec(ctx)
		d.must(err)
		if _, broken, err = d.Check(ctx); err != nil || len(broken) != 1 || !strings.Contains(broken[0], digest.ContactID) {
			t.Errorf("two in a period: %v %v", broken, err)
		}
	})
}

// Only what is asked for counts as a reminder; a digest that says no more than
// that something is disputed goes out all the same.
func TestADigestThatAsksForNothing(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		planned(d)
		for _, number := range []string{"N-1", "N-2", "S-1"} {
			d.hold(number, billing.HoldDispute, 0, "")
		}
		d.want(d.send(ann), reminder.Done, "")
		lacks(t, d.post.To(ann)[0].Text, "select=all", "invoice=")
	})
}
