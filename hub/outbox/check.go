package outbox

import "context"

// MostBroken bounds how many broken rows one check names.
const MostBroken = 20

// Check holds that every committed event has a delivery for every endpoint that
// asked for it and stood then, and that each delivery has ended or has a next
// attempt. It returns how many events and deliveries it looked at, and what is
// broken, in words.
func (s *Service) Check(ctx context.Context) (int, []string, error) {
	checked, err := countChecked(ctx, s.DB)
	if err != nil {
		return 0, nil, err
	}
	var broken []string
	for _, rule := range rules {
		found, err := rule.broken(ctx, s.DB)
		if err != nil {
			return checked, broken, err
		}
		broken = append(broken, found...)
	}
	return checked, broken, nil
}
