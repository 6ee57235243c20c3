package access_test

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/mail"
	"github.com/sheaf-hub/sheaf/hub/mail/letter"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/store/storetest"
)

// clock is a time that a test moves by hand.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

type letters struct{}

func (letters) SignIn(view letter.SignIn) (letter.Rendered, error) {
	return letter.Rendered{Subject: "Sign in", Text: "Open " + view.URL}, nil
}

// hub is the room on a fresh database with two vendors and one contact.
type hub struct {
	*access.Service
	t        *testing.T
	clock    *clock
	one, two string // vendors
	contact  string
	customer string
}

const ann = "ann@acme.example"

func each(t *testing.T, run func(t *testing.T, h *hub)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) { run(t, newHub(t, db)) })
}

func newHub(t *testing.T, db *store.DB) *hub {
	t.Helper()
	sealer, err := store.NewSealer(store.NewSealKey())
	if err != nil {
		t.Fatal(err)
	}
	clock := &clock{now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
	h := &hub{t: t, clock: clock, one: store.NewID(), two: store.NewID(), Service: &access.Service{DB: db, Sealer: sealer,
		Outbox: &outbox.Service{DB: db, Sealer: sealer, Now: clock.Now}, Letters: letters{}, PublicURL: "https://hub.example",
		From: mail.Address{Name: "Sheaf", Email: "hub@hub.example"}, Now: clock.Now}}
	h.vendor(h.one, "North Freight")
	h.vendor(h.two, "Bright Paper")
	h.contact, h.customer = h.newContact(ann)
	return h
}

func (h *hub) exec(statement string, arguments ...any) {
	h.t.Helper()
	if _, err := h.DB.ExecContext(context.Background(), statement, arguments...); err != nil {
		h.t.Fatalf("%s: %v", statement, err)
	}
}

func (h *hub) vendor(id, name string) {
	h.t.Helper()
	h.exec(`INSERT INTO vendors (id, name, email, phone, website, contact_name, time_zone, status, status_reason, webhook_secret, created_at, updated_at)
		VALUES (?, ?, 'ar@vendor.example', '', '', '', 'UTC', 'approved', '', '', ?, ?)`, id, name, h.clock.Now(), h.clock.Now())
}

func (h *hub) newContact(email string) (contactID, customerID string) {
	h.t.Helper()
	contactID, customerID = store.NewID(), store.NewID()
	h.exec("INSERT INTO customers (id, name, created_at) VALUES (?, 'Acme', ?)", customerID, h.clock.Now())
	h.exec(`INSERT INTO contacts (id, customer_id, email, name, time_zone, digest_weekday, digest_hour, bounce_reason, created_at, updated_at)
		VALUES (?, ?, ?, '', 'UTC', 2, 9, '', ?, ?)`, contactID, customerID, email, h.clock.Now(), h.clock.Now())
	return contactID, customerID
}

func (h *hub) staff(vendorID, email, role string) access.Staff {
	h.t.Helper()
	var staff access.Staff
	err := h.DB.InTx(context.Background(), func(ctx context.Context, tx bun.Tx) error {
		var err error
		staff, err = h.AddStaffTx(ctx, tx, access.NewStaff{VendorID: vendorID, Email: email, Name: "N", Role: role}, access.SystemActor("test"))
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return staff
}

func asStaff(staff access.Staff) access.Actor {
	return access.Actor{Kind: access.KindStaff, ID: staff.ID, Name: staff.Name, VendorID: staff.VendorID}
}

func (h *hub) asContact() access.Actor {
	return access.Actor{Kind: access.KindContact, ID: h.contact, Name: ann, CustomerID: h.customer, ContactID: h.contact}
}

var linkIn = regexp.MustCompile(`https://hub\.example/sign-in/([A-Za-z0-9_-]+)`)

// tokens opens what waits to be sent and returns the sign-in tokens by recipient, in order.
func (h *hub) tokens() map[string][]string {
	h.t.Helper()
	var rows []outbox.MailRow
	if err := h.DB.NewSelect().Model(&rows).Order("id").Scan(context.Background()); err != nil {
		h.t.Fatal(err)
	}
	found := map[string][]string{}
	for _, row := range rows {
		plain, err := h.Sealer.Open(row.Content, "mail:"+row.ID)
		if err != nil {
			h.t.Fatal(err)
		}
		var message mail.Message
		if err := json.Unmarshal([]byte(plain), &message); err != nil {
			h.t.Fatal(err)
		}
		match := linkIn.FindStringSubmatch(message.Text)
		if match == nil {
			h.t.Fatalf("no link in %q", message.Text)
		}
		found[row.Recipient] = append(found[row.Recipient], match[1])
	}
	return found
}

// token asks for a link and reads it from the mail.
func (h *hub) token(kind, email string) string {
	h.t.Helper()
	if err := h.RequestSignIn(context.Background(), kind, email, "/me?tab=open"); err != nil {
		h.t.Fatal(err)
	}
	tokens := h.tokens()[email]
	if len(tokens) == 0 {
		h.t.Fatalf("no mail to %s", email)
	}
	return tokens[len(tokens)-1]
}

func (h *hub) signIn(kind, email string, remember bool) (access.Session, string) {
	h.t.Helper()
	session, token, err := h.ConsumeLink(context.Background(), h.token(kind, email), "Firefox on Linux", remember)
	if err != nil {
		h.t.Fatal(err)
	}
	return session, token
}

func (h *hub) count(table, where string, arguments ...any) int {
	h.t.Helper()
	n := 0
	if err := h.DB.NewRaw("SELECT count(*) FROM "+table+" WHERE "+where, arguments...).Scan(context.Background(), &n); err != nil {
		h.t.Fatal(err)
	}
	return n
}

func wantCode(t *testing.T, err error, code fault.Code, word string) {
	t.Helper()
	if !fault.Is(err, code) || !strings.Contains(err.Error(), word) {
		t.Fatalf("want %s with %q, have %v", code, word, err)
	}
}
