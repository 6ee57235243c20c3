package xero

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// mostEvents bounds one call of a webhook.
const (
	mostEvents      = 10_000
	mostWebhookBody = 8 << 20
)

// Change is one record that Xero says changed. It says no more than that: what the
// record holds is for the next pull.
type Change struct {
	Tenant   string    // the organisation, as in the setting "tenant"
	Category string    // "INVOICE", "CONTACT", "CREDITNOTE", …
	ID       string    // of the record
	At       time.Time // zero when Xero's time cannot be read
}

// VerifyWebhook says whether the header x-xero-signature belongs to a body, as it came
// and byte for byte. Key is the webhook's key from Xero's developer pages. The answer
// to Xero is 200 without a body when it does and 401 when not, within five seconds:
// that is also how Xero finds out whether its calls are wanted ("intent to receive").
func VerifyWebhook(key string, body []byte, signature string) bool {
	given, err := base64.StdEncoding.DecodeString(strings.TrimSpace(signature))
	if err != nil || key == "" {
		return false
	}
	sum := hmac.New(sha256.New, []byte(key))
	sum.Write(body)
	return hmac.Equal(given, sum.Sum(nil))
}

// ParseWebhook reads a body whose signature was verified. When Xero asks whether its
// calls are wanted there are no changes. Other tenants than organisations are left out.
func ParseWebhook(body []byte) ([]Change, error) {
	var wire struct {
		Events []struct {
			ResourceID, TenantID, TenantType, EventCategory, EventDateUtc string
		} `json:"events"`
	}
	if len(body) > mostWebhookBody {
		return nil, fmt.Errorf("a webhook of Xero has at most %d bytes, this one has %d", mostWebhookBody, len(body))
	}
	if err := json.Unmarshal(body, &wire); err != nil {
		return nil, fmt.Errorf("this is no webhook of Xero: %w", err)
	}
	if len(wire.Events) > mostEvents {
		return nil, fmt.Errorf("a webhook of Xero has at most %d events, this one has %d", mostEvents, len(wire.Events))
	}
	var changes []Change
	for _, event := range wire.Events {
		if event.TenantType != "ORGANISATION" || !isID(event.TenantID) || !isID(event.ResourceID) {
			continue
		}
		change := Change{Tenant: strings.ToLower(event.TenantID), Category: clip(event.EventCategory, 40), ID: strings.ToLower(event.ResourceID)}
		if at, err := time.Parse("2006-01-02T15:04:05.999999999", strings.TrimSuffix(event.EventDateUtc, "Z")); err == nil {
			change.At = at
		}
		changes = append(changes, change)
	}
	return changes, nil
}
