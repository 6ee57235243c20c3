// Package tryton connects the books of a Tryton server (6.0 and later) by its own
// JSON-RPC: customers' invoices and credit notes come in as they change, payments go
// back through the wizard with which people pay an invoice there.
package tryton

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/rest"
)

// Kind is the name under which connections of this kind are kept.
const Kind = "tryton"

// Names of the settings beside connectors.ClearingAccount.
const (
	settingMethod   = "payment_method"
	settingWriteOff = "write_off"
)

const callTimeout = 25 * time.Second

// Describe says what this kind can do and asks for.
func Describe() connectors.Descriptor {
	return connectors.Descriptor{Kind: Kind, Title: "Tryton", Summary: "Free business software that you run yourself, version 6.0 or later, with the module account_invoice.",
		WriteBack: true,
		Fields: []connectors.Field{
			{Name: "url", Label: "Address of your Tryton server", Help: "Like https://tryton.vendor.example, as your Tryton client connects to it.", Required: true},
			{Name: "database", Label: "Database", Help: "Its name, as the client's login window shows it.", Required: true},
			{Name: "user", Label: "User", Help: "One made for the hub, in the group Account (and Payment, if you use the module account_payment), with a company.", Required: true},
			{Name: "password", Label: "Password", Required: true, Sealed: true},
			{Name: settingMethod, Label: "Payment method", Help: "By its name in Tryton: invoices are paid with it, so its accounts are where the hub's money goes.", Required: true},
			{Name: connectors.ClearingAccount, Label: "Payment method for clearing", Help: "By its name in Tryton, when you want to match payments with your bank by yourself."},
			{Name: settingWriteOff, Label: "Write-off", Help: "By its name in Tryton: what a discount for early payment or another exchange rate leaves open is written off with it. Not needed when you have only one."},
		}}
}

// Client is one connection. It signs in when it has to, and may be used by many at
// once.
type Client struct {
	settings map[string]string
	rest     *rest.Client
	now      func() time.Time
	pageSize int
	ids      atomic.Int64 // of calls

	mu      sync.Mutex
	session *session // nil: none yet
}

var (
	_ connectors.Connector       = (*Client)(nil)
	_ connectors.PaymentRecorder = (*Client)(nil)
	_ connectors.NoteRecorder    = (*Client)(nil)
)

// New makes a connector of its settings; the error is for who typed them.
func New(settings map[string]string, deps connectors.Deps) (connectors.Connector, error) {
	address, err := rest.Address(settings["url"])
	if err != nil {
		return nil, err
	}
	if database := settings["database"]; database == "" || len(database) > 100 || strings.ContainsAny(database, "/\\?#% \t\r\n") || strings.HasPrefix(database, ".") {
		return nil, errors.New("the database is named as the client's login window shows it, without slashes or spaces")
	}
	for _, name := range []string{"user", "password", settingMethod} {
		if strings.TrimSpace(settings[name]) == "" {
			return nil, fmt.Errorf("the %s is missing", strings.ReplaceAll(name, "_", " "))
		}
	}
	if strings.Contains(settings["user"], ":") {
		return nil, errors.New("the user's name must not hold a colon")
	}
	c := &Client{settings: settings, now: deps.Now, pageSize: pageSize}
	c.rest = &rest.Client{HTTP: deps.HTTP, Base: address, Now: deps.Now, Timeout: callTimeout}
	return c, nil
}

// Describe implements connectors.Connector.
func (c *Client) Describe() connectors.Descriptor { return Describe() }

// Check signs in and looks for all that reading and paying need.
func (c *Client) Check(ctx context.Context) error {
	known, err := c.begin(ctx)
	if err != nil {
		return err
	}
	if err := c.mayRead(ctx); err != nil {
		return err
	}
	if known.about["company"] == nil {
		return fmt.Errorf("%w: the user %s has no company in Tryton, and so sees no invoice. Choose one under Administration, Users", connectors.ErrRefused, c.settings["user"])
	}
	methods, err := c.methods(ctx)
	if err != nil {
		return err
	}
	for _, setting := range []string{settingMethod, connectors.ClearingAccount} {
		if title := c.settings[setting]; title != "" {
			if _, err := methods.named(title, 0); err != nil {
				return err
			}
		}
	}
	if title := c.settings[settingWriteOff]; title != "" {
		offs, err := c.writeOffs(ctx)
		if err != nil {
			return err
		}
		_, err = offs.named(title, 0)
		return err
	}
	return nil
}

// mayRead tries to read an invoice, with all that Pull reads of one, and asks for the
// right to book.
func (c *Client) mayRead(ctx context.Context) error {
	rows, err := c.invoices(ctx, customers(), 1)
	if err == nil && len(rows) > 0 {
		_, err = c.records(ctx, rows, time.Time{})
	}
	if errors.Is(err, connectors.ErrRefused) {
		return fmt.Errorf("invoices cannot be read. The module account_invoice must be activated, and the user %s in the group Account: %w", c.settings["user"], err)
	}
	if err != nil {
		return err
	}
	var access map[string]struct {
		Create int `json:"create"`
		Write  int `json:"write"`
	}
	if _, err := c.call(ctx, false, &access, "model.ir.model.access.get_access", nil, []string{"account.move", "account.invoice"}); err != nil {
		return err
	}
	if access["account.move"].Create == 0 || access["account.invoice"].Write == 0 {
		return fmt.Errorf("%w: the user %s may not book payments in Tryton. Put it in the group Account", connectors.ErrRefused, c.settings["user"])
	}
	return nil
}
