package xero

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
	"github.com/sheaf-hub/sheaf/vendor-connectors/signin"
)

// How long to wait when Xero says which limit was passed but not until when.
const (
	waitMinute = time.Minute
	waitOthers = 5 * time.Second // too many at once
)

// read makes a call of the API that changes nothing and decodes its answer.
func (c *Client) read(ctx context.Context, call rest.Call, into any) error {
	_, err := c.call(ctx, call, into)
	return err
}

// call makes one call within Xero's limits.
func (c *Client) call(ctx context.Context, call rest.Call, into any) (rest.Answer, error) {
	select {
	case c.limits.slots <- struct{}{}:
		defer func() { <-c.limits.slots }()
	case <-ctx.Done():
		return rest.Answer{}, ctx.Err()
	}
	if call.Header == nil {
		call.Header = http.Header{}
	}
	call.Header.Set("xero-tenant-id", c.tenant)
	answer, err := c.rest().JSON(ctx, call, into)
	return answer, waited(answer, err)
}

func (c *Client) rest() *rest.Client {
	client := restClient(c.api, c.source, c.deps)
	client.Limit, client.Timeout = c.limits.rate, c.timeout
	return client
}

// restClient calls Xero with the tokens of a source.
func restClient(api string, source *signin.Source, deps connectors.Deps) *rest.Client {
	used := "" // by this call: the token to renew when it is refused
	return &rest.Client{HTTP: deps.HTTP, Base: api, Now: deps.Now, Words: words,
		Authorize: func(ctx context.Context, request *http.Request) error {
			access, err := source.Access(ctx)
			if err != nil {
				return err
			}
			used = access
			request.Header.Set("Authorization", "Bearer "+access)
			return nil
		},
		Renew: func(ctx context.Context) error {
			_, err := source.Renew(ctx, used)
			return err
		}}
}

// waited says how long to wait where Xero leaves it open: its answer to too many
// calls at once names the limit and no time.
func waited(answer rest.Answer, err error) error {
	var throttled *connectors.ThrottledError
	if !errors.As(err, &throttled) || throttled.RetryAfter > 0 {
		return err
	}
	wait := waitOthers
	if strings.EqualFold(answer.Header.Get("X-Rate-Limit-Problem"), "minute") {
		wait = waitMinute
	}
	return &connectors.ThrottledError{RetryAfter: wait}
}

// problem is what Xero says is wrong, in either of its shapes: of the API itself,
// and of the gateway before it.
type problem struct {
	Message  string
	Elements []struct{ ValidationErrors []validationError }
	Detail   string
	Title    string
}

type validationError struct{ Message string }

func words(_ int, body []byte) string {
	var said problem
	if json.Unmarshal(body, &said) != nil {
		return ""
	}
	var found []validationError
	for _, element := range said.Elements {
		found = append(found, element.ValidationErrors...)
	}
	for _, text := range []string{joined(found), said.Message, said.Detail, said.Title} {
		if text != "" {
			return text
		}
	}
	return ""
}

// joined is Xero's own sentences, each once.
func joined(problems []validationError) string {
	var texts []string
	seen := map[string]bool{}
	for _, one := range problems {
		if text := strings.TrimSpace(one.Message); text != "" && !seen[text] {
			seen[text] = true
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, "; ")
}

// Tenant is one organisation that the person let the hub into.
type Tenant struct {
	ID   string // for the setting "tenant"
	Name string
}

// Tenants lists the organisations of one sign-in, for the person to choose from.
func (s *Server) Tenants(ctx context.Context, deps connectors.Deps) ([]Tenant, error) {
	return listTenants(ctx, restClient(s.address(), &signin.Source{App: s.App, Deps: deps}, deps))
}

func (c *Client) tenants(ctx context.Context) ([]Tenant, error) { return listTenants(ctx, c.rest()) }

func listTenants(ctx context.Context, client *rest.Client) ([]Tenant, error) {
	var connections []struct{ TenantID, TenantType, TenantName string }
	answer, err := client.JSON(ctx, rest.Call{Path: "/connections"}, &connections)
	if err != nil {
		return nil, waited(answer, err)
	}
	var tenants []Tenant
	for _, connection := range connections {
		if connection.TenantType != "ORGANISATION" || !isID(connection.TenantID) {
			continue
		}
		tenants = append(tenants, Tenant{ID: strings.ToLower(connection.TenantID), Name: clip(connection.TenantName, 200)})
	}
	return tenants, nil
}

// account is how a payment names an account: by code or, where it has none, by id.
type account struct {
	AccountID string `json:",omitempty"`
	Code      string `json:",omitempty"`
}

func accountOf(setting string) account {
	if isID(setting) {
		return account{AccountID: setting}
	}
	return account{Code: setting}
}

// checkAccounts looks for the accounts of the settings, and whether Xero takes
// payments to them.
func (c *Client) checkAccounts(ctx context.Context) error {
	var answer struct {
		Accounts []struct {
			AccountID, Code, Name, Type, Status string
			EnablePaymentsToAccount             bool
		}
	}
	if err := c.read(ctx, rest.Call{Path: accounting + "/Accounts"}, &answer); err != nil {
		return err
	}
	for _, wanted := range []struct{ name, setting string }{{"payments", c.payment}, {"clearing", c.clearing}, {"discounts", c.discount}} {
		if wanted.setting == "" {
			continue
		}
		found, takes := false, false
		for _, listed := range answer.Accounts {
			if listed.Code != wanted.setting && !strings.EqualFold(listed.AccountID, wanted.setting) || listed.Status == "ARCHIVED" || listed.Status == "DELETED" {
				continue
			}
			found, takes = true, listed.Type == "BANK" || listed.EnablePaymentsToAccount
		}
		switch {
		case !found:
			return fmt.Errorf("%w: Xero has no active account %q (for %s). Look its code up under Accounting, Chart of accounts", connectors.ErrRefused, wanted.setting, wanted.name)
		case !takes:
			return fmt.Errorf("%w: account %q (for %s) takes no payments. In Xero, open the account and tick “Enable payments to this account”", connectors.ErrRefused, wanted.setting, wanted.name)
		}
	}
	return nil
}
