package stripefake

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Exchange is one request of the API and its answer.
type Exchange struct {
	Method, Path, Query string
	ContentType         string
	Form                []byte // the body as it came
	Account, Key        string
	Status              int // 0: the request was lost on its way
	Body                []byte
}

// Record begins or ends keeping the requests for Exchanges.
func (f *Fake) Record(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.recording = on
}

// Exchanges returns the recorded requests, in their order.
func (f *Fake) Exchanges() []Exchange {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.exchanges)
}

func (f *Fake) record(c *call, query string, a answer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.recording {
		f.exchanges = append(f.exchanges, Exchange{Method: c.method, Path: c.path, Query: query, ContentType: c.contentType, Form: c.raw,
			Account: c.account, Key: c.key, Status: a.status, Body: a.body})
	}
}

// names is what makes two requests alike: the endpoint and the parameters.
func (e Exchange) names() string {
	given, _ := url.ParseQuery(e.Query)
	if strings.HasPrefix(e.ContentType, "application/x-www-form-urlencoded") {
		form, _ := url.ParseQuery(string(e.Form))
		maps.Copy(given, form)
	}
	parts := strings.Split(e.Path, "/")
	for i, part := range parts {
		if prefix, _, isID := strings.Cut(part, "_"); isID && len(part) > 14 {
			parts[i] = prefix
		}
	}
	return e.Method + strings.Join(parts, "/") + strings.Join(slices.Sorted(maps.Keys(given)), "&")
}

// Replay sends every exchange that succeeded, once per endpoint and set of
// parameters, to a stripe-mock at base ("http://127.0.0.1:12111"), and returns
// in words what it did not accept and where the fake's answers have other
// fields, or fields of another kind, than its answers.
func Replay(ctx context.Context, client *http.Client, base string, exchanges []Exchange) []string {
	var problems []string
	seen := map[string]bool{}
	for _, e := range exchanges {
		if e.Status != http.StatusOK || seen[e.names()] {
			continue
		}
		seen[e.names()] = true
		where := e.Method + " " + e.Path
		status, body, err := e.send(ctx, client, base)
		switch {
		case err != nil:
			problems = append(problems, fmt.Sprintf("%s: %v", where, err))
			continue
		case status != http.StatusOK:
			problems = append(problems, fmt.Sprintf("%s is refused with %d: %s", where, status, body))
			continue
		}
		var theirs, ours any
		if err := json.Unmarshal(body, &theirs); err != nil {
			problems = append(problems, fmt.Sprintf("%s: stripe-mock's answer: %v", where, err))
		} else if err := json.Unmarshal(e.Body, &ours); err != nil {
			problems = append(problems, fmt.Sprintf("%s: the fake's answer: %v", where, err))
		} else {
			problems = append(problems, compare(where+" →", ours, theirs)...)
		}
	}
	return problems
}

func (e Exchange) send(ctx context.Context, client *http.Client, base string) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	address := base + e.Path
	if e.Query != "" {
		address += "?" + e.Query
	}
	r, err := http.NewRequestWithContext(ctx, e.Method, address, bytes.NewReader(e.Form))
	if err != nil {
		return 0, nil, err
	}
	for name, value := range map[string]string{"Authorization": "Bearer sk_test_123", "Stripe-Version": Version, "Content-Type": e.ContentType,
		"Stripe-Account": e.Account, "Idempotency-Key": e.Key} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	response, err := client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 4<<20))
	return response.StatusCode, body, err
}

// open are fields whose inner names are not fixed, or hang on the state.
func open(field string) bool {
	return slices.Contains([]string{"metadata", "payment_method_details", "payment_method_options", "outcome", "capabilities", "settings", "evidence",
		"last_payment_error", "last_setup_error", "destination_details", "controller", "supported_bank_account_currencies", "source_types", "card", "us_bank_account"}, field)
}

// onlySometimes are fields that are there in some states alone: refunds of a
// charge when expanded (stripe-mock always shows them), what an update changed,
// why a refund failed.
func onlySometimes(field string) bool {
	return slices.Contains([]string{"refunds", "previous_attributes", "failure_reason", "failure_balance_transaction", "account"}, field)
}

// compare walks two answers: fields that one lacks, and other kinds of value.
// An id on one side and its object on the other is no difference.
func compare(at string, ours, theirs any) []string {
	if ours == nil || theirs == nil {
		return nil
	}
	_, ourID := ours.(string)
	_, theirID := theirs.(string)
	_, ourObject := ours.(map[string]any)
	_, theirObject := theirs.(map[string]any)
	if ourID && theirObject || ourObject && theirID {
		return nil
	}
	switch ours := ours.(type) {
	case map[string]any:
		theirs, ok := theirs.(map[string]any)
		if !ok {
			return []string{at + " is no object there"}
		}
		return compareFields(at, ours, theirs)
	case []any:
		theirs, ok := theirs.([]any)
		if !ok {
			return []string{at + " is no list there"}
		}
		if len(ours) > 0 && len(theirs) > 0 {
			return compare(at+"[0]", ours[0], theirs[0])
		}
		return nil
	}
	if fmt.Sprintf("%T", ours) != fmt.Sprintf("%T", theirs) {
		return []string{fmt.Sprintf("%s is %T, there %T", at, ours, theirs)}
	}
	return nil
}

func compareFields(at string, ours, theirs map[string]any) []string {
	noun, named := ours["object"].(string)
	if named && theirs["object"] != noun {
		return nil // another noun than stripe-mock's example has at this place
	}
	var problems []string
	for _, field := range slices.Sorted(maps.Keys(theirs)) {
		if _, have := ours[field]; !have && !onlySometimes(field) {
			problems = append(problems, at+" lacks "+field)
		}
	}
	for _, field := range slices.Sorted(maps.Keys(ours)) {
		inner, have := theirs[field]
		if !have && !onlySometimes(field) {
			problems = append(problems, at+" has "+field+", which is not there")
		} else if have && !open(field) {
			problems = append(problems, compare(at+" "+field, ours[field], inner)...)
		}
	}
	return problems
}
