package billing

// Reflected says which unreflected applications the books now show, given the
// open amount that they showed before and show now (minor units):
//
//   - the books list our reference on the invoice; or
//   - the books say that nothing is open any more; or
//   - the vendor took the news of them (acknowledged) and what is open fell by
//     at least all of them, or by exactly the oldest ones.
//
// The last rule is for books that cannot list a reference. It needs the fall in
// full, because a smaller one may be some other payment.
func Reflected(applications []Application, references []string, before, now int64, closed bool) (ids []string, sum int64) {
	listed := make(map[string]bool, len(references))
	for _, reference := range references {
		listed[reference] = true
	}
	var acknowledged []Application
	var waiting int64
	fell := before - now
	for _, application := range applications {
		switch {
		case closed || now == 0 || listed[application.Reference]:
			ids, sum = append(ids, application.ID), sum+application.Amount
			if listed[application.Reference] {
				fell -= application.Amount
			}
		case !application.AcknowledgedAt.IsZero():
			acknowledged, waiting = append(acknowledged, application), waiting+application.Amount
		}
	}
	if fell <= 0 || len(acknowledged) == 0 {
		return ids, sum
	}
	var prefix int64
	for i, application := range acknowledged {
		prefix += application.Amount
		if prefix == fell || (i == len(acknowledged)-1 && fell >= waiting) {
			for _, shown := range acknowledged[:i+1] {
				ids, sum = append(ids, shown.ID), sum+shown.Amount
			}
			break
		}
	}
	return ids, sum
}
