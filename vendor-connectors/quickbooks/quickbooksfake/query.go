package quickbooksfake

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
)

const mostResults = 1000

// row is a record as queries see it.
type row struct {
	record
	fields map[string]string // by property, those that can be asked for
	shape  func() obj
}

// statement is a query, taken apart.
type statement struct {
	entity      string
	count       bool
	where       []condition
	order       []string
	start, most int
}

type condition struct {
	property, operator string
	values             []string
}

// Parts of the statements that are understood. Others are refused, as QuickBooks
// does with most of SQL.
var (
	selectPart = regexp.MustCompile(`(?i)^select (\*|count\(\*\)) from (\w+)(?: where (.+?))?(?: orderby ([\w., ]+?))?(?: startposition (\d+))?(?: maxresults (\d+))?$`)
	comparison = regexp.MustCompile(`(?i)^([\w.]+) (=|>=|<=|>|<) '([^'\\]*)'$`)
	membership = regexp.MustCompile(`(?i)^([\w.]+) in \(([^()]+)\)$`)
	value      = regexp.MustCompile(`^(?:'([^'\\]*)'|true|false)$`)
)

func parse(text string) (statement, error) {
	s := statement{start: 1, most: 100}
	parts := selectPart.FindStringSubmatch(text)
	if parts == nil {
		return s, fmt.Errorf("QueryParserError: Invalid content in %q", text)
	}
	s.count, s.entity = parts[1] != "*", parts[2]
	if parts[3] != "" {
		for _, one := range strings.Split(parts[3], " and ") {
			c, err := parseCondition(one)
			if err != nil {
				return s, err
			}
			s.where = append(s.where, c)
		}
	}
	if parts[4] != "" {
		for _, one := range strings.Split(parts[4], ",") {
			s.order = append(s.order, strings.TrimSpace(one))
		}
	}
	for i, number := range []*int{&s.start, &s.most} {
		if parts[5+i] != "" {
			*number, _ = strconv.Atoi(parts[5+i]) // digits
		}
	}
	if s.start < 1 || s.most < 1 || s.most > mostResults {
		return s, fmt.Errorf("QueryValidationError: value of startposition or maxresults is out of bounds in %q", text)
	}
	return s, nil
}

func parseCondition(text string) (condition, error) {
	if parts := comparison.FindStringSubmatch(text); parts != nil {
		return condition{property: parts[1], operator: parts[2], values: []string{parts[3]}}, nil
	}
	parts := membership.FindStringSubmatch(text)
	if parts == nil {
		return condition{}, fmt.Errorf("QueryParserError: Encountered %q", text)
	}
	c := condition{property: parts[1], operator: "in"}
	for _, one := range strings.Split(parts[2], ",") {
		one = strings.TrimSpace(one)
		if !value.MatchString(one) {
			return c, fmt.Errorf("QueryParserError: Encountered %q", one)
		}
		c.values = append(c.values, strings.Trim(one, "'"))
	}
	return c, nil
}

// query answers a statement.
func (f *Fake) query(text, host string) answer {
	s, err := parse(text)
	if err != nil {
		return f.invalid("4000", "Error parsing query", err.Error())
	}
	rows, known := f.rows(s.entity, host)
	if !known || s.entity == attachableEntity && f.cfg.NoFiles {
		return f.invalid("4001", "Invalid query", "QueryValidationError: Entity "+s.entity+" is not supported")
	}
	rows, err = s.choose(rows)
	if err != nil {
		return f.invalid("4001", "Invalid query", err.Error())
	}
	response := obj{}
	if s.count {
		response["totalCount"] = len(rows)
		return f.fine(obj{"QueryResponse": response})
	}
	rows = rows[min(s.start-1, len(rows)):]
	rows = rows[:min(s.most, len(rows))]
	if len(rows) > 0 { // of nothing QuickBooks says nothing
		var list []obj
		for _, one := range rows {
			list = append(list, one.shape())
		}
		response[s.entity], response["startPosition"], response["maxResults"] = list, s.start, len(list)
	}
	return f.fine(obj{"QueryResponse": response})
}

func (s statement) choose(rows []row) ([]row, error) {
	asked := slices.ContainsFunc(s.where, func(c condition) bool { return c.property == "Active" })
	var chosen []row
	for _, one := range rows {
		fits := asked || one.fields["Active"] != "false"
		for _, c := range s.where {
			met, err := c.met(one)
			if err != nil {
				return nil, err
			}
			fits = fits && met
		}
		if fits {
			chosen = append(chosen, one)
		}
	}
	for _, property := range s.order {
		if property != "Id" && property != "MetaData.LastUpdatedTime" {
			return nil, fmt.Errorf("QueryValidationError: property %s is not sortable", property)
		}
	}
	slices.SortStableFunc(chosen, func(a, b row) int {
		for _, property := range s.order {
			order := cmp.Compare(a.id, b.id)
			if property != "Id" {
				order = a.updated.Compare(b.updated)
			}
			if order != 0 {
				return order
			}
		}
		return cmp.Compare(a.id, b.id)
	})
	return chosen, nil
}

func (c condition) met(r row) (bool, error) {
	has, known := r.fields[c.property]
	switch {
	case c.property == "MetaData.LastUpdatedTime":
		at, err := time.Parse(time.RFC3339, c.values[0])
		if err != nil || c.operator != ">=" {
			return false, fmt.Errorf("QueryValidationError: %s %s %q is not supported", c.property, c.operator, c.values[0])
		}
		return !r.updated.Before(at), nil
	case !known:
		return false, fmt.Errorf("QueryValidationError: Property %s not found for Entity", c.property)
	case c.operator == "=" || c.operator == "in":
		return slices.ContainsFunc(c.values, func(v string) bool { return strings.EqualFold(v, has) }), nil
	case c.property == "Balance" && c.operator == ">" && c.values[0] == "0":
		return strings.Trim(has, "0.") != "", nil
	}
	return false, fmt.Errorf("QueryValidationError: %s %s is not supported", c.property, c.operator)
}

// rows are the records of an entity.
func (f *Fake) rows(entity, host string) ([]row, bool) {
	var rows []row
	add := func(r record, shape func() obj, fields ...string) {
		one := row{record: r, shape: shape, fields: map[string]string{"Id": r.key()}}
		for i := 0; i < len(fields); i += 2 {
			one.fields[fields[i]] = fields[i+1]
		}
		rows = append(rows, one)
	}
	switch entity {
	case customerEntity:
		for _, one := range f.customers {
			add(one.record, func() obj { return one.shape(f.terms) }, "Active", strconv.FormatBool(!one.Inactive))
		}
	case invoiceEntity, creditEntity:
		for _, one := range f.documents {
			if one.kind == invoiceEntity && entity == one.kind {
				add(one.record, func() obj { return one.shape(f.terms) }, "Balance", one.open.Decimal())
			} else if entity == one.kind {
				add(one.record, func() obj { return one.shape(f.terms) })
			}
		}
	case paymentEntity:
		for _, one := range f.payments {
			add(one.record, one.shape, "PaymentRefNum", one.number)
		}
	case journalEntity:
		for _, one := range f.journals {
			add(one.record, one.shape, "DocNumber", one.number)
		}
	case accountEntity:
		for _, one := range f.accounts {
			add(one.record, one.shape, "Active", strconv.FormatBool(!one.inactive))
		}
	case termEntity:
		for _, one := range f.terms {
			add(one.record, one.shape, "Active", "true")
		}
	case attachableEntity:
		for _, one := range f.files {
			add(one.record, func() obj { return one.shape(host) }, "AttachableRef.EntityRef.Type", invoiceEntity, "AttachableRef.EntityRef.value", one.invoice.key())
		}
	default:
		return nil, false
	}
	return rows, true
}

const captureReach = 30 * 24 * time.Hour

// capture is change data capture: what changed since, by entity and time, and after it
// what was deleted. What is too much is left out.
func (f *Fake) capture(entities, since string) answer {
	from, err := time.Parse(time.RFC3339, since)
	if err != nil {
		return f.invalid("2030", "Invalid ID", "changedSince is not a date and time")
	}
	if f.now().Sub(from) > captureReach {
		return f.invalid("2020", "Required param missing, need to supply the required value for the API", "changedSince is more than 30 days ago")
	}
	var responses []obj
	left := f.cfg.CaptureMost
	for _, entity := range strings.Split(entities, ",") {
		rows, known := f.rows(entity, "")
		if !known || entity == termEntity || entity == attachableEntity {
			return f.invalid("2010", "Request has invalid or unsupported property", "entities: "+entity)
		}
		list := f.changed(entity, rows, from)
		list = list[:min(left, len(list))]
		left -= len(list)
		response := obj{}
		if len(list) > 0 {
			response = obj{entity: list, "startPosition": 1, "maxResults": len(list)}
		}
		responses = append(responses, response)
	}
	return f.fine(obj{"CDCResponse": []obj{{"QueryResponse": responses}}})
}

func (f *Fake) changed(entity string, rows []row, from time.Time) []obj {
	slices.SortStableFunc(rows, func(a, b row) int { return a.updated.Compare(b.updated) })
	var list []obj
	for _, one := range rows {
		if !one.updated.Before(from) {
			list = append(list, one.shape())
		}
	}
	for _, one := range f.deleted {
		if one.entity == entity && !one.at.Before(from) {
			list = append(list, obj{"domain": "QBO", "status": "Deleted", "Id": record{id: one.id}.key(), "MetaData": obj{"LastUpdatedTime": stamp(one.at)}})
		}
	}
	return list
}

// document finds an invoice or a credit memo; an empty kind is either.
func (f *Fake) document(kind, id string) *document {
	for _, one := range f.documents {
		if one.key() == id && (kind == "" || one.kind == kind) {
			return one
		}
	}
	return nil
}

func (f *Fake) zero(currency money.Currency) money.Amount { return money.New(0, currency) }
