package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// vendor is one of the hub's vendors: its program on the other side of the API,
// and its webhook receiver.
type vendor struct {
	hub           *hub
	receiver      *receiver
	Email         string `json:"-"`
	ID            string `json:"id"`
	Name          string `json:"name"`
	APIKey        string `json:"api_key"`
	WebhookSecret string `json:"webhook_secret"`
}

// Records as a vendor's program writes them.
type (
	account struct {
		ExternalID string    `json:"external_id"`
		Name       string    `json:"name"`
		Terms      string    `json:"terms,omitempty"`
		Currency   string    `json:"currency,omitempty"`
		Contacts   []contact `json:"contacts"`
	}
	contact struct {
		Email string `json:"email"`
		Name  string `json:"name,omitempty"`
		Role  string `json:"role,omitempty"`
	}
	invoice struct {
		ExternalID string     `json:"external_id"`
		Number     string     `json:"number"`
		Account    string     `json:"account"`
		IssuedOn   string     `json:"issued_on"`
		DueOn      string     `json:"due_on"`
		Currency   string     `json:"currency"`
		Total      string     `json:"total"`
		Open       string     `json:"open,omitempty"`
		Order      string     `json:"purchase_order,omitempty"`
		Status     string     `json:"status,omitempty"`
		Lines      []line     `json:"lines,omitempty"`
		Documents  []document `json:"documents,omitempty"`
	}
	line struct {
		Description string `json:"description"`
		Quantity    string `json:"quantity"`
		UnitPrice   string `json:"unit_price"`
		Amount      string `json:"amount"`
	}
	document struct {
		Name        string `json:"name"`
		ContentType string `json:"content_type"`
		Content     []byte `json:"content_base64"`
	}
	credit struct {
		ExternalID string `json:"external_id"`
		Number     string `json:"number"`
		Account    string `json:"account"`
		Currency   string `json:"currency"`
		Total      string `json:"total"`
		Open       string `json:"open,omitempty"`
	}
	counts struct {
		Created   int             `json:"created"`
		Updated   int             `json:"updated"`
		Unchanged int             `json:"unchanged"`
		Rejected  json.RawMessage `json:"rejected"`
	}
)

// Rows as the API lists them.
type (
	paymentRow struct {
		ID        string           `json:"id"`
		Reference string           `json:"reference"`
		Status    string           `json:"status"`
		Amount    string           `json:"amount"`
		Currency  string           `json:"currency"`
		Credit    string           `json:"credit_amount"`
		Invoices  []paymentInvoice `json:"invoices"`
	}
	paymentInvoice struct {
		ExternalID string `json:"external_id"`
		Number     string `json:"number"`
		Amount     string `json:"amount"`
	}
	invoiceRow struct {
		ExternalID string `json:"external_id"`
		Open       string `json:"open"`
		Status     string `json:"status"`
	}
	eventRow struct {
		ID   string `json:"id"`
		Type string `json:"type"`
	}
	listPage[T any] struct {
		Data []T     `json:"data"`
		Next *string `json:"next_cursor"`
	}
)

// ask calls the API; what comes back is for the caller to judge.
func (v *vendor) ask(method, path string, body []byte, headers ...string) (int, []byte, error) {
	request, err := http.NewRequest(method, v.hub.base+"/api/v1"+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Authorization", "Bearer "+v.APIKey)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{Timeout: 40 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	raw, err := io.ReadAll(answer.Body)
	return answer.StatusCode, raw, err
}

// tell is a call that must be answered with 200; into may be nil.
func (v *vendor) tell(method, path string, body, into any) error {
	var raw []byte
	if body != nil {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			return err
		}
	}
	status, answer, err := v.ask(method, path, raw)
	for range 10 { // a program that is told to slow down does
		if err != nil || status != http.StatusTooManyRequests {
			break
		}
		time.Sleep(time.Second)
		status, answer, err = v.ask(method, path, raw)
	}
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("%s %s: %d %s", method, path, status, answer)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}

// list reads all pages of a list.
func list[T any](v *vendor, path string) ([]T, error) {
	var rows []T
	cursor := ""
	for range 100 {
		var got listPage[T]
		if err := v.tell(http.MethodGet, path+"?limit=200"+cursor, nil, &got); err != nil {
			return nil, err
		}
		rows = append(rows, got.Data...)
		if got.Next == nil {
			return rows, nil
		}
		cursor = "&cursor=" + *got.Next
	}
	return nil, fmt.Errorf("%s does not end", path)
}

// push sends records and wants each of them taken.
func (v *vendor) push(kind string, records any) (counts, error) {
	var got counts
	err := v.tell(http.MethodPut, "/"+kind, map[string]any{kind: records}, &got)
	if err == nil && string(got.Rejected) != "[]" {
		err = fmt.Errorf("%s were rejected: %s", kind, got.Rejected)
	}
	return got, err
}

// listen registers the receiver for every event.
func (v *vendor) listen() error {
	var answer struct {
		Secret string `json:"secret"`
	}
	body := map[string]any{"url": v.receiver.url(), "events": []string{"*"}}
	if err := v.tell(http.MethodPut, "/webhook-endpoints", body, &answer); err != nil {
		return err
	}
	return v.receiver.learn(answer.Secret)
}

// hook is one call that a receiver got.
type hook struct {
	ID     string
	Type   string
	Body   string
	Header http.Header
	Fault  error // of the signature
}

// receiver is a vendor's webhook endpoint: a real server that checks signatures
// with the official library, and can be as unpleasant as servers are.
type receiver struct {
	server *httptest.Server

	mutex    sync.Mutex
	verifier *standardwebhooks.Webhook
	hooks    []hook
	taken    map[string]bool // webhook-ids that were answered with 2xx
	status   int             // 0: 204
	times    int             // how often status is answered; negative: always
	wait     time.Duration
}

func newReceiver(t testing.TB) *receiver {
	t.Helper()
	r := &receiver{taken: map[string]bool{}}
	r.server = httptest.NewServer(r)
	t.Cleanup(func() {
		r.server.CloseClientConnections()
		r.server.Close()
	})
	return r
}

func (r *receiver) url() string { return r.server.URL + "/hooks" }

func (r *receiver) trust(t testing.TB, secret string) {
	t.Helper()
	if err := r.learn(secret); err != nil {
		t.Fatalf("the secret %q: %v", secret, err)
	}
}

func (r *receiver) learn(secret string) error {
	verifier, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		return err
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.verifier = verifier
	return nil
}

// answer makes the next n calls (negative: all) answer with a status.
func (r *receiver) answer(status, n int) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.status, r.times = status, n
}

// dawdle makes every call wait before it is answered.
func (r *receiver) dawdle(wait time.Duration) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.wait = wait
}

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return // the hub was killed while it sent
	}
	r.mutex.Lock()
	got := hook{ID: request.Header.Get("webhook-id"), Body: string(body), Header: request.Header.Clone(), Fault: r.verifier.Verify(body, request.Header)}
	var envelope struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(body, &envelope); err != nil && got.Fault == nil {
		got.Fault = err
	}
	got.Type = envelope.Type
	r.hooks = append(r.hooks, got)
	status, wait := http.StatusNoContent, r.wait
	if r.status != 0 && r.times != 0 {
		status = r.status
		r.times--
	}
	if status < 300 {
		r.taken[got.ID] = true
	}
	r.mutex.Unlock()
	select {
	case <-time.After(wait):
	case <-request.Context().Done():
	}
	w.WriteHeader(status)
}

// got returns every call so far.
func (r *receiver) got() []hook {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return append([]hook(nil), r.hooks...)
}

// events are the distinct events that were answered with 2xx: how often each
// type came.
func (r *receiver) events() map[string]int {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	seen := map[string]bool{}
	types := map[string]int{}
	for _, hook := range r.hooks {
		if r.taken[hook.ID] && !seen[hook.ID] {
			seen[hook.ID] = true
			types[hook.Type]++
		}
	}
	return types
}

// everything is all that a receiver was sent, headers included, for canaries.
func (r *receiver) everything() string {
	var all strings.Builder
	for _, hook := range r.got() {
		all.WriteString(hook.Body)
		for name, values := range hook.Header {
			fmt.Fprintf(&all, "\n%s: %s", name, strings.Join(values, ", "))
		}
		all.WriteByte('\n')
	}
	return all.String()
}
