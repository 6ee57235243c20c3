package reminder

import (
	"context"
	"fmt"
)

// Check holds the digests against their promises: at most one per contact and
// period, and none sent to somebody who had unsubscribed or whose mailbox had
// come back before.
func (s *Service) Check(ctx context.Context) (checked int, broken []string, err error) {
	checked, doubles, late, err := checkDigests(ctx, s.DB)
	for _, id := range doubles {
		broken = append(broken, fmt.Sprintf("contact %s has more than one digest in a period", id))
	}
	for _, id := range late {
		broken = append(broken, fmt.Sprintf("digest %s was sent after its contact unsubscribed or bounced", id))
	}
	return checked, broken, err
}
