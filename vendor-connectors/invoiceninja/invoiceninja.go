// Package invoiceninja connects the books of Invoice Ninja v5 over its REST API
// (github.com/invoiceninja/invoiceninja, routes/api.php and openapi/): it reads
// clients, invoices and credits, and records payments.
package invoiceninja

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/rest"
)

const perPage = 100 // records of one call; Invoice Ninja gives 20 unless it is asked for more

// Client reads and writes one company's books.
type Client struct {
	api *rest.Client
	now func() time.Time
}

var (
	_ connectors.Connector       = (*Client)(nil)
	_ connectors.PaymentRecorder = (*Client)(nil)
)

// Descriptor is what the console shows of this kind.
func Descriptor() connectors.Descriptor {
	return connectors.Descriptor{
		Kind: "invoiceninja", Title: "Invoice Ninja", Summary: "Invoice Ninja v5, on your own server or hosted at invoicing.co.",
		Fields: []connectors.Field{
			{Name: "url", Label: "Address of your Invoice Ninja", Help: "Where you sign in, like https://invoicing.co or https://invoices.your-company.example.", Required: true},
			{Name: "token", Label: "API token", Help: "Settings, Account Management, API Tokens. The token's user must be an administrator: any other sees only a part of the invoices.", Required: true, Sealed: true},
		},
		Deletions: true, WriteBack: true, Unproven: true,
	}
}

// New makes a connector from the settings of Descriptor. The error is for the
// person who typed them.
func New(settings map[string]string, deps connectors.Deps) (connectors.Connector, error) {
	address, err := rest.Address(settings["url"])
	if err != nil {
		return nil, fmt.Errorf("address of your Invoice Ninja: %w", err)
	}
	token := strings.TrimSpace(settings["token"])
	if token == "" || len(token) > 500 || strings.ContainsAny(token, " \t\r\n") {
		return nil, errors.New("API token: paste the whole token, without spaces")
	}
	address = strings.TrimSuffix(address, "/api/v1")
	return &Client{now: deps.Now, api: &rest.Client{
		HTTP: deps.HTTP, Base: address + "/api/v1", Now: deps.Now, Words: words,
		Authorize: func(_ context.Context, request *http.Request) error {
			request.Header.Set("X-API-TOKEN", token)
			request.Header.Set("X-Requested-With", "XMLHttpRequest") // without it some faults come as a web page
			return nil
		},
	}}, nil
}

// Describe is Descriptor.
func (c *Client) Describe() connectors.Descriptor { return Descriptor() }

// words finds what Laravel says is wrong: a message, and for each field its own.
func words(_ int, body []byte) string {
	var problem struct {
		Message string              `json:"message"`
		Error   string              `json:"error"`
		Errors  map[string][]string `json:"errors"`
	}
	if json.Unmarshal(body, &problem) != nil {
		return ""
	}
	said := problem.Message
	if said == "" {
		said = problem.Error
	}
	fields := slices.Sorted(maps.Keys(problem.Errors))
	if len(fields) > 0 && len(problem.Errors[fields[0]]) > 0 && problem.Errors[fields[0]][0] != said { // one is enough to act on
		said += " (" + fields[0] + ": " + problem.Errors[fields[0]][0] + ")"
	}
	return said
}

// Check signs in, and reads one record of each list.
func (c *Client) Check(ctx context.Context) error {
	if _, err := c.api.JSON(ctx, rest.Call{Path: "/ping"}, &struct{}{}); err != nil {
		switch {
		case errors.Is(err, connectors.ErrCredentials):
			return fmt.Errorf("the token was refused. Make a new one in Invoice Ninja under Settings, Account Management, API Tokens, and paste it here: %w", err)
		case errors.Is(err, connectors.ErrGone):
			return fmt.Errorf("no Invoice Ninja v5 answers at this address. Give the address where you sign in: %w", err)
		}
		return err
	}
	if _, err := c.newBooks(ctx); err != nil {
		return err
	}
	for _, list := range []string{"clients", "invoices", "credits", "payments"} {
		var page envelope[json.RawMessage]
		if _, err := c.api.JSON(ctx, rest.Call{Path: "/" + list, Query: url.Values{"per_page": {"1"}}}, &page); err != nil {
			return fmt.Errorf("the token's user may not read %s. Make the token for an administrator: %w", list, err)
		}
	}
	return nil
}
