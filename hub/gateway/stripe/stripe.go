// Package stripe is the gateway that moves real money: it speaks to Stripe and
// implements what hub/payment asks of a gateway.
//
// The flow is "separate charges and transfers": one Checkout Session takes the
// money of one payment on the platform's account, and one Transfer per vendor
// sends its share on. Every call that changes something carries a key of the
// hub's; nothing is tried again here, because rows decide on that. Nothing that
// reaches a connected account names another, or has an id in common with it.
package stripe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	stripego "github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/payment"
)

// Name is what payments of this gateway say of themselves.
const Name = "stripe"

// APIVersion is the version that the hub speaks and that its webhook endpoints
// must be made with.
const APIVersion = stripego.APIVersion

// Times of one call. The whole must end before the lease of the row that asked
// for it (payment.TransferLease), so that two attempts never overlap.
const (
	callTimeout = 40 * time.Second
	dialTimeout = 10 * time.Second
)

// What the hub writes into the metadata of Stripe's objects, to find them again.
const (
	metaPayment  = "payment_id"
	metaTransfer = "transfer_id"
	metaRefund   = "refund_id"
	metaReversal = "reversal_id"
	metaSetup    = "setup_id"
	metaVendor   = "vendor_id"
	metaCustomer = "customer_id"
)

// Config is how to reach Stripe.
type Config struct {
	Key string // sk_… or rk_…; whether it moves real money is read from it
	// WebhookSecrets verify what Stripe sends: one per endpoint, and both of one
	// whose secret is being rolled.
	WebhookSecrets []string
	APIBase        string       // another address than Stripe's, for a mock; empty: Stripe's
	HTTPClient     *http.Client // its Transport is used; nil: one of our own
	Now            func() time.Time
	// Countries are those whose vendors can be paid; empty: those of the
	// platform's own region, as Stripe says where it is.
	Countries []string
	// Currencies are those that the platform's account keeps its money in; empty:
	// all that Stripe takes. What is paid in another one is exchanged by Stripe,
	// and cannot be sent on as what it was.
	Currencies []money.Currency
}

// Gateway is Stripe. It implements all that hub/payment knows of a gateway, and
// is safe for concurrent use.
type Gateway struct {
	config Config
	live   bool
	api    *client.API
	base   stripego.Backend
}

var (
	_ payment.Gateway  = (*Gateway)(nil)
	_ payment.Accounts = (*Gateway)(nil)
	_ payment.Methods  = (*Gateway)(nil)
	_ payment.Disputes = (*Gateway)(nil)
	_ payment.Payouts  = (*Gateway)(nil)
)

// New checks the configuration and makes the gateway; it does not call Stripe.
// Its errors are words for who set it up, and never hold a secret.
func New(config Config) (*Gateway, error) {
	live, err := modeOf(config.Key)
	if err != nil {
		return nil, err
	}
	if len(config.WebhookSecrets) == 0 {
		return nil, errors.New("no webhook secret: an empty one would take forged messages for Stripe's")
	}
	for _, secret := range config.WebhookSecrets {
		if strings.TrimSpace(secret) == "" || strings.TrimSpace(secret) != secret {
			return nil, errors.New("a webhook secret is empty or has spaces around it")
		}
	}
	if config.Now == nil {
		return nil, errors.New("no clock")
	}
	if config.APIBase, err = checkBase(config.APIBase, live); err != nil {
		return nil, err
	}
	g := &Gateway{config: config, live: live, api: &client.API{}}
	backends := g.backends()
	g.base = backends.API
	g.api.Init(config.Key, backends)
	return g, nil
}

// modeOf says whether a key moves real money.
func modeOf(key string) (live bool, err error) {
	rest, secret := strings.CutPrefix(key, "sk_")
	if !secret {
		var restricted bool
		if rest, restricted = strings.CutPrefix(key, "rk_"); !restricted {
			return false, errors.New("this is no secret key of Stripe's: it begins with sk_ or rk_ (a publishable key, pk_, cannot be used)")
		}
	}
	switch {
	case strings.HasPrefix(rest, "live_") && len(rest) > len("live_"):
		return true, nil
	case strings.HasPrefix(rest, "test_") && len(rest) > len("test_"):
		return false, nil
	}
	return false, errors.New("this key of Stripe's says neither live nor test: it begins like sk_live_ or sk_test_")
}

// checkBase takes an address without a path. A live key never travels in the clear.
func checkBase(base string, live bool) (string, error) {
	if base == "" {
		return "", nil
	}
	base = strings.TrimRight(base, "/")
	parsed, err := url.Parse(base)
	if err != nil || (parsed.Scheme != "http" && parsed.Scheme != "https") || parsed.Host == "" || parsed.Path != "" || parsed.RawQuery != "" || parsed.User != nil {
		return "", errors.New("the address of the API must be like http://127.0.0.1:12111, without a path")
	}
	if live && parsed.Scheme != "https" {
		return "", errors.New("a live key is not sent over plain http: use a test key with a mock")
	}
	return base, nil
}

// backends are this gateway's own: no global of the library is read or set.
func (g *Gateway) backends() *stripego.Backends {
	var transport http.RoundTripper = &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout: dialTimeout, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 16, IdleConnTimeout: 60 * time.Second,
	}
	timeout := callTimeout
	if given := g.config.HTTPClient; given != nil {
		if given.Transport != nil {
			transport = given.Transport
		}
		if given.Timeout > 0 {
			timeout = given.Timeout
		}
	}
	httpClient := &http.Client{Transport: watched{transport}, Timeout: timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	backend := func(kind stripego.SupportedBackend, fallback string) stripego.Backend {
		address := g.config.APIBase
		if address == "" {
			address = fallback
		}
		return stripego.GetBackendWithConfig(kind, &stripego.BackendConfig{HTTPClient: httpClient, URL: &address, EnableTelemetry: new(bool),
			MaxNetworkRetries: new(int64), LeveledLogger: &stripego.LeveledLogger{Level: stripego.LevelNull}})
	}
	return &stripego.Backends{API: backend(stripego.APIBackend, stripego.APIURL), Connect: backend(stripego.ConnectBackend, stripego.ConnectURL),
		Uploads: backend(stripego.UploadsBackend, stripego.UploadsURL)}
}

// Name says "stripe".
func (g *Gateway) Name() string { return Name }

// Live says whether the key moves real money.
func (g *Gateway) Live() bool { return g.live }

// Platform is the account that the key belongs to.
type Platform struct {
	Ref        string
	Country    string // ISO 3166-1 alpha-2
	Currency   money.Currency
	CanCharge  bool
	CanPayOut  bool
	Currencies []money.Currency // of its own bank accounts, as far as Stripe tells; may be empty
}

// Check asks Stripe who the key belongs to.
func (g *Gateway) Check(ctx context.Context) (Platform, error) {
	account := &stripego.Account{}
	params := &stripego.AccountParams{Params: stripego.Params{Context: ctx}}
	if err := g.base.Call(http.MethodGet, "/v1/account", g.config.Key, params, account); err != nil {
		return Platform{}, reading("ask for the platform's account", err)
	}
	platform := Platform{Ref: account.ID, Country: account.Country, Currency: upper(account.DefaultCurrency), CanCharge: account.ChargesEnabled, CanPayOut: account.PayoutsEnabled}
	if account.ExternalAccounts != nil {
		for _, external := range account.ExternalAccounts.Data {
			if external.BankAccount == nil {
				continue
			}
			if currency := upper(external.BankAccount.Currency); !slices.Contains(platform.Currencies, currency) {
				platform.Currencies = append(platform.Currencies, currency)
			}
		}
	}
	return platform, nil
}

// with is the common part of a call that changes something. A call without a
// key would get one of the library's making, and could then happen twice.
func with(ctx context.Context, key string) (stripego.Params, error) {
	if key == "" {
		return stripego.Params{}, fmt.Errorf("%w: a call that changes something needs a key", payment.ErrRefused)
	}
	return stripego.Params{Context: ctx, IdempotencyKey: &key}, nil
}

func upper(code stripego.Currency) money.Currency {
	return money.Currency(strings.ToUpper(string(code)))
}

func lower(code money.Currency) *string {
	text := strings.ToLower(string(code))
	return &text
}

// optional leaves an empty text out of a request.
func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// expand lists what an answer is to hold whole.
func expand(paths ...string) []*string { return stripego.StringSlice(paths) }

// clip shortens a text to so many characters.
func clip(text string, most int) string {
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	return string(runes[:most-1]) + "…"
}
