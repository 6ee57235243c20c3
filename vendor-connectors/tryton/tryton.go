// Package tryton connects the books of a Tryton server (6.0 and later) by its own
// JSON-RPC: customers' invoices and credit notes come in as they change, payments go
// back through the wizard with which people pay an invoice there.
package tryton

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/rest"
)

// Kind is the name under which connections of this kind are kept.
const Kind = "tryton"

const callTimeout = 25 * time.Second

// Describe says what this kind can do and asks for.
func Describe() connectors.Descriptor {
	return connectors.Descriptor{Kind: Kind, Title: "Tryton", Summary: "Free business software that you run yourself, version 6.0 or later, with the module account_invoice.",
		WriteBack: true,
		Fields: []connectors.Field{
			{Name: "url", Label: "Address of your Tryton server", Help: "Like https://tryton.vendor.example, as your Tryton client connects to it.", Required: true},
			{Name: "database", Label: "Database", Help: "Its name, as the client's login window shows it.", Required: true},
			{Name: "user", Label: "User", Help: "One made for the hub, in the groups Accounting and Account.", Required: true},
			{Name: "password", Label: "Password", Required: true, Sealed: true},
			{Name: "payment_method", Label: "Payment method", Help: "By its name in Tryton: invoices are paid with it, so its accounts are where the hub's money goes.", Required: true},
			{Name: connectors.ClearingAccount, Label: "Payment method for clearing", Help: "By its name in Tryton, when you want to match payments with your bank by yourself."},
			{Name: "discount_method", Label: "Payment method for discounts", Help: "By its name in Tryton: what a discount leaves open is paid with it. Without one, discounts are left to you."},
		}}
}

// Client is one connection. It signs in when it has to, and may be used by many at
// once.
type Client struct {
	settings map[string]string
	rest     *rest.Client
	now      func() time.Time
	pageSize int

	mu      sync.Mutex
	session string // the Authorization of the session; empty: none yet
	ids     int
}

var (
	_ connectors.Connector       = (*Client)(nil)
	_ connectors.PaymentRecorder = (*Client)(nil)
)

// New makes a connector of its settings; the error is for who typed them.
func New(settings map[string]string, deps connectors.Deps) (connectors.Connector, error) {
	address, err := url.Parse(strings.TrimRight(settings["url"], "/"))
	if err != nil || address.Host == "" || (address.Scheme != "https" && address.Scheme != "http") || address.RawQuery != "" || address.User != nil {
		return nil, errors.New("the address of the Tryton server is like https://tryton.vendor.example")
	}
	if database := settings["database"]; database == "" || strings.ContainsAny(database, "/?#%") {
		return nil, errors.New("the database is named as the client's login window shows it, without slashes")
	}
	c := &Client{settings: settings, now: deps.Now, pageSize: pageSize}
	c.rest = &rest.Client{HTTP: deps.HTTP, Base: address.String(), Now: deps.Now, Timeout: callTimeout, Authorize: c.authorize}
	return c, nil
}

// Describe implements connectors.Connector.
func (c *Client) Describe() connectors.Descriptor { return Describe() }

func (c *Client) authorize(_ context.Context, request *http.Request) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session != "" {
		request.Header.Set("Authorization", "Session "+c.session)
	}
	return nil
}

// Check signs in and looks for all that reading and paying need.
func (c *Client) Check(ctx context.Context) error {
	if err := c.login(ctx); err != nil {
		return err
	}
	if _, err := c.invoices(ctx, []any{[]any{"type", "=", "out"}}, 1); err != nil {
		if errors.Is(err, connectors.ErrRefused) {
			return fmt.Errorf("invoices cannot be read: is the module account_invoice activated, and may this user read them? %w", err)
		}
		return err
	}
	for _, name := range []string{"payment_method", connectors.ClearingAccount, "discount_method"} {
		if title := c.settings[name]; title != "" {
			if _, err := c.method(ctx, title); err != nil {
				return err
			}
		}
	}
	return nil
}

// method finds a payment method by its name.
func (c *Client) method(ctx context.Context, title string) (int64, error) {
	var found []struct {
		ID   int64  `json:"id"`
		Name string `json:"name"`
	}
	err := c.search(ctx, "account.invoice.payment.method", []any{}, page{limit: 200, order: []any{[]any{"name", "ASC"}}}, []string{"name"}, &found)
	if err != nil {
		return 0, err
	}
	var names []string
	for _, method := range found {
		if strings.EqualFold(method.Name, title) {
			return method.ID, nil
		}
		names = append(names, method.Name)
	}
	if len(names) == 0 {
		return 0, fmt.Errorf("%w: Tryton has no payment method. Make one under Financial, Configuration, Invoice, Payment Methods", connectors.ErrRefused)
	}
	return 0, fmt.Errorf("%w: Tryton has no payment method %q. It has: %s", connectors.ErrRefused, title, strings.Join(names, ", "))
}
