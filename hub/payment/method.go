package payment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// ConsentVersion names the words of ConsentText. Whoever changes the words
// gives them another version; what was agreed to is kept word for word.
const ConsentVersion = "2026-11"

// ConsentText is what a payer agrees to before a means of payment is kept.
func (s *Service) ConsentText() string {
	hub := s.Footer.HubName
	if hub == "" {
		hub = "Sheaf"
	}
	return "I allow " + hub + " to keep this means of payment with its payment provider, and to charge it when I say so here: at once, or on a date that I choose. " +
		"Each charge is for invoices that I ticked, and never for more than I saw. One that I planned I can cancel until it starts. " +
		"Only I can use this means of payment, and I can remove it at any time."
}

// SetupLife is how long a payer has on the page where a means of payment is left.
const SetupLife = 35 * time.Minute

// ForgottenMethods is the job table of what the gateway is to forget.
const ForgottenMethods store.JobTable = "saved_methods"

// ForgetLease is how long one attempt at it may take.
const ForgetLease = 60 * time.Second

// gatewayTimeout bounds a call to the gateway that nobody else bounds. It is
// shorter than every lease.
const gatewayTimeout = 40 * time.Second

// Consent is what a payer agreed to, when and from where.
type Consent struct {
	Version string // must be ConsentVersion
	From    string // the address that it came from
}

// Setup is one page on which a payer leaves a means of payment.
type Setup struct {
	bun.BaseModel  `bun:"table:method_setups,alias:ms"`
	ID             string         `bun:"id,pk"`
	CustomerID     string         `bun:"customer_id"`
	ContactID      string         `bun:"contact_id"`
	QuoteID        string         `bun:"quote_id,nullzero"` // where the payer goes on; empty: the list of methods
	RequestKey     string         `bun:"request_key"`
	Gateway        string         `bun:"gateway"`
	Currency       money.Currency `bun:"currency"`
	PayerRef       string         `bun:"payer_ref"`
	State          string         `bun:"state"`
	Phase          Phase          `bun:"phase"`
	IdempotencyKey string         `bun:"idempotency_key"`
	GatewayRef     string         `bun:"gateway_ref"`
	PageURL        string         `bun:"page_url"`
	ConsentVersion string         `bun:"consent_version"`
	ConsentText    string         `bun:"consent_text"`
	ConsentedAt    time.Time      `bun:"consented_at"`
	ConsentFrom    string         `bun:"consent_from"`
	CreatedAt      time.Time      `bun:"created_at"`
	UpdatedAt      time.Time      `bun:"updated_at"`
	ExpiresAt      time.Time      `bun:"expires_at"`
}

// SavedMethod is a means of payment that a contact keeps with the gateway. It is
// that contact's own: colleagues see that it is there, and no more.
type SavedMethod struct {
	bun.BaseModel  `bun:"table:saved_methods,alias:sm"`
	ID             string      `bun:"id,pk"`
	CustomerID     string      `bun:"customer_id"` // when it was saved
	ContactID      string      `bun:"contact_id"`
	SetupID        string      `bun:"setup_id"`
	Gateway        string      `bun:"gateway"`
	PayerRef       string      `bun:"payer_ref"`
	MethodRef      string      `bun:"method_ref"`
	Class          MethodClass `bun:"class"`
	Detail         string      `bun:"detail"`  // "Visa ending 4242"
	Expires        string      `bun:"expires"` // "2028-11"; empty: never
	Mandate        string      `bun:"mandate"`
	ConsentVersion string      `bun:"consent_version"`
	ConsentText    string      `bun:"consent_text"`
	ConsentedAt    time.Time   `bun:"consented_at"`
	ConsentFrom    string      `bun:"consent_from"`
	RemovedAt      time.Time   `bun:"removed_at,nullzero"`
	State          string      `bun:"state"` // of the gateway's forgetting it; "kept": it is not removed
	Attempts       int         `bun:"attempts"`
	NextAttemptAt  time.Time   `bun:"next_attempt_at,nullzero"`
	ClaimedUntil   time.Time   `bun:"claimed_until,nullzero"`
	LastAnswer     string      `bun:"last_answer"`
	CreatedAt      time.Time   `bun:"created_at"`
	UpdatedAt      time.Time   `bun:"updated_at"`
}

// LastDay is the last day on which it can be charged; empty: it does not expire.
func (m SavedMethod) LastDay() money.Date {
	month, err := time.Parse("2006-01", m.Expires)
	if err != nil {
		return ""
	}
	return money.DateOf(month.AddDate(0, 1, -1), time.UTC)
}

// Name is what the payer knows it by.
func (m SavedMethod) Name() string {
	if m.Detail == "" {
		return string(m.Class)
	}
	return m.Detail
}

// auditedMethod is what the audit log keeps of a means of payment.
type auditedMethod struct {
	Detail         string      `json:"detail"`
	Class          MethodClass `json:"class"`
	Expires        string      `json:"expires,omitempty"`
	ConsentVersion string      `json:"consent_version"`
	ConsentedAt    time.Time   `json:"consented_at"`
	ConsentFrom    string      `json:"consent_from"`
}

func (m SavedMethod) audited() auditedMethod {
	return auditedMethod{Detail: m.Detail, Class: m.Class, Expires: m.Expires, ConsentVersion: m.ConsentVersion, ConsentedAt: m.ConsentedAt, ConsentFrom: m.ConsentFrom}
}

// contactActor is a contact as the audit log names it.
func contactActor(contact party.Contact) access.Actor {
	return access.Actor{Kind: access.KindContact, ID: contact.ID, Name: contact.Email, CustomerID: contact.CustomerID, ContactID: contact.ID}
}

// SaveMethod makes the page on which a signed-in payer leaves a means of
// payment, and keeps what it agreed to. key is made with the form: a second
// click is the same page. quoteID is where the payer goes on afterwards; empty:
// to its methods. Faults: Invalid without today's consent, or for a currency
// that there is not; Unavailable when the gateway cannot be reached.
func (s *Service) SaveMethod(ctx context.Context, payer Payer, key string, currency money.Currency, quoteID string, consent Consent) (Setup, error) {
	if err := s.mayKeep(payer); err != nil {
		return Setup{}, err
	}
	if consent.Version != ConsentVersion {
		return Setup{}, fault.At("consent", "Read the terms and tick that you agree. Nothing is saved without it.")
	}
	if !currency.Valid() || !s.Gateway.Limits(currency).Supported {
		return Setup{}, fault.At("currency", "Choose a currency that can be paid here.")
	}
	if key == "" {
		return Setup{}, fault.At("key", "This form is incomplete. Reload the page and try again.")
	}
	if quoteID != "" {
		if _, err := s.ReadQuote(ctx, payer, quoteID); err != nil {
			return Setup{}, err
		}
	}
	var setup Setup
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var err error
		setup, err = s.newSetup(ctx, tx, payer, key, currency, quoteID, consent)
		return err
	})
	if err != nil {
		return Setup{}, err
	}
	return s.openSetup(ctx, payer.Contact, setup)
}

// mayKeep: keeping a means of payment is for a person who signed in.
func (s *Service) mayKeep(payer Payer) error {
	if s.Methods == nil {
		return fault.New(fault.NotFound, "Means of payment cannot be kept here.")
	}
	if payer.DigestID != "" {
		return fault.New(fault.Forbidden, "Sign in to pay with a saved means of payment.")
	}
	return nil
}

func (s *Service) newSetup(ctx context.Context, tx bun.IDB, payer Payer, key string, currency money.Currency, quoteID string, consent Consent) (Setup, error) {
	contact, now := payer.Contact, s.Now().UTC()
	known, err := payerRef(ctx, tx, contact.CustomerID, s.Gateway.Name())
	if err != nil {
		return Setup{}, err
	}
	id := store.NewID()
	return keepSetup(ctx, tx, Setup{ID: id, CustomerID: contact.CustomerID, ContactID: contact.ID, QuoteID: quoteID, RequestKey: key, Gateway: s.Gateway.Name(),
		Currency: currency, PayerRef: known, State: "pending", Phase: PhaseOpen, IdempotencyKey: "setup-" + id, ConsentVersion: consent.Version,
		ConsentText: s.ConsentText(), ConsentedAt: now, ConsentFrom: party.PlainText(consent.From, 60), CreatedAt: now, UpdatedAt: now, ExpiresAt: now.Add(SetupLife)})
}

// openSetup asks the gateway for the page; its key makes it the same page on
// every try.
func (s *Service) openSetup(ctx context.Context, contact party.Contact, setup Setup) (Setup, error) {
	if setup.Phase != PhaseOpen || !s.Now().Before(setup.ExpiresAt) {
		return setup, fault.New(fault.Gone, "That page is over. Go back and begin again.")
	}
	if setup.PageURL != "" {
		return setup, nil
	}
	if err := setSetup(ctx, s.DB, setup, "sending", "", "", s.Now()); err != nil {
		return setup, err
	}
	back := s.PublicURL + "/me/methods/setups/" + setup.ID
	callCtx, cancel := context.WithTimeout(ctx, gatewayTimeout)
	defer cancel()
	page, err := s.Methods.SaveMethod(callCtx, SetupRequest{SetupID: setup.ID, Key: setup.IdempotencyKey, PayerRef: setup.PayerRef, CustomerID: setup.CustomerID,
		Email: contact.Email, Currency: setup.Currency, ReturnURL: back, CancelURL: back, ExpiresAt: setup.ExpiresAt})
	if err != nil {
		state := "unknown" // the page may be there; without its address nobody can use it
		if errors.Is(err, ErrRefused) || errors.Is(err, ErrUnavailable) {
			state = "failed"
		}
		failure := fault.Wrap(fault.Unavailable, err, "The page could not be opened. Nothing was saved. Try again in a few minutes.")
		return setup, errors.Join(failure, setSetup(ctx, s.DB, setup, state, "", "", s.Now()))
	}
	setup.State, setup.GatewayRef, setup.PageURL = "done", page.Ref, page.URL
	return setup, setSetup(ctx, s.DB, setup, "done", page.Ref, page.URL, s.Now())
}

// FinishSetup is where the payer comes back from that page: the means of
// payment is kept if it was left. fault.NotFound for another contact's page.
func (s *Service) FinishSetup(ctx context.Context, payer Payer, setupID string) (Setup, error) {
	if err := s.mayKeep(payer); err != nil {
		return Setup{}, err
	}
	setup, err := contactsSetup(ctx, s.DB, payer.Contact.ID, setupID)
	if err != nil || setup.Phase != PhaseOpen || setup.GatewayRef == "" {
		return setup, err
	}
	if err := s.RefreshSetup(ctx, setup.GatewayRef); err != nil {
		return setup, fault.Wrap(fault.Unavailable, err, "The payment provider did not answer. If you left a means of payment there, it appears here in a minute.")
	}
	return contactsSetup(ctx, s.DB, payer.Contact.ID, setupID)
}

// RefreshSetup fetches a page again by the gateway's reference and keeps what
// was left on it, once. An unknown reference is nothing: it is safe to call with
// a forged one.
func (s *Service) RefreshSetup(ctx context.Context, ref string) error {
	if s.Methods == nil {
		return nil
	}
	setup, found, err := setupByRef(ctx, s.DB, s.Gateway.Name(), ref)
	if err != nil || !found || setup.Phase != PhaseOpen {
		return err
	}
	callCtx, cancel := context.WithTimeout(ctx, gatewayTimeout)
	defer cancel()
	state, err := s.Methods.LookSetup(callCtx, ref)
	if errors.Is(err, ErrNotFound) {
		state = SetupState{Phase: PhaseExpired}
	} else if err != nil {
		return fmt.Errorf("look at setup %s: %w", setup.ID, err)
	}
	if state.Phase == PhaseOpen {
		return nil
	}
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error { return s.finishSetup(ctx, tx, setup, state) })
}

func (s *Service) finishSetup(ctx context.Context, tx bun.IDB, setup Setup, state SetupState) error {
	fresh, err := endSetup(ctx, tx, setup.ID, state.Phase, s.Now())
	if err != nil || !fresh || state.Phase != PhaseSucceeded {
		return err
	}
	contact, err := s.Party.ContactTx(ctx, tx, setup.ContactID)
	if err != nil {
		return err
	}
	now := s.Now().UTC()
	method := SavedMethod{ID: store.NewID(), CustomerID: contact.CustomerID, ContactID: contact.ID, SetupID: setup.ID, Gateway: setup.Gateway,
		PayerRef: state.PayerRef, MethodRef: state.MethodRef, Class: state.Method, Detail: party.PlainText(state.Detail, 80), Expires: state.Expires, Mandate: state.Mandate,
		ConsentVersion: setup.ConsentVersion, ConsentText: setup.ConsentText, ConsentedAt: setup.ConsentedAt, ConsentFrom: setup.ConsentFrom,
		State: "kept", CreatedAt: now, UpdatedAt: now}
	if err := insertMethod(ctx, tx, method); err != nil {
		return err
	}
	if err := keepPayer(ctx, tx, setup.CustomerID, setup.Gateway, state.PayerRef, now); err != nil {
		return err
	}
	return s.Access.AuditTx(ctx, tx, contactActor(contact), access.Change{Action: "method.saved", SubjectKind: "method", SubjectID: method.ID,
		CustomerID: contact.CustomerID, After: method.audited()})
}

// ListMethods are the means of payment that a contact and its colleagues keep,
// its own first. Only those of the gateway that is set up now can be used.
func (s *Service) ListMethods(ctx context.Context, contact party.Contact) ([]SavedMethod, error) {
	if s.Methods == nil {
		return nil, nil
	}
	return teamsMethods(ctx, s.DB, contact, s.Gateway.Name())
}

// UsableMethods are a contact's own that can be charged on a day.
func (s *Service) UsableMethods(ctx context.Context, contact party.Contact, on money.Date) ([]SavedMethod, error) {
	all, err := s.ListMethods(ctx, contact)
	var own []SavedMethod
	for _, method := range all {
		if last := method.LastDay(); method.ContactID == contact.ID && (last == "" || on <= last) {
			own = append(own, method)
		}
	}
	return own, err
}

// Method reads a contact's own means of payment; fault.NotFound for another's,
// a colleague's too.
func (s *Service) Method(ctx context.Context, contact party.Contact, id string) (SavedMethod, error) {
	return ownMethod(ctx, s.DB, contact.ID, id)
}

// RemoveMethod takes a means of payment away: here at once, and at the gateway
// as an effect of its own. Payments that are planned with it are cancelled with
// it when the payer says so. Faults: NotFound; Conflict while one of them, or
// any charge, is under way, or when there are planned ones and cancelPlanned is
// not said.
func (s *Service) RemoveMethod(ctx context.Context, payer Payer, id string, cancelPlanned bool) error {
	if err := s.mayKeep(payer); err != nil {
		return err
	}
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		method, err := lockOwnMethod(ctx, s.DB, tx, payer.Contact.ID, id)
		if err != nil {
			return err
		}
		if busy, err := methodBusy(ctx, tx, method.ID); err != nil || busy {
			return errors.Join(err, conflictIf(busy, "A payment with it is under way. Remove it once that has ended."))
		}
		planned, err := plannedWith(ctx, tx, method.ID)
		if err != nil {
			return err
		}
		if len(planned) > 0 && !cancelPlanned {
			return fault.New(fault.Conflict, "Payments are planned with it. Say that they are cancelled too, or cancel them first.")
		}
		for _, schedule := range planned {
			if err := s.cancelSchedule(ctx, tx, payer.Contact, schedule); err != nil {
				return err
			}
		}
		if err := removeMethod(ctx, tx, method.ID, s.Now()); err != nil {
			return err
		}
		return s.Access.AuditTx(ctx, tx, contactActor(payer.Contact), access.Change{Action: "method.removed", SubjectKind: "method", SubjectID: method.ID,
			CustomerID: payer.Contact.CustomerID, Before: method.audited()})
	})
}

func conflictIf(is bool, text string) error {
	if !is {
		return nil
	}
	return fault.New(fault.Conflict, "%s", text)
}

// ForgetMethod makes one attempt at having the gateway forget a means of payment
// that was removed. Forgetting twice is no harm, so a lost answer is asked again.
func (s *Service) ForgetMethod(ctx context.Context, ref store.JobRef) error {
	ok, err := s.DB.Claim(ctx, ForgottenMethods, ref, s.Now(), ForgetLease, true)
	if err != nil || !ok {
		return err
	}
	method, err := readMethod(ctx, s.DB, ref.ID)
	if err != nil || method.Attempts != ref.Attempt+1 {
		return err
	}
	callCtx, cancel := context.WithTimeout(ctx, gatewayTimeout)
	defer cancel()
	switch err := s.Methods.ForgetMethod(callCtx, method.MethodRef); {
	case err == nil:
		return recordForgetting(ctx, s.DB, method, "done", "", time.Time{}, s.Now())
	case errors.Is(err, ErrRefused):
		return recordForgetting(ctx, s.DB, method, "failed", err.Error(), time.Time{}, s.Now())
	default:
		return recordForgetting(ctx, s.DB, method, "pending", err.Error(), s.Now().Add(backoff(method.Attempts)), s.Now())
	}
}

// TidyMethods does what is due about means of payment: it looks at pages that
// nobody came back from, and has the gateway forget what was removed. It returns
// how many it looked at.
func (s *Service) TidyMethods(ctx context.Context) (int, error) {
	if s.Methods == nil {
		return 0, nil
	}
	const batch = 100
	var failures []error
	setups, err := openSetups(ctx, s.DB, s.Gateway.Name(), batch)
	if err != nil {
		return 0, err
	}
	for _, setup := range setups {
		if setup.GatewayRef == "" { // made or not, nobody has its address
			if s.Now().After(setup.ExpiresAt) {
				_, err = endSetup(ctx, s.DB, setup.ID, PhaseExpired, s.Now())
				failures = append(failures, err)
			}
			continue
		}
		failures = append(failures, s.RefreshSetup(ctx, setup.GatewayRef))
	}
	refs, err := s.DB.TakeDue(ctx, ForgottenMethods, "id", s.Now(), batch, ForgetLease)
	failures = append(failures, err)
	for _, ref := range refs {
		failures = append(failures, s.ForgetMethod(ctx, ref))
	}
	return len(setups) + len(refs), errors.Join(failures...)
}
