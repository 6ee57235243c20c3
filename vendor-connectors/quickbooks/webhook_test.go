package quickbooks

import (
	"slices"
	"strings"
	"testing"

	"github.com/sheaf-hub/sheaf/vendor-connectors/quickbooks/quickbooksfake"
)

func TestWebhooks(t *testing.T) {
	w := newWorld(t, quickbooksfake.Config{VerifierToken: "token"})
	events := []quickbooksfake.Event{{Entity: "Invoice", ID: "1", Operation: "Updated"}, {Entity: "Payment", ID: "2", Operation: "Created"}}
	for name, make := range map[string]func(...quickbooksfake.Event) ([]byte, string, error){"since 2026": w.fake.Webhook, "before": w.fake.WebhookBefore} {
		body, signature, err := make(events...)
		must(t, err)
		if !VerifyWebhook("token", body, signature) || VerifyWebhook("other", body, signature) || VerifyWebhook("", body, signature) || VerifyWebhook("token", append(body, ' '), signature) || VerifyWebhook("token", body, "?") || VerifyWebhook("token", body, "") {
			t.Errorf("%s: the signature is judged wrongly", name)
		}
		if companies, err := ParseWebhook(body); err != nil || !slices.Equal(companies, []string{w.fake.Company()}) {
			t.Errorf("%s: %v %v", name, companies, err)
		}
	}
	for _, body := range []string{"", "{}", `"x"`, "<html>", `{"eventNotifications":7}`, "[" + strings.Repeat("{},", mostEvents) + "{}]", strings.Repeat(" ", mostWebhookBody+1)} {
		if companies, err := ParseWebhook([]byte(body)); err == nil {
			t.Errorf("%.20q gives %v", body, companies)
		}
	}
	if companies, err := ParseWebhook([]byte(`[{"intuitaccountid":"../1"},{"intuitaccountid":"7"},{"realmId":"7"}]`)); err != nil || !slices.Equal(companies, []string{"7"}) {
		t.Errorf("%v %v", companies, err)
	}
}
