package payment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// VendorPayout is one line on a vendor's bank statement, as the hub last saw it
// at the gateway. Amounts are minor units of Currency.
type VendorPayout struct {
	bun.BaseModel `bun:"table:payouts,alias:po"`
	ID            string         `bun:"id,pk"`
	VendorID      string         `bun:"vendor_id"`
	Gateway       string         `bun:"gateway"`
	AccountRef    string         `bun:"account_ref"`
	GatewayRef    string         `bun:"gateway_ref"`
	Currency      money.Currency `bun:"currency"`
	Amount        int64          `bun:"amount"`     // below zero: the bank was asked for it
	Status        string         `bun:"status"`     // pending, in_transit, paid, failed, canceled
	Reason        string         `bun:"reason"`     // of a failed one
	Bank          string         `bun:"bank"`       // "STRIPE TEST BANK ending 6789"; may be empty
	Statement     string         `bun:"statement"`  // what the bank's line says; may be empty
	ArrivalOn     money.Date     `bun:"arrival_on"` // expected, or done
	Itemizable    bool           `bun:"itemizable"`
	Complete      bool           `bun:"complete"`   // its lines are here, all of them
	CreatedAt     time.Time      `bun:"created_at"` // at the gateway
	SyncedAt      time.Time      `bun:"synced_at"`  // when something in it was last seen to change
}

// payoutLine is one part of a payout as it is stored.
type payoutLine struct {
	bun.BaseModel `bun:"table:payout_lines,alias:pol"`
	ID            string `bun:"id,pk"`
	VendorID      string `bun:"vendor_id"`
	PayoutID      string `bun:"payout_id"`
	Position      int    `bun:"position"`
	Kind          string `bun:"kind"`
	TransferID    string `bun:"transfer_id,nullzero"` // one of ours
	TransferRef   string `bun:"transfer_ref"`
	GatewayRef    string `bun:"gateway_ref"`
	Amount        int64  `bun:"amount"` // before Fee
	Fee           int64  `bun:"fee"`
}

// The bounds of reading payouts.
const (
	payoutsEvery      = time.Hour           // how often each account is read
	payoutsAgain      = 14 * 24 * time.Hour // payouts this young are read again: a bank may still send them back
	mostPayoutReads   = 500                 // accounts in one run
	mostPayoutPages   = 20                  // of one account in one run
	mostLinePages     = 300                 // of one payout
	payoutReadLasts   = 2 * time.Minute     // of one account
	payoutHintedPages = 2
)

// SyncPayouts reads what went on to vendors' banks, of each account that was not
// read for an hour. An account whose reading fails holds up no other; one with
// more than fits goes on where it was. It returns how many were read.
func (s *Service) SyncPayouts(ctx context.Context) (int, error) {
	if s.Payouts == nil {
		return 0, nil
	}
	accounts, err := unreadAccounts(ctx, s.DB, s.Gateway.Name(), s.Now().Add(-payoutsEvery), mostPayoutReads)
	if err != nil {
		return 0, err
	}
	var failures []error
	for done, account := range accounts {
		if ctx.Err() != nil {
			return done, errors.Join(append(failures, ctx.Err())...)
		}
		if err := s.readPayouts(ctx, account); err != nil {
			failures = append(failures, fmt.Errorf("payouts of vendor %s: %w", account.VendorID, err))
		}
	}
	return len(accounts), errors.Join(failures...)
}

// followPayout reads an account's youngest payouts at once: something happened
// to one of them.
func (s *Service) followPayout(ctx context.Context, accountRef string) error {
	if s.Payouts == nil || accountRef == "" {
		return nil
	}
	account, found, err := accountByRef(ctx, s.DB, s.Gateway.Name(), accountRef)
	if err != nil || !found {
		return err
	}
	since, err := s.payoutsSince(ctx, account)
	if err != nil {
		return err
	}
	_, err = s.walkPayouts(ctx, account, since, "", payoutHintedPages)
	return errors.Join(err, matchLines(ctx, s.DB, account.VendorID))
}

// readPayouts reads one account's payouts, newest first, back to where the last
// reading began, and some days more. When it cannot finish, the next one goes on;
// when something could not be read, another one follows from the beginning.
func (s *Service) readPayouts(ctx context.Context, account PayoutAccount) error {
	ctx, cancel := context.WithTimeout(ctx, payoutReadLasts)
	defer cancel()
	if err := markPayoutsTried(ctx, s.DB, account.ID, s.Now()); err != nil {
		return err
	}
	began := s.Now()
	if account.PayoutsCursor != "" {
		began = account.PayoutsFrom // zero: something was missed
	}
	since, err := s.payoutsSince(ctx, account)
	if err != nil {
		return err
	}
	cursor, err := s.walkPayouts(ctx, account, since, account.PayoutsCursor, mostPayoutPages)
	if errors.Is(err, ErrNotFound) { // the account was closed or cut off
		return s.followAccount(ctx, account.AccountRef)
	}
	if errors.Is(err, ErrRefused) {
		cursor = "" // the place to go on is no more
	}
	keep, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err != nil {
		began = time.Time{}
	}
	if cursor == "" && !began.IsZero() {
		err = finishPayouts(keep, s.DB, account.ID, began)
	} else {
		err = errors.Join(err, pausePayouts(keep, s.DB, account.ID, began, cursor))
	}
	return errors.Join(err, matchLines(keep, s.DB, account.VendorID))
}

// payoutsSince is from when on an account's payouts may have changed.
func (s *Service) payoutsSince(ctx context.Context, account PayoutAccount) (time.Time, error) {
	if account.PayoutsUntil.IsZero() {
		return time.Time{}, nil
	}
	since := account.PayoutsUntil.Add(-payoutsAgain)
	oldest, found, err := oldestMoving(ctx, s.DB, account)
	if found && oldest.Before(since) {
		since = oldest
	}
	return since, err
}

// walkPayouts reads pages of payouts from a cursor on, and returns the cursor at
// which to go on: empty when nothing is left. One payout that cannot be read
// does not hold up the others, but makes the walk start again.
func (s *Service) walkPayouts(ctx context.Context, account PayoutAccount, since time.Time, cursor string, pages int) (string, error) {
	var failures []error
	for range pages {
		payouts, next, err := s.Payouts.ListPayouts(ctx, account.AccountRef, since, cursor)
		if err != nil {
			return cursor, errors.Join(append(failures, err)...)
		}
		for _, payout := range payouts {
			if err := s.keepPayout(ctx, account, payout); err != nil {
				failures = append(failures, fmt.Errorf("payout %s: %w", payout.Ref, err))
			}
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	return cursor, errors.Join(failures...)
}

// keepPayout stores what the gateway says of one payout. What is known already
// is neither asked for nor written again.
func (s *Service) keepPayout(ctx context.Context, account PayoutAccount, payout Payout) error {
	stored, found, err := payoutByRef(ctx, s.DB, account, payout.Ref)
	if err != nil {
		return err
	}
	itemize := payout.Itemizable && !stored.Complete
	if found && !itemize && stored.says(payout) {
		return nil
	}
	var lines []PayoutLine
	if itemize {
		if lines, err = s.readLines(ctx, account.AccountRef, payout); err != nil {
			return err
		}
	}
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, found, err := lockAccount(ctx, s.DB, tx, account.Gateway, account.VendorID); err != nil || !found { // two readings at once
			return err
		}
		before, found, err := payoutByRef(ctx, tx, account, payout.Ref)
		if err != nil {
			return err
		}
		row := before
		if !found {
			row = VendorPayout{ID: store.NewID(), VendorID: account.VendorID, Gateway: account.Gateway, AccountRef: account.AccountRef, GatewayRef: payout.Ref}
		}
		row.take(payout)
		row.Complete, row.SyncedAt = before.Complete || itemize, s.Now().UTC()
		if err := savePayout(ctx, tx, row, found); err != nil {
			return err
		}
		if itemize {
			if err := replaceLines(ctx, tx, row, lines); err != nil {
				return err
			}
		}
		if row.Status == "failed" && before.Status != "failed" {
			return s.payoutFailed(ctx, tx, row)
		}
		return nil
	})
}

// readLines reads all that a payout is made of.
func (s *Service) readLines(ctx context.Context, accountRef string, payout Payout) ([]PayoutLine, error) {
	var all []PayoutLine
	cursor := ""
	for range mostLinePages {
		lines, next, err := s.Payouts.PayoutLines(ctx, accountRef, payout.Ref, cursor)
		if err != nil {
			return nil, err
		}
		for _, line := range lines {
			if line.Amount.Currency != payout.Amount.Currency || line.Fee.Minor != 0 && line.Fee.Currency != payout.Amount.Currency {
				return nil, fmt.Errorf("its line %s is not in %s", line.Ref, payout.Amount.Currency)
			}
		}
		all = append(all, lines...)
		if cursor = next; cursor == "" {
			return all, nil
		}
	}
	return nil, fmt.Errorf("it has more lines than are read (%d)", len(all))
}

// says whether a stored payout is what the gateway says.
func (p VendorPayout) says(payout Payout) bool {
	taken := p
	taken.take(payout)
	taken.CreatedAt = p.CreatedAt // it never changes, and may be of another zone here
	return taken == p
}

func (p *VendorPayout) take(payout Payout) {
	p.Currency, p.Amount, p.Status, p.Reason = payout.Amount.Currency, payout.Amount.Minor, payout.Status, payout.Reason
	p.Bank, p.Statement, p.ArrivalOn, p.Itemizable = payout.Bank, payout.Statement, payout.ArrivalOn, payout.Itemizable
	p.CreatedAt = payout.CreatedAt.UTC()
}

// payoutFailed tells the vendor, whose bank sent money back, and the operator.
func (s *Service) payoutFailed(ctx context.Context, tx bun.IDB, payout VendorPayout) error {
	sum := money.New(payout.Amount, payout.Currency).String()
	why := payout.Reason
	if why == "" {
		why = "It gave no reason."
	}
	err := s.task(ctx, tx, Task{VendorID: payout.VendorID, Kind: "payout_failed", SubjectID: payout.ID, Title: "Your bank sent " + sum + " back",
		Text: "The bank says: " + why + " The money is safe in your account at the payment service, and goes nowhere until the bank account there is right: " +
			"open Payouts here, go on to the payment service and enter it again. The next payout then brings it."})
	if err != nil {
		return err
	}
	vendor, err := s.Party.Vendor(ctx, payout.VendorID)
	if err != nil {
		return err
	}
	return s.task(ctx, tx, Task{Kind: "payout_failed_at", SubjectID: payout.ID, Title: "A vendor's bank sent " + sum + " back: " + vendor.Name,
		Text: "The bank says: " + why + " The vendor has a task that says what to do; its shares are sent on as before, and wait in its account at the gateway."})
}
