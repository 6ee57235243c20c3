package stripe

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/sheaf-hub/sheaf/hub/payment"
)

var _ payment.Messages = (*Gateway)(nil)

// ListHints pages through the platform's events of a time, the newest first:
// Stripe keeps them for 30 days. Those of vendors' own accounts are not among
// them.
func (g *Gateway) ListHints(ctx context.Context, since, until time.Time, cursor string) ([]payment.Hint, string, error) {
	params := &stripego.EventListParams{ListParams: onePage(ctx, cursor), CreatedRange: &stripego.RangeQueryParams{GreaterThanOrEqual: since.Unix(), LesserThan: until.Unix()}}
	list := g.api.Events.List(params)
	var hints []payment.Hint
	last := ""
	for list.Next() {
		event := list.Event()
		last = event.ID
		hint := payment.Hint{EventID: event.ID, Type: string(event.Type), AccountRef: event.Account, At: time.Unix(event.Created, 0).UTC()}
		var object eventObject
		if event.Data == nil || json.Unmarshal(event.Data.Raw, &object) != nil {
			return nil, "", fmt.Errorf("event %s of Stripe's list cannot be read", event.ID)
		}
		object.point(&hint)
		hints = append(hints, hint)
	}
	if err := list.Err(); err != nil {
		return nil, "", reading("list what happened", err)
	}
	if !list.Meta().HasMore {
		last = ""
	}
	return hints, last, nil
}
