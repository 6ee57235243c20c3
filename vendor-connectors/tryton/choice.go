package tryton

import (
	"context"
	"fmt"
	"strings"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// choice is a payment method or a write-off of a company's.
type choice struct {
	ID      int64  `json:"id"`
	Name    string `json:"name"`
	Company int64  `json:"company"`
}

// choices are all there are of one sort.
type choices struct {
	sort string // in words
	hint string // where to make one
	list []choice
}

func (c *Client) choices(ctx context.Context, model, sort, hint string) (choices, error) {
	found := choices{sort: sort, hint: hint}
	_, err := c.search(ctx, query{model: model, domain: []any{}, limit: mostRows, order: []any{[]any{"name", "ASC"}}, fields: []string{"name", "company"}}, &found.list)
	return found, err
}

func (c *Client) methods(ctx context.Context) (choices, error) {
	return c.choices(ctx, "account.invoice.payment.method", "payment method", "Financial, Configuration, Invoice, Payment Methods")
}

func (c *Client) writeOffs(ctx context.Context) (choices, error) {
	return c.choices(ctx, "account.move.reconcile.write_off", "write-off", "Financial, Configuration, Journals, Write-Off Methods")
}

// named finds one by its name, of a company; 0: of any.
func (c choices) named(title string, company int64) (int64, error) {
	const most = 20
	var names []string
	for _, one := range c.list {
		if company != 0 && one.Company != company {
			continue
		}
		if strings.EqualFold(strings.TrimSpace(one.Name), strings.TrimSpace(title)) {
			return one.ID, nil
		}
		if len(names) < most {
			names = append(names, one.Name)
		}
	}
	if len(names) == 0 {
		return 0, fmt.Errorf("%w: Tryton has no %s. Make one under %s", connectors.ErrRefused, c.sort, c.hint)
	}
	return 0, fmt.Errorf("%w: Tryton has no %s %.60q. It has: %s", connectors.ErrRefused, c.sort, title, strings.Join(names, ", "))
}

// only is the one that a company has, if it has one and no more.
func (c choices) only(company int64) (int64, bool) {
	var found int64
	n := 0
	for _, one := range c.list {
		if one.Company == company {
			found, n = one.ID, n+1
		}
	}
	return found, n == 1
}
