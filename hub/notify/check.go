package notify

import (
	"context"
	"fmt"
	"regexp"
)

// ids finds what looks like an identifier of ours in an event's data.
var ids = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// Check looks through what vendors were told for ids that belong to another
// vendor, or to something that several vendors share (a payment, a quote, a
// customer, a contact, a digest).
func (s *Service) Check(ctx context.Context) (checked int, broken []string, err error) {
	const batch, most = 500, 20
	after := ""
	for {
		events, err := eventsAfter(ctx, s.DB, after, batch)
		if err != nil || len(events) == 0 {
			return checked, broken, err
		}
		named := map[string]bool{}
		for _, event := range events {
			for _, id := range ids.FindAllString(event.Data, -1) {
				named[id] = true
			}
		}
		owners, err := ownersOf(ctx, s.DB, named)
		if err != nil {
			return checked, broken, err
		}
		for _, event := range events {
			after = event.ID
			checked++
			for _, id := range ids.FindAllString(event.Data, -1) {
				if owner, known := owners[id]; known && owner != event.VendorID && len(broken) < most {
					broken = append(broken, fmt.Sprintf("event %s of vendor %s names %s, which is not that vendor's alone", event.ID, event.VendorID, id))
				}
			}
		}
	}
}
