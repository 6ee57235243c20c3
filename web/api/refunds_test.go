package api_test

import (
	"testing"

	"github.com/sheaf-hub/sheaf/hub/store"
)

func TestRefundsByAProgram(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		h.filled()
		share := h.paid()
		path := "/api/v1/payments/" + share + "/refunds"
		h.call("POST", path, h.northKey, `{"amount":"1.00","reason":"x","idempotency_key":"k"}`).problem(422, "Nothing is left") // paid by credits alone
		h.exec("UPDATE shares SET amount = 4000 WHERE id = ?", share)                                                            // as if it had been money
		for body, words := range map[string]string{`{"amount":"40.01","reason":"x","idempotency_key":"k"}`: "more than", `{"amount":"0","reason":"x","idempotency_key":"k"}`: "/amount",
			`{"amount":"1,000.00","reason":"x","idempotency_key":"k"}`: "/amount", `{"amount":"1.00","reason":" ","idempotency_key":"k"}`: "/reason", `{"amount":"1.00","reason":"x"}`: "idempotency_key", `{"reason":"x","idempotency_key":"k"}`: "amount"} {
			h.call("POST", path, h.northKey, body).problem(422, words)
		}
		var first, again struct {
			ID, Amount, Status, Currency string
			PaymentID                    string `json:"payment_id"`
		}
		const body = `{"amount":"12.50","reason":"Two chairs came back","idempotency_key":"erp-77"}`
		h.call("POST", path, h.northKey, body).want(201).into(&first)
		h.call("POST", path, h.northKey, body).want(200).into(&again)
		if first != again || first.Amount != "12.50" || first.Status != "asked" || first.PaymentID != share {
			t.Fatalf("%+v, then %+v", first, again)
		}
		h.call("POST", path, h.northKey, `{"amount":"13.00","reason":"x","idempotency_key":"erp-77"}`).problem(409, "another key")
		h.call("POST", path, h.keyOfS, body).problem(404)
		h.call("GET", path, h.keyOfS, "").problem(404)
		h.call("GET", "/api/v1/payments/"+store.NewID()+"/refunds", h.northKey, "").problem(404)
		h.call("GET", path+"?updated_since=2026-11-22T09:00:00Z", h.northKey, "").problem(422, "updated_since")
		var list struct {
			Data []struct{ ID, Reason string }
		}
		h.call("GET", path, h.northKey, "").want(200).into(&list)
		if len(list.Data) != 1 || list.Data[0].ID != first.ID || list.Data[0].Reason != "Two chairs came back" {
			t.Fatalf("%+v", list)
		}
		var payments struct {
			Data []struct{ Refunded string }
		}
		h.call("GET", "/api/v1/payments", h.northKey, "").want(200).into(&payments)
		if len(payments.Data) != 1 || payments.Data[0].Refunded != "12.50" {
			t.Fatalf("%+v", payments)
		}
	})
}

func (h *hub) exec(statement string, arguments ...any) {
	h.t.Helper()
	_, err := h.handlers.DB.ExecContext(h.t.Context(), statement, arguments...)
	h.must(err)
}
