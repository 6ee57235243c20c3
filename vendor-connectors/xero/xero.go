// Package xero connects a vendor's Xero organisation: its customers, sales
// invoices and what may be set against them come to the hub, and payments and
// notes go back. It speaks Xero's Accounting API 2.0 over OAuth 2. The shapes and
// rules are those of Xero's published OpenAPI description (xero_accounting.yaml)
// and of developer.xero.com.
//
// Two things that Xero does not tell: a new due date or a "sent" mark on an
// invoice that is partly paid, and the balance of a contact, do not change the
// time of the record's last change, so they come only when something else does.
package xero

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/rest"
	"github.com/sheaf-hub/sheaf/vendor-connectors/signin"
)

// Kind is the descriptor's kind.
const Kind = "xero"

// Where Xero is.
const (
	API          = "https://api.xero.com"
	authorizeURL = "https://login.xero.com/identity/connect/authorize"
	tokenURL     = "https://identity.xero.com/connect/token"
	accounting   = "/api.xro/2.0"
)

// Names of the settings beside connectors.PaymentAccount and ClearingAccount.
const (
	settingTenant   = "tenant"
	settingDiscount = "discount_account"
)

// Xero's limits per organisation and app (developer.xero.com, "API limits"): 5
// calls at once, 60 in a minute, 5,000 in a day. The rate and the burst together
// stay within the minute's: no 60 seconds see more than burst + rate × 60 calls.
const (
	mostAtOnce = 5
	burst      = 20
	perMinute  = 40
)

// pageSize is how many records are asked for at once; Xero gives up to 1,000. With
// their lines, 500 invoices are a few megabytes.
const pageSize = 500

// App is the hub as Xero knows it. The scopes are the granular ones, which apps
// made since March 2026 must use.
func App(clientID, clientSecret string) signin.App {
	return signin.App{ClientID: clientID, ClientSecret: clientSecret, AuthorizeURL: authorizeURL, TokenURL: tokenURL,
		Scopes: []string{"offline_access", "accounting.invoices", "accounting.payments", "accounting.contacts.read",
			"accounting.settings.read", "accounting.attachments.read"}}
}

// Describe is what the console and the hub know of the kind before there is a connection.
func Describe() connectors.Descriptor {
	return connectors.Descriptor{
		Kind: Kind, Title: "Xero", Summary: "Sales invoices, credit notes, overpayments and prepayments of one Xero organisation, and payments back into it.",
		Fields: []connectors.Field{
			{Name: settingTenant, Label: "Organisation", Required: true,
				Help: "Which of the organisations that you let the hub into. Its id is 36 characters long."},
			{Name: connectors.PaymentAccount, Label: "Account for payments", Required: true,
				Help: "Code of the bank account in Xero (Accounting, Chart of accounts) that payments are booked to; or, when it has no code, its account id."},
			{Name: connectors.ClearingAccount, Label: "Clearing account",
				Help: "Code of an account with “Enable payments to this account”, for payments that you match to your bank line yourself."},
			{Name: settingDiscount, Label: "Account for discounts",
				Help: "Code of an account with “Enable payments to this account”. A discount for early payment is booked there. Without it, payments with a discount are refused."},
		},
		Deletions: true, WriteBack: true, SignIn: true, Unproven: true,
	}
}

// Server is Xero as one hub sees it. The connectors that it makes share the limits
// that Xero sets for each organisation.
type Server struct {
	App signin.App
	API string // its address; empty: Xero's own

	mu     sync.Mutex
	limits map[string]*limits // by organisation
}

// limits hold calls of one organisation back.
type limits struct {
	rate  *rate.Limiter
	slots chan struct{} // one per call under way
}

func (s *Server) limitsOf(tenant string) *limits {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.limits == nil {
		s.limits = map[string]*limits{}
	}
	if s.limits[tenant] == nil {
		s.limits[tenant] = &limits{rate: rate.NewLimiter(rate.Every(time.Minute/perMinute), burst), slots: make(chan struct{}, mostAtOnce)}
	}
	return s.limits[tenant]
}

func (s *Server) address() string {
	if s.API == "" {
		return API
	}
	return s.API
}

// Client is one organisation. It may be used by many at once.
type Client struct {
	api    string
	tenant string
	// accounts as the settings name them: a code or an account id
	payment, clearing, discount string

	deps     connectors.Deps
	source   *signin.Source
	limits   *limits
	pageSize int
	timeout  time.Duration // of one call; 0: what package rest has
}

var (
	_ connectors.Connector       = (*Client)(nil)
	_ connectors.PaymentRecorder = (*Client)(nil)
	_ connectors.NoteRecorder    = (*Client)(nil)
)

// New makes a connector for the organisation in the settings, with limits of its own:
// a hub that makes more than one shares a Server. Deps needs HTTP, Tokens and Now. The
// error is for the person who typed the settings.
func New(app signin.App, settings map[string]string, deps connectors.Deps) (connectors.Connector, error) {
	return (&Server{App: app}).New(settings, deps)
}

// New makes a connector for the organisation in the settings; see the function New.
func (s *Server) New(settings map[string]string, deps connectors.Deps) (connectors.Connector, error) {
	client, err := s.connect(settings, deps)
	if err != nil {
		return nil, err
	}
	return client, nil
}

func (s *Server) connect(settings map[string]string, deps connectors.Deps) (*Client, error) {
	if deps.HTTP == nil || deps.Tokens == nil || deps.Now == nil {
		return nil, fmt.Errorf("xero needs an HTTP client, a token store and a clock")
	}
	if address, err := url.Parse(s.address()); err != nil || address.Host == "" {
		return nil, fmt.Errorf("%q is not an address of an API", s.address())
	}
	c := &Client{api: strings.TrimSuffix(s.address(), "/"), deps: deps, source: &signin.Source{App: s.App, Deps: deps}, pageSize: pageSize}
	c.tenant = strings.ToLower(strings.TrimSpace(settings[settingTenant]))
	if !isID(c.tenant) {
		return nil, fmt.Errorf("choose the Xero organisation: its id looks like 00000000-0000-0000-0000-000000000000")
	}
	for _, one := range []struct {
		name  string
		field *string
	}{{connectors.PaymentAccount, &c.payment}, {connectors.ClearingAccount, &c.clearing}, {settingDiscount, &c.discount}} {
		*one.field = strings.TrimSpace(settings[one.name])
		if *one.field != "" && !isAccount(*one.field) {
			return nil, fmt.Errorf("%q is not an account of Xero: enter its code, which has at most 10 letters and digits, or its account id", clip(*one.field, 60))
		}
	}
	if c.payment == "" {
		return nil, fmt.Errorf("enter the code of the account in Xero that payments are booked to")
	}
	c.limits = s.limitsOf(c.tenant)
	return c, nil
}

// Describe says what the kind can do.
func (c *Client) Describe() connectors.Descriptor { return Describe() }

// Check signs in, asks the organisation for its name and looks for the accounts
// that the settings name.
func (c *Client) Check(ctx context.Context) error {
	tenants, err := c.tenants(ctx)
	if err != nil {
		return err
	}
	known := false
	for _, tenant := range tenants {
		known = known || strings.EqualFold(tenant.ID, c.tenant)
	}
	if !known {
		return fmt.Errorf("%w: the hub was not let into this organisation. Sign in to Xero again and choose it there", connectors.ErrCredentials)
	}
	var answer struct {
		Organisations []struct{ OrganisationStatus string }
	}
	if err := c.read(ctx, rest.Call{Path: accounting + "/Organisation"}, &answer); err != nil {
		return err
	}
	if len(answer.Organisations) == 0 {
		return fmt.Errorf("%w: Xero shows no organisation to this sign-in", connectors.ErrCredentials)
	}
	if status := answer.Organisations[0].OrganisationStatus; status != "" && status != "ACTIVE" {
		return fmt.Errorf("%w: Xero says that the organisation is %s, not active", connectors.ErrRefused, strings.ToLower(clip(status, 40)))
	}
	return c.checkAccounts(ctx)
}

// isID knows Xero's ids: a UUID as it is usually written.
func isID(text string) bool {
	if len(text) != 36 {
		return false
	}
	for i := range len(text) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		digit := text[i] >= '0' && text[i] <= '9' || text[i] >= 'a' && text[i] <= 'f' || text[i] >= 'A' && text[i] <= 'F'
		if dash != (text[i] == '-') || !dash && !digit {
			return false
		}
	}
	return true
}

// isAccount takes an account's id or a code. Codes have at most 10 characters; they
// are compared with what Xero lists and never put into a query.
func isAccount(text string) bool {
	if isID(text) {
		return true
	}
	return len([]rune(text)) <= 10 && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' })
}

// clip cuts text to a number of runes.
func clip(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}
