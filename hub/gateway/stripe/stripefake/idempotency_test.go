package stripefake_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"

	"github.com/sheaf-hub/sheaf/hub/gateway/stripe/stripefake"
)

// keyed makes a transfer under a key.
func (w *world) keyed(key, account string, amount int64) (*stripe.Transfer, error) {
	params := transferParams(account, amount, "usd", "")
	params.IdempotencyKey = stripe.String(key)
	return w.api.Transfers.New(params)
}

func TestSameKeySameAnswer(t *testing.T) {
	w := newWorld(t)
	oak := w.account("US")
	w.TopUp("usd", 100000)
	first, err := w.keyed("k-1", oak, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if first.LastResponse.Header.Get("Idempotent-Replayed") != "" {
		t.Error("the first answer says that it is a repetition")
	}
	again, err := w.keyed("k-1", oak, 1000)
	if err != nil || again.ID != first.ID || again.LastResponse.Header.Get("Idempotent-Replayed") != "true" ||
		string(again.LastResponse.RawJSON) != string(first.LastResponse.RawJSON) {
		t.Errorf("the same key gives %v, %v", again, err)
	}
	_, err = w.keyed("k-1", oak, 1001)
	problem := wantError(t, err, 400, "", "same parameters")
	if problem.Type != stripe.ErrorTypeIdempotency {
		t.Errorf("its type is %q", problem.Type)
	}
	params := sessionParams(5000, "usd")
	params.IdempotencyKey = stripe.String("k-1")
	_, err = w.api.CheckoutSessions.New(params)
	wantError(t, err, 400, "", "same endpoint")
	if n := len(w.Transfers()); n != 1 {
		t.Errorf("%d transfers, want 1", n)
	}
	w.wait(24*time.Hour - time.Second)
	if again, err := w.keyed("k-1", oak, 1000); err != nil || again.ID != first.ID {
		t.Errorf("just before a day: %v", err)
	}
	w.wait(time.Second)
	if again, err := w.keyed("k-1", oak, 1000); err != nil || again.ID == first.ID {
		t.Errorf("after a day the key is forgotten, and the money goes twice: %v, %v", again, err)
	}
}

func TestKeyKeepsRefusals(t *testing.T) {
	w := newWorld(t)
	oak := w.account("US")
	_, err := w.keyed("k-1", oak, 1000)
	wantError(t, err, 400, "balance_insufficient", "")
	w.TopUp("usd", 100000)
	_, err = w.keyed("k-1", oak, 1000) // the same refusal, though there is money now
	wantError(t, err, 400, "balance_insufficient", "")
	if _, err = w.keyed("k-2", oak, 1000); err != nil {
		t.Error(err)
	}
	_, err = w.keyed("k-3", oak, 0) // wrong parameters were never begun
	wantError(t, err, 400, "parameter_invalid_integer", "")
	if _, err = w.keyed("k-3", oak, 1000); err != nil {
		t.Error(err)
	}
}

// once meets one request with a fault and lets the others through.
func once(fate stripefake.Fate) stripefake.Faults {
	met := false
	return stripefake.Faults{Request: func(stripefake.Request) stripefake.Fate {
		if met {
			return stripefake.Fate{}
		}
		met = true
		return fate
	}}
}

func TestFaultsAndKeys(t *testing.T) {
	for name, c := range map[string]struct {
		fate   stripefake.Fate
		status int // of the first; 0: no answer
		after  int // transfers after the first
		again  int // status of the repetition
	}{
		"lost request": {stripefake.Fate{LoseRequest: true}, 0, 0, 200},
		"lost answer":  {stripefake.Fate{LoseAnswer: true}, 0, 1, 200},
		"500 before":   {stripefake.Fate{ErrorBefore: true}, 500, 0, 200},
		"500 after":    {stripefake.Fate{ErrorAfter: true}, 500, 1, 500},
		"429":          {stripefake.Fate{TooMany: true}, 429, 0, 200},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			oak := w.account("US")
			w.TopUp("usd", 100000)
			w.SetFaults(once(c.fate))
			_, err := w.keyed("k-1", oak, 1000)
			var problem *stripe.Error
			switch {
			case c.status == 0 && !errors.Is(err, stripefake.ErrLost):
				t.Errorf("a lost answer is %v", err)
			case c.status != 0 && (!errors.As(err, &problem) || problem.HTTPStatusCode != c.status):
				t.Errorf("got %v, want %d", err, c.status)
			}
			if n := len(w.Transfers()); n != c.after {
				t.Errorf("%d transfers, want %d", n, c.after)
			}
			_, err = w.keyed("k-1", oak, 1000)
			if c.again == 200 && err != nil || c.again != 200 && (!errors.As(err, &problem) || problem.HTTPStatusCode != c.again) {
				t.Errorf("the repetition gives %v, want %d", err, c.again)
			}
			if n := len(w.Transfers()); n != 1 {
				t.Errorf("%d transfers in the end, want 1", n)
			}
		})
	}
}

func TestKeyInUse(t *testing.T) {
	waiting, wake := make(chan struct{}), make(chan struct{})
	w := newWorld(t, func(c *stripefake.Config) { c.Sleep = sleeper(waiting, wake) })
	oak := w.account("US")
	w.TopUp("usd", 100000)
	w.SetFaults(once(stripefake.Fate{Slow: time.Second}))
	done := make(chan error, 1)
	go func() {
		_, err := w.keyed("k-1", oak, 1000)
		done <- err
	}()
	<-waiting
	_, err := w.keyed("k-1", oak, 1000)
	wantError(t, err, 409, "idempotency_key_in_use", "in-progress")
	close(wake)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if again, err := w.keyed("k-1", oak, 1000); err != nil || again.LastResponse.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("afterwards: %v", err)
	}
}

func TestKeysArePerAccount(t *testing.T) {
	w := newWorld(t)
	w.TopUp("usd", 1000)
	post := func(account string) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://api.stripe.com/v1/customers", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+w.Key())
		r.Header.Set("Idempotency-Key", "k-1")
		if account != "" {
			r.Header.Set("Stripe-Account", account)
		}
		response, err := w.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.Header.Get("Idempotent-Replayed") != "" {
			return -1
		}
		return response.StatusCode
	}
	if first, other, again := post(""), post(w.account("US")), post(""); first != 200 || other != 400 || again != -1 {
		t.Errorf("platform %d, account %d, platform again %d", first, other, again)
	}
}
