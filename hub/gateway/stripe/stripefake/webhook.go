package stripefake

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Endpoint is where events go. With neither URL nor Send they wait for Take.
type Endpoint struct {
	URL     string
	Secret  string   // whsec_…
	Connect bool     // takes the events of connected accounts, and only those
	Types   []string // empty: all; "charge.*" is a prefix
	// Send replaces the HTTP request; it returns the HTTP status.
	Send func(ctx context.Context, payload []byte, signature string) (int, error)
	// Client makes the HTTP request; nil is http.DefaultClient.
	Client *http.Client
}

type endpoint struct {
	Endpoint
	id string
}

// Signed is one event as it reaches an endpoint: the raw body and the header
// Stripe-Signature.
type Signed struct {
	EventID, Type, Account string
	Payload                []byte
	Signature              string
}

type delivery struct {
	to      *endpoint
	event   *Event
	due     time.Time
	attempt int
	busy    bool
	done    bool
}

// retries are the pauses after failed deliveries: about three days in all.
func retries() []time.Duration {
	return []time.Duration{5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 12 * time.Hour, 12 * time.Hour, 12 * time.Hour, 12 * time.Hour}
}

// AddEndpoint registers an endpoint for the events from now on; it returns its id.
func (f *Fake) AddEndpoint(e Endpoint) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pass()
	added := &endpoint{Endpoint: e, id: f.id("we")}
	f.endpoints = append(f.endpoints, added)
	return added.id
}

func wants(types []string, kind string) bool {
	return len(types) == 0 || slices.ContainsFunc(types, func(t string) bool {
		prefix, open := strings.CutSuffix(t, "*")
		return t == kind || open && strings.HasPrefix(kind, prefix)
	})
}

// queue plans the deliveries of an event, as the faults will have them.
func (f *Fake) queue(e *Event) {
	for _, to := range f.endpoints {
		if to.Connect != (e.Account != "") || !wants(to.Types, e.Type) {
			continue
		}
		e.waiting++
		copies, delay := 1, time.Duration(0)
		if f.faults.Event != nil {
			fate := f.faults.Event(*e)
			delay = fate.Delay
			copies += fate.Extra
			if fate.Drop {
				copies = 0
			}
		}
		for range copies {
			f.deliveries = append(f.deliveries, &delivery{to: to, event: e, due: e.Created.Add(delay)})
		}
	}
}

// claim takes the deliveries that are due, in the order that the faults give.
func (f *Fake) claim(mine func(*delivery) bool, limit int) []*delivery {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pass()
	f.deliveries = slices.DeleteFunc(f.deliveries, func(d *delivery) bool { return d.done })
	var due []*delivery
	for _, d := range f.deliveries {
		if !d.busy && !d.due.After(f.now) && mine(d) {
			due = append(due, d)
		}
	}
	slices.SortStableFunc(due, func(a, b *delivery) int { return a.due.Compare(b.due) })
	if f.faults.Shuffle != nil {
		f.faults.Shuffle(len(due), func(i, j int) { due[i], due[j] = due[j], due[i] })
	}
	if limit > 0 && len(due) > limit {
		due = due[:limit]
	}
	for _, d := range due {
		d.busy = true
	}
	return due
}

// sign renders an event and signs it at the fake's present time.
func (f *Fake) sign(d *delivery) Signed {
	f.mu.Lock()
	defer f.mu.Unlock()
	payload := appendJSON(make([]byte, 0, 2048), f.viewEvent(d.event))
	return Signed{EventID: d.event.ID, Type: d.event.Type, Account: d.event.Account, Payload: payload,
		Signature: Signature(payload, d.to.Secret, f.now)}
}

// Signature makes the header Stripe-Signature of a payload.
func Signature(payload []byte, secret string, at time.Time) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%d.", at.Unix())
	mac.Write(payload)
	return fmt.Sprintf("t=%d,v1=%s", at.Unix(), hex.EncodeToString(mac.Sum(nil)))
}

// settle records how a delivery went.
func (f *Fake) settle(d *delivery, taken bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	d.busy = false
	pauses := retries()
	if !taken && d.attempt < len(pauses) {
		d.due = f.now.Add(pauses[d.attempt])
		d.attempt++
		return
	}
	if taken && d.event.waiting > 0 {
		d.event.waiting--
	}
	d.done = true
}

// Deliver sends every event that is due to its endpoint once, and returns how
// many were taken (answered 2xx). The others come again later by the clock.
func (f *Fake) Deliver(ctx context.Context) int {
	taken := 0
	for _, d := range f.claim(func(d *delivery) bool { return d.to.Send != nil || d.to.URL != "" }, 0) {
		signed := f.sign(d)
		status, err := d.to.send(ctx, signed)
		ok := err == nil && status >= 200 && status < 300
		if ok {
			taken++
		}
		f.settle(d, ok)
	}
	return taken
}

// Drain delivers until nothing is taken any more, and returns how many were.
// Deliveries cause requests, and these cause events: bound is the most rounds.
func (f *Fake) Drain(ctx context.Context, bound int) int {
	total := 0
	for range bound {
		taken := f.Deliver(ctx)
		if taken == 0 {
			break
		}
		total += taken
	}
	return total
}

func (e *endpoint) send(ctx context.Context, signed Signed) (int, error) {
	if e.Send != nil {
		return e.Send(ctx, signed.Payload, signed.Signature)
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL, bytes.NewReader(signed.Payload))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	request.Header.Set("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
	request.Header.Set("Stripe-Signature", signed.Signature)
	client := e.Client
	if client == nil {
		client = http.DefaultClient
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<16)) // only its status counts
	return response.StatusCode, nil
}

// Take removes the events that are due at an endpoint and returns them signed,
// as if they had been delivered. At most limit of them, 0 is all.
func (f *Fake) Take(endpointID string, limit int) []Signed {
	var signed []Signed
	for _, d := range f.claim(func(d *delivery) bool { return d.to.id == endpointID }, limit) {
		signed = append(signed, f.sign(d))
		f.settle(d, true)
	}
	return signed
}

// Waiting is how many deliveries are still to be made, at whatever time.
func (f *Fake) Waiting() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pass()
	waiting := 0
	for _, d := range f.deliveries {
		if !d.done {
			waiting++
		}
	}
	return waiting
}

// NextDelivery is when the next delivery is due; false when none waits.
func (f *Fake) NextDelivery() (time.Time, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pass()
	var next time.Time
	for _, d := range f.deliveries {
		if !d.done && (next.IsZero() || d.due.Before(next)) {
			next = d.due
		}
	}
	return next, !next.IsZero()
}

// NextDue is when the fake's clock has something to do of itself (a debit, an
// expiry, a payout); false when nothing is planned.
func (f *Fake) NextDue() (time.Time, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pass()
	if len(f.due) == 0 {
		return time.Time{}, false
	}
	return f.due[0].at, true
}
