// Package odoo connects the books of Odoo 19 and later over its JSON-2 API
// (odoo.com/documentation/19.0/developer/reference/external_api.html): it reads
// customers, customer invoices and credit notes, and registers payments as the
// button in Odoo does.
package odoo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/rest"
)

// Names of settings that only Odoo has.
const (
	discountAccount = "discount_account"
	databaseName    = "database"
)

// Client reads and writes one database.
type Client struct {
	api      *rest.Client
	now      func() time.Time
	settings map[string]string
}

var (
	_ connectors.Connector       = (*Client)(nil)
	_ connectors.PaymentRecorder = (*Client)(nil)
)

// Descriptor is what the console shows of this kind.
func Descriptor() connectors.Descriptor {
	return connectors.Descriptor{
		Kind: "odoo", Title: "Odoo", Summary: "Odoo 19 or later, on your own server, Odoo.sh or Odoo Online (Custom plan).",
		Fields: []connectors.Field{
			{Name: "url", Label: "Address of your Odoo", Help: "Where you sign in, like https://your-company.odoo.com.", Required: true},
			{Name: databaseName, Label: "Database", Help: "Needed only when the server has more than one."},
			{Name: "key", Label: "API key", Help: "Preferences, Account Security, New API Key, with the scope rpc. Odoo lets a key live three months at most: put a new one here before.", Required: true, Sealed: true},
			{Name: connectors.PaymentAccount, Label: "Journal for payments", Help: "The short code of a bank or cash journal, like BNK1."},
			{Name: connectors.ClearingAccount, Label: "Clearing journal", Help: "The short code of the journal where you match payments to your bank by yourself."},
			{Name: discountAccount, Label: "Account for discounts", Help: "The code of the account that takes what a customer may deduct for paying early."},
		},
		WriteBack: true, Unproven: true,
	}
}

// New makes a connector from the settings of Descriptor. The error is for the
// person who typed them.
func New(settings map[string]string, deps connectors.Deps) (connectors.Connector, error) {
	address, err := rest.Address(settings["url"])
	if err != nil {
		return nil, fmt.Errorf("address of your Odoo: %w", err)
	}
	kept := map[string]string{}
	for name, value := range settings {
		kept[name] = strings.TrimSpace(value)
		if len(value) > 500 || strings.ContainsAny(kept[name], "\r\n\x00") {
			return nil, fmt.Errorf("%s: it is too long, or has more than one line", name)
		}
	}
	key, database := kept["key"], kept[databaseName]
	if key == "" || strings.ContainsAny(key, " \t") {
		return nil, errors.New("API key: paste the whole key, without spaces")
	}
	return &Client{now: deps.Now, settings: kept, api: &rest.Client{
		HTTP: deps.HTTP, Base: address + "/json/2", Now: deps.Now, Words: words,
		Authorize: func(_ context.Context, request *http.Request) error {
			request.Header.Set("Authorization", "bearer "+key)
			if database != "" {
				request.Header.Set("X-Odoo-Database", database)
			}
			return nil
		},
	}}, nil
}

// Describe is Descriptor.
func (c *Client) Describe() connectors.Descriptor { return Descriptor() }

func words(_ int, body []byte) string {
	var problem struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &problem) != nil {
		return ""
	}
	return problem.Message
}

// args are the named arguments of a method of a model; "ids" are the records that
// it is called on.
type args map[string]any

// call runs a method that changes nothing.
func (c *Client) call(ctx context.Context, model, method string, arguments args, into any) (rest.Answer, error) {
	return c.api.JSON(ctx, rest.Call{Method: http.MethodPost, Path: "/" + model + "/" + method, Body: arguments}, into)
}

// write runs a method in one transaction of Odoo's: all of it is booked or nothing.
func (c *Client) write(ctx context.Context, model, method string, arguments args, into any) error {
	_, err := c.api.JSON(ctx, rest.Call{Method: http.MethodPost, Path: "/" + model + "/" + method, Body: arguments, Write: true}, into)
	return err
}

// search reads records. Archived ones are among them.
func (c *Client) search(ctx context.Context, model string, domain domain, fields []string, order string, limit int, into any) (rest.Answer, error) {
	return c.call(ctx, model, "search_read", args{"domain": domain, "fields": fields, "order": order, "limit": limit,
		"context": map[string]any{"active_test": false}}, into)
}

// domain is a condition in Odoo's words: terms that all hold, unless "|" stands before two.
type domain []any

func term(field, operator string, value any) any { return []any{field, operator, value} }

// Check signs in, reads one record of each list and finds the journals of the settings.
func (c *Client) Check(ctx context.Context) error {
	if _, err := c.call(ctx, "res.users", "context_get", args{}, &struct{}{}); err != nil {
		switch {
		case errors.Is(err, connectors.ErrCredentials):
			return fmt.Errorf("the API key was refused. Make a new one in Odoo under Preferences, Account Security, and paste it here: %w", err)
		case errors.Is(err, connectors.ErrGone):
			return fmt.Errorf("no Odoo 19 with this database answers at this address. Check both; older versions cannot be connected: %w", err)
		}
		return err
	}
	for model, name := range map[string]string{"account.move": "invoices", "account.move.line": "journal items", "account.payment": "payments", "res.partner": "contacts"} {
		if _, err := c.search(ctx, model, domain{}, []string{"id"}, "id", 1, &[]struct{}{}); err != nil {
			return fmt.Errorf("the key's user may not read %s. Give it the right Invoicing: %w", name, err)
		}
	}
	for _, name := range []string{connectors.PaymentAccount, connectors.ClearingAccount} {
		if code := c.settings[name]; code != "" {
			if _, err := c.journals(ctx, code); err != nil {
				return err
			}
		}
	}
	if code := c.settings[discountAccount]; code != "" {
		if _, err := c.account(ctx, code); err != nil {
			return err
		}
	}
	return nil
}
