package xero

import (
	"testing"

	"github.com/sheaf-hub/sheaf/vendor-connectors/xero/xerofake"
)

func TestWebhooks(t *testing.T) {
	w := newWorld(t, xerofake.Config{WebhookKey: "key-1"})
	id := "55D84274-a3da-4829-a7c0-0cab601b95cc"
	body, signature, err := w.fake.Webhook(xerofake.Event{Category: "INVOICE", Type: "UPDATE", ID: id})
	if err != nil {
		t.Fatal(err)
	}
	if !VerifyWebhook("key-1", body, signature) {
		t.Error("Xero's own signature is not taken")
	}
	for _, one := range []struct{ key, signature string }{{"key-2", signature}, {"", signature}, {"key-1", ""}, {"key-1", "x"}, {"key-1", signature[:10]}} {
		if VerifyWebhook(one.key, body, one.signature) {
			t.Errorf("taken: %+v", one)
		}
	}
	if VerifyWebhook("key-1", append(body, ' '), signature) {
		t.Error("another body is taken")
	}
	changes, err := ParseWebhook(body)
	if err != nil || len(changes) != 1 || changes[0] != (Change{Tenant: w.fake.Tenant(), Category: "INVOICE", ID: "55d84274-a3da-4829-a7c0-0cab601b95cc", At: w.clock.Now()}) {
		t.Errorf("%+v, %v", changes, err)
	}
	if body, signature, err = w.fake.Webhook(); err != nil || !VerifyWebhook("key-1", body, signature) {
		t.Errorf("whether its calls are wanted: %v", err)
	}
	if changes, err := ParseWebhook(body); err != nil || len(changes) != 0 {
		t.Errorf("%+v, %v", changes, err)
	}
	if _, err := ParseWebhook([]byte("no")); err == nil {
		t.Error("nonsense is taken")
	}
}

func FuzzWebhook(f *testing.F) {
	f.Add(`{"events":[{"resourceId":"55d84274-a3da-4829-a7c0-0cab601b95cc","tenantId":"aef86862-2015-4b6b-88bc-d89032cecc50","tenantType":"ORGANISATION","eventCategory":"CREDITNOTE","eventDateUtc":"2025-12-02T00:44:09.923"}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		changes, err := ParseWebhook([]byte(text))
		if err != nil && len(changes) > 0 {
			t.Errorf("changes and an error: %v", err)
		}
		for _, one := range changes {
			if !isID(one.Tenant) || !isID(one.ID) {
				t.Errorf("%+v", one)
			}
		}
	})
}
