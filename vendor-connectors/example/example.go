// Package example is the connector to copy. Its books are imaginary, but behave as
// real ones do: JSON over HTTP, a key that buys tokens which expire, lists that keep
// the time of each record's last change, payments that are booked as often as they
// are sent. docs/connectors.md walks through it; start there.
//
// The whole interface of the books:
//
//	POST /v1/token {"key"}                  → {"access_token","expires_in"}
//	GET  /v1/{accounts,invoices,credits}    ?changed_from= &after= &limit=
//	                                        → {"now","newest","count","records":[…],"more"}, in the order of the ids
//	GET  /v1/papers/{id}                    → {"name","content_type","content"}, content in base64
//	GET  /v1/payments?reference_begins=     → {"records":[…]}
//	POST /v1/payments                       → 201 and the payment; one that is sent twice is booked twice
//
// Errors are {"error":"words"} with a status of 400 and more.
package example

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

// Client reads and writes one vendor's books. What it keeps between calls is its
// configuration, and a token that can be had anew at any time: where to go on is in
// the cursor alone, because the next call may come to another process.
type Client struct {
	api     *rest.Client // with a token
	bare    *rest.Client // without, to get one
	key     string
	account map[bool]string // where money is booked to; true: for clearing
	now     func() time.Time
	token   token
}

// The compiler holds us to the contract; it is the only place where the interfaces
// are named.
var (
	_ connectors.Connector       = (*Client)(nil)
	_ connectors.PaymentRecorder = (*Client)(nil)
)

// Descriptor is what the console shows of this kind, and what it asks for. The
// claims in it are held against what the connector does by connectortest.
func Descriptor() connectors.Descriptor {
	return connectors.Descriptor{
		Kind: "example", Title: "Example Ledger", Summary: "An imaginary ledger, for authors of connectors.",
		Fields: []connectors.Field{
			{Name: "url", Label: "Address of your ledger", Help: "Where you sign in, like https://ledger.your-company.example.", Required: true},
			{Name: "key", Label: "Key", Help: "In the ledger under Settings, Keys. It must be allowed to read and to book payments.", Required: true, Sealed: true},
			{Name: connectors.PaymentAccount, Label: "Account for payments", Help: "The number of the bank account that payments are booked to.", Required: true},
			{Name: connectors.ClearingAccount, Label: "Clearing account", Help: "The number of the account for payments that you match with your bank yourself. Empty: you have none."},
		},
		Deletions: true, // deleted records stay in the lists, marked as such
		WriteBack: true,
		Unproven:  true, // nobody has seen this ledger
	}
}

// New makes a connector from what a person typed into the fields of Descriptor. It
// makes no call: Check does. The error is for that person.
func New(settings map[string]string, deps connectors.Deps) (connectors.Connector, error) {
	address, err := rest.Address(settings["url"])
	if err != nil {
		return nil, fmt.Errorf("address of your ledger: %w", err)
	}
	key := strings.TrimSpace(settings["key"])
	if key == "" || len(key) > 500 || strings.ContainsAny(key, " \t\r\n") {
		return nil, errors.New("key: paste the whole key, without spaces")
	}
	c := &Client{key: key, now: deps.Now, account: map[bool]string{false: settings[connectors.PaymentAccount], true: settings[connectors.ClearingAccount]}}
	// Every call goes through deps.HTTP, which reaches only what the hub may reach.
	c.bare = &rest.Client{HTTP: deps.HTTP, Base: address + "/v1", Now: deps.Now, Words: words}
	c.api = &rest.Client{HTTP: deps.HTTP, Base: address + "/v1", Now: deps.Now, Words: words, Authorize: c.authorize, Renew: c.renew,
		Timeout: 30 * time.Second}
	// Were the ledger to count calls, the client would stay below its limit by itself:
	// c.api.Limit = rate.NewLimiter(rate.Every(time.Second), 10)
	return c, nil
}

// Describe is Descriptor.
func (c *Client) Describe() connectors.Descriptor { return Descriptor() }

// Check tries all that a connection needs, and changes nothing. What it answers is
// read by the person who has just typed the settings: say which of them is wrong and
// where the right value is found, and wrap the cause.
func (c *Client) Check(ctx context.Context) error {
	for _, path := range []string{"/accounts", "/invoices", "/credits"} {
		var list wireList
		_, err := c.api.JSON(ctx, rest.Call{Path: path, Query: nothing()}, &list)
		switch {
		case errors.Is(err, connectors.ErrCredentials):
			return fmt.Errorf("the key was refused. Make a new one in the ledger under Settings, Keys, and paste it here: %w", err)
		case errors.Is(err, connectors.ErrGone):
			return fmt.Errorf("no ledger answers at this address. Give the address where you sign in: %w", err)
		case err != nil:
			return err
		}
	}
	if c.account[false] == "" {
		return fmt.Errorf("%w: say to which account payments are booked", connectors.ErrRefused)
	}
	return nil
}

// words finds what the ledger says is wrong, so that people read its own words. rest
// bounds them.
func words(_ int, body []byte) string {
	var problem struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(body, &problem) != nil {
		return ""
	}
	return problem.Error
}

// authorize puts a token on a request: rest.Client.Authorize.
func (c *Client) authorize(ctx context.Context, request *http.Request) error {
	access, err := c.token.good(c.now(), func() (wireToken, error) { return c.buy(ctx) })
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+access)
	return nil
}

// renew is asked when the ledger no longer takes our token, although it should. Two
// calls may find that out at once; one new token more does no harm here. Where it
// does, because each new token ends the one before, use package signin.
func (c *Client) renew(context.Context) error {
	c.token.forget()
	return nil
}

// buy exchanges the key for a token. It is a POST and yet no Write: nothing is lost
// when its answer is.
func (c *Client) buy(ctx context.Context) (wireToken, error) {
	var got wireToken
	_, err := c.bare.JSON(ctx, rest.Call{Method: http.MethodPost, Path: "/token", Body: map[string]string{"key": c.key}}, &got)
	if err == nil && got.AccessToken == "" {
		err = fmt.Errorf("%w: the ledger gives no token", connectors.ErrUnreachable)
	}
	return got, err
}
