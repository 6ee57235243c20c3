package billing

// Reflected says which unreflected applications the books now show, given the
// open amount that they showed before and show now (minor units):
//
//   - the books list our reference on the invoice; or
//   - the books say that nothing is open any more; or
//   - what is open fell by exactly the oldest ones, or by exactly all of them; or
//   - the vendor took the news of all of them (acknowledged) and it fell by more.
//
// The last two are for books that cannot list a reference. A vendor may book a
// payment while it is still being told, so an exact fall needs no
// acknowledgement, unless the books do list references and ours is not among
// them. Any other fall may be some other payment, and proves nothing.
func Reflected(applications []Application, references []string, before, now int64, closed bool) (ids []string, sum int64) {
	listed := make(map[string]bool, len(references))
	for _, reference := range references {
		listed[reference] = true
	}
	var candidates []Application
	var waiting int64
	fell, told := before-now, true
	for _, application := range applications {
		switch {
		case closed || now == 0 || listed[application.Reference]:
			ids, sum = append(ids, application.ID), sum+application.Amount
			if listed[application.Reference] {
				fell -= application.Amount
			}
		case len(references) == 0 || !application.AcknowledgedAt.IsZero():
			candidates, waiting = append(candidates, application), waiting+application.Amount
			told = told && !application.AcknowledgedAt.IsZero()
		}
	}
	if fell <= 0 || len(candidates) == 0 {
		return ids, sum
	}
	var prefix int64
	for i, application := range candidates {
		prefix += application.Amount
		if prefix == fell || (i == len(candidates)-1 && told && fell > waiting) {
			for _, shown := range candidates[:i+1] {
				ids, sum = append(ids, shown.ID), sum+shown.Amount
			}
			break
		}
	}
	return ids, sum
}
