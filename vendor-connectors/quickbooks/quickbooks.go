// Package quickbooks connects a vendor's QuickBooks Online company: its customers,
// invoices and credit memos come to the hub, and payments go back. It speaks the
// Accounting API v3 over OAuth 2. The shapes and rules are those of
// developer.intuit.com, with minor version 75.
//
// What QuickBooks does not tell: a file that another program attaches to an invoice
// does not change the time of the invoice's last change, so it comes with the next
// change of it; and when a payment is deleted, its invoices come because QuickBooks
// counts that as a change of them.
package quickbooks

import (
	"context"
	"errors"
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
const Kind = "quickbooks"

// Where QuickBooks is: production, and the companies for trying things out.
const (
	API     = "https://quickbooks.api.intuit.com"
	Sandbox = "https://sandbox-quickbooks.api.intuit.com"

	authorizeURL = "https://appcenter.intuit.com/connect/oauth2"
	tokenURL     = "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer"
	minorVersion = "75"
)

// Names of the settings beside connectors.PaymentAccount and ClearingAccount.
const (
	settingCompany  = "company"
	settingDiscount = "discount_account"
)

// QuickBooks' limits per company (developer.intuit.com, "Limits and throttles"): 10
// calls at once, 500 in a minute. The rate and the burst together stay within the
// minute's: no 60 seconds see more than burst + rate × 60 calls.
const (
	mostAtOnce = 10
	burst      = 50
	perMinute  = 400
)

// pageSize is how many records are asked for at once, which is the most that
// QuickBooks gives.
const pageSize = 1000

// App is the hub as QuickBooks knows it.
func App(clientID, clientSecret string) signin.App {
	return signin.App{ClientID: clientID, ClientSecret: clientSecret, AuthorizeURL: authorizeURL, TokenURL: tokenURL,
		Scopes: []string{"com.intuit.quickbooks.accounting"}}
}

// Company is the company that a person let the hub into, for the setting "company". It
// stands as realmId in the query of the address with which the person comes back.
func Company(query url.Values) (string, error) {
	if realm := query.Get("realmId"); isID(realm) {
		return realm, nil
	}
	return "", errors.New("QuickBooks does not say which company it is. Sign in there again and choose one")
}

// Describe is what the console and the hub know of the kind before there is a connection.
func Describe() connectors.Descriptor {
	return connectors.Descriptor{
		Kind: Kind, Title: "QuickBooks Online", Summary: "Customers, invoices and credit memos of one QuickBooks Online company, and payments back into it.",
		Fields: []connectors.Field{
			{Name: settingCompany, Label: "Company", Required: true,
				Help: "The id of the company that you let the hub into. QuickBooks gives it when you sign in; it also stands in QuickBooks under Settings, Additional info."},
			{Name: connectors.PaymentAccount, Label: "Account for payments",
				Help: "Name, number or id of the bank account that payments are deposited to. Without it QuickBooks takes its own “Undeposited Funds”."},
			{Name: connectors.ClearingAccount, Label: "Clearing account",
				Help: "Name, number or id of a bank or other current asset account, for payments that you match to your bank line yourself."},
			{Name: settingDiscount, Label: "Account for discounts",
				Help: "Name, number or id of the account where discounts for early payment are booked, such as “Discounts given”. Without it, payments with a discount are refused."},
		},
		Deletions: true, WriteBack: true, SignIn: true, Unproven: true,
	}
}

// Server is QuickBooks as one hub sees it. The connectors that it makes share the
// limits that QuickBooks sets for each company.
type Server struct {
	App signin.App
	API string // its address, such as Sandbox; empty: API

	mu     sync.Mutex
	limits map[string]*limits // by company
}

// limits hold calls of one company back.
type limits struct {
	rate  *rate.Limiter
	slots chan struct{} // one per call under way
}

func (s *Server) limitsOf(company string) *limits {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.limits == nil {
		s.limits = map[string]*limits{}
	}
	if s.limits[company] == nil {
		s.limits[company] = &limits{rate: rate.NewLimiter(rate.Every(time.Minute/perMinute), burst), slots: make(chan struct{}, mostAtOnce)}
	}
	return s.limits[company]
}

// Client is one company. It may be used by many at once.
type Client struct {
	api     string
	company string
	// accounts as the settings name them: by name, number or id
	paymentAccount, clearingAccount, discountAccount string

	deps     connectors.Deps
	source   *signin.Source
	limits   *limits
	pageSize int
	timeout  time.Duration // of one call; 0: what package rest has
}

var (
	_ connectors.Connector       = (*Client)(nil)
	_ connectors.PaymentRecorder = (*Client)(nil)
)

// New makes a connector for the company in the settings, with limits of its own: a hub
// that makes more than one shares a Server. Deps needs HTTP, Tokens and Now. The error
// is for the person who typed the settings.
func New(app signin.App, settings map[string]string, deps connectors.Deps) (connectors.Connector, error) {
	return (&Server{App: app}).New(settings, deps)
}

// New makes a connector for the company in the settings; see the function New.
func (s *Server) New(settings map[string]string, deps connectors.Deps) (connectors.Connector, error) {
	client, err := s.connect(settings, deps)
	if err != nil {
		return nil, err
	}
	return client, nil
}

func (s *Server) connect(settings map[string]string, deps connectors.Deps) (*Client, error) {
	if deps.HTTP == nil || deps.Tokens == nil || deps.Now == nil {
		return nil, errors.New("quickbooks needs an HTTP client, a token store and a clock")
	}
	api := s.API
	if api == "" {
		api = API
	}
	api, err := rest.Address(api)
	if err != nil {
		return nil, err
	}
	c := &Client{api: api, deps: deps, source: &signin.Source{App: s.App, Deps: deps}, pageSize: pageSize}
	c.company = strings.TrimSpace(settings[settingCompany])
	if !isID(c.company) {
		return nil, errors.New("sign in to QuickBooks and choose the company: its id is a number such as 9130350000000000000")
	}
	for _, one := range []struct {
		name  string
		field *string
	}{{connectors.PaymentAccount, &c.paymentAccount}, {connectors.ClearingAccount, &c.clearingAccount}, {settingDiscount, &c.discountAccount}} {
		*one.field = strings.TrimSpace(settings[one.name])
		if !isAccountName(*one.field) {
			return nil, fmt.Errorf("%q is not an account of QuickBooks: enter its name as it stands in the chart of accounts, its number or its id", clip(*one.field, 60))
		}
	}
	c.limits = s.limitsOf(c.company)
	return c, nil
}

// Describe says what the kind can do.
func (c *Client) Describe() connectors.Descriptor { return Describe() }

// Check signs in, asks the company for its name and looks for the accounts that the
// settings name.
func (c *Client) Check(ctx context.Context) error {
	var answer struct {
		CompanyInfo *struct{ CompanyName string }
	}
	if _, err := c.call(ctx, rest.Call{Path: "/companyinfo/" + c.company}, &answer); err != nil {
		return err
	}
	if answer.CompanyInfo == nil {
		return unusable("its company")
	}
	if c.paymentAccount == "" && c.clearingAccount == "" && c.discountAccount == "" {
		return nil
	}
	chart, err := c.chart(ctx)
	if err != nil {
		return err
	}
	for _, wanted := range []struct{ setting, use string }{{c.paymentAccount, "payments"}, {c.clearingAccount, "clearing"}} {
		if wanted.setting == "" {
			continue
		}
		if _, err := chart.deposit(wanted.setting, wanted.use); err != nil {
			return err
		}
	}
	if c.discountAccount != "" {
		_, err = chart.find(c.discountAccount, "discounts")
	}
	return err
}

// isID knows QuickBooks' ids: numbers that are written as text.
func isID(text string) bool {
	const most = 30
	return text != "" && len(text) <= most && strings.Trim(text, "0123456789") == ""
}

// isAccountName takes what can name an account: names have at most 100 characters per
// level, of which there are five. It is compared with what QuickBooks lists and never
// put into a query.
func isAccountName(text string) bool {
	const most = 510
	return len([]rune(text)) <= most && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' })
}

// clip cuts text to a number of runes.
func clip(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}
