// Package push parses the bodies of the vendor API's bulk calls, PUT /accounts,
// /invoices and /credits, into neutral records. Each record is judged by
// itself; problems carry a JSON pointer into the body.
package push

import (
	"errors"
	"fmt"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// MaxRecords bounds one call.
const MaxRecords = 1000

// Record is a good record and its place in the body's list, for whoever finds
// something wrong with it later.
type Record[T any] struct {
	Index int
	Value T
}

// Rejected is a record that cannot be used, as the API answers it.
type Rejected struct {
	Index      int                  `json:"index"`
	ExternalID string               `json:"external_id"`
	Problems   []connectors.Problem `json:"problems"` // Field is a JSON pointer into the body
}

// Batch is a parsed body: every record is in one of the two lists, in order.
type Batch[T any] struct {
	Records  []Record[T]
	Rejected []Rejected
}

// ParseAccounts parses the body of PUT /accounts. The error is a *BodyError
// when the body as a whole cannot be used.
func ParseAccounts(body []byte) (Batch[connectors.Account], error) {
	return parseBatch(body, "accounts", account)
}

// ParseInvoices parses the body of PUT /invoices. The error is a *BodyError
// when the body as a whole cannot be used.
func ParseInvoices(body []byte) (Batch[connectors.Invoice], error) {
	return parseBatch(body, "invoices", invoice)
}

// ParseCredits parses the body of PUT /credits. The error is a *BodyError when
// the body as a whole cannot be used.
func ParseCredits(body []byte) (Batch[connectors.Credit], error) {
	return parseBatch(body, "credits", credit)
}

func parseBatch[T any](body []byte, list string, read func(*reader) T) (Batch[T], error) {
	items, err := listOf(body, list)
	if err != nil {
		return Batch[T]{}, err
	}
	var batch Batch[T]
	seen := map[string]int{}
	for i, item := range items {
		r := newReader(item, fmt.Sprintf("/%s/%d", list, i))
		record := read(r)
		r.unknown()
		id := r.externalID
		if before, again := seen[id]; again && id != "" {
			r.problem("external_id", fmt.Sprintf("%q stands in this call already, at /%s/%d", clip(id), list, before))
		} else if id != "" {
			seen[id] = i
		}
		if len(r.problems) > 0 {
			batch.Rejected = append(batch.Rejected, Rejected{Index: i, ExternalID: id, Problems: r.problems})
			continue
		}
		batch.Records = append(batch.Records, Record[T]{Index: i, Value: record})
	}
	return batch, nil
}

// listOf answers the records of a body {"invoices":[…]}.
func listOf(body []byte, list string) ([]*value, error) {
	root, err := parse(body)
	if err != nil {
		return nil, err
	}
	refuse := func(at *value, pointer, message string) error {
		var located *BodyError
		err := (&parser{body: body}).fail(at.offset, message)
		if errors.As(err, &located) {
			located.Pointer = pointer
		}
		return err
	}
	shape := fmt.Sprintf(`the body must be {%q: […]}`, list)
	if root.kind != kindObject {
		return nil, refuse(root, "", shape+", not "+string(root.kind))
	}
	for _, found := range root.members {
		if found.name != list {
			return nil, refuse(found.value, "/"+escape(found.name), fmt.Sprintf("%q is not known here; %s", clip(found.name), shape))
		}
	}
	records := root.member(list)
	switch {
	case records == nil:
		return nil, refuse(root, "", fmt.Sprintf("%q is missing; %s", list, shape))
	case records.kind != kindArray:
		return nil, refuse(records, "/"+list, fmt.Sprintf("%q must be a list, not %s", list, records.kind))
	case len(records.items) == 0:
		return nil, refuse(records, "/"+list, fmt.Sprintf("%q is empty; send 1 to %d records", list, MaxRecords))
	case len(records.items) > MaxRecords:
		return nil, refuse(records, "/"+list, fmt.Sprintf("%d records; send at most %d in one call", len(records.items), MaxRecords))
	}
	return records.items, nil
}
