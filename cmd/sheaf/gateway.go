package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sheaf-hub/sheaf/hub/gateway/sandbox"
	"github.com/sheaf-hub/sheaf/hub/gateway/stripe"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/web/hooks"
)

// openGateway gives payments their gateway: Stripe when there is a key, else the
// sandbox, with which no money moves.
func (a *app) openGateway() error {
	if a.config.StripeKey == "" {
		a.sandbox = &sandbox.Gateway{DB: a.db, PublicURL: a.config.PublicURL, Now: a.now}
		a.payment.Gateway, a.payment.Methods = a.sandbox, a.sandbox
		return nil
	}
	gateway, err := stripe.New(a.config.stripe(a.now))
	if err != nil {
		return err
	}
	a.stripe = gateway
	a.payment.Gateway, a.payment.Accounts, a.payment.Methods = gateway, gateway, gateway
	a.payment.Disputes, a.payment.Messages, a.payment.Payouts = gateway, gateway, gateway
	return nil
}

// hooks takes the gateway's messages; the sandbox sends none.
func (a *app) hooks() *hooks.Handlers {
	if a.stripe == nil {
		return &hooks.Handlers{}
	}
	return &hooks.Handlers{Parse: a.stripe.Parse, Notify: a.payment.Notify, Counted: a.metrics.hook, Log: a.log}
}

func (c *config) stripe(now func() time.Time) stripe.Config {
	return stripe.Config{Key: c.StripeKey, WebhookSecrets: listOf(c.StripeWebhookSecret), APIBase: c.StripeAPIBase, Currencies: c.currencies, Now: now}
}

func (c *config) checkGateway() error {
	if c.StripeKey == "" {
		if c.StripeWebhookSecret != "" {
			return errors.New("STRIPE_WEBHOOK_SECRET is set without STRIPE_SECRET_KEY: payments would go to the sandbox, and no money would move. Set both, or neither")
		}
		return nil
	}
	if len(listOf(c.StripeWebhookSecret)) == 0 {
		return errors.New("STRIPE_SECRET_KEY is set without STRIPE_WEBHOOK_SECRET: an empty secret would take forged messages for Stripe's. Set both")
	}
	for _, code := range listOf(c.StripeCurrencies) {
		currency, err := money.ParseCurrency(code)
		if err != nil {
			return fmt.Errorf("STRIPE_CURRENCIES: %w", err)
		}
		c.currencies = append(c.currencies, currency)
	}
	if _, err := stripe.New(c.stripe(systemClock)); err != nil {
		return fmt.Errorf("STRIPE_SECRET_KEY, STRIPE_WEBHOOK_SECRET, STRIPE_API_BASE: %w", err)
	}
	return nil
}

func hookCounter() *prometheus.CounterVec {
	counter := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sheaf_gateway_hooks_total", Help: "Messages that claim to come from the payment gateway, by what became of them."}, []string{"result"})
	for _, result := range hooks.Results() {
		counter.WithLabelValues(result) // so that the first of a kind is a rise, and an alert sees it
	}
	return counter
}

func (m *metrics) hook(result string) { m.hooks.WithLabelValues(result).Inc() }

// diagnoseGateway asks Stripe who the key belongs to, and what it may do.
func diagnoseGateway(ctx context.Context, config *config) []finding {
	if config.StripeKey == "" {
		return []finding{{"warn", "payments", "the sandbox gateway is used: no money moves"}}
	}
	gateway, err := stripe.New(config.stripe(systemClock))
	if err != nil {
		return []finding{{"FAIL", "payments", err.Error()}}
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	platform, err := gateway.Check(ctx)
	if err != nil {
		return []finding{{"FAIL", "payments", err.Error()}}
	}
	mode := "test: no money moves"
	if gateway.Live() {
		mode = "live: real money moves"
	}
	findings := []finding{{"ok", "payments", fmt.Sprintf("Stripe answers for %s in %s; %s", platform.Ref, platform.Country, mode)},
		{"ok", "webhooks", fmt.Sprintf("%d signing secrets; endpoints lead to %s/webhooks/stripe, with API version %s", len(listOf(config.StripeWebhookSecret)), config.PublicURL, stripe.APIVersion)}}
	return append(findings, platformFindings(config, platform)...)
}

func platformFindings(config *config, platform stripe.Platform) []finding {
	var findings []finding
	if len(listOf(config.StripeWebhookSecret)) == 1 {
		findings = append(findings, finding{"warn", "webhooks", "one signing secret: two endpoints are needed, one of them for connected accounts; set both secrets in STRIPE_WEBHOOK_SECRET, separated by a comma"})
	}
	if !platform.CanCharge {
		findings = append(findings, finding{"warn", "payments", "Stripe does not let this account take payments yet: finish its activation at Stripe"})
	}
	if config.public.Scheme != "https" && strings.Contains(config.StripeKey, "_live_") {
		findings = append(findings, finding{"warn", "payments", "live payments with a public URL that is not https"})
	}
	if len(config.currencies) == 0 {
		return append(findings, finding{"warn", "currencies", "STRIPE_CURRENCIES is empty: what is paid in a currency that the account does not keep is exchanged by Stripe, and cannot be sent on to vendors" + keeps(platform)})
	}
	if platform.Currency != "" && !slices.Contains(config.currencies, platform.Currency) {
		findings = append(findings, finding{"warn", "currencies", fmt.Sprintf("STRIPE_CURRENCIES lacks %s, the account's own currency", platform.Currency)})
	}
	return findings
}

func keeps(platform stripe.Platform) string {
	list := platform.Currencies
	if platform.Currency != "" && !slices.Contains(list, platform.Currency) {
		list = append([]money.Currency{platform.Currency}, list...)
	}
	if len(list) == 0 {
		return ""
	}
	text := make([]string, len(list))
	for i, currency := range list {
		text[i] = string(currency)
	}
	return ". It keeps " + strings.Join(text, ", ")
}
