package stripefake

import (
	"slices"
	"strings"
	"time"
)

// obj is an object of the API on its way to JSON. A map, because expansion
// replaces ids by objects wherever a caller asks for it.
type obj map[string]any

// null is nil instead of an empty text.
func null(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// unix is nil for the zero time.
func unix(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.Unix()
}

func texts(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func list(url string, data []obj) obj {
	if data == nil {
		data = []obj{}
	}
	return obj{"object": "list", "url": url, "has_more": false, "data": data}
}

// page renders one page of a list, newest first, by limit, starting_after,
// ending_before and created.
func page[T any](c *call, items []*T, id func(*T) string, made func(*T) time.Time, keep func(*T) bool, view func(*T) obj) (obj, error) {
	limit, given := c.p.number("limit")
	if !given {
		limit = 10
	}
	if limit < 1 || limit > 100 {
		c.p.fail(invalid("limit", "parameter_invalid_integer", "This value must be greater than or equal to 1 and less than or equal to 100: %d", limit))
	}
	within := c.p.window("created")
	after, before := c.p.text("starting_after"), c.p.text("ending_before")
	if err := c.p.done(); err != nil {
		return nil, err
	}
	var matching []*T
	for _, item := range slices.Backward(items) {
		if within(made(item)) && keep(item) {
			matching = append(matching, item)
		}
	}
	matching, more, err := cut(matching, int(limit), after, before, id)
	if err != nil {
		return nil, err
	}
	data := make([]obj, len(matching))
	for i, item := range matching {
		data[i] = view(item)
	}
	found := list(c.path, data)
	found["has_more"] = more
	return found, nil
}

func cut[T any](matching []*T, limit int, after, before string, id func(*T) string) ([]*T, bool, error) {
	index := func(param, wanted string) (int, error) {
		i := slices.IndexFunc(matching, func(item *T) bool { return id(item) == wanted })
		if i < 0 {
			return 0, missing("object", wanted, param)
		}
		return i, nil
	}
	if before != "" {
		i, err := index("ending_before", before)
		if err != nil {
			return nil, false, err
		}
		start := max(0, i-limit)
		return matching[start:i], start > 0, nil
	}
	if after != "" {
		i, err := index("starting_after", after)
		if err != nil {
			return nil, false, err
		}
		matching = matching[i+1:]
	}
	if len(matching) > limit {
		return matching[:limit], true, nil
	}
	return matching, false, nil
}

// window reads created=… and created[gte|gt|lte|lt]=….
func (p *params) window(key string) func(time.Time) bool {
	exact, isExact := p.number(key)
	gte, hasGTE := p.number(key + "[gte]")
	gt, hasGT := p.number(key + "[gt]")
	lte, hasLTE := p.number(key + "[lte]")
	lt, hasLT := p.number(key + "[lt]")
	return func(t time.Time) bool {
		at := t.Unix()
		return (!isExact || at == exact) && (!hasGTE || at >= gte) && (!hasGT || at > gt) && (!hasLTE || at <= lte) && (!hasLT || at < lt)
	}
}

// expand replaces the ids at the given paths by their objects.
func (f *Fake) expand(found obj, paths []string) error {
	for _, path := range paths {
		segments := strings.Split(path, ".")
		if len(segments) > 5 || len(segments) > 4 && segments[0] != "data" {
			return refused("expand", "", "You cannot expand more than 4 levels of a property. Property: %s", path)
		}
		if err := f.expandAt(found, segments, path); err != nil {
			return err
		}
	}
	return nil
}

func (f *Fake) expandAt(at obj, segments []string, path string) error {
	if len(segments) == 0 {
		return nil
	}
	segment := segments[0]
	f.include(at, segment)
	value, known := at[segment]
	if !known {
		return refused("expand", "", "This property cannot be expanded (%s).", path)
	}
	switch value := value.(type) {
	case string:
		inner := f.lookup(value)
		if inner == nil {
			return refused("expand", "", "This property cannot be expanded (%s).", path)
		}
		at[segment] = inner
		return f.expandAt(inner, segments[1:], path)
	case obj:
		return f.expandAt(value, segments[1:], path)
	case []obj:
		for _, inner := range value {
			if err := f.expandAt(inner, segments[1:], path); err != nil {
				return err
			}
		}
	case nil:
	default:
		return refused("expand", "", "This property cannot be expanded (%s).", path)
	}
	return nil
}

// include adds what is only there when asked for.
func (f *Fake) include(at obj, segment string) {
	id, _ := at["id"].(string)
	switch {
	case segment == "refunds" && at["object"] == "charge" && at["refunds"] == nil:
		var data []obj
		if charge := f.charges.get(id); charge != nil {
			for _, refund := range slices.Backward(charge.refunds) {
				data = append(data, f.viewRefund(refund))
			}
		}
		at["refunds"] = list("/v1/charges/"+id+"/refunds", data)
	case segment == "line_items" && at["object"] == "checkout.session" && at["line_items"] == nil:
		if session := f.sessions.get(id); session != nil {
			at["line_items"] = f.viewLines(session)
		}
	}
}

// lookup renders the object of an id, whatever it is; nil when there is none.
func (f *Fake) lookup(id string) obj {
	prefix, _, _ := strings.Cut(id, "_")
	switch prefix {
	case "cs":
		return viewOf(f.sessions.get(id), f.viewSession)
	case "pi":
		return viewOf(f.intents.get(id), f.viewIntent)
	case "seti":
		return viewOf(f.setups.get(id), f.viewSetup)
	case "ch":
		return viewOf(f.charges.get(id), f.viewCharge)
	case "py":
		return viewOf(f.received.get(id), f.viewPayment)
	case "re":
		return viewOf(f.refunds.get(id), f.viewRefund)
	case "txn":
		return viewOf(f.transactions.get(id), f.viewTransaction)
	case "tr":
		return viewOf(f.transfers.get(id), f.viewTransfer)
	case "trr":
		return viewOf(f.reversals.get(id), f.viewReversal)
	case "cus":
		return viewOf(f.customers.get(id), f.viewCustomer)
	case "pm":
		return viewOf(f.methods.get(id), f.viewMethod)
	case "acct":
		return viewOf(f.accounts.get(id), f.viewAccount)
	case "po":
		return viewOf(f.payouts.get(id), f.viewPayout)
	case "ba":
		return obj{"id": id, "object": "bank_account", "bank_name": "STRIPE TEST BANK", "country": "US", "currency": "usd", "last4": "6789", "status": "verified"}
	case "dp":
		return viewOf(f.disputes.get(id), f.viewDispute)
	case "file":
		return viewOf(f.files.get(id), f.viewFile)
	}
	return nil
}

func viewOf[T any](v *T, view func(*T) obj) obj {
	if v == nil {
		return nil
	}
	return view(v)
}
