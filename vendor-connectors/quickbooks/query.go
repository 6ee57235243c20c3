package quickbooks

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/rest"
)

// mostIDs is how many ids one query names, so that the address stays short.
const mostIDs = 100

// statement is one question in QuickBooks' query language (developer.intuit.com,
// "Query operations and syntax").
type statement struct {
	entity string
	where  []string
	order  string
	start  int // from 1; 0: the first
	most   int // records of the answer; 0: pageSize
	count  bool
}

const everyState = "Active in (true, false)" // without it, what is inactive does not come

func (s statement) String() string {
	what := "*"
	if s.count {
		what = "count(*)"
	}
	text := "select " + what + " from " + s.entity
	if len(s.where) > 0 {
		text += " where " + strings.Join(s.where, " and ")
	}
	if s.count {
		return text
	}
	if s.order != "" {
		text += " orderby " + s.order
	}
	if s.most == 0 {
		s.most = pageSize
	}
	return text + fmt.Sprintf(" startposition %d maxresults %d", max(s.start, 1), s.most)
}

// equals and oneOf compare a property. Values are ids and references, whose characters
// are known; a quote cannot be among them, and is taken out all the same.
func equals(property, value string) string {
	return property + " = " + quoted(value)
}

func oneOf(property string, values []string) string {
	list := make([]string, len(values))
	for i, value := range values {
		list[i] = quoted(value)
	}
	return property + " in (" + strings.Join(list, ", ") + ")"
}

func quoted(value string) string {
	return "'" + strings.NewReplacer("'", "", `\`, "").Replace(value) + "'"
}

// changedSince is a condition on the time of the last change.
func changedSince(seconds int64) string {
	return "MetaData.LastUpdatedTime >= '" + stamp(seconds) + "'"
}

// stamp writes a time as QuickBooks takes it: to the second, with an offset.
func stamp(seconds int64) string {
	return time.Unix(seconds, 0).UTC().Format("2006-01-02T15:04:05-07:00")
}

// answered is what a query gave.
type answered struct {
	records []json.RawMessage
	count   int64     // of a question for the count
	at      time.Time // QuickBooks' clock
}

func (c *Client) query(ctx context.Context, s statement) (answered, error) {
	var answer struct {
		QueryResponse map[string]json.RawMessage
		Time          string
	}
	if _, err := c.call(ctx, rest.Call{Path: "/query", Query: url.Values{"query": {s.String()}}}, &answer); err != nil {
		return answered{}, err
	}
	at, err := parseTime(answer.Time)
	if err != nil || answer.QueryResponse == nil {
		return answered{}, unusable("a list of " + s.entity)
	}
	got := answered{at: at}
	if s.count {
		if err := json.Unmarshal(answer.QueryResponse["totalCount"], &got.count); err != nil || got.count < 0 {
			return answered{}, unusable("the number of " + s.entity)
		}
		return got, nil
	}
	if list, there := answer.QueryResponse[s.entity]; there {
		if err := json.Unmarshal(list, &got.records); err != nil {
			return answered{}, unusable("a list of " + s.entity)
		}
	}
	return got, nil
}

// all reads a short list to its end.
func (c *Client) all(ctx context.Context, s statement) (answered, error) {
	const mostPages = 20
	var whole answered
	for page := range mostPages {
		s.start = page*pageSize + 1
		got, err := c.query(ctx, s)
		if err != nil {
			return answered{}, err
		}
		whole.records, whole.at = append(whole.records, got.records...), got.at
		if len(got.records) < pageSize {
			return whole, nil
		}
	}
	return answered{}, fmt.Errorf("%w: QuickBooks lists more than %d of %s", connectors.ErrRefused, mostPages*pageSize, s.entity)
}

// byID reads records by their ids, in parts. One that is not there does not come.
func (c *Client) byID(ctx context.Context, entity string, ids []string) ([]json.RawMessage, error) {
	var records []json.RawMessage
	for part := range slices.Chunk(ids, mostIDs) {
		got, err := c.query(ctx, statement{entity: entity, where: []string{oneOf("Id", part)}})
		if err != nil {
			return nil, err
		}
		records = append(records, got.records...)
	}
	return records, nil
}

// parseTime reads a time with an offset, to the second or finer.
func parseTime(text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05-0700"} {
		if at, err := time.Parse(layout, text); err == nil && at.Year() > 1990 && at.Year() < 2200 {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a time", clip(text, 40))
}
