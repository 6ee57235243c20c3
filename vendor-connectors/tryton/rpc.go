package tryton

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/rest"
)

// Tryton's JSON-RPC: every call is a POST to /DATABASE/ of a method and its
// parameters, the last of which is the context. What a user did wrong comes with
// status 200 and an error in the body (trytond/protocols/jsonrpc.py).

type envelope struct {
	Result json.RawMessage `json:"result"`
	Error  json.RawMessage `json:"error"`
}

// login begins a session. Booking asks for one that is fresh.
func (c *Client) login(ctx context.Context) error {
	c.mu.Lock()
	c.session = ""
	c.mu.Unlock()
	raw, err := c.post(ctx, false, "common.db.login", c.settings["user"], map[string]string{"password": c.settings["password"]})
	if err != nil {
		if errors.Is(err, connectors.ErrGone) {
			return fmt.Errorf("%w: this server has no database %q, or is no Tryton server", connectors.ErrRefused, c.settings["database"])
		}
		if errors.Is(err, connectors.ErrCredentials) {
			return fmt.Errorf("%w: Tryton does not accept this user and password", connectors.ErrCredentials)
		}
		return err
	}
	var session []json.RawMessage
	var id json.Number
	var key string
	if err := json.Unmarshal(raw, &session); err != nil || len(session) < 2 || json.Unmarshal(session[0], &id) != nil || json.Unmarshal(session[1], &key) != nil {
		return fmt.Errorf("%w: Tryton does not accept this user and password", connectors.ErrCredentials)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session = base64.StdEncoding.EncodeToString([]byte(c.settings["user"] + ":" + id.String() + ":" + key))
	return nil
}

// call makes a call in a session, and once more in a new one when it has ended.
func (c *Client) call(ctx context.Context, write bool, into any, method string, params ...any) error {
	c.mu.Lock()
	known := c.session != ""
	c.mu.Unlock()
	if !known {
		if err := c.login(ctx); err != nil {
			return err
		}
	}
	raw, err := c.post(ctx, write, method, params...)
	if errors.Is(err, connectors.ErrCredentials) && known { // nothing was carried out
		if err := c.login(ctx); err != nil {
			return err
		}
		raw, err = c.post(ctx, write, method, params...)
	}
	if err != nil || into == nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(into); err != nil {
		kind := connectors.ErrUnreachable
		if write {
			kind = connectors.ErrUnknown
		}
		return fmt.Errorf("%w: Tryton answers %s with something else than it should", kind, method)
	}
	return nil
}

func (c *Client) post(ctx context.Context, write bool, method string, params ...any) (json.RawMessage, error) {
	c.mu.Lock()
	c.ids++
	body := map[string]any{"id": c.ids, "method": method, "params": params}
	c.mu.Unlock()
	var answer envelope
	_, err := c.rest.JSON(ctx, rest.Call{Method: http.MethodPost, Path: "/" + c.settings["database"] + "/", Body: body, Write: write}, &answer)
	if err != nil {
		return nil, err
	}
	if len(answer.Error) > 0 && string(answer.Error) != "null" {
		return nil, refusal(answer.Error)
	}
	if answer.Result == nil {
		kind := connectors.ErrUnreachable
		if write {
			kind = connectors.ErrUnknown
		}
		return nil, fmt.Errorf("%w: Tryton's answer has no result", kind)
	}
	return answer.Result, nil
}

// refusal puts Tryton's words into an error: [name, [message, description]] or
// [text, traceback].
func refusal(raw json.RawMessage) error {
	var parts []json.RawMessage
	var name, words string
	if json.Unmarshal(raw, &parts) == nil && len(parts) > 0 {
		_ = json.Unmarshal(parts[0], &name) // a name that is no text has no words
		if len(parts) > 1 {
			var said []any
			if json.Unmarshal(parts[1], &said) == nil && len(said) > 0 {
				words, _ = said[0].(string)
			}
		}
	}
	if strings.HasPrefix(name, "401") || name == "LoginException" {
		return fmt.Errorf("%w: the session has ended", connectors.ErrCredentials)
	}
	const most = 300
	text := strings.Join(strings.Fields(strings.TrimSpace(name+": "+words)), " ")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return fmt.Errorf("%w: Tryton says: %s", connectors.ErrRefused, strings.TrimSuffix(text, ":"))
}

// page is a part of a search.
type page struct {
	limit int
	order []any
}

// search reads rows of a model.
func (c *Client) search(ctx context.Context, model string, domain []any, p page, fields []string, into any) error {
	return c.call(ctx, false, into, "model."+model+".search_read", domain, 0, p.limit, p.order, fields, map[string]any{})
}

// What JSON does not have comes as an object with its class
// (trytond/protocols/jsonrpc.py, JSONEncoder).

// decimal is a number to the digit, as text.
type decimal string

// UnmarshalJSON implements json.Unmarshaler.
func (d *decimal) UnmarshalJSON(raw []byte) error {
	var object struct {
		Class   string `json:"__class__"`
		Decimal string `json:"decimal"`
	}
	if string(raw) == "null" {
		*d = ""
		return nil
	}
	if err := json.Unmarshal(raw, &object); err == nil && object.Class == "Decimal" {
		*d = decimal(object.Decimal)
		return nil
	}
	var number json.Number
	if err := json.Unmarshal(raw, &number); err != nil {
		return fmt.Errorf("no number: %.60s", raw)
	}
	*d = decimal(number)
	return nil
}

func (d decimal) wire() map[string]any {
	return map[string]any{"__class__": "Decimal", "decimal": string(d)}
}

// moment is a date or an instant of the server's clock, which is UTC; zero: none.
type moment struct{ time.Time }

type momentWire struct {
	Class       string `json:"__class__"`
	Year        int    `json:"year"`
	Month       int    `json:"month"`
	Day         int    `json:"day"`
	Hour        int    `json:"hour"`
	Minute      int    `json:"minute"`
	Second      int    `json:"second"`
	Microsecond int    `json:"microsecond"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (m *moment) UnmarshalJSON(raw []byte) error {
	if string(raw) == "null" {
		*m = moment{}
		return nil
	}
	var wire momentWire
	if err := json.Unmarshal(raw, &wire); err != nil || (wire.Class != "date" && wire.Class != "datetime") || wire.Year < 1 || wire.Year > 9999 {
		return fmt.Errorf("no date: %.60s", raw)
	}
	m.Time = time.Date(wire.Year, time.Month(wire.Month), wire.Day, wire.Hour, wire.Minute, wire.Second, wire.Microsecond*1000, time.UTC)
	if m.Day() != wire.Day || int(m.Month()) != wire.Month { // a day that no calendar has
		return fmt.Errorf("no date: %.60s", raw)
	}
	return nil
}

func (m moment) datetime() map[string]any {
	at := m.UTC()
	return map[string]any{"__class__": "datetime", "year": at.Year(), "month": int(at.Month()), "day": at.Day(), "hour": at.Hour(), "minute": at.Minute(),
		"second": at.Second(), "microsecond": at.Nanosecond() / 1000}
}

func (m moment) date() map[string]any {
	return map[string]any{"__class__": "date", "year": m.Year(), "month": int(m.Month()), "day": m.Day()}
}
