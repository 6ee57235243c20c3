package api

import (
	"fmt"
	"slices"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/party"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/push"
)

// pushed is the answer of the bulk calls.
type pushed struct {
	Created   int        `json:"created"`
	Updated   int        `json:"updated"`
	Unchanged int        `json:"unchanged"`
	Rejected  []rejected `json:"rejected"`
}

// rejected is one record that was not taken. Pointers go into the body.
type rejected struct {
	Index      int             `json:"index"`
	ExternalID string          `json:"external_id"`
	Problems   []fault.Problem `json:"problems"`
}

// PutAccounts is PUT /api/v1/accounts.
func (h *Handlers) PutAccounts(c *fiber.Ctx) error {
	return bulk(h, c, "accounts", push.ParseAccounts,
		func(records []connectors.Account) connectors.Page { return connectors.Page{Accounts: records} },
		func(result billing.Result) party.Counts { return result.Accounts })
}

// PutInvoices is PUT /api/v1/invoices.
func (h *Handlers) PutInvoices(c *fiber.Ctx) error {
	return bulk(h, c, "invoices", push.ParseInvoices,
		func(records []connectors.Invoice) connectors.Page { return connectors.Page{Invoices: records} },
		func(result billing.Result) party.Counts { return result.Invoices })
}

// PutCredits is PUT /api/v1/credits.
func (h *Handlers) PutCredits(c *fiber.Ctx) error {
	return bulk(h, c, "credits", push.ParseCredits,
		func(records []connectors.Credit) connectors.Page { return connectors.Page{Credits: records} },
		func(result billing.Result) party.Counts { return result.Credits })
}

// bulk brings in the records of one call. Each is judged by itself, so that
// the answer is 200 also when some, or all, are rejected.
func bulk[T any](h *Handlers, c *fiber.Ctx, name string, parse func([]byte) (push.Batch[T], error),
	page func([]T) connectors.Page, counts func(billing.Result) party.Counts) error {
	actor, err := caller(c)
	if err != nil {
		return err
	}
	raw, err := body(c, MaxBody)
	if err != nil {
		return err
	}
	batch, err := parse(raw)
	if err != nil {
		return err
	}
	answer := pushed{Rejected: make([]rejected, 0, len(batch.Rejected))}
	for _, one := range batch.Rejected {
		answer.Rejected = append(answer.Rejected, rejected{one.Index, one.ExternalID, problemsOf(one.Problems)})
	}
	ctx, cancel := deadline(c, writeTimeout)
	defer cancel()
	vendor, err := h.Party.Vendor(ctx, actor.VendorID)
	if err != nil {
		return err
	}
	records := make([]T, len(batch.Records))
	for i, one := range batch.Records {
		records[i] = one.Value
	}
	result, err := h.Intake.Push(ctx, actor, vendor, page(records))
	if err != nil {
		return err
	}
	for _, one := range result.Rejected {
		index := batch.Records[one.Index].Index
		answer.Rejected = append(answer.Rejected, rejected{index, one.ExternalID, within(name, index, one.Problems)})
	}
	slices.SortFunc(answer.Rejected, func(a, b rejected) int { return a.Index - b.Index })
	counted := counts(result)
	answer.Created, answer.Updated, answer.Unchanged = counted.Created, counted.Updated, counted.Unchanged
	return c.JSON(answer)
}

func problemsOf(problems []connectors.Problem) []fault.Problem {
	list := make([]fault.Problem, len(problems))
	for i, one := range problems {
		list[i] = fault.Problem{Pointer: one.Field, Message: one.Message}
	}
	return list
}

// within makes pointers into a record pointers into the body.
func within(name string, index int, problems []fault.Problem) []fault.Problem {
	list := make([]fault.Problem, len(problems))
	for i, one := range problems {
		list[i] = fault.Problem{Pointer: fmt.Sprintf("/%s/%d%s", name, index, one.Pointer), Message: one.Message}
	}
	return list
}
