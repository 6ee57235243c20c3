package stripefake

import (
	"fmt"
	"net/http"
)

// Problem is an error of the API, as its JSON says it.
type Problem struct {
	Status      int
	Type        string
	Code        string
	Message     string
	Param       string
	DeclineCode string
	Charge      string // of a declined payment
	intent      obj    // of a declined payment
	setup       obj
	begun       bool // the work had begun: the answer is kept for its idempotency key
}

// Error says the message.
func (p *Problem) Error() string {
	return fmt.Sprintf("stripe: %d %s %s: %s", p.Status, p.Type, p.Code, p.Message)
}

func (p *Problem) view(requestID string) obj {
	inner := obj{"type": p.Type, "message": p.Message, "request_log_url": "https://dashboard.stripe.com/test/logs/" + requestID}
	for name, value := range map[string]string{"code": p.Code, "param": p.Param, "decline_code": p.DeclineCode, "charge": p.Charge} {
		if value != "" {
			inner[name] = value
		}
	}
	if p.Code != "" {
		inner["doc_url"] = "https://stripe.com/docs/error-codes/" + dashed(p.Code)
	}
	if p.intent != nil {
		inner["payment_intent"] = p.intent
	}
	if p.setup != nil {
		inner["setup_intent"] = p.setup
	}
	return obj{"error": inner}
}

func dashed(code string) string {
	text := []byte(code)
	for i := range text {
		if text[i] == '_' {
			text[i] = '-'
		}
	}
	return string(text)
}

// invalid is a request that was not begun: its parameters are wrong.
func invalid(param, code, format string, args ...any) *Problem {
	return &Problem{Status: http.StatusBadRequest, Type: "invalid_request_error", Code: code, Param: param, Message: fmt.Sprintf(format, args...)}
}

// refused is a request that was begun and found impossible in this state.
func refused(param, code, format string, args ...any) *Problem {
	p := invalid(param, code, format, args...)
	p.begun = true
	return p
}

func missing(noun, id, param string) *Problem {
	p := invalid(param, "resource_missing", "No such %s: '%s'", noun, id)
	if param == "id" || param == "" {
		p.Status, p.Param = http.StatusNotFound, "id"
	}
	return p
}

func problem500() *Problem {
	return &Problem{Status: http.StatusInternalServerError, Type: "api_error",
		Message: "An unknown error occurred", begun: true}
}

func problem429() *Problem {
	return &Problem{Status: http.StatusTooManyRequests, Type: "invalid_request_error", Code: "rate_limit",
		Message: "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits."}
}
