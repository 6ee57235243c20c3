package payment

import "context"

// MostBroken bounds how many broken rows one check names.
const MostBroken = 20

// Check holds the invariants of this room: money, transfers, plans, receipts and
// payouts. It returns how many rows it looked at, and what is broken, in words.
func (s *Service) Check(ctx context.Context) (int, []string, error) {
	var n int
	var broken []string
	for _, part := range []func(context.Context) (int, []string, error){s.CheckMoney, s.CheckTransfers, s.CheckSchedules, s.CheckReceipts, s.CheckPayouts} {
		looked, more, err := part(ctx)
		n, broken = n+looked, append(broken, more...)
		if err != nil {
			return n, broken, err
		}
	}
	return n, broken, nil
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

// CheckReceipts holds that every payment that settled has its receipt, and that
// none is forgotten. It counts receipts.
func (s *Service) CheckReceipts(ctx context.Context) (int, []string, error) {
	return check(ctx, s.DB, "receipts", receiptRules)
}

// CheckPayouts holds that no transfer went to a bank twice, or for another vendor.
// That a payout is not all explained is the gateway's to say, and shown. It counts
// payouts.
func (s *Service) CheckPayouts(ctx context.Context) (int, []string, error) {
	return check(ctx, s.DB, "payouts", payoutRules)
}
