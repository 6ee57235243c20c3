package quickbooks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/rest"
)

const (
	// waitMinute is how long to wait when QuickBooks does not say: its limit is one of a minute.
	waitMinute = time.Minute
	// mostBody bounds an answer, in bytes: a page of a thousand invoices of sixty-four kilobytes.
	mostBody = 64 << 20
)

// call makes one call of the company's API within its limits.
func (c *Client) call(ctx context.Context, call rest.Call, into any) (rest.Answer, error) {
	select {
	case c.limits.slots <- struct{}{}:
		defer func() { <-c.limits.slots }()
	case <-ctx.Done():
		return rest.Answer{}, errors.Join(connectors.ErrUnreachable, ctx.Err())
	}
	query := url.Values{"minorversion": {minorVersion}}
	for name, values := range call.Query {
		query[name] = values
	}
	call.Path, call.Query = "/v3/company/"+c.company+call.Path, query
	answer, err := c.rest().JSON(ctx, call, into)
	return answer, judged(call, answer, err)
}

func (c *Client) rest() *rest.Client {
	used := "" // by this call: the token to renew when it is refused
	return &rest.Client{HTTP: c.deps.HTTP, Base: c.api, Now: c.deps.Now, Limit: c.limits.rate, Timeout: c.timeout, MostBody: mostBody, Words: words,
		Authorize: func(ctx context.Context, request *http.Request) error {
			access, err := c.source.Access(ctx)
			if err != nil {
				return err
			}
			used = access
			request.Header.Set("Authorization", "Bearer "+access)
			return nil
		},
		Renew: func(ctx context.Context) error {
			_, err := c.source.Renew(ctx, used)
			return err
		}}
}

// fault is what QuickBooks says is wrong. It comes with any status, 200 too. The
// gateway before the API writes its names in lower case.
type fault struct {
	Type  string
	Error []struct{ Message, Detail, Code string }
}

func faultIn(body []byte) (fault, bool) {
	if !bytes.Contains(body, []byte(`"Fault"`)) && !bytes.Contains(body, []byte(`"fault"`)) {
		return fault{}, false
	}
	var answer struct{ Fault *fault }
	if json.Unmarshal(body, &answer) != nil || answer.Fault == nil {
		return fault{}, false
	}
	return *answer.Fault, true
}

// has says whether one of the errors has one of the codes, which are written with and
// without zeros before them.
func (f fault) has(codes ...string) bool {
	for _, one := range f.Error {
		for _, code := range codes {
			if strings.TrimLeft(one.Code, "0") == code {
				return true
			}
		}
	}
	return false
}

func (f fault) is(kinds ...string) bool {
	for _, kind := range kinds {
		if strings.EqualFold(strings.TrimSuffix(f.Type, "Fault"), kind) {
			return true
		}
	}
	return false
}

// words are QuickBooks' own sentences, each once, with their codes.
func (f fault) words() string {
	var texts []string
	for _, one := range f.Error {
		text := strings.TrimSpace(one.Message)
		if detail := strings.TrimSpace(one.Detail); detail != "" && !strings.Contains(text, detail) {
			text = strings.TrimSpace(strings.TrimSuffix(text, ".") + ": " + strings.TrimPrefix(detail, text))
		}
		if one.Code != "" {
			text += " (" + one.Code + ")"
		}
		if text = strings.Join(strings.Fields(text), " "); text != "" && !strings.Contains(strings.Join(texts, "; "), text) {
			texts = append(texts, text)
		}
	}
	return clip(strings.Join(texts, "; "), 300)
}

func words(_ int, body []byte) string {
	said, _ := faultIn(body)
	return said.words()
}

// judged finds a fault in an answer, whatever its status, and says what it means. The
// codes are those of developer.intuit.com, "Error codes".
func judged(call rest.Call, answer rest.Answer, err error) error {
	said, there := faultIn(answer.Body)
	if !there {
		return waited(err)
	}
	lost := connectors.ErrUnreachable
	if call.Write {
		lost = connectors.ErrUnknown
	}
	kind := connectors.ErrRefused
	switch {
	case said.has("3001") || answer.Status == http.StatusTooManyRequests: // ThrottleExceeded, also with 403
		var told *connectors.ThrottledError
		if errors.As(err, &told) {
			return waited(err)
		}
		return &connectors.ThrottledError{RetryAfter: waitMinute}
	case said.has("3200", "3100", "120") || said.is("Authentication", "Authorization"):
		kind = connectors.ErrCredentials
	case said.has("610") && !call.Write: // object not found
		kind = connectors.ErrGone
	case said.has("10000") || said.is("System", "Service") || answer.Status >= http.StatusInternalServerError:
		kind = lost
	}
	return fmt.Errorf("%w: QuickBooks says: %s", kind, said.words())
}

// waited says how long to wait where QuickBooks leaves it open.
func waited(err error) error {
	var throttled *connectors.ThrottledError
	if errors.As(err, &throttled) && throttled.RetryAfter <= 0 {
		return &connectors.ThrottledError{RetryAfter: waitMinute}
	}
	return err
}

// unusable is an answer to a read that is JSON and yet not what was asked for.
func unusable(what string) error {
	return fmt.Errorf("%w: QuickBooks answers something that is not %s", connectors.ErrUnreachable, what)
}

func refused(format string, values ...any) error {
	return fmt.Errorf("%w: %s", connectors.ErrRefused, fmt.Sprintf(format, values...))
}
