package stripefake

import (
	"encoding/json"
	"time"
)

// Event is a change that was made, with the object as it was then.
type Event struct {
	ID, Type string
	Account  string // of a connected account; "" is the platform
	Created  time.Time
	Object   json.RawMessage // the object, without expansions
	previous obj
	request  string // id of the request that caused it
	key      string
	waiting  int // endpoints that have not taken it
}

// emit keeps an event and queues it for the endpoints that want it.
func (f *Fake) emit(kind, account string, object, previous obj) {
	text := appendJSON(make([]byte, 0, 2048), object)
	e := &Event{ID: f.id("evt"), Type: kind, Account: account, Created: f.now, Object: text, previous: previous}
	if f.call != nil {
		e.request, e.key = f.call.requestID, f.call.key
	}
	f.events.add(e.ID, e)
	f.queue(e)
}

func (f *Fake) viewEvent(e *Event) obj {
	data := obj{"object": e.Object}
	if e.previous != nil {
		data["previous_attributes"] = e.previous
	}
	found := obj{"id": e.ID, "object": "event", "api_version": Version, "created": e.Created.Unix(), "data": data, "livemode": f.cfg.Live,
		"pending_webhooks": e.waiting, "request": obj{"id": null(e.request), "idempotency_key": null(e.key)}, "type": e.Type}
	if e.Account != "" {
		found["account"] = e.Account
	}
	return found
}

// kept says whether an event is still to be had: thirty days.
func (f *Fake) kept(e *Event) bool { return f.now.Sub(e.Created) < 30*24*time.Hour }

func (f *Fake) getEvent(c *call) (obj, error) {
	if err := c.p.done(); err != nil {
		return nil, err
	}
	e := f.events.get(c.ids[0])
	if e == nil || e.Account != c.account || !f.kept(e) {
		return nil, missing("event", c.ids[0], "id")
	}
	return f.viewEvent(e), nil
}

func (f *Fake) listEvents(c *call) (obj, error) {
	kind := c.p.text("type")
	types := c.p.list("types")
	if kind != "" {
		types = append(types, kind)
	}
	c.p.ignore("delivery_success")
	return page(c, f.events.order, func(e *Event) string { return e.ID }, func(e *Event) time.Time { return e.Created },
		func(e *Event) bool { return e.Account == c.account && f.kept(e) && wants(types, e.Type) }, f.viewEvent)
}

// Events lists all events, oldest first, those of connected accounts too.
func (f *Fake) Events() []Event { return all(f, &f.events) }
