package example

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"time"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/rest"
	"github.com/sheaf-hub/sheaf/vendor-connectors/rounds"
)

// pageSize is how many records are asked for at once.
const pageSize = 100

// nothing asks for how far a list is, and for none of its records.
func nothing() url.Values { return url.Values{"limit": {"0"}} }

// Pull is connectors.Connector.Pull.
//
// How to go on where the last pull ended without losing anything is the hard part of
// a connector, and is done once, in package rounds: this one only says how a list is
// asked. Accounts come first, because the hub refuses an invoice of an account that
// it does not know. One that is made after its list was read comes with its invoice,
// in AccountSeen.
func (c *Client) Pull(ctx context.Context, cursor string, sink func(connectors.Page) error) error {
	return rounds.Reader{Now: c.now, Lists: []rounds.List{
		c.list("/accounts", account),
		c.list("/invoices", invoice),
		c.list("/credits", credit),
	}}.Pull(ctx, cursor, sink)
}

// converter puts a record of the ledger into a page.
type converter func(head wireHead, raw json.RawMessage, page *connectors.Page)

func (c *Client) list(path string, convert converter) rounds.List {
	return rounds.List{
		// Look is asked before a round, so that the next one begins where this one did: by
		// the ledger's own clock, whatever ours says.
		Look: func(ctx context.Context) (rounds.Look, error) {
			list, err := c.read(ctx, path, nothing())
			return rounds.Look{Newest: list.Newest, Now: list.Now, Count: list.Count}, err
		},
		// Read goes by the ids, behind the last one that was read, and not by page numbers:
		// when a record before it goes, none behind it slips through.
		Read: func(ctx context.Context, since time.Time, after string) (rounds.Batch, error) {
			query := url.Values{"limit": {strconv.Itoa(pageSize)}, "after": {after}}
			if !since.IsZero() {
				query.Set("changed_from", since.Format(time.RFC3339Nano))
			}
			list, err := c.read(ctx, path, query)
			if err != nil {
				return rounds.Batch{}, err
			}
			return batch(list, convert), nil
		},
	}
}

func (c *Client) read(ctx context.Context, path string, query url.Values) (wireList, error) {
	var list wireList
	_, err := c.api.JSON(ctx, rest.Call{Path: path, Query: query}, &list)
	return list, err
}

func batch(list wireList, convert converter) rounds.Batch {
	var batch rounds.Batch
	for _, raw := range list.Records {
		var head wireHead
		if err := json.Unmarshal(raw, &head); err != nil || head.ID == "" {
			batch.Records = append(batch.Records, rounds.Record{Raw: raw, Add: func(page *connectors.Page) {
				reject(page, "a record without an id", "", problem("", "It cannot be read. Tell whoever looks after the ledger."))
			}})
			continue
		}
		batch.Records = append(batch.Records, rounds.Record{ID: head.ID, Changed: head.ChangedAt, Raw: raw,
			Add: func(page *connectors.Page) { convert(head, raw, page) }})
		if list.More {
			batch.Next = head.ID
		}
	}
	return batch
}
