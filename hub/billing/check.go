package billing

import "context"

// MostBroken bounds how many broken rows one check names.
const MostBroken = 20

// Check holds that what is open on every invoice and credit lies between nothing
// and its total and equals what the books and the hub's own applications say;
// that applied is the sum of what the books do not show yet; and that an
// invoice's held is the sum of the payments on their way. It returns how many
// invoices and credits it looked at, and what is broken, in words.
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
