package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/sheaf-hub/sheaf/hub/gateway/stripe/stripefake"
)

func reconciled(t *testing.T, s *settings) (string, error) {
	t.Helper()
	var out bytes.Buffer
	command := reconcileCommand(s)
	command.SetOut(&out)
	command.SetErr(&bytes.Buffer{})
	command.SetArgs(nil)
	err := command.ExecuteContext(t.Context())
	return out.String(), err
}

func TestReconcileFindsWhatWasNeverTold(t *testing.T) {
	fake, base := fakeStripe(t)
	s := stripeSettings(t, base)
	before, err := reconciled(t, s)
	if err != nil || strings.Count(before, "ok") != 4 || strings.Contains(before, "FAILED") {
		t.Fatalf("an empty hub: %v\n%s", err, before)
	}
	fake.TopUp("usd", 100)
	if _, err := fake.PayOut("usd", 100); err != nil { // an event that no endpoint heard of
		t.Fatal(err)
	}
	told := len(fake.Events())
	if told == 0 {
		t.Fatal("nothing happened")
	}
	found, err := reconciled(t, s)
	if err != nil || !strings.Contains(found, fmt.Sprintf("ok  %d  messages of the gateway that never arrived", told)) {
		t.Errorf("%d events: %v\n%s", told, err, found)
	}
	if again, err := reconciled(t, s); err != nil || !strings.Contains(again, "ok  0  messages of the gateway that never arrived") {
		t.Errorf("again: %v\n%s", err, again)
	}
}

func TestReconcileSaysWhatFailed(t *testing.T) {
	fake, base := fakeStripe(t)
	fake.SetFaults(stripefake.Faults{Request: func(stripefake.Request) stripefake.Fate { return stripefake.Fate{ErrorBefore: true} }})
	out, err := reconciled(t, stripeSettings(t, base))
	if err == nil || !strings.Contains(err.Error(), "messages of the gateway that never arrived: ") {
		t.Errorf("%v", err)
	}
	if !strings.Contains(out, "FAILED") || strings.Count(out, "ok") != 3 { // the others were done all the same
		t.Errorf("%s", out)
	}
}

func TestReconcileWithTheSandbox(t *testing.T) {
	s := stripeSettings(t, "")
	s.StripeKey, s.StripeWebhookSecret, s.StripeCurrencies = "", "", ""
	if out, err := reconciled(t, s); err != nil || strings.Count(out, "ok  0") != 4 {
		t.Errorf("%v\n%s", err, out)
	}
}
