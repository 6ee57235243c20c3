// Package erpnext connects the books of ERPNext 14 and later over Frappe's REST API
// (docs.frappe.io/framework/user/en/api/rest): it reads customers and sales invoices,
// and writes payment entries and, for credits, journal entries.
package erpnext

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/rest"
)

// Names of settings that only ERPNext has.
const (
	discountAccount = "discount_account"
	modeOfPayment   = "mode_of_payment"
)

// Client reads and writes one site.
type Client struct {
	api      *rest.Client
	now      func() time.Time
	settings map[string]string
}

var (
	_ connectors.Connector       = (*Client)(nil)
	_ connectors.PaymentRecorder = (*Client)(nil)
)

// Descriptor is what the console shows of this kind. Deletions are told where the
// user may read them, which only a system manager may.
func Descriptor() connectors.Descriptor {
	return connectors.Descriptor{
		Kind: "erpnext", Title: "ERPNext", Summary: "ERPNext 14 or later, on your own server or Frappe Cloud.",
		Fields: []connectors.Field{
			{Name: "url", Label: "Address of your ERPNext", Help: "Where you sign in, like https://your-company.frappe.cloud.", Required: true},
			{Name: "key", Label: "API key", Help: "Open the user that Sheaf shall be in ERPNext, Settings, API Access, Generate Keys. It needs the roles Accounts User and Sales User.", Required: true, Sealed: true},
			{Name: "secret", Label: "API secret", Help: "Shown once, when the keys are made.", Required: true, Sealed: true},
			{Name: connectors.PaymentAccount, Label: "Account for payments", Help: "The bank account in your chart of accounts, by its full name, like Bank - NW. One for each currency and company that you invoice in, with ; between them."},
			{Name: connectors.ClearingAccount, Label: "Clearing account", Help: "The account where you match payments to your bank by yourself; several as above."},
			{Name: discountAccount, Label: "Account for discounts", Help: "The account that takes what a customer may deduct for paying early."},
			{Name: modeOfPayment, Label: "Mode of payment", Help: "One of yours, like Wire Transfer; may stay empty."},
		},
		WriteBack: true, Unproven: true,
	}
}

// New makes a connector from the settings of Descriptor. The error is for the
// person who typed them.
func New(settings map[string]string, deps connectors.Deps) (connectors.Connector, error) {
	address, err := rest.Address(settings["url"])
	if err != nil {
		return nil, fmt.Errorf("address of your ERPNext: %w", err)
	}
	kept := map[string]string{}
	for name, value := range settings {
		kept[name] = strings.TrimSpace(value)
		if len(value) > 500 || strings.ContainsAny(kept[name], "\r\n\x00") {
			return nil, fmt.Errorf("%s: it is too long, or has more than one line", name)
		}
	}
	key, secret := kept["key"], kept["secret"]
	if key == "" || secret == "" || strings.ContainsAny(key+secret, " \t:") {
		return nil, errors.New("API key and API secret: paste both whole, without spaces")
	}
	return &Client{now: deps.Now, settings: kept, api: &rest.Client{
		HTTP: deps.HTTP, Base: strings.TrimSuffix(address, "/app") + "/api", Now: deps.Now, Words: words,
		Authorize: func(_ context.Context, request *http.Request) error {
			request.Header.Set("Authorization", "token "+key+":"+secret)
			return nil
		},
	}}, nil
}

// Describe is Descriptor.
func (c *Client) Describe() connectors.Descriptor { return Descriptor() }

var tag = regexp.MustCompile(`<[^>]{0,200}>`)

// words finds what Frappe says is wrong: messages are a JSON list of JSON texts.
func words(_ int, body []byte) string {
	var problem struct {
		Messages  string `json:"_server_messages"`
		Exception string `json:"exception"`
	}
	if json.Unmarshal(body, &problem) != nil {
		return ""
	}
	var messages []string
	if json.Unmarshal([]byte(problem.Messages), &messages) == nil {
		for _, message := range messages {
			var one struct {
				Message string `json:"message"`
			}
			if json.Unmarshal([]byte(message), &one) == nil && one.Message != "" {
				return tag.ReplaceAllString(one.Message, "")
			}
		}
	}
	_, said, _ := strings.Cut(problem.Exception, ": ") // before it stands the name of a class
	return tag.ReplaceAllString(said, "")
}

// filter is a condition: field, operator and value, with the child table before them
// where the field is one of its.
type filter []any

type envelope[T any] struct {
	Data T `json:"data"`
}

type message[T any] struct {
	Message T `json:"message"`
}

// list reads records of a doctype.
func (c *Client) list(ctx context.Context, doctype string, fields []string, filters []filter, order string, limit int, into any) (rest.Answer, error) {
	query := url.Values{"order_by": {order}, "limit_start": {"0"}, "limit_page_length": {fmt.Sprint(limit)}}
	for name, value := range map[string]any{"fields": fields, "filters": filters} {
		encoded, err := json.Marshal(value)
		if err != nil {
			return rest.Answer{}, fmt.Errorf("encode a call to ERPNext: %w", err)
		}
		query.Set(name, string(encoded))
	}
	return c.api.JSON(ctx, rest.Call{Path: "/resource/" + url.PathEscape(doctype), Query: query}, into)
}

// aside reads what belongs to many records: with more filters than an address has room for.
func (c *Client) aside(ctx context.Context, doctype string, fields []string, filters []filter, into any) (rest.Answer, error) {
	return c.api.JSON(ctx, rest.Call{Method: http.MethodPost, Path: "/method/frappe.client.get_list", Body: map[string]any{
		"doctype": doctype, "fields": fields, "filters": filters, "limit_page_length": mostAside}}, into)
}

// Check signs in, reads one record of each list and finds the accounts of the settings.
func (c *Client) Check(ctx context.Context) error {
	var user message[string]
	if _, err := c.api.JSON(ctx, rest.Call{Path: "/method/frappe.auth.get_logged_user"}, &user); err != nil {
		switch {
		case errors.Is(err, connectors.ErrCredentials):
			return fmt.Errorf("key and secret were refused. Generate new ones in ERPNext at the user's API Access, and paste both here: %w", err)
		case errors.Is(err, connectors.ErrGone):
			return fmt.Errorf("no ERPNext answers at this address. Give the address where you sign in: %w", err)
		}
		return err
	}
	for _, doctype := range []string{customerType, contactType, invoiceType, paymentType, journalType, companyType} {
		if _, err := c.list(ctx, doctype, []string{"name"}, []filter{}, "name asc", 1, &struct{}{}); err != nil {
			if errors.Is(err, connectors.ErrCredentials) {
				return fmt.Errorf("%s may not read %s. Give this user the roles Accounts User and Sales User: %w", user.Message, doctype, err)
			}
			return err
		}
	}
	for _, name := range []string{connectors.PaymentAccount, connectors.ClearingAccount, discountAccount} {
		for _, account := range several(c.settings[name]) {
			if _, err := c.account(ctx, account); err != nil {
				return err
			}
		}
	}
	return nil
}

// several are the names in a setting that may hold more than one.
func several(setting string) []string {
	var list []string
	for _, name := range strings.Split(setting, ";") {
		if name = strings.TrimSpace(name); name != "" {
			list = append(list, name)
		}
	}
	return list
}

type account struct {
	Name     string `json:"name"`
	Currency string `json:"account_currency"`
	Company  string `json:"company"`
	IsGroup  int    `json:"is_group"`
}

func (c *Client) account(ctx context.Context, name string) (account, error) {
	var found envelope[[]account]
	if _, err := c.list(ctx, "Account", []string{"name", "account_currency", "company", "is_group"}, []filter{{"name", "=", name}}, "name asc", 1, &found); err != nil {
		return account{}, err
	}
	switch {
	case len(found.Data) == 0:
		return account{}, fmt.Errorf("%w: ERPNext has no account %.60q. Give its full name, with the company's short name behind it", connectors.ErrRefused, name)
	case found.Data[0].IsGroup != 0:
		return account{}, fmt.Errorf("%w: %.60q is a group of accounts. Give one account in it", connectors.ErrRefused, name)
	}
	return found.Data[0], nil
}
