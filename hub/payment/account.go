package payment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// PayoutAccount is a vendor's account at the gateway: where its shares go.
// Without one that can receive, the vendor is billed and reminded all the same,
// and its shares wait.
type PayoutAccount struct {
	bun.BaseModel    `bun:"table:payout_accounts,alias:pa"`
	ID               string         `bun:"id,pk"`
	VendorID         string         `bun:"vendor_id"`
	Gateway          string         `bun:"gateway"`
	Country          string         `bun:"country"` // ISO 3166-1 alpha-2
	Currency         money.Currency `bun:"currency"`
	State            string         `bun:"state"` // of its opening: pending, sending, done, failed, unknown
	IdempotencyKey   string         `bun:"idempotency_key"`
	KeyUsedAt        time.Time      `bun:"key_used_at,nullzero"`
	AccountRef       string         `bun:"account_ref"`
	DetailsSubmitted bool           `bun:"details_submitted"`
	CanReceive       bool           `bun:"can_receive"`
	CanPayOut        bool           `bun:"can_pay_out"`
	Due              []string       `bun:"due"` // what the gateway still wants to know, in its words
	DueBy            time.Time      `bun:"due_by,nullzero"`
	Disabled         string         `bun:"disabled"` // why it is shut, in the gateway's words
	LastAnswer       string         `bun:"last_answer"`
	LookedAt         time.Time      `bun:"looked_at,nullzero"`
	CreatedAt        time.Time      `bun:"created_at"`
	UpdatedAt        time.Time      `bun:"updated_at"`
	PayoutsUntil     time.Time      `bun:"payouts_until,nullzero"` // all payouts made before are here
	PayoutsFrom      time.Time      `bun:"payouts_from,nullzero"`  // when the reading of them under way began
	PayoutsCursor    string         `bun:"payouts_cursor"`         // where it goes on; empty: none is under way
	PayoutsTriedAt   time.Time      `bun:"payouts_tried_at,nullzero"`
}

// NeedsAccounts says whether vendors need an account at the gateway to be paid.
func (s *Service) NeedsAccounts() bool { return s.Accounts != nil }

// Account reads a vendor's account; false when it has none yet.
func (s *Service) Account(ctx context.Context, vendorID string) (PayoutAccount, bool, error) {
	return payoutAccount(ctx, s.DB, s.Gateway.Name(), vendorID)
}

// AccountCountries lists where the vendors that this hub can pay may be (ISO
// 3166-1 alpha-2): a gateway pays across no region's border.
func (s *Service) AccountCountries(ctx context.Context) ([]string, error) {
	if s.Accounts == nil {
		return nil, nil
	}
	return s.Accounts.AccountCountries(ctx)
}

// StartOnboarding opens a vendor's account at the gateway, once, and answers
// with the page on which its staff says who it is. Asked again it resumes; after
// the gateway refused to open one, or one was closed, it begins anew, and country
// may be another. Faults: country when this hub cannot pay there; Unavailable when
// the gateway does not answer.
func (s *Service) StartOnboarding(ctx context.Context, actor access.Actor, vendorID, country string) (string, error) {
	if s.Accounts == nil {
		return "", fault.New(fault.NotFound, "This hub's gateway needs no accounts of vendors.")
	}
	vendor, err := s.Party.Vendor(ctx, vendorID)
	if err != nil {
		return "", err
	}
	account, found, err := s.Account(ctx, vendorID)
	if err != nil {
		return "", err
	}
	if !found || account.AccountRef == "" && account.startsAnew(country) || account.gone() {
		if account, err = s.newAccount(ctx, actor, vendor, account, country); err != nil {
			return "", err
		}
	}
	if account.AccountRef == "" {
		if account, err = s.openAccount(ctx, vendor, account); err != nil {
			return "", err
		}
	}
	page := s.PublicURL + "/vendor/payouts"
	link, err := s.Accounts.AccountLink(ctx, account.AccountRef, page+"?returned=1", page+"?expired=1")
	if err != nil {
		return "", fault.Wrap(fault.Unavailable, err, "The payment service's page could not be opened. Try again in a minute.")
	}
	return link, nil
}

// startsAnew says whether the row of an account that surely does not exist should
// become one in another country.
func (a PayoutAccount) startsAnew(country string) bool {
	never := a.State == "failed" || a.State == "pending" && a.KeyUsedAt.IsZero()
	return never && country != "" && !strings.EqualFold(strings.TrimSpace(country), a.Country)
}

// newAccount stores the row of an account that is to be opened, or makes it of
// the one of an account that is no more.
func (s *Service) newAccount(ctx context.Context, actor access.Actor, vendor party.Vendor, old PayoutAccount, country string) (PayoutAccount, error) {
	country = strings.ToUpper(strings.TrimSpace(country))
	countries, err := s.Accounts.AccountCountries(ctx)
	if err != nil {
		return PayoutAccount{}, fault.Wrap(fault.Unavailable, err, "The payment service does not answer. Try again in a minute.")
	}
	if !slices.Contains(countries, country) {
		return PayoutAccount{}, fault.At("country", "This hub can pay vendors in %s. For another country, ask its operator.", strings.Join(countries, ", "))
	}
	now := s.Now().UTC()
	id := store.NewID()
	account := PayoutAccount{ID: id, VendorID: vendor.ID, Gateway: s.Gateway.Name(), Country: country, State: "pending", IdempotencyKey: "account-" + id,
		Due: []string{}, CreatedAt: now, UpdatedAt: now}
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if old.ID != "" { // nothing refers to its id
			if err := removeAccount(ctx, tx, old); err != nil {
				return err
			}
		}
		if err := insertAccount(ctx, tx, account); err != nil {
			return err
		}
		return s.Access.AuditTx(ctx, tx, actor, access.Change{Action: "payouts.started", SubjectKind: "vendor", SubjectID: vendor.ID, VendorID: vendor.ID,
			After: struct {
				Country string `json:"country"`
			}{country}})
	})
	if store.Violates(err, "payout_accounts_vendor_key") { // two clicks at once
		account, _, err = s.Account(ctx, vendor.ID)
	}
	return account, err
}

// openAccount asks the gateway for the account that the row stands for. The key
// makes it the same on every try, also of two at once. What was tried before is
// looked up first; when it is not there long after, its key may answer for ever
// with the error that it met, and a fresh one takes its place.
func (s *Service) openAccount(ctx context.Context, vendor party.Vendor, account PayoutAccount) (PayoutAccount, error) {
	request := AccountRequest{VendorID: vendor.ID, Key: account.IdempotencyKey, Name: vendor.Name, Email: vendor.Email, Country: account.Country}
	state, err := AccountState{}, ErrNotFound
	if !account.KeyUsedAt.IsZero() {
		if state, err = s.Accounts.FindAccount(ctx, request); errors.Is(err, ErrNotFound) && s.Now().Sub(account.KeyUsedAt) > keySettles {
			if request.Key, err = renewAccountKey(ctx, s.DB, account); err != nil {
				return account, err
			}
			err = ErrNotFound
		}
	}
	if errors.Is(err, ErrNotFound) {
		if err := beginAccount(ctx, s.DB, account.ID, request.Key, s.Now()); err != nil {
			return account, err
		}
		state, err = s.Accounts.OpenAccount(ctx, request)
	}
	switch {
	case err == nil:
		return s.keepAccount(ctx, account.VendorID, state)
	case errors.Is(err, ErrRefused):
		// a fresh key: the next try may say something else (another country)
		if markErr := refuseAccount(ctx, s.DB, account.ID, request.Key, "account-"+account.ID+"-"+store.NewID(), err.Error(), s.Now()); markErr != nil {
			return account, errors.Join(err, markErr)
		}
		return account, fault.Wrap(fault.Conflict, err, "The payment service refused to open an account: %s", clipped(err.Error()))
	}
	return account, fault.Wrap(fault.Unavailable, err, "The payment service does not answer. Try again in a minute: it goes on where it was.")
}

// followAccount fetches an account again. When it can receive now, what waited
// for it is sent.
func (s *Service) followAccount(ctx context.Context, ref string) error {
	if s.Accounts == nil || ref == "" {
		return nil
	}
	state, err := s.Accounts.LookAccount(ctx, ref)
	if errors.Is(err, ErrNotFound) {
		state, err = AccountState{Ref: ref, Disabled: "closed"}, nil
	}
	if err != nil {
		return fmt.Errorf("look at account %s: %w", ref, err)
	}
	account, found, err := accountByRef(ctx, s.DB, s.Gateway.Name(), ref)
	if err != nil {
		return err
	}
	vendorID := account.VendorID
	if !found { // its answer was lost: the account itself says whose it is
		if !store.ValidID(state.VendorID) {
			return nil
		}
		vendorID = state.VendorID
	}
	_, err = s.keepAccount(ctx, vendorID, state)
	return err
}

// keepAccount stores what the gateway says of a vendor's account.
func (s *Service) keepAccount(ctx context.Context, vendorID string, state AccountState) (PayoutAccount, error) {
	var account PayoutAccount
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var found bool
		var err error
		if account, found, err = lockAccount(ctx, s.DB, tx, s.Gateway.Name(), vendorID); err != nil || !found {
			return err
		}
		if account.AccountRef != "" && account.AccountRef != state.Ref {
			return fmt.Errorf("vendor %s has account %s, and %s says that it is its", vendorID, account.AccountRef, state.Ref)
		}
		before := account
		account.State, account.AccountRef, account.LookedAt, account.LastAnswer = "done", state.Ref, s.Now().UTC(), ""
		account.DetailsSubmitted, account.CanReceive, account.CanPayOut = state.DetailsSubmitted, state.CanReceive, state.CanPayOut
		account.Disabled, account.DueBy = state.Disabled, state.DueBy
		account.Due = slices.Clone(state.Due)
		if account.Due == nil {
			account.Due = []string{}
		}
		if state.Currency != "" {
			account.Currency = state.Currency
		}
		account.UpdatedAt = s.Now().UTC()
		if err := updateAccount(ctx, tx, account); err != nil {
			return err
		}
		if account.CanReceive && !before.CanReceive {
			if err := wakeTransfers(ctx, tx, vendorID, waitsForAccount, s.Now()); err != nil {
				return err
			}
		}
		return s.tellAccount(ctx, tx, before, account)
	})
	return account, err
}

// tellAccount tells the vendor's staff what a change of its account asks of it.
// While it is on the gateway's page for the first time, it knows what is missing.
func (s *Service) tellAccount(ctx context.Context, tx bun.IDB, before, after PayoutAccount) error {
	day := s.Now().UTC().Format(time.DateOnly)
	task := Task{VendorID: after.VendorID, SubjectID: after.ID + ":" + day}
	switch {
	case before.CanReceive && !after.CanReceive:
		task.Kind, task.Title = "account_shut", "Your account at the payment service takes no money"
		task.Text = "What your customers pay waits until it does; nothing is lost. See on the payouts page what is missing."
		if why := ShutBecause(after.Disabled); why != "" {
			task.Text = "Because " + why + ". " + task.Text
		}
	case !(before.CanReceive && before.CanPayOut) && after.CanReceive && after.CanPayOut:
		task.Kind, task.Title = "account_ready", "Your account at the payment service is ready"
		task.Text = "What your customers pay goes to your bank from now on, and so does what waited. Each payout stands on the payouts page, with its invoices."
	case before.DetailsSubmitted && asksMore(before, after):
		task.Kind, task.Title = "account_due", "The payment service wants to know more"
		task.SubjectID += ":" + store.HashToken(strings.Join(after.Due, " ") + after.DueBy.String())[:16]
		if !after.DueBy.IsZero() {
			task.Title += " by " + money.DateOf(after.DueBy, time.UTC).Human(money.DateOf(s.Now(), time.UTC))
		}
		task.Text = "It asks for " + strings.Join(Wanted(after.Due), ", ") + ". Go on to it from the payouts page: without an answer it takes no money for you, and what your customers pay waits."
	default:
		return nil
	}
	return s.task(ctx, tx, task)
}

// asksMore says whether the gateway wants something that it did not want before,
// or wants it sooner.
func asksMore(before, after PayoutAccount) bool {
	fresh := slices.ContainsFunc(after.Due, func(name string) bool { return !slices.Contains(before.Due, name) })
	sooner := len(after.Due) > 0 && !after.DueBy.IsZero() && (before.DueBy.IsZero() || after.DueBy.Before(before.DueBy))
	return fresh || sooner
}

// RefreshAccounts looks at accounts that were not looked at for a day, in case a
// message was lost. It returns how many.
func (s *Service) RefreshAccounts(ctx context.Context) (int, error) {
	if s.Accounts == nil {
		return 0, nil
	}
	list, err := staleAccounts(ctx, s.DB, s.Gateway.Name(), s.Now().Add(-24*time.Hour), 200)
	if err != nil {
		return 0, err
	}
	var failures []error
	for done, account := range list {
		if ctx.Err() != nil {
			return done, ctx.Err()
		}
		failures = append(failures, s.followAccount(ctx, account.AccountRef))
	}
	return len(list), errors.Join(failures...)
}

// RefreshAccount looks at one vendor's account now: its staff has come back from
// the gateway's page.
func (s *Service) RefreshAccount(ctx context.Context, vendorID string) error {
	account, found, err := s.Account(ctx, vendorID)
	if err != nil || !found {
		return err
	}
	return s.followAccount(ctx, account.AccountRef)
}
