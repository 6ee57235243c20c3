package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/payment"
)

// The outcomes that the buttons of the checkout page stand for.
const (
	Succeed = "succeed"
	Decline = "decline"
	Process = "process"
)

// Page is what the checkout page shows.
type Page struct {
	Ref       string
	Amount    money.Amount
	Lines     []payment.CheckoutLine
	Method    payment.MethodClass // MethodBankDebit: only Process and Decline are taken
	Phase     payment.Phase
	Reason    string // of a failed one
	ReturnURL string
	CancelURL string
	ChangesAt time.Time // when an open page closes, or a slow payment ends; zero: never
	ComesBack bool      // its amount ends in 13: as a slow payment it fails later
}

// Page reads a checkout for its page; fault.NotFound when there is none.
func (g *Gateway) Page(ctx context.Context, ref string) (Page, error) {
	row, err := g.change(ctx, ref, func(*checkoutRow) error { return nil })
	if err != nil {
		return Page{}, forPage(err)
	}
	state := row.phase()
	page := Page{Ref: row.Ref, Amount: money.New(row.Amount, row.Currency), Method: row.Method, Phase: state.Phase, Reason: state.Reason,
		ReturnURL: row.ReturnURL, CancelURL: row.CancelURL, ComesBack: row.comesBack()}
	if row.State == stateOpen || row.State == stateProcessing {
		page.ChangesAt = row.SettlesAt
	}
	if err := json.Unmarshal([]byte(row.Lines), &page.Lines); err != nil {
		return Page{}, fmt.Errorf("decode lines of %s: %w", ref, err)
	}
	return page, nil
}

func forPage(err error) error {
	if errors.Is(err, payment.ErrNotFound) {
		return fault.New(fault.NotFound, "There is no such payment page.")
	}
	return err
}

// Decide is a button of the checkout page. It returns the id of the event that
// a real gateway would now send to the hub's webhook; a second click on the same
// button gives the same id. Faults: NotFound; Invalid for another outcome;
// Conflict when the page has ended differently.
func (g *Gateway) Decide(ctx context.Context, ref, outcome string) (string, error) {
	var want string
	switch outcome {
	case Succeed:
		want = stateSucceeded
	case Decline:
		want = stateDeclined
	case Process:
		want = stateProcessing
	default:
		return "", fault.At("outcome", "Press one of the buttons: succeed, decline or process.")
	}
	row, err := g.change(ctx, ref, func(row *checkoutRow) error {
		if row.State != stateOpen {
			return nil
		}
		if want == stateSucceeded && row.Method == methodDebit {
			return fault.At("outcome", "This page takes bank debits alone: press process or decline.")
		}
		row.State, row.SettlesAt = want, time.Time{}
		if want == stateProcessing {
			row.SettlesAt = g.Now().UTC().Add(g.delay())
		}
		return nil
	})
	if err != nil {
		return "", forPage(err)
	}
	if row.State != want {
		return "", fault.New(fault.Conflict, "This payment page has ended (%s). Go back to see how the payment stands.", row.State)
	}
	return eventID(ref, row.State), nil
}

func (g *Gateway) delay() time.Duration {
	if g.Delay > 0 {
		return g.Delay
	}
	return DefaultDelay
}
