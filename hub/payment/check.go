package payment

import "context"

// MostBroken bounds how many broken rows one check names.
const MostBroken = 20

// Check holds the invariants of this room: CheckMoney,
// CheckTransfers and CheckSchedules. It
// returns how many rows it looked at, and what is broken, in words.
func (s *Service) Check(ctx context.Context) (int, []string, error) {
	payments, broken, err := s.CheckMoney(ctx)
	if err != nil {
		return payments, broken, err
	}
	transfers, more, err := s.CheckTransfers(ctx)
	if err != nil {
		return payments + transfers, append(broken, more...), err
	}
	schedules, others, err := s.CheckSchedules(ctx)
	return payments + transfers + schedules, append(append(broken, more...), others...), err
}

// CheckMoney holds, for every settled payment, that what was captured is what
// its invoices got and what stayed unapplied, and what its shares add up to; that
// no invoice got it twice; that the ledger says the same; and that payments on
// their way hold what they reserved, and no others do. It counts payments.
func (s *Service) CheckMoney(ctx context.Context) (int, []string, error) {
	return check(ctx, s.DB, "payments", moneyRules)
}

// CheckTransfers holds that every settled share with money has exactly one
// transfer of its amount, that each is done, waits for a next attempt, or is in a
// state that the operator is shown, and that the ledger booked those that are
// done. It counts transfers.
func (s *Service) CheckTransfers(ctx context.Context) (int, []string, error) {
	return check(ctx, s.DB, "transfers", transferRules)
}
