package invoiceninja

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/rest"
	"github.com/sheaf-hub/sheaf/vendor-connectors/rounds"
)

// Pull is connectors.Connector.Pull.
func (c *Client) Pull(ctx context.Context, cursor string, sink func(connectors.Page) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	books, err := c.newBooks(ctx)
	if err != nil {
		return err
	}
	return rounds.Reader{Now: c.now, Lists: []rounds.List{
		c.list("clients", "", books.client),
		c.list("invoices", "client,payments", books.invoice),
		c.list("credits", "client", books.credit),
	}}.Pull(ctx, cursor, sink)
}

// list reads one list in the order of its ids, which no change disturbs. Nothing of
// it leaves but what is purged, and then the list gets shorter. The place is the next page and
// how long the list was.
func (c *Client) list(name, include string, record func(context.Context, json.RawMessage) (func(*connectors.Page), error)) rounds.List {
	read := func(ctx context.Context, query url.Values) (envelope[json.RawMessage], rest.Answer, error) {
		if include != "" {
			query.Set("include", include)
		}
		var page envelope[json.RawMessage]
		answer, err := c.api.JSON(ctx, rest.Call{Path: "/" + name, Query: query}, &page)
		return page, answer, err
	}
	return rounds.List{
		Look: func(ctx context.Context) (rounds.Look, error) {
			page, answer, err := read(ctx, url.Values{"sort": {"updated_at|desc"}, "per_page": {"1"}})
			if err != nil {
				return rounds.Look{}, err
			}
			look := rounds.Look{Count: page.Meta.Pagination.Total}
			if now, err := http.ParseTime(answer.Header.Get("Date")); err == nil {
				look.Now = now.UTC()
			}
			if len(page.Data) > 0 {
				_, look.Newest = stamped(page.Data[0])
			}
			return look, nil
		},
		Read: func(ctx context.Context, since time.Time, after string) (rounds.Batch, error) {
			at, total := place(after)
			for {
				query := url.Values{"sort": {"id|asc"}, "per_page": {strconv.Itoa(perPage)}, "page": {strconv.Itoa(at)}}
				if !since.IsZero() {
					query.Set("updated_at", strconv.FormatInt(max(since.Unix(), 1), 10))
				}
				page, _, err := read(ctx, query)
				if err != nil {
					return rounds.Batch{}, err
				}
				now := page.Meta.Pagination.Total
				if missing := total - now; missing > 0 && at > 1 { // purged since: what follows stands earlier now
					at, total = max(1, at-int((missing+perPage-1)/perPage)), now
					continue
				}
				return batch(ctx, page, at, record)
			}
		},
	}
}

func place(after string) (page int, total int64) {
	at, length, _ := strings.Cut(after, "/")
	page, err := strconv.Atoi(at)
	if err != nil || page < 1 {
		return 1, 0
	}
	total, _ = strconv.ParseInt(length, 10, 64) // 0 is not known
	return page, total
}

func batch(ctx context.Context, page envelope[json.RawMessage], at int, record func(context.Context, json.RawMessage) (func(*connectors.Page), error)) (rounds.Batch, error) {
	var batch rounds.Batch
	for _, raw := range page.Data {
		add, err := record(ctx, raw)
		if err != nil {
			return rounds.Batch{}, err
		}
		id, changed := stamped(raw)
		batch.Records = append(batch.Records, rounds.Record{ID: id, Changed: changed, Raw: raw, Add: add})
	}
	if len(page.Data) > 0 && at < page.Meta.Pagination.Pages {
		batch.Next = fmt.Sprintf("%d/%d", at+1, page.Meta.Pagination.Total)
	}
	return batch, nil
}

// stamped is the id and the last change of any record.
func stamped(raw json.RawMessage) (string, time.Time) {
	var record struct {
		ID      string `json:"id"`
		Updated stamp  `json:"updated_at"`
	}
	if json.Unmarshal(raw, &record) != nil {
		return "", time.Time{}
	}
	return record.ID, record.Updated.time()
}

// books is what a pull has to know before it can read amounts: an invoice has the
// currency of its client, of the client's group, or of the company.
type books struct {
	connector  *Client
	currencies map[string]money.Currency // by Invoice Ninja's number
	company    string                    // the company's currency, by number
	groups     map[string]string         // group to currency, by number
	clients    map[string]string         // client to currency, by number
}

func (c *Client) newBooks(ctx context.Context) (*books, error) {
	var statics struct {
		Currencies []struct {
			ID   json.Number `json:"id"`
			Code string      `json:"code"`
		} `json:"currencies"`
	}
	if _, err := c.api.JSON(ctx, rest.Call{Path: "/statics"}, &statics); err != nil {
		return nil, fmt.Errorf("the list of currencies: %w", err)
	}
	b := &books{connector: c, currencies: map[string]money.Currency{}, groups: map[string]string{}, clients: map[string]string{}}
	for _, one := range statics.Currencies {
		if code, err := money.ParseCurrency(one.Code); err == nil {
			b.currencies[one.ID.String()] = code
		}
	}
	var company single[struct {
		Settings json.RawMessage `json:"settings"`
	}]
	if _, err := c.api.JSON(ctx, rest.Call{Method: http.MethodPost, Path: "/companies/current"}, &company); err != nil {
		return nil, fmt.Errorf("the company's settings: %w", err)
	}
	if b.company = currencySetting(company.Data.Settings); b.currencies[b.company] == "" {
		return nil, fmt.Errorf("%w: Invoice Ninja names no currency of the company. Choose one under Settings, Localization", connectors.ErrRefused)
	}
	return b, nil
}

// currency is what a client owes in. The client may have come with the record.
func (b *books) currency(ctx context.Context, id string, came *wireClient) (money.Currency, error) {
	number, known := b.clients[id]
	if !known {
		if came == nil {
			var one single[wireClient]
			if _, err := b.connector.api.JSON(ctx, rest.Call{Path: "/clients/" + url.PathEscape(id)}, &one); err != nil {
				return "", fmt.Errorf("client %s: %w", id, err)
			}
			came = &one.Data
		}
		var err error
		if number, err = b.number(ctx, *came); err != nil {
			return "", err
		}
		b.clients[id] = number
	}
	return b.currencies[number], nil
}

func (b *books) number(ctx context.Context, client wireClient) (string, error) {
	if own := currencySetting(client.Settings); own != "" {
		return own, nil
	}
	if client.Group == "" {
		return b.company, nil
	}
	number, known := b.groups[client.Group]
	if !known {
		var group single[struct {
			Settings json.RawMessage `json:"settings"`
		}]
		if _, err := b.connector.api.JSON(ctx, rest.Call{Path: "/group_settings/" + url.PathEscape(client.Group)}, &group); err != nil {
			return "", fmt.Errorf("group settings of client %s: %w", client.ID, err)
		}
		number = currencySetting(group.Data.Settings)
		b.groups[client.Group] = number
	}
	if number == "" {
		return b.company, nil
	}
	return number, nil
}
