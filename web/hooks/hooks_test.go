package hooks_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/web"
	"github.com/sheaf-hub/sheaf/web/api"
	"github.com/sheaf-hub/sheaf/web/hooks"
	"github.com/sheaf-hub/sheaf/web/page"
)

// stand is the whole server with the hooks behind it.
type stand struct {
	t        *testing.T
	believed error
	stored   error
	hints    []payment.Hint
	bodies   []string
	results  []string
	log      strings.Builder
	ask      func(*http.Request) (*http.Response, error)
}

func newStand(t *testing.T, without bool) *stand {
	t.Helper()
	s := &stand{t: t}
	log := slog.New(slog.NewTextHandler(&s.log, nil))
	handlers := &hooks.Handlers{Log: log, Counted: func(result string) { s.results = append(s.results, result) },
		Parse: func(body []byte, signature string) (payment.Hint, error) {
			s.bodies = append(s.bodies, signature+"|"+string(body))
			return payment.Hint{EventID: "evt_1", Subject: payment.SubjectPayment, Ref: "cs_1"}, s.believed
		},
		Notify: func(ctx context.Context, hint payment.Hint) error {
			if _, bounded := ctx.Deadline(); !bounded {
				t.Error("the work has no end")
			}
			s.hints = append(s.hints, hint)
			return s.stored
		}}
	if without {
		handlers = &hooks.Handlers{}
	}
	kit := &page.Kit{Log: log, Now: time.Now, HubName: "Sheaf", PublicURL: "https://hub.example"}
	app := web.New(web.Deps{Kit: kit, Log: log, Handlers: web.Handlers{Hooks: handlers, API: &api.Handlers{Log: log, Now: time.Now},
		Health: &web.Health{Ready: func(context.Context) error { return nil }, Registry: prometheus.NewRegistry()}}})
	s.ask = func(request *http.Request) (*http.Response, error) { return app.Test(request, 10_000) }
	return s
}

func (s *stand) send(body string, headers ...string) (int, string) {
	s.t.Helper()
	request := httptest.NewRequest(http.MethodPost, "/webhooks/stripe", strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	request.Header.Set("Stripe-Signature", "t=1,v1=00")
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := s.ask(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func TestAMessageIsStored(t *testing.T) {
	s := newStand(t, false)
	body := "{\"id\" : \"evt_1\"}\r\n  "
	if status, text := s.send(body); status != 200 || len(s.hints) != 1 || s.hints[0].Ref != "cs_1" || !slices.Equal(s.results, []string{hooks.Handled}) {
		t.Errorf("%d %s, %+v, %q", status, text, s.hints, s.results)
	}
	if s.bodies[0] != "t=1,v1=00|"+body {
		t.Errorf("the signature is held against %q", s.bodies)
	}
}

func TestWhatIsNotBelievedChangesNothing(t *testing.T) {
	for _, refusal := range []payment.HintRefusal{payment.HintUnsigned, payment.HintForged, payment.HintStale, payment.HintVersion, payment.HintMode, payment.HintUnreadable} {
		s := newStand(t, false)
		s.believed = fmt.Errorf("%w: particulars", refusal)
		status, text := s.send("{}")
		if status != 400 || len(s.hints) != 0 || !slices.Equal(s.results, []string{string(refusal)}) {
			t.Errorf("%s: %d %s, %+v, %q", refusal, status, text, s.hints, s.results)
		}
		tells := slices.Contains([]payment.HintRefusal{payment.HintVersion, payment.HintMode, payment.HintUnreadable}, refusal)
		if strings.Contains(text, "particulars") != tells || !strings.Contains(s.log.String(), string(refusal)) {
			t.Errorf("%s: answers %s and logs %s", refusal, text, s.log.String())
		}
	}
}

func TestWhatCannotBeStoredComesAgain(t *testing.T) {
	s := newStand(t, false)
	s.stored = errors.New("the disk is full: secret-detail")
	if status, text := s.send("{}"); status != 500 || strings.Contains(text, "secret") || !slices.Equal(s.results, []string{hooks.Failed}) {
		t.Errorf("%d %s, %q", status, text, s.results)
	}
	if !strings.Contains(s.log.String(), "secret-detail") || !strings.Contains(s.log.String(), "evt_1") {
		t.Errorf("the operator is not told: %s", s.log.String())
	}
}

func TestWhatIsNotEvenRead(t *testing.T) {
	s := newStand(t, false)
	if status, _ := s.send(strings.Repeat("x", hooks.MaxMessage+1)); status != 413 || len(s.bodies) != 0 || !slices.Equal(s.results, []string{hooks.TooLarge}) {
		t.Errorf("%d, %d read, %q", status, len(s.bodies), s.results)
	}
	if status, _ := s.send("{}", "Content-Encoding", "gzip"); status != 415 || len(s.bodies) != 0 {
		t.Errorf("%d", status)
	}
	request := httptest.NewRequest(http.MethodGet, "/webhooks/stripe", nil)
	if response, err := s.ask(request); err != nil || response.StatusCode != 405 && response.StatusCode != 404 {
		t.Errorf("%v, %v", response, err)
	}
}

func TestAHubWithoutStripe(t *testing.T) {
	if status, text := newStand(t, true).send("{}"); status != 404 {
		t.Errorf("%d %s", status, text)
	}
}

func TestEveryResultIsListed(t *testing.T) {
	for _, result := range []string{hooks.Handled, hooks.Failed, hooks.TooLarge, "unsigned", "forged", "stale", "wrong version", "wrong mode", "unreadable"} {
		if !slices.Contains(hooks.Results(), result) {
			t.Errorf("%q is not listed", result)
		}
	}
}
