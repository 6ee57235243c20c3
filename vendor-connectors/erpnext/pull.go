package erpnext

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/rest"
	"github.com/sheaf-hub/sheaf/vendor-connectors/rounds"
)

// Pull is connectors.Connector.Pull. ERPNext sets modified also when a payment lowers
// what is open (frappe.db.set_value). Deletions come first, because the name of what was
// deleted can be given again.
func (c *Client) Pull(ctx context.Context, cursor string, sink func(connectors.Page) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	zone, err := c.zone(ctx)
	if err != nil {
		return err
	}
	s := source{Client: c, zone: zone}
	posted := []filter{{"docstatus", "in", []int{submitted, cancelled}}}
	open := []filter{{"docstatus", "=", submitted}, {"outstanding_amount", "!=", 0}}
	return rounds.Reader{Now: c.now, Lists: []rounds.List{
		s.deletions(),
		{Look: s.look(customerType, nil, nil), Read: s.read(customerType, nil, nil, customerFields(), c.customers)},
		{Look: s.look(contactType, nil, nil), Read: func(ctx context.Context, since time.Time, after string) (rounds.Batch, error) {
			records := c.contacts
			if since.IsZero() {
				records = untold // the first round brings every customer with its contacts
			}
			return s.read(contactType, nil, nil, []string{"name", "modified"}, records)(ctx, since, after)
		}},
		{Look: s.look(invoiceType, posted, open), Read: s.read(invoiceType, posted, open, invoiceFields(), c.invoices)},
	}}.Pull(ctx, cursor, sink)
}

// source is a site with the zone of its clock; nil: it is not known.
type source struct {
	*Client
	zone *time.Location
}

// zone asks for the zone in which the site writes times. One that this machine does
// not know is none.
func (c *Client) zone(ctx context.Context) (*time.Location, error) {
	var said message[struct {
		Zone string `json:"time_zone"`
	}]
	if _, err := c.api.JSON(ctx, rest.Call{Path: "/method/frappe.client.get_time_zone"}, &said); err != nil {
		return nil, err
	}
	if zone, err := time.LoadLocation(said.Message.Zone); err == nil && said.Message.Zone != "" && said.Message.Zone != "Local" {
		return zone, nil
	}
	return nil, nil
}

// clock is what the answer says the time is, as the site would write it.
func (s source) clock(answer rest.Answer) time.Time {
	now, err := http.ParseTime(answer.Header.Get("Date"))
	if err != nil || s.zone == nil {
		return time.Time{}
	}
	now = now.In(s.zone)
	return time.Date(now.Year(), now.Month(), now.Day(), now.Hour(), now.Minute(), now.Second(), 0, time.UTC)
}

// look asks how far a doctype is. What the first round reads may be less than all.
func (s source) look(doctype string, all, first []filter) func(context.Context) (rounds.Look, error) {
	return func(ctx context.Context) (rounds.Look, error) {
		var newest envelope[[]struct {
			Modified stamp `json:"modified"`
		}]
		answer, err := s.list(ctx, doctype, []string{"modified"}, append([]filter{}, all...), "modified desc", 1, &newest)
		if err != nil {
			return rounds.Look{}, err
		}
		look := rounds.Look{Now: s.clock(answer)}
		if len(newest.Data) > 0 {
			look.Newest = newest.Data[0].Modified.time()
		}
		var count message[int64]
		_, err = s.api.JSON(ctx, rest.Call{Method: http.MethodPost, Path: "/method/frappe.client.get_count", Body: map[string]any{"doctype": doctype, "filters": append([]filter{}, first...)}}, &count)
		look.Count = count.Message
		return look, err
	}
}

// read gives pages in the order of the names, which no change disturbs. The first
// round reads only what is open; what changes while it does comes in the next.
func (s source) read(doctype string, all, first []filter, fields []string, records func(context.Context, []json.RawMessage) ([]rounds.Record, error)) func(context.Context, time.Time, string) (rounds.Batch, error) {
	return func(ctx context.Context, since time.Time, after string) (rounds.Batch, error) {
		filters := append([]filter{}, first...)
		if !since.IsZero() {
			filters = append(append([]filter{}, all...), filter{"modified", ">=", since.Format(stampLayout)})
		}
		raws, next, err := s.page(ctx, doctype, fields, filters, after)
		if err != nil || len(raws) == 0 {
			return rounds.Batch{}, err
		}
		list, err := records(ctx, raws)
		return rounds.Batch{Records: list, Next: next}, err
	}
}

func (s source) page(ctx context.Context, doctype string, fields []string, filters []filter, after string) ([]json.RawMessage, string, error) {
	if after != "" {
		filters = append(filters, filter{"name", ">", after})
	}
	var found envelope[[]json.RawMessage]
	if _, err := s.list(ctx, doctype, fields, filters, "name asc", perPage, &found); err != nil {
		return nil, "", err
	}
	if len(found.Data) < perPage {
		return found.Data, "", nil
	}
	var last struct {
		Name string `json:"name"`
	}
	if err := json.Unmarshal(found.Data[len(found.Data)-1], &last); err != nil || last.Name == "" || last.Name == after {
		return nil, "", fmt.Errorf("%w: ERPNext gives a %s without a name", connectors.ErrUnreachable, doctype)
	}
	return found.Data, last.Name, nil
}

// deletions are the sales invoices that ERPNext keeps among its deleted documents. A
// user who may not read these sees none.
func (s source) deletions() rounds.List {
	filters := []filter{{"deleted_doctype", "=", invoiceType}}
	return rounds.List{
		Look: func(ctx context.Context) (rounds.Look, error) {
			var newest envelope[[]wireDeleted]
			answer, err := s.list(ctx, deletedType, []string{"creation"}, filters, "creation desc", 1, &newest)
			if answer.Status == http.StatusForbidden {
				return rounds.Look{}, nil
			}
			if err != nil {
				return rounds.Look{}, err
			}
			look := rounds.Look{Now: s.clock(answer), Newest: s.clock(answer)} // none yet: look from now on
			if len(newest.Data) > 0 {
				look.Newest = newest.Data[0].Created.time()
			}
			return look, nil
		},
		Read: func(ctx context.Context, since time.Time, after string) (rounds.Batch, error) {
			if since.IsZero() {
				return rounds.Batch{}, nil // what was deleted before the first reading nobody knows
			}
			raws, next, err := s.page(ctx, deletedType, []string{"name", "deleted_name", "restored", "creation"}, append(append([]filter{}, filters...), filter{"creation", ">=", since.Format(stampLayout)}), after)
			if errors.Is(err, connectors.ErrCredentials) {
				return rounds.Batch{}, nil // the lists that follow tell whether it is more than this right
			}
			if err != nil || len(raws) == 0 {
				return rounds.Batch{}, err
			}
			list, err := s.gone(ctx, raws)
			return rounds.Batch{Records: list, Next: next}, err
		},
	}
}

func (s source) gone(ctx context.Context, raws []json.RawMessage) ([]rounds.Record, error) {
	deleted := make([]wireDeleted, len(raws))
	var names []string
	for i, raw := range raws {
		if err := json.Unmarshal(raw, &deleted[i]); err != nil {
			return nil, fmt.Errorf("%w: ERPNext gives a deleted document that cannot be read: %w", connectors.ErrUnreachable, err)
		}
		names = append(names, deleted[i].Deleted)
	}
	var again message[[]struct {
		Name string `json:"name"`
	}]
	if _, err := s.aside(ctx, invoiceType, []string{"name"}, []filter{{"name", "in", names}}, &again); err != nil {
		return nil, err
	}
	exists := map[string]bool{}
	for _, one := range again.Message {
		exists[one.Name] = true
	}
	var list []rounds.Record
	for i, one := range deleted {
		add := nothing
		if one.Restored == 0 && one.Deleted != "" && !exists[one.Deleted] {
			add = func(page *connectors.Page) { page.Gone = append(page.Gone, one.Deleted) }
		}
		list = append(list, rounds.Record{ID: one.Name, Changed: one.Created.time(), Raw: raws[i], Add: add})
	}
	return list, nil
}
