package stripe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/sheaf-hub/sheaf/hub/payment"
)

// mostAnswer bounds what is read of one answer (bytes); a page of a hundred
// objects with their expansions is well below it.
const mostAnswer = 16 << 20

// watched is a transport that knows whether a request can have left: what fails
// before there was a connection surely had no effect.
type watched struct{ next http.RoundTripper }

// errNotSent wraps the failure of a request that never had a connection.
var errNotSent = errors.New("no connection")

// RoundTrip implements http.RoundTripper.
func (w watched) RoundTrip(request *http.Request) (*http.Response, error) {
	var asked, connected atomic.Bool
	trace := &httptrace.ClientTrace{GetConn: func(string) { asked.Store(true) }, GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }}
	response, err := w.next.RoundTrip(request.WithContext(httptrace.WithClientTrace(request.Context(), trace)))
	if err != nil {
		var op *net.OpError
		dialled := errors.As(err, &op) && op.Op == "dial"
		if !connected.Load() && (asked.Load() || dialled) {
			return nil, fmt.Errorf("%w: %w", errNotSent, err)
		}
		return nil, err
	}
	response.Body = bounded{io.LimitReader(response.Body, mostAnswer), response.Body}
	return putAside(request.Context(), response)
}

type bounded struct {
	io.Reader
	io.Closer
}

// Words of errors that need somebody to act.
const (
	wordsKey  = "Stripe does not accept the key (STRIPE_SECRET_KEY): it was revoked, or lacks a permission. Payments wait until it is set right"
	wordsBusy = "Stripe is busy with another request of ours, or takes no more for the moment"
	wordsLost = "nobody knows whether it happened"
)

// changing judges the failure of a call that changes something: what to is, so
// that the hub knows whether it may have happened.
func changing(what string, err error) error { return judge(what, err, false) }

// reading judges the failure of a call that only asks.
func reading(what string, err error) error { return judge(what, err, true) }

func judge(what string, err error, asks bool) error {
	var answered *stripego.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &answered):
		return fmt.Errorf("%s: %w", what, judgeAnswer(answered, asks))
	case errors.Is(err, errNotSent):
		return fmt.Errorf("%s: %w: Stripe cannot be reached: %s", what, payment.ErrUnavailable, network(err))
	}
	var failed *url.Error
	if errors.As(err, &failed) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%s: the connection to Stripe broke before the answer came (%s); %s", what, network(err), wordsLost)
	}
	// the library puts a sample of the answer into this one: it stays inside
	return fmt.Errorf("%s: Stripe's answer cannot be read; %s", what, wordsLost)
}

// network says what a connection broke of, without the address that was asked:
// it may hold what nobody should log.
func network(err error) string {
	var failed *url.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "it took too long"
	case errors.Is(err, context.Canceled):
		return "it was given up"
	case errors.As(err, &failed):
		if failed.Timeout() {
			return "it took too long"
		}
		return clip(failed.Err.Error(), 200)
	}
	return clip(err.Error(), 200)
}

func judgeAnswer(answer *stripego.Error, asks bool) error {
	status, said := answer.HTTPStatusCode, words(answer)
	switch {
	case answer.Code == stripego.ErrorCodeAccountInvalid && asks:
		return fmt.Errorf("%w: %s", payment.ErrNotFound, said) // the vendor has cut its account off
	case answer.Code == stripego.ErrorCodeAccountInvalid:
		return fmt.Errorf("%w: %s", payment.ErrRefused, said)
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return fmt.Errorf("%w: %s (%d)", payment.ErrUnavailable, wordsKey, status)
	case answer.Type == stripego.ErrorTypeIdempotency && status != http.StatusConflict:
		return fmt.Errorf("%w: this key was used for a request that said something else: %s", payment.ErrRefused, said)
	case status == http.StatusConflict, status == http.StatusTooManyRequests:
		return fmt.Errorf("%w: %s: %s", payment.ErrUnavailable, wordsBusy, said)
	case status >= http.StatusInternalServerError && replayed(answer):
		return fmt.Errorf("%w: %s; %s", payment.ErrSpent, said, wordsLost)
	case status >= http.StatusInternalServerError, status < http.StatusBadRequest, status == http.StatusRequestTimeout, answer.Type == stripego.ErrorTypeAPI:
		//lint:ignore ST1005 a name begins it
		return fmt.Errorf("Stripe failed: %s; %s", said, wordsLost)
	case answer.Code == stripego.ErrorCodeBalanceInsufficient, answer.Code == stripego.ErrorCodeInsufficientFunds:
		return fmt.Errorf("%w: %s", payment.ErrInsufficient, said)
	case asks && (answer.Code == stripego.ErrorCodeResourceMissing || status == http.StatusNotFound):
		return fmt.Errorf("%w: %s", payment.ErrNotFound, said)
	}
	return fmt.Errorf("%w: %s", payment.ErrRefused, said)
}

// replayed says whether Stripe gave again what it keeps under a key: it keeps
// failures of its own too.
func replayed(answer *stripego.Error) bool {
	return answer.LastResponse != nil && answer.LastResponse.Header.Get("Idempotent-Replayed") == "true"
}

// words are Stripe's own, short, with what its support asks for.
func words(answer *stripego.Error) string {
	said := clip(answer.Msg, 240)
	if said == "" {
		said = "no reason was given"
	}
	var about []any
	for _, word := range []string{string(answer.Code), string(answer.DeclineCode), answer.RequestID} {
		if word != "" {
			about = append(about, clip(word, 60))
		}
	}
	if len(about) == 0 {
		return fmt.Sprintf("%s (%d)", said, answer.HTTPStatusCode)
	}
	return fmt.Sprintf("%s %v", said, about)
}
