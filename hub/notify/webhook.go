package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sheaf-hub/sheaf/hub/notify/standardwebhooks"
	"github.com/sheaf-hub/sheaf/hub/outbox"
)

// WebhookTimeout bounds one attempt (the specification recommends 15 to 30 s).
const WebhookTimeout = 15 * time.Second

// Body is what a webhook carries.
type Body struct {
	ID        string          `json:"id"`
	Type      string          `json:"type"`
	Timestamp time.Time       `json:"timestamp"` // when it happened, UTC
	Data      json.RawMessage `json:"data"`
}

// BodyOf is an event as a webhook carries it: the same bytes on every attempt.
func BodyOf(event outbox.Event) ([]byte, error) {
	return json.Marshal(Body{ID: event.ID, Type: event.Type, Timestamp: event.CreatedAt.UTC(), Data: json.RawMessage(event.Data)})
}

func (s *Service) webhook(ctx context.Context, parcel outbox.Parcel) outbox.Outcome {
	ctx, cancel := context.WithTimeout(ctx, WebhookTimeout)
	defer cancel()
	request, err := s.request(ctx, parcel)
	if err != nil {
		return outbox.Outcome{State: outbox.Dead, Answer: "The webhook cannot be written: " + err.Error()}
	}
	response, err := s.Client.Do(request)
	outcome := outbox.Outcome{Status: response.Status, Answer: readable(response.Body)}
	if err != nil {
		outcome.Answer = err.Error()
		return s.retry(parcel.Delivery, outcome, 0)
	}
	switch {
	case response.Status >= 200 && response.Status < 300:
		outcome.State = outbox.Done
		return outcome
	case response.Status == http.StatusGone:
		outcome.State, outcome.Disable = outbox.Dead, "It answered 410 Gone."
		return outcome
	}
	return s.retry(parcel.Delivery, outcome, standardwebhooks.RetryAfter(response.Header.Get("Retry-After"), s.Now()))
}

func (s *Service) request(ctx context.Context, parcel outbox.Parcel) (*http.Request, error) {
	body, err := BodyOf(parcel.Event)
	if err != nil {
		return nil, err
	}
	plain, err := s.Outbox.Secret(parcel.Endpoint)
	if err != nil {
		return nil, err
	}
	secret, err := standardwebhooks.ParseSecret(plain)
	if err != nil {
		return nil, err
	}
	headers, err := standardwebhooks.Headers(parcel.Event.ID, s.Now(), body, secret)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, parcel.Endpoint.Target, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("the address cannot be read")
	}
	for name, values := range headers {
		request.Header[name] = values
	}
	request.Header.Set("Content-Type", "application/json")
	return request, nil
}

// readable is the beginning of an answer, for the delivery log.
func readable(body []byte) string {
	const most = 500
	if len(body) > most {
		body = body[:most]
	}
	if !utf8.Valid(body) && bytes.ContainsRune(body, 0) {
		return fmt.Sprintf("%d bytes that are not text", len(body))
	}
	return loggable(string(body))
}

// loggable is what another side said without what no database keeps as text: a
// NUL would make the very row that records the attempt impossible to write.
func loggable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
}
