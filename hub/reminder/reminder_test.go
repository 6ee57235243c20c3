package reminder_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/mail"
	"github.com/sheaf-hub/sheaf/hub/mail/letter"
	"github.com/sheaf-hub/sheaf/hub/mail/mailtest"
	"github.com/sheaf-hub/sheaf/hub/mail/smtp"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/reminder"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/store/storetest"
	"github.com/sheaf-hub/sheaf/web/ui/mails"
)

const ann = "ann@acme.example"

// desk is the room on a fresh database, with a real mail server beside it and a
// clock moved by hand. Its time begins on Sunday, 22 November 2026.
type desk struct {
	*reminder.Service
	t     *testing.T
	post  *mailtest.Server
	mu    sync.Mutex
	now   time.Time
	drawn letter.Digest // what was rendered last
}

func each(t *testing.T, run func(t *testing.T, d *desk)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) { run(t, newDesk(t, db)) })
}

func newDesk(t *testing.T, db *store.DB) *desk {
	t.Helper()
	sealer, err := store.NewSealer(store.NewSealKey())
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC), post: mailtest.Start(t)}
	sender, err := smtp.New(smtp.Config{URL: d.post.URL() + "?tls=none", DialTimeout: 5 * time.Second, SendTimeout: 10 * time.Second})
	d.must(err)
	parties := &party.Service{DB: db, Sealer: sealer, Now: d.clock}
	events := &outbox.Service{DB: db, Sealer: sealer, Now: d.clock}
	from := mail.Address{Name: "Sheaf", Email: "hub@hub.example"}
	d.Service = &reminder.Service{DB: db, Party: parties, Billing: &billing.Service{DB: db, Party: parties, Now: d.clock}, Outbox: events,
		Access:  &access.Service{DB: db, Sealer: sealer, Outbox: events, Letters: mails.New(), PublicURL: "https://hub.example", From: from, Now: d.clock},
		Letters: d, Sender: sender, From: from, ListID: "digest.hub.example", PublicURL: "https://hub.example", Now: d.clock}
	return d
}

// Digest keeps what is rendered and renders it as it is sent.
func (d *desk) Digest(view letter.Digest) (letter.Rendered, error) {
	d.mu.Lock()
	d.drawn = view
	d.mu.Unlock()
	return mails.New().Digest(view)
}

func (d *desk) clock() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

func (d *desk) at(moment time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = moment
}

func (d *desk) pass(wait time.Duration) { d.at(d.clock().Add(wait)) }

// tuesday is when a contact in UTC that chose nothing gets its digest.
func (d *desk) tuesday() { d.at(time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)) }

func (d *desk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) exec(statement string, arguments ...any) {
	d.t.Helper()
	_, err := d.DB.ExecContext(context.Background(), statement, arguments...)
	d.must(err)
}

func (d *desk) inTx(run func(ctx context.Context, tx bun.Tx) error) {
	d.t.Helper()
	d.must(d.DB.InTx(context.Background(), run))
}

// vendor adds an approved vendor that wants to hear of everything.
func (d *desk) vendor(name string) party.Vendor {
	d.t.Helper()
	var vendor party.Vendor
	d.inTx(func(ctx context.Context, tx bun.Tx) error {
		var err error
		profile := party.Profile{Name: name, Email: "ar@" + strings.ToLower(name) + ".example", Phone: "+47 22 00 00 00", ContactName: "Marit of " + name}
		if vendor, err = d.Party.AddVendorTx(ctx, tx, profile, party.VendorApproved, "whsec_x"); err != nil {
			return err
		}
		_, _, err = d.Outbox.PutEndpointTx(ctx, tx, vendor.ID, outbox.Webhook, "https://"+strings.ToLower(name)+".example/hook", []string{"*"})
		return err
	})
	return vendor
}

// bring pushes invoices (and an account that lists the mailbox in a role).
func (d *desk) bring(vendor party.Vendor, account, email string, role party.Role, invoices ...billing.InvoiceRecord) {
	d.t.Helper()
	batch := billing.Batch{Accounts: []party.AccountRecord{{ExternalID: account, Name: "Acme", Currency: "EUR",
		Contacts: []party.ContactRecord{{Email: email, Name: "Ann", Role: role}}}}}
	for _, invoice := range invoices {
		invoice.Account = account
		batch.Invoices = append(batch.Invoices, invoice)
	}
	d.push(vendor, batch)
}

func (d *desk) push(vendor party.Vendor, batch billing.Batch) {
	d.t.Helper()
	result, err := d.Billing.Upsert(context.Background(), vendor, batch)
	d.must(err)
	if len(result.Rejected) > 0 {
		d.t.Fatalf("rejected: %+v", result.Rejected)
	}
}

func bill(number string, minor int64, due money.Date) billing.InvoiceRecord {
	return billing.InvoiceRecord{ExternalID: "ext-" + number, Number: number, IssuedOn: "2026-10-01", DueOn: due, Currency: "EUR", Total: minor, Open: minor}
}

func (d *desk) contact(email string) party.Contact {
	d.t.Helper()
	contact, err := d.Party.ContactByEmail(context.Background(), email)
	d.must(err)
	return contact
}

// says is a contact's word on vendors.
func (d *desk) says(email string, state party.VendorState, vendors ...party.Vendor) {
	d.t.Helper()
	ids := make([]string, len(vendors))
	for i, vendor := range vendors {
		ids[i] = vendor.ID
	}
	contact := d.contact(email)
	d.inTx(func(ctx context.Context, tx bun.Tx) error {
		_, err := d.Party.DecideVendorsTx(ctx, tx, contact.ID, ids, state)
		return err
	})
}

func (d *desk) invoice(number string) billing.Invoice {
	d.t.Helper()
	var invoice billing.Invoice
	d.must(d.DB.NewSelect().Model(&invoice).Where("number = ?", number).Scan(context.Background()))
	return invoice
}

func (d *desk) hold(number string, kind billing.HoldKind, amount int64, ends money.Date) {
	d.t.Helper()
	invoice := d.invoice(number)
	d.inTx(func(ctx context.Context, tx bun.Tx) error {
		return d.Billing.HoldTx(ctx, tx, invoice, kind, "", amount, ends)
	})
}

func (d *desk) plan() int {
	d.t.Helper()
	n, err := d.Plan(context.Background())
	d.must(err)
	return n
}

// digest reads the newest digest of a contact.
func (d *desk) digest(email string) reminder.Digest {
	d.t.Helper()
	var digest reminder.Digest
	d.must(d.DB.NewSelect().Model(&digest).Where("contact_id = ?", d.contact(email).ID).Order("id DESC").Limit(1).Scan(context.Background()))
	return digest
}

// send makes the next attempt at a contact's digest and returns how it stands.
func (d *desk) send(email string) reminder.Digest {
	d.t.Helper()
	digest := d.digest(email)
	d.must(d.Send(context.Background(), store.JobRef{ID: digest.ID, Attempt: digest.Attempts}))
	return d.digest(email)
}

// run plans and sends what is due, and returns the one mail to an address.
func (d *desk) run(email string) mailtest.Message {
	d.t.Helper()
	_, err := d.Run(context.Background(), nil)
	d.must(err)
	got := d.post.To(email)
	if len(got) != 1 {
		d.t.Fatalf("%d mails to %s", len(got), email)
	}
	return got[0]
}

// sound fails unless Check finds nothing wrong.
func (d *desk) sound() {
	d.t.Helper()
	_, broken, err := d.Check(context.Background())
	d.must(err)
	if len(broken) > 0 {
		d.t.Fatalf("broken: %v", broken)
	}
}

func (d *desk) want(digest reminder.Digest, state reminder.State, answer string) {
	d.t.Helper()
	if digest.State != state || !strings.Contains(digest.LastAnswer, answer) {
		d.t.Fatalf("the digest is %s (%q), want %s (%q)", digest.State, digest.LastAnswer, state, answer)
	}
}

func contains(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("there is no %q in:\n%s", word, text)
		}
	}
}

func lacks(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if strings.Contains(text, word) {
			t.Errorf("%q is in:\n%s", word, text)
		}
	}
}

func TestOperatorPagesThroughDigests(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		ctx, north := context.Background(), d.vendor("North")
		emails := []string{ann, "bob@bolt.example", "cem@coil.example"}
		for _, email := range emails {
			d.bring(north, "C-"+email, email, party.Payables, bill("N-"+email, 12500, "2026-11-01"))
		}
		d.tuesday()
		if n := d.plan(); n != 3 {
			t.Fatalf("planned %d", n)
		}
		d.send(ann)
		seen := map[string]reminder.State{}
		page := store.PageRequest{Limit: 2}
		for range 3 {
			list, next, err := d.List(ctx, "", page)
			d.must(err)
			for _, row := range list {
				seen[row.Email] = row.State
			}
			if page.Cursor = next; next == "" {
				break
			}
		}
		if len(seen) != 3 || seen[ann] != reminder.Done || seen["bob@bolt.example"] != reminder.Pending {
			t.Fatalf("listed %v", seen)
		}
		done, _, err := d.List(ctx, reminder.Done, store.PageRequest{})
		d.must(err)
		if len(done) != 1 || done[0].Email != ann || done[0].Lines != 1 || done[0].SentAt.IsZero() {
			t.Fatalf("done: %+v", done)
		}
		if _, _, err := d.List(ctx, "", store.PageRequest{Cursor: "nonsense"}); err == nil {
			t.Fatal("a made-up cursor was taken")
		}
		counts, err := d.Counts(ctx)
		d.must(err)
		if counts[reminder.Done] != 1 || counts[reminder.Pending] != 2 {
			t.Fatalf("counts %v", counts)
		}
	})
}
