package main

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/gateway/stripe/stripefake"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/party"
)

// demoUnready is the folder of the vendor that left Stripe's page half way: its
// share waits.
const demoUnready = "kestrel-freight"

const (
	demoPlatformSecret = "whsec_demo_platform"
	demoConnectSecret  = "whsec_demo_connect"
)

// demoStripe is Stripe, played on a loopback port of its own: the API that the
// hub calls, the pages that payers and vendors see, and at / a page that moves
// its clock and makes trouble.
type demoStripe struct {
	clock  *demoClock
	fake   *stripefake.Fake
	base   string
	server *http.Server
	ended  chan error
}

// open starts it, and sets the hub's settings to it.
func (s *demoStripe) open(settings *settings) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("start the played Stripe: %w", err)
	}
	s.base = "http://" + listener.Addr().String()
	s.clock.hold(systemClock().Add(-demoPast)) // it cannot go back later
	s.fake = stripefake.New(stripefake.Config{Now: s.clock.now, Seed: uint64(systemClock().UnixNano()), Key: "sk_test_demo", Country: "DE", PublicBase: s.base})
	hooks := "http://" + settings.Addr + "/webhooks/stripe"
	s.fake.AddEndpoint(stripefake.Endpoint{URL: hooks, Secret: demoPlatformSecret})
	s.fake.AddEndpoint(stripefake.Endpoint{URL: hooks, Secret: demoConnectSecret, Connect: true})
	settings.StripeKey, settings.StripeWebhookSecret, settings.StripeAPIBase = s.fake.Key(), demoPlatformSecret+","+demoConnectSecret, s.base
	pages := http.NewServeMux()
	pages.HandleFunc("GET /{$}", s.show)
	pages.HandleFunc("POST /{$}", s.act)
	pages.Handle("/", s.fake)
	s.server = &http.Server{Handler: pages, ReadHeaderTimeout: 10 * time.Second}
	s.ended = make(chan error, 1)
	go func() { s.ended <- s.server.Serve(listener) }()
	return nil
}

func (s *demoStripe) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err := s.server.Shutdown(ctx)
	if ended := <-s.ended; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

// deliver sends its messages, signed, to the hub until ctx ends.
func (s *demoStripe) deliver(ctx context.Context) {
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.fake.Pass()
			s.fake.Deliver(ctx)
		}
	}
}

// onboard is a vendor's owner on Stripe's page; half leaves it before its end.
func (s *demoStripe) onboard(ctx context.Context, a *app, vendor party.Vendor, half bool) error {
	link, err := a.payment.StartOnboarding(ctx, access.SystemActor("demo"), vendor.ID, "DE")
	if err != nil {
		return err
	}
	outcome := stripefake.Finish
	if half {
		outcome = stripefake.Leave
	}
	if _, err := s.fake.Onboard(link, outcome); err != nil {
		return err
	}
	return a.payment.RefreshAccount(ctx, vendor.ID)
}

const demoStripePage = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex"><title>The played Stripe</title>
<style>body{font:1rem/1.5 system-ui,sans-serif;margin:0 auto;max-width:34rem;padding:1.5rem;color:#111;background:#fff}
dl{display:grid;grid-template-columns:1fr auto;gap:.4rem 1rem;margin:1rem 0}dt,dd{margin:0;padding-bottom:.4rem;border-bottom:1px solid #767676}dd{text-align:right}
button{display:block;width:100%;min-height:2.75rem;margin:.5rem 0;font:inherit;border:1px solid #333;border-radius:.3rem;background:#fff;color:#111;cursor:pointer}
button.first{background:#1a3d8f;border-color:#1a3d8f;color:#fff}button:focus-visible{outline:3px solid #b35900;outline-offset:2px}
[role=status]{border:1px solid #767676;border-radius:.3rem;padding:.6rem}</style></head>
<body><main><h1>The played Stripe</h1>
{{if .Said}}<p role="status">{{.Said}}</p>{{end}}
<p>It stands in for Stripe in this demo. No money moves. Its clock is the hub's too: when a day passes here, it passes there.</p>
<dl>{{range .Facts}}<dt>{{.Label}}</dt><dd>{{.Value}}</dd>{{end}}</dl>
<form method="post" action="/"><button class="first" name="do" value="day">Let a day pass</button>
<button name="do" value="dispute">Let the bank of the last payer take the payment back</button>
<button name="do" value="refund">Let the last refund come back</button>
<button name="do" value="payout">Let a bank send the last payout back</button></form></main></body></html>
`

type demoStripeView struct {
	Said  string
	Facts []struct{ Label, Value string }
}

func (s *demoStripe) show(w http.ResponseWriter, _ *http.Request) { s.render(w, http.StatusOK, "") }

func (s *demoStripe) render(w http.ResponseWriter, status int, said string) {
	view := demoStripeView{Said: said}
	add := func(label, value string) {
		view.Facts = append(view.Facts, struct{ Label, Value string }{label, value})
	}
	add("Its time", s.clock.now().Format("Mon 2 Jan 2006 15:04 UTC"))
	add("Charges", strconv.Itoa(len(s.fake.Charges())))
	add("Transfers to vendors", strconv.Itoa(len(s.fake.Transfers())))
	add("Payouts to banks", strconv.Itoa(len(s.fake.Payouts())))
	add("Refunds", strconv.Itoa(len(s.fake.Refunds())))
	add("Disputes", strconv.Itoa(len(s.fake.Disputes())))
	add("Messages to the hub that wait", strconv.Itoa(s.fake.Waiting()))
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	w.WriteHeader(status)
	_ = template.Must(template.New("page").Parse(demoStripePage)).Execute(w, view) // a reader that has gone is no matter
}

// act does what a button says. No other site may press it.
func (s *demoStripe) act(w http.ResponseWriter, r *http.Request) {
	if origin := r.Header.Get("Origin"); origin != "" && origin != s.base || r.Host != s.base[len("http://"):] {
		s.render(w, http.StatusForbidden, "Only this page's own buttons do something.")
		return
	}
	said, err := s.do(r.PostFormValue("do"))
	if err != nil {
		s.render(w, http.StatusConflict, err.Error())
		return
	}
	s.render(w, http.StatusOK, said)
}

func (s *demoStripe) do(what string) (string, error) {
	switch what {
	case "day":
		s.clock.pass(24 * time.Hour)
		s.fake.Pass()
		return "A day has passed.", nil
	case "dispute":
		charges := s.fake.Charges()
		slices.Reverse(charges)
		for _, charge := range charges {
			if charge.Status == stripefake.Succeeded && !charge.Disputed && charge.Refunded < charge.Amount {
				_, err := s.fake.OpenDispute(charge.ID, 0, "fraudulent")
				return spokenSum(charge.Amount, charge.Currency) + " was taken back. The hub hears of it at once.", err
			}
		}
		return "", errors.New("there is no payment that could be taken back")
	case "refund":
		refunds := s.fake.Refunds()
		for i := len(refunds) - 1; i >= 0; i-- {
			if refunds[i].Status != stripefake.Failed {
				return "The refund came back.", s.fake.FailRefund(refunds[i].ID, "lost_or_stolen_card")
			}
		}
		return "", errors.New("there is no refund yet")
	case "payout":
		payouts := s.fake.Payouts()
		for i := len(payouts) - 1; i >= 0; i-- {
			if payouts[i].Account != "" && payouts[i].Status != stripefake.Failed {
				return spokenSum(payouts[i].Amount, payouts[i].Currency) + " came back.", s.fake.FailPayout(payouts[i].ID, "account_closed")
			}
		}
		return "", errors.New("there is no payout yet: let some days pass")
	}
	return "", errors.New("there is no such button")
}

func spokenSum(minor int64, currency string) string {
	code, err := money.ParseCurrency(currency)
	if err != nil {
		return currency
	}
	return money.New(minor, code).String()
}
