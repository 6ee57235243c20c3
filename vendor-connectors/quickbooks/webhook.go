package quickbooks

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Bounds of one call of a webhook; QuickBooks itself names none.
const (
	mostEvents      = 10_000
	mostWebhookBody = 8 << 20
)

// VerifyWebhook says whether the header intuit-signature belongs to a body, as it came
// and byte for byte. Token is the verifier token of the app from Intuit's developer
// pages. The answer to QuickBooks is 200 within three seconds when it does, and 401 when not.
func VerifyWebhook(token string, body []byte, signature string) bool {
	given, err := base64.StdEncoding.DecodeString(strings.TrimSpace(signature))
	if err != nil || token == "" {
		return false
	}
	sum := hmac.New(sha256.New, []byte(token))
	sum.Write(body)
	return hmac.Equal(given, sum.Sum(nil))
}

// ParseWebhook reads a body whose signature was verified, and answers the companies in
// which something changed, each once, as in the setting "company". What changed is for
// the next pull. It reads both shapes: the list of CloudEvents that QuickBooks sends since
// 2026, and the one with eventNotifications before it.
func ParseWebhook(body []byte) ([]string, error) {
	if len(body) > mostWebhookBody {
		return nil, fmt.Errorf("a webhook has at most %d bytes, this one has %d", mostWebhookBody, len(body))
	}
	type event struct {
		RealmID         string `json:"realmId"`
		IntuitAccountID string `json:"intuitaccountid"`
	}
	var events []event
	if err := json.Unmarshal(body, &events); err != nil {
		var before struct{ EventNotifications []event }
		if json.Unmarshal(body, &before) != nil || before.EventNotifications == nil {
			return nil, fmt.Errorf("this is no webhook of QuickBooks: %w", err)
		}
		events = before.EventNotifications
	}
	if len(events) > mostEvents {
		return nil, fmt.Errorf("a webhook has at most %d events, this one has %d", mostEvents, len(events))
	}
	var companies []string
	for _, one := range events {
		company := firstOf(one.IntuitAccountID, one.RealmID)
		if isID(company) && !slices.Contains(companies, company) {
			companies = append(companies, company)
		}
	}
	return companies, nil
}
