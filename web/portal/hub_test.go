package portal_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/billing"
	casesroom "github.com/sheaf-hub/sheaf/hub/cases"
	"github.com/sheaf-hub/sheaf/hub/gateway/sandbox"
	"github.com/sheaf-hub/sheaf/hub/insight"
	"github.com/sheaf-hub/sheaf/hub/ledger"
	"github.com/sheaf-hub/sheaf/hub/mail"
	"github.com/sheaf-hub/sheaf/hub/mail/captured"
	"github.com/sheaf-hub/sheaf/hub/mail/letter"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/reminder"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/store/storetest"
	"github.com/sheaf-hub/sheaf/hub/worklist"
	kit "github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/paper"
	. "github.com/sheaf-hub/sheaf/web/portal"
	"github.com/sheaf-hub/sheaf/web/ui/mails"
)

const publicURL = "https://hub.example"

// clock is a time that a test moves by hand.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// letters renders as the hub does, and remembers the last link to sign in.
type letters struct {
	mails.Renderer
	signIn     string
	invitation string
}

func (l *letters) SignIn(view letter.SignIn) (letter.Rendered, error) {
	l.signIn = view.URL
	return l.Renderer.SignIn(view)
}

func (l *letters) Invitation(view letter.Invitation) (letter.Rendered, error) {
	l.invitation = view.URL
	return letter.Rendered{Subject: "Join", Text: view.URL}, nil
}

// playedGateway gives the sandbox's page to the portal, as cmd/sheaf does.
type playedGateway struct{ *sandbox.Gateway }

func (g playedGateway) Page(ctx context.Context, ref string) (SandboxCheckout, error) {
	p, err := g.Gateway.Page(ctx, ref)
	return SandboxCheckout{Amount: p.Amount, Lines: p.Lines, Method: p.Method, Phase: p.Phase, ReturnURL: p.ReturnURL, CancelURL: p.CancelURL}, err
}

func (g playedGateway) SetupPage(ctx context.Context, ref string) (SandboxSetup, error) {
	p, err := g.Gateway.SetupPage(ctx, ref)
	return SandboxSetup{Open: p.Open, ReturnURL: p.ReturnURL}, err
}

// world is a hub with pages, on a fresh database.
type world struct {
	*Handlers
	t       *testing.T
	app     *fiber.App
	clock   *clock
	letters *letters
	gateway *sandbox.Gateway
	box     *captured.Mailbox
	north   party.Vendor // Northwind Freight
	timber  party.Vendor // Alder Timber
}

const (
	ann = "ann@acme.example"
	bob = "bob@other.example"
)

func newWorld(t *testing.T) *world {
	t.Helper()
	db := storetest.SQLite(t)
	sealer, err := store.NewSealer(store.NewSealKey())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, clock: &clock{at: time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)}, letters: &letters{}} // a Tuesday, before nine
	now := w.clock.Now
	if w.box, err = captured.New(captured.Config{Folder: t.TempDir(), Now: now}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.box.Close() })
	from := mail.Address{Name: "Sheaf", Email: "hub@hub.example"}
	out := &outbox.Service{DB: db, Sealer: sealer, Now: now}
	parties := &party.Service{DB: db, Sealer: sealer, Now: now}
	bills := &billing.Service{DB: db, Party: parties, Now: now}
	door := &access.Service{DB: db, Party: parties, Sealer: sealer, Outbox: out, Letters: w.letters, PublicURL: publicURL, From: from, Now: now}
	w.gateway = &sandbox.Gateway{DB: db, PublicURL: publicURL, Now: now}
	w.Handlers = &Handlers{
		Kit: &kit.Kit{Access: door, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: now, PublicURL: publicURL, Secure: true},
		DB:  db, Access: door, Party: parties, Billing: bills,
		Payment: &payment.Service{DB: db, Party: parties, Billing: bills, Ledger: &ledger.Service{DB: db, Now: now}, Outbox: out, Gateway: w.gateway, Methods: w.gateway, Access: door,
			Letters: w.letters, Papers: paper.Writer{}, From: from, PublicURL: publicURL, Now: now},
		Cases: &casesroom.Service{DB: db, Party: parties, Billing: bills, Access: door, Outbox: out, Letters: w.letters, From: from, PublicURL: publicURL, Now: now},
		Reminder: &reminder.Service{DB: db, Party: parties, Billing: bills, Access: door, Outbox: out, Letters: w.letters, Sender: w.box, From: from,
			ListID: "digest.hub.example", PublicURL: publicURL, Now: now},
		Insight: &insight.Service{DB: db, Now: now}, Worklist: &worklist.Service{DB: db, Access: door, Now: now}, Sandbox: playedGateway{w.gateway}, Mailbox: w.box,
	}
	w.app = w.routes()
	w.north, w.timber = w.vendor("Northwind Freight"), w.vendor("Alder Timber")
	return w
}

func (w *world) routes() *fiber.App {
	app := fiber.New(fiber.Config{DisableStartupMessage: true, ErrorHandler: w.Kit.Error, BodyLimit: 32 << 20})
	app.Use(w.Kit.LoadSession, w.Kit.SameOrigin)
	for _, route := range portalRoutes(w.Handlers) {
		app.Add(route.method, route.path, route.answer)
	}
	return app
}

func (w *world) vendor(name string) party.Vendor {
	w.t.Helper()
	var vendor party.Vendor
	err := w.DB.InTx(context.Background(), func(ctx context.Context, tx bun.Tx) error {
		var err error
		vendor, err = w.Party.AddVendorTx(ctx, tx, party.Profile{Name: name, Email: "ar@vendor.example", Phone: "+47 22 00 00 00", ContactName: "Marit Solberg", TimeZone: "UTC"}, party.VendorApproved, "whsec_x")
		return err
	})
	w.must(err)
	return vendor
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// bill is one invoice to bring in: "INV-1 100.00 EUR 2026-11-10".
func bill(number, total string, currency money.Currency, due money.Date) billing.InvoiceRecord {
	sum := amount(total, currency).Minor
	return billing.InvoiceRecord{ExternalID: number, Number: number, Account: "C-1", IssuedOn: "2026-10-25", DueOn: due, Currency: currency, Total: sum, Open: sum, Status: billing.Open,
		Lines: []billing.Line{{Description: "Oak boards", Quantity: "2", Amount: total}}}
}

// bring brings a vendor's books in, for the account of one mailbox.
func (w *world) bring(vendor party.Vendor, email string, credits []billing.CreditRecord, invoices ...billing.InvoiceRecord) {
	w.t.Helper()
	account := party.AccountRecord{ExternalID: "C-1", Name: "Acme Furniture", Currency: "EUR", Contacts: []party.ContactRecord{{Email: email, Name: "Ann Weatherby", Role: party.Payables}}}
	if email != ann {
		account.ExternalID = "C-2"
		account.Contacts[0].Name = "Bob"
		for i := range invoices {
			invoices[i].Account = "C-2"
		}
	}
	w.clock.pass(time.Second)
	result, err := w.Billing.Upsert(context.Background(), vendor, billing.Batch{Accounts: []party.AccountRecord{account}, Invoices: invoices, Credits: credits})
	w.must(err)
	if len(result.Rejected) > 0 {
		w.t.Fatalf("rejected: %+v", result.Rejected)
	}
}

// accept says that both vendors are the contact's own.
func (w *world) accept(email string) {
	w.t.Helper()
	contact, err := w.Party.ContactByEmail(context.Background(), email)
	w.must(err)
	w.must(w.DB.InTx(context.Background(), func(ctx context.Context, tx bun.Tx) error {
		_, err := w.Party.DecideVendorsTx(ctx, tx, contact.ID, []string{w.north.ID, w.timber.ID}, party.VendorMine)
		return err
	}))
}

// id finds an invoice by its number.
func (w *world) id(number string) string {
	w.t.Helper()
	var id string
	w.must(w.DB.NewSelect().Table("invoices").Column("id").Where("number = ?", number).Scan(context.Background(), &id))
	return id
}

func (w *world) creditID(number string) string {
	w.t.Helper()
	var id string
	w.must(w.DB.NewSelect().Table("credits").Column("id").Where("number = ?", number).Scan(context.Background(), &id))
	return id
}

func (w *world) open(number string) int64 {
	w.t.Helper()
	var open int64
	w.must(w.DB.NewSelect().Table("invoices").Column("open").Where("number = ?", number).Scan(context.Background(), &open))
	return open
}

var digestURL = regexp.MustCompile(regexp.QuoteMeta(publicURL) + `(/d/[A-Za-z0-9_-]+)`)

// digest sends what is due and returns the path of the digest's link.
func (w *world) digest(email string) string {
	w.t.Helper()
	w.clock.pass(2 * time.Hour)
	_, err := w.Reminder.Run(context.Background(), nil)
	w.must(err)
	list, _, err := w.box.List(50, "")
	w.must(err)
	for _, one := range list {
		if one.To[0].Email == email {
			opened, err := w.box.Open(one.ID)
			w.must(err)
			if found := digestURL.FindStringSubmatch(opened.Text); found != nil {
				return found[1]
			}
		}
	}
	w.t.Fatalf("no digest for %s among %d mails", email, len(list))
	return ""
}

// browser is one browser: it keeps cookies by path, and follows nothing unasked.
type browser struct {
	w       *world
	cookies map[string]*http.Cookie
}

func (w *world) browser() *browser { return &browser{w: w, cookies: map[string]*http.Cookie{}} }

// answer is what came back.
type answer struct {
	t        *testing.T
	status   int
	body     string
	location string
	header   http.Header
}

func (b *browser) do(request *http.Request) answer {
	b.w.t.Helper()
	for _, cookie := range b.cookies {
		if cookie.Path == "" || cookie.Path == "/" || strings.HasPrefix(request.URL.Path+"/", cookie.Path+"/") {
			request.AddCookie(cookie)
		}
	}
	response, err := b.w.app.Test(request, -1)
	b.w.must(err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	b.w.must(err)
	for _, cookie := range response.Cookies() {
		if cookie.MaxAge < 0 || cookie.Value == "" {
			delete(b.cookies, cookie.Name)
			continue
		}
		b.cookies[cookie.Name] = cookie
	}
	return answer{t: b.w.t, status: response.StatusCode, body: string(body), header: response.Header,
		location: strings.TrimPrefix(response.Header.Get("Location"), publicURL)}
}

func (b *browser) get(path string) answer {
	b.w.t.Helper()
	request, err := http.NewRequest(http.MethodGet, path, nil)
	b.w.must(err)
	return b.do(request)
}

func (b *browser) post(path string, pairs ...string) answer {
	b.w.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	request, err := http.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	b.w.must(err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.do(request)
}

// signIn goes through the mail and the button.
func (w *world) signIn(email string) *browser {
	w.t.Helper()
	b := w.browser()
	b.post("/sign-in", "email", email).want(200)
	link := strings.TrimPrefix(w.letters.signIn, publicURL)
	b.get(link).want(200, "Sign in", "Remember this device")
	b.post(link, "remember", "on").goes("/me")
	return b
}

// want holds an answer to a status and to what it says.
func (a answer) want(status int, parts ...string) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, want %d: %s", a.status, status, a.text())
	}
	text := a.text()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			a.t.Errorf("the page does not say %q:\n%s", part, text)
		}
	}
	return a
}

// without holds an answer not to say something.
func (a answer) without(parts ...string) answer {
	a.t.Helper()
	for _, part := range parts {
		if strings.Contains(a.body, part) {
			a.t.Errorf("the page says %q", part)
		}
	}
	return a
}

// goes holds an answer to a redirect and returns where to.
func (a answer) goes(prefix string) string {
	a.t.Helper()
	if a.status != http.StatusSeeOther || !strings.HasPrefix(a.location, prefix) {
		a.t.Fatalf("status %d to %q, want 303 to %s…: %s", a.status, a.location, prefix, a.text())
	}
	return a.location
}

var (
	tags   = regexp.MustCompile(`(?s)<[^>]*>`)
	spaces = regexp.MustCompile(`\s+`)
)

// text is the page's body without tags, as one line.
func (a answer) text() string {
	body := a.body
	if _, main, found := strings.Cut(body, "<main"); found {
		body = main
	}
	plain := tags.ReplaceAllString(body, " ")
	plain = strings.NewReplacer("\u00a0", " ", "&#39;", "'", "&#34;", `"`, "&amp;", "&").Replace(plain)
	return spaces.ReplaceAllString(plain, " ")
}

// field is the value of a hidden field or a text field.
func (a answer) field(name string) string {
	a.t.Helper()
	for _, tag := range regexp.MustCompile(`<input[^>]*>`).FindAllString(a.body, -1) {
		if strings.Contains(tag, fmt.Sprintf("name=%q", name)) {
			if found := regexp.MustCompile(`value="([^"]*)"`).FindStringSubmatch(tag); found != nil {
				return found[1]
			}
		}
	}
	a.t.Fatalf("no field %q in %s", name, a.body)
	return ""
}

// pay presses the button of a review page and returns where it leads.
func (b *browser) pay(review string, currency money.Currency) answer {
	b.w.t.Helper()
	page := b.get(review).want(200)
	return b.post(strings.SplitN(review, "?", 2)[0]+"/payments", "hash", page.field("hash"), "currency", string(currency))
}

func (w *world) verify() {
	w.t.Helper()
	for name, check := range map[string]func(context.Context) (int, []string, error){"money": w.Payment.CheckMoney, "transfers": w.Payment.CheckTransfers, "plans": w.Payment.CheckSchedules, "open": w.Billing.Check} {
		if _, broken, err := check(context.Background()); err != nil || len(broken) > 0 {
			w.t.Errorf("%s: %v %v", name, broken, err)
		}
	}
}

// queryCounter counts what reaches the database.
type queryCounter struct{ n int }

func (q *queryCounter) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context {
	q.n++
	return ctx
}

func (q *queryCounter) AfterQuery(context.Context, *bun.QueryEvent) {}
