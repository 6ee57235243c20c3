package stripefake

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// The states of a capability, besides Pending; "" was not asked for.
const (
	Active   = "active"
	Inactive = "inactive"
)

// Account is a connected account. Change one with SetAccount.
type Account struct {
	ID, Type, Country, Email, Currency                        string
	BusinessType, BusinessName, BusinessURL                   string
	ProductDescription                                        string
	Recipient                                                 bool   // under the recipient service agreement
	Transfers, CardPayments                                   string // capabilities: Active, Inactive, Pending or ""
	DetailsSubmitted, ChargesEnabled, PayoutsEnabled, Deleted bool
	CurrentlyDue, PastDue, EventuallyDue, PendingVerification []string
	DisabledReason                                            string
	Deadline                                                  time.Time // current_deadline
	PayoutFailure                                             string    // failure_code of every payout from now on, "" when they arrive
	Metadata                                                  map[string]string
	Created                                                   time.Time
	planned                                                   map[int64]bool // payout runs, by their time
}

// dueAtFirst is what an Express account must tell before it gets money.
func dueAtFirst() []string {
	return []string{"business_profile.url", "business_type", "external_account", "representative.first_name", "representative.last_name", "tos_acceptance.date", "tos_acceptance.ip"}
}

func (f *Fake) createAccount(c *call) (obj, error) {
	a := &Account{Type: c.p.oneOf("type", "express", "standard", "custom"), Country: strings.ToUpper(c.p.text("country")), Created: f.now}
	if a.Type == "" {
		c.p.need("type")
	}
	if a.Country == "" {
		a.Country = f.platform.Country
	}
	if currency := currencyOf(a.Country); len(a.Country) != 2 || currency == "usd" && a.Country != "US" {
		c.p.fail(invalid("country", "country_unsupported", "%s is not currently supported by Stripe.", a.Country))
	}
	a.Currency = currencyOf(a.Country)
	a.Recipient = c.p.oneOf("tos_acceptance[service_agreement]", "full", "recipient") == "recipient"
	f.readAccount(c.p, a)
	if err := c.p.done(); err != nil {
		return nil, err
	}
	if problem := f.checkRegion(a); problem != nil {
		return nil, problem
	}
	a.CurrentlyDue, a.EventuallyDue = dueAtFirst(), dueAtFirst()
	a.DisabledReason = "requirements.past_due"
	a.PastDue = dueAtFirst()
	a.ID = f.id("acct")
	f.accounts.add(a.ID, a)
	return f.viewAccount(a), nil
}

// checkRegion refuses what a platform of this country may not connect.
func (f *Fake) checkRegion(a *Account) *Problem {
	if sameRegion(f.platform.Country, a.Country) {
		return nil
	}
	switch {
	case a.Recipient && a.CardPayments != "":
		return refused("capabilities[card_payments]", "", "Accounts under the recipient service agreement may not request the card_payments capability.")
	case a.Recipient && f.platform.Country == "US" && listed(recipients, a.Country):
		return nil
	case a.Recipient:
		return refused("country", "", "Accounts in %s cannot be created under the recipient service agreement by platforms in %s.", a.Country, f.platform.Country)
	case a.Transfers != "" && a.CardPayments == "":
		return refused("country", "", "Connect platforms based in %s must create accounts in %s via the API with the `recipient` service agreement if the card_payments capability is not requested. See https://stripe.com/docs/connect/service-agreement-types for more details.", f.platform.Country, a.Country)
	}
	return nil
}

// readAccount reads what both creation and update take.
func (f *Fake) readAccount(p *params, a *Account) {
	for key, field := range map[string]*string{"email": &a.Email, "business_type": &a.BusinessType, "business_profile[name]": &a.BusinessName,
		"business_profile[url]": &a.BusinessURL, "business_profile[product_description]": &a.ProductDescription} {
		if p.has(key) {
			*field = p.text(key)
		}
	}
	if a.Email != "" && !strings.Contains(a.Email, "@") {
		p.fail(invalid("email", "email_invalid", "Invalid email address: %s", a.Email))
	}
	for key, capability := range map[string]*string{"transfers": &a.Transfers, "card_payments": &a.CardPayments} {
		name := "capabilities[" + key + "][requested]"
		if !p.has(name) {
			continue
		}
		switch asked := p.flag(name); {
		case !asked:
			*capability = ""
		case *capability == "":
			*capability = Inactive
			if a.DetailsSubmitted && a.DisabledReason == "" {
				*capability = Active
			}
		}
	}
	a.Metadata = p.metadata("metadata", a.Metadata)
	p.ignore("business_profile[mcc]", "business_profile[support_email]", "business_profile[support_phone]", "business_profile[support_url]", "settings", "default_currency")
}

func (f *Fake) updateAccount(c *call) (obj, error) {
	a := f.accounts.get(c.ids[0])
	if a == nil || a.Deleted {
		return nil, f.noAccount(c.ids[0])
	}
	changed := *a
	f.readAccount(c.p, &changed)
	if err := c.p.done(); err != nil {
		return nil, err
	}
	*a = changed
	f.emit("account.updated", a.ID, f.viewAccount(a), nil)
	return f.viewAccount(a), nil
}

func (f *Fake) noAccount(id string) *Problem {
	return &Problem{Status: 403, Type: "invalid_request_error", Code: "account_invalid",
		Message: fmt.Sprintf("The provided key '%s' does not have access to account '%s' (or that account does not exist). Application access may have been revoked.", masked(f.cfg.Key), id)}
}

func (f *Fake) viewAccount(a *Account) obj {
	if a.Deleted {
		return obj{"id": a.ID, "object": "account", "deleted": true}
	}
	capabilities := obj{}
	for name, state := range map[string]string{"transfers": a.Transfers, "card_payments": a.CardPayments} {
		if state != "" {
			capabilities[name] = state
		}
	}
	agreement := obj{"date": nil, "ip": nil, "user_agent": nil}
	if a.Recipient {
		agreement["service_agreement"] = "recipient"
	}
	requirements := func(current, past, eventually, pending []string, deadline time.Time, reason string) obj {
		return obj{"alternatives": []obj{}, "current_deadline": unix(deadline), "currently_due": texts(current), "disabled_reason": null(reason),
			"errors": []obj{}, "eventually_due": texts(eventually), "past_due": texts(past), "pending_verification": texts(pending)}
	}
	return obj{"id": a.ID, "object": "account",
		"business_profile": obj{"annual_revenue": nil, "estimated_worker_count": nil, "mcc": nil, "name": null(a.BusinessName), "product_description": null(a.ProductDescription),
			"support_address": nil, "support_email": nil, "support_phone": nil, "support_url": nil, "url": null(a.BusinessURL)},
		"business_type": null(a.BusinessType), "capabilities": capabilities, "charges_enabled": a.ChargesEnabled,
		"controller": obj{"type": "application", "is_controller": true}, "country": a.Country, "created": a.Created.Unix(), "default_currency": a.Currency,
		"details_submitted": a.DetailsSubmitted, "email": null(a.Email), "external_accounts": list("/v1/accounts/"+a.ID+"/external_accounts", nil),
		"future_requirements": requirements(nil, nil, nil, nil, time.Time{}, ""), "metadata": a.Metadata, "payouts_enabled": a.PayoutsEnabled,
		"requirements": requirements(a.CurrentlyDue, a.PastDue, a.EventuallyDue, a.PendingVerification, a.Deadline, a.DisabledReason),
		"settings": obj{"branding": obj{"icon": nil, "logo": nil, "primary_color": nil, "secondary_color": nil},
			"card_payments": obj{"decline_on": obj{"avs_failure": false, "cvc_failure": false}, "statement_descriptor_prefix": nil},
			"dashboard":     obj{"display_name": null(a.BusinessName), "timezone": "Etc/UTC"},
			"payments":      obj{"statement_descriptor": nil, "statement_descriptor_kana": nil, "statement_descriptor_kanji": nil},
			"payouts":       obj{"debit_negative_balances": true, "schedule": obj{"delay_days": 2, "interval": "daily"}, "statement_descriptor": nil}},
		"tos_acceptance": agreement, "type": a.Type}
}

// getOwnAccount is GET /v1/account: the platform, or who Stripe-Account names.
func (f *Fake) getOwnAccount(c *call) (obj, error) {
	if err := c.p.done(); err != nil {
		return nil, err
	}
	if c.account != "" {
		return f.viewAccount(f.accounts.get(c.account)), nil
	}
	return f.viewAccount(&f.platform), nil
}

func (f *Fake) getAccount(c *call) (obj, error) {
	if err := c.p.done(); err != nil {
		return nil, err
	}
	if c.ids[0] == f.platform.ID {
		return f.viewAccount(&f.platform), nil
	}
	a := f.accounts.get(c.ids[0])
	if a == nil || a.Deleted {
		return nil, f.noAccount(c.ids[0])
	}
	return f.viewAccount(a), nil
}

func (f *Fake) listAccounts(c *call) (obj, error) {
	return page(c, f.accounts.order, func(a *Account) string { return a.ID }, func(a *Account) time.Time { return a.Created },
		func(a *Account) bool { return !a.Deleted }, f.viewAccount)
}

// deleteAccount refuses while the account has a balance.
func (f *Fake) deleteAccount(c *call) (obj, error) {
	if err := c.p.done(); err != nil {
		return nil, err
	}
	a := f.accounts.get(c.ids[0])
	if a == nil || a.Deleted {
		return nil, f.noAccount(c.ids[0])
	}
	for currency := range f.books[a.ID] {
		if p := f.purse(a.ID, currency); p.available != 0 || p.pending != 0 {
			return nil, refused("", "", "You cannot delete account %s while its balance is not zero.", a.ID)
		}
	}
	a.Deleted, a.Transfers, a.PayoutsEnabled, a.ChargesEnabled = true, Inactive, false, false
	return f.viewAccount(a), nil
}

// SetAccount changes a connected account as Stripe's reviewers would, and
// sends account.updated.
func (f *Fake) SetAccount(id string, change func(*Account)) error {
	return f.act(func() error {
		a := f.accounts.get(id)
		if a == nil {
			return fmt.Errorf("stripefake: no account %q", id)
		}
		f.setAccount(a, change)
		return nil
	})
}

func (f *Fake) setAccount(a *Account, change func(*Account)) {
	could := a.PayoutsEnabled
	change(a)
	if a.PayoutsEnabled && !could {
		f.planPayout(a, f.now)
	}
	f.emit("account.updated", a.ID, f.viewAccount(a), nil)
}

// Ready is for SetAccount: everything told and checked, money flows.
func Ready(a *Account) {
	a.DetailsSubmitted, a.ChargesEnabled, a.PayoutsEnabled, a.DisabledReason = true, a.CardPayments != "", true, ""
	a.CurrentlyDue, a.PastDue, a.EventuallyDue, a.PendingVerification, a.Deadline = nil, nil, nil, nil, time.Time{}
	if a.Transfers != "" {
		a.Transfers = Active
	}
	if a.CardPayments != "" {
		a.CardPayments = Active
	}
}

// Restricted is for SetAccount: a document is missing, nothing flows.
func Restricted(a *Account) {
	a.DetailsSubmitted, a.ChargesEnabled, a.PayoutsEnabled, a.DisabledReason = true, false, false, "requirements.past_due"
	a.CurrentlyDue = []string{"individual.verification.document"}
	a.PastDue, a.EventuallyDue = slices.Clone(a.CurrentlyDue), slices.Clone(a.CurrentlyDue)
	if a.Transfers != "" {
		a.Transfers = Inactive
	}
	if a.CardPayments != "" {
		a.CardPayments = Inactive
	}
}

// DueBy is for SetAccount: something is asked until a deadline; money flows
// until then, and stops by itself when nothing came.
func (f *Fake) DueBy(id string, deadline time.Time) error {
	return f.act(func() error {
		a := f.accounts.get(id)
		if a == nil {
			return fmt.Errorf("stripefake: no account %q", id)
		}
		f.setAccount(a, func(a *Account) {
			a.CurrentlyDue, a.EventuallyDue, a.Deadline = []string{"individual.verification.document"}, []string{"individual.verification.document"}, deadline
		})
		f.at(deadline, func() {
			if a.Deadline.Equal(deadline) && len(a.CurrentlyDue) > 0 {
				f.setAccount(a, Restricted)
			}
		})
		return nil
	})
}

// Accounts lists all connected accounts, oldest first.
func (f *Fake) Accounts() []Account { return all(f, &f.accounts) }

// NewAccount makes an Express account that is Ready, without a request.
func (f *Fake) NewAccount(country, name string) (string, error) {
	var id string
	err := f.act(func() error {
		a := &Account{ID: f.id("acct"), Type: "express", Country: country, Currency: currencyOf(country), BusinessName: name, Transfers: Inactive,
			Metadata: map[string]string{}, Created: f.now}
		if problem := f.checkRegion(a); problem != nil {
			return problem
		}
		id = a.ID
		f.accounts.add(id, a)
		f.setAccount(a, Ready)
		return nil
	})
	return id, err
}
