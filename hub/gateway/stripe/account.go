package stripe

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/sheaf-hub/sheaf/hub/payment"
)

// OpenAccount makes an Express account for a vendor, or gives again the one that
// the key made.
func (g *Gateway) OpenAccount(ctx context.Context, request payment.AccountRequest) (payment.AccountState, error) {
	common, err := with(ctx, request.Key)
	if err != nil {
		return payment.AccountState{}, err
	}
	// Stripe asks for both capabilities: transfers alone need its approval of the
	// platform first. No card is ever charged on a vendor's account.
	capabilities := &stripego.AccountCapabilitiesParams{Transfers: &stripego.AccountCapabilitiesTransfersParams{Requested: stripego.Bool(true)},
		CardPayments: &stripego.AccountCapabilitiesCardPaymentsParams{Requested: stripego.Bool(true)}}
	params := &stripego.AccountParams{Params: common, Type: stripego.String(string(stripego.AccountTypeExpress)), Country: optional(request.Country),
		Email: optional(request.Email), Capabilities: capabilities, Metadata: map[string]string{metaVendor: request.VendorID}}
	if request.Name != "" {
		params.BusinessProfile = &stripego.AccountBusinessProfileParams{Name: stripego.String(clip(request.Name, 100))}
	}
	account, err := g.api.Accounts.New(params)
	if err != nil {
		return payment.AccountState{}, changing("open the vendor's account", err)
	}
	return accountState(account), nil
}

// FindAccount looks a vendor's account up among those of the platform.
func (g *Gateway) FindAccount(ctx context.Context, request payment.AccountRequest) (payment.AccountState, error) {
	list := g.api.Accounts.List(&stripego.AccountListParams{ListParams: allPages(ctx)})
	for n := 0; request.VendorID != "" && list.Next(); n++ {
		if n == pageSize*mostPages {
			return payment.AccountState{}, tooMany("accounts")
		}
		if account := list.Account(); account.Metadata[metaVendor] == request.VendorID {
			return accountState(account), nil
		}
	}
	if err := list.Err(); err != nil {
		return payment.AccountState{}, reading("look for the vendor's account", err)
	}
	return payment.AccountState{}, payment.ErrNotFound
}

// AccountLink is a page of Stripe on which the vendor's staff says who it is. A
// link is for one use, so each call makes another.
func (g *Gateway) AccountLink(ctx context.Context, ref, returnURL, refreshURL string) (string, error) {
	if ref == "" {
		return "", payment.ErrNotFound
	}
	key := fmt.Sprintf("link-%s-%d", ref, g.config.Now().UnixNano())
	link, err := g.api.AccountLinks.New(&stripego.AccountLinkParams{Params: stripego.Params{Context: ctx, IdempotencyKey: &key}, Account: &ref,
		ReturnURL: &returnURL, RefreshURL: &refreshURL, Type: stripego.String(string(stripego.AccountLinkTypeAccountOnboarding))})
	if err != nil {
		return "", changing("make the page on which the vendor says who it is", err)
	}
	return link.URL, nil
}

// LookAccount fetches an account as it is now.
func (g *Gateway) LookAccount(ctx context.Context, ref string) (payment.AccountState, error) {
	if !strings.HasPrefix(ref, "acct_") {
		return payment.AccountState{}, payment.ErrNotFound
	}
	account, err := g.api.Accounts.GetByID(ref, &stripego.AccountParams{Params: stripego.Params{Context: ctx}})
	if err != nil {
		return payment.AccountState{}, reading("look at the vendor's account", err)
	}
	return accountState(account), nil
}

func accountState(account *stripego.Account) payment.AccountState {
	state := payment.AccountState{Ref: account.ID, VendorID: account.Metadata[metaVendor], Country: account.Country, Currency: upper(account.DefaultCurrency),
		DetailsSubmitted: account.DetailsSubmitted, CanPayOut: account.PayoutsEnabled}
	if account.Capabilities != nil {
		state.CanReceive = account.Capabilities.Transfers == stripego.AccountCapabilityStatusActive
	}
	if wants := account.Requirements; wants != nil {
		state.Disabled = string(wants.DisabledReason)
		for _, due := range slices.Concat(wants.PastDue, wants.CurrentlyDue) {
			if !slices.Contains(state.Due, due) {
				state.Due = append(state.Due, due)
			}
		}
		if wants.CurrentDeadline > 0 {
			state.DueBy = time.Unix(wants.CurrentDeadline, 0).UTC()
		}
	}
	if account.Deleted {
		state.CanReceive, state.CanPayOut, state.Disabled = false, false, "deleted"
	}
	return state
}

// AccountCountries lists the countries whose vendors can be paid: those that are
// set, else those of the region that the platform's own account is in.
func (g *Gateway) AccountCountries(ctx context.Context) ([]string, error) {
	if len(g.config.Countries) > 0 {
		return slices.Clone(g.config.Countries), nil
	}
	platform, err := g.Check(ctx)
	if err != nil {
		return nil, err
	}
	return region(platform.Country), nil
}

// europe are the countries that may send to one another: the European Economic
// Area with the United Kingdom, Switzerland and Gibraltar, as far as Stripe opens
// accounts there. Everywhere else money stays in the platform's own country
// (docs.stripe.com/connect/account-capabilities, "Cross-border transfers").
func europe() []string {
	return []string{"AT", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GI", "GR", "HR", "HU", "IE", "IT", "LI", "LT", "LU", "LV", "MT",
		"NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK"}
}

func region(country string) []string {
	if all := europe(); slices.Contains(all, country) {
		return all
	}
	if country == "" {
		return nil
	}
	return []string{country}
}
