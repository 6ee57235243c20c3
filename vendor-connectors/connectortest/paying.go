package connectortest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// paidOn is the day of the suite's payments.
const paidOn = "2026-11-27"

// payer is an account of the books that pays.
type payer struct {
	name, account string
	currency      money.Currency
	serial        *int
}

// payer makes an account, and reads the id that the books gave it.
func (h Harness) payer(ctx context.Context, name string) (payer, error) {
	if err := h.needsRecorder(); err != nil {
		return payer{}, err
	}
	hub, err := whole(ctx, h)
	if err != nil {
		return payer{}, err
	}
	currency, err := hub.currency()
	if err != nil {
		return payer{}, err
	}
	id := h.Books.Invoice(h.t, name, string(currency), units(100, currency))
	if err := hub.pull(ctx, h, nil); err != nil {
		return payer{}, err
	}
	r, there := hub.invoices[id]
	if !there {
		return payer{}, fmt.Errorf("the new invoice %q did not come", id)
	}
	return payer{name: name, account: r.Account, currency: currency, serial: new(int)}, nil
}

func (p payer) amount(n int64) money.Amount {
	amount, err := money.Parse(units(n, p.currency), p.currency)
	if err != nil { // it was written by money
		panic(err)
	}
	return amount
}

// reference is a new one of ours.
func (p payer) reference() string {
	*p.serial++
	return fmt.Sprintf("SHF-%s-%d", strings.ToUpper(strings.ReplaceAll(p.name, " ", "")), *p.serial)
}

// booking is a payment of the suite, and what must become of its invoices: each had
// 100 open and gets less than half, so that a second booking would find room.
type booking struct {
	connectors.Payment
	left map[string]money.Amount // by invoice
	gets map[string]money.Amount
}

func (p payer) payment(h Harness, invoices int) booking {
	b := booking{Payment: connectors.Payment{Reference: p.reference(), Account: p.account, Date: paidOn, Currency: string(p.currency), Method: "card"},
		left: map[string]money.Amount{}, gets: map[string]money.Amount{}}
	for i := range invoices {
		id := h.Books.Invoice(h.t, p.name, string(p.currency), units(100, p.currency))
		gets := p.amount(30 + int64(i))
		if p.currency.Digits() > 0 {
			gets.Minor++
		}
		b.gets[id], b.left[id] = gets, money.New(p.amount(100).Minor-gets.Minor, p.currency)
		b.Lines = append(b.Lines, connectors.PaymentLine{Invoice: id, Amount: gets.Decimal()})
	}
	return b
}

// equal compares a decimal of the books with an amount.
func equal(text string, want money.Amount) bool {
	got, err := money.Parse(text, want.Currency)
	return err == nil && got == want
}

// left holds what the books have open against what should be.
func (h Harness) left(id string, want money.Amount) error {
	if open := h.Books.Open(h.t, id); !equal(open, want) {
		return fmt.Errorf("the books have %s open of %q, want %s", open, id, want.Decimal())
	}
	return nil
}

// booked is on how many of its invoices the books hold a payment.
func (b booking) booked(h Harness) int {
	invoices := 0
	for id := range b.gets {
		if n, _ := h.Books.Booked(h.t, id, b.Reference); n > 0 {
			invoices++
		}
	}
	return invoices
}

// exactly holds the books against the payment: each invoice once, to the last digit.
func (b booking) exactly(h Harness) error {
	for id, gets := range b.gets {
		if n, sum := h.Books.Booked(h.t, id, b.Reference); n != 1 || !equal(sum, gets) {
			return fmt.Errorf("the books hold payment %s %d times on invoice %q, %s in all; want once, %s", b.Reference, n, id, sum, gets.Decimal())
		}
		if err := h.left(id, b.left[id]); err != nil {
			return err
		}
	}
	return nil
}

func (b booking) untouched(h Harness) error {
	if n := b.booked(h); n > 0 {
		return fmt.Errorf("payment %s was refused, and is booked on %d invoices", b.Reference, n)
	}
	return nil
}

// finish repeats the payment until it is booked, as the hub does, and once more.
func (b booking) finish(ctx context.Context, h Harness) error {
	var recorded connectors.Recorded
	var err error
	for range mostTries {
		if recorded, err = h.record(ctx, b.Payment); err == nil {
			break
		}
		if !triedAgain(err) {
			return fmt.Errorf("the payment is repeated: %w", err)
		}
	}
	if err != nil {
		return fmt.Errorf("the payment is not booked after %d tries: %w", mostTries, err)
	}
	if recorded.ExternalID == "" {
		return errors.New("RecordPayment does not say as what the books know the payment")
	}
	if err := b.exactly(h); err != nil {
		return err
	}
	again, err := h.record(ctx, b.Payment)
	if err != nil {
		return fmt.Errorf("the payment is booked, and one more try says: %w", err)
	}
	if again.ExternalID != recorded.ExternalID {
		return fmt.Errorf("the payment was booked as %q, and one more try says %q", recorded.ExternalID, again.ExternalID)
	}
	return b.exactly(h)
}

func books(ctx context.Context, h Harness) error {
	payer, err := h.payer(ctx, "Paying Ltd")
	if err != nil {
		return err
	}
	hub, err := whole(ctx, h)
	if err != nil {
		return err
	}
	for _, invoices := range []int{1, 3} {
		payment := payer.payment(h, invoices)
		if _, err := h.record(ctx, payment.Payment); err != nil {
			return err
		}
		if err := payment.finish(ctx, h); err != nil {
			return err
		}
		if err := hub.pull(ctx, h, nil); err != nil {
			return err
		}
		for id, left := range payment.left {
			r := hub.invoices[id]
			if r.Open != left || r.Status != connectors.StatusOpen {
				return fmt.Errorf("after a payment in part the pull brings %s, want %s open", content(r), left)
			}
		}
		for id, r := range hub.invoices {
			if _, paid := payment.gets[id]; !paid && slices.Contains(r.Applied, payment.Reference) {
				return fmt.Errorf("the pull says that %q was applied to invoice %q, which it does not pay", payment.Reference, id)
			}
		}
	}
	return hub.agrees(ctx, h)
}

// carriedOut are the troubles in which a write is done, and nobody hears of it.
func carriedOut(trouble Trouble) bool {
	return trouble == LostAnswer || trouble == Silent || trouble == BrokenLate || trouble == Nonsense || trouble == Cut
}

func bookedOnce(ctx context.Context, h Harness) error {
	return once(ctx, h, 1, LostAnswer, BrokenLate, Silent, LostRequest, Nonsense, Cut, Broken)
}

func severalBookedOnce(ctx context.Context, h Harness) error {
	return once(ctx, h, 3, h.some(1, LostAnswer, BrokenLate, Silent, LostRequest, Nonsense, Cut, Broken)...)
}

// once lets each trouble come to each call of a payment. Slow books meet the first
// trouble at each call of a payment of one invoice, and the rest at some.
func once(ctx context.Context, h Harness, invoices int, troubles ...Trouble) error {
	payer, err := h.payer(ctx, "Unlucky Ltd")
	if err != nil {
		return err
	}
	if h.patience, err = h.paceOf(ctx, payer.payment(h, invoices)); err != nil {
		return err
	}
	for i, trouble := range troubles {
		step := h.step()
		if i == 0 && invoices == 1 {
			step = 1
		}
		written := step > 1 // the write itself has met this trouble, or cannot be told from what comes after
		for at := 0; at < mostCalls; at += step {
			payment := payer.payment(h, invoices)
			reached, err := h.struck(ctx, payment.Payment, at, trouble)
			if errors.Is(err, leftNoTrouble) {
				h.t.Logf("not tried: these Books cannot play %q", trouble)
				break
			}
			n := payment.booked(h)
			switch {
			case err != nil && !triedAgain(err):
				return fmt.Errorf("%q at call %d of a payment: want ErrUnknown or ErrUnreachable, got %w", trouble, at, err)
			case err != nil && n > 0 && !written && carriedOut(trouble) && !errors.Is(err, connectors.ErrUnknown):
				return fmt.Errorf("%q at call %d of a payment: it is booked, and the error is not ErrUnknown: %w", trouble, at, err)
			case err == nil && n < invoices:
				return fmt.Errorf("%q at call %d of a payment: it is booked on %d of %d invoices, and there is no error", trouble, at, n, invoices)
			}
			written = written || n > 0
			if err := payment.finish(ctx, h); err != nil {
				return fmt.Errorf("after %q at call %d of a payment: %w", trouble, at, err)
			}
			if !reached {
				break
			}
		}
	}
	return nil
}

// paceOf is how long to wait in vain for a call that is a part of such a payment.
func (h Harness) paceOf(ctx context.Context, payment booking) (time.Duration, error) {
	began := time.Now()
	_, err := h.record(ctx, payment.Payment)
	return min(3*time.Since(began), patience) + shortest, err
}

// struck tries a payment, of which the call at a place meets a trouble. It says
// whether there was such a call.
func (h Harness) struck(ctx context.Context, payment connectors.Payment, at int, trouble Trouble) (bool, error) {
	before := h.Books.Calls()
	if !h.misbehave(at, trouble) {
		return false, leftNoTrouble
	}
	try, cancel := context.WithCancel(ctx)
	if trouble == Silent {
		cancel()
		try, cancel = context.WithTimeout(ctx, max(h.patience, shortest))
	}
	_, err := h.record(try, payment)
	cancel()
	reached := h.Books.Calls()-before > at
	h.settle(ctx, before, at+1)
	return reached, err
}

func bookedOnceAfterTwoTroubles(ctx context.Context, h Harness) error {
	payer, err := h.payer(ctx, "Unluckier Ltd")
	if err != nil {
		return err
	}
	calls, err := h.callsOf(func() error { _, err := h.record(ctx, payer.payment(h, 2).Payment); return err })
	if err != nil {
		return err
	}
	for _, pair := range [][2]Trouble{{LostAnswer, LostAnswer}, {BrokenLate, LostRequest}, {LostRequest, LostAnswer}} {
		for _, first := range spread(calls, h.few(6)) {
			for _, second := range spread(calls, h.few(6)) {
				payment := payer.payment(h, 2)
				for i, at := range []int{first, second} {
					if _, err := h.struck(ctx, payment.Payment, at, pair[i]); errors.Is(err, leftNoTrouble) {
						return leftNoTrouble
					} else if err != nil && !triedAgain(err) {
						return fmt.Errorf("%q at call %d of a payment: %w", pair[i], at, err)
					}
				}
				if err := payment.finish(ctx, h); err != nil {
					return fmt.Errorf("after %q at call %d of a payment and %q at call %d of the next try: %w", pair[0], first, pair[1], second, err)
				}
			}
		}
	}
	return nil
}

// atTheSameTime books several payments at once, two of them on the same invoice.
func atTheSameTime(ctx context.Context, h Harness) error {
	payer, err := h.payer(ctx, "Busy Ltd")
	if err != nil {
		return err
	}
	payments := []booking{payer.payment(h, 1), payer.payment(h, 2), payer.payment(h, 1), payer.payment(h, 1)}
	shared := payments[0].Lines[0].Invoice
	payments[3].Lines, payments[3].gets = payments[0].Lines, payments[0].gets
	gets := payments[0].gets[shared]
	left := map[string]money.Amount{shared: money.New(payer.amount(100).Minor-2*gets.Minor, payer.currency)}
	payments[0].left, payments[3].left = left, left
	var all sync.WaitGroup
	failed := make([]error, len(payments))
	for i, payment := range payments {
		all.Go(func() { _, failed[i] = h.record(ctx, payment.Payment) })
	}
	all.Wait()
	for i, payment := range payments {
		if failed[i] != nil && !triedAgain(failed[i]) {
			return fmt.Errorf("of %d payments at the same time one says: %w", len(payments), failed[i])
		}
		if _, err := h.record(ctx, payment.Payment); err != nil {
			return fmt.Errorf("of %d payments at the same time one says, when it is repeated: %w", len(payments), err)
		}
	}
	for _, payment := range payments {
		if err := payment.finish(ctx, h); err != nil {
			return err
		}
	}
	return nil
}

// creditsMoveOnce sets a credit against an invoice, alone and beside money.
func creditsMoveOnce(ctx context.Context, h Harness) error {
	payer, err := h.payer(ctx, "Credited Ltd")
	if err != nil {
		return err
	}
	if _, err := payer.creditMoves(ctx, h, false, 0, Fine); errors.Is(err, connectors.ErrRefused) {
		return leftOut("this kind refuses to set a credit against an invoice: " + err.Error())
	} else if err != nil {
		return err
	}
	for _, trouble := range h.some(1, LostAnswer, LostRequest, BrokenLate, Cut) {
		for _, beside := range []bool{false, true} {
			for at := range mostCalls {
				reached, err := payer.creditMoves(ctx, h, beside, at, trouble)
				if err != nil {
					return fmt.Errorf("%q at call %d (beside money: %t): %w", trouble, at, beside, err)
				}
				if !reached {
					break
				}
			}
		}
	}
	return nil
}

// creditMoves sets 35 of a credit of 80 against an invoice of 100, so that there is
// room for it twice. It says whether the trouble met a call.
func (p payer) creditMoves(ctx context.Context, h Harness, beside bool, at int, trouble Trouble) (bool, error) {
	invoice := h.Books.Invoice(h.t, p.name, string(p.currency), units(100, p.currency))
	credit := h.Books.Credit(h.t, p.name, string(p.currency), units(80, p.currency))
	payment := connectors.Payment{Reference: p.reference(), Account: p.account, Date: paidOn, Currency: string(p.currency), Method: "credit",
		Lines: []connectors.PaymentLine{{Invoice: invoice, Credit: credit, Amount: units(35, p.currency)}}}
	left := int64(65)
	if beside {
		payment.Method = "card"
		payment.Lines = append(payment.Lines, connectors.PaymentLine{Invoice: invoice, Amount: units(10, p.currency)})
		left -= 10
	}
	reached, err := h.struck(ctx, payment, at, trouble)
	if errors.Is(err, leftNoTrouble) {
		return false, nil
	}
	for range mostTries {
		if err == nil {
			break
		}
		if !triedAgain(err) {
			return reached, err
		}
		_, err = h.record(ctx, payment)
	}
	if err == nil {
		_, err = h.record(ctx, payment) // once more
	}
	if err != nil {
		return reached, fmt.Errorf("the payment is repeated: %w", err)
	}
	if err := h.left(invoice, p.amount(left)); err != nil {
		return reached, fmt.Errorf("the invoice: %w", err)
	}
	if err := h.left(credit, p.amount(45)); err != nil {
		return reached, fmt.Errorf("the credit: %w", err)
	}
	return reached, nil
}

// twice books one line, two times, and answers what the first said.
func (p payer) twice(ctx context.Context, h Harness, line connectors.PaymentLine) error {
	payment := connectors.Payment{Reference: p.reference(), Account: p.account, Date: paidOn, Currency: string(p.currency), Method: "card", Lines: []connectors.PaymentLine{line}}
	_, first := h.record(ctx, payment)
	if _, again := h.record(ctx, payment); (first == nil) != (again == nil) {
		return fmt.Errorf("at first it says %w, and then %w", orNil(first), orNil(again))
	}
	return first
}

func discounts(ctx context.Context, h Harness) error {
	payer, err := h.payer(ctx, "Prompt Ltd")
	if err != nil {
		return err
	}
	for _, pays := range []int64{98, 40} { // the whole invoice, and a part of it
		invoice := h.Books.Invoice(h.t, payer.name, string(payer.currency), units(100, payer.currency))
		err := payer.twice(ctx, h, connectors.PaymentLine{Invoice: invoice, Amount: units(pays, payer.currency), Discount: units(2, payer.currency)})
		switch {
		case err == nil:
			if err := h.left(invoice, payer.amount(100-pays-2)); err != nil {
				return fmt.Errorf("%d was paid with a discount of 2 of 100: %w", pays, err)
			}
		case !inWords(err):
			return fmt.Errorf("a discount: want it to be booked, or ErrRefused with words, got %w", err)
		case h.left(invoice, payer.amount(100)) != nil && h.left(invoice, payer.amount(100-pays)) != nil:
			return fmt.Errorf("a discount of 2 beside %d of 100 is refused, and %s is open", pays, h.Books.Open(h.t, invoice))
		}
	}
	return nil
}

func lateFees(ctx context.Context, h Harness) error {
	payer, err := h.payer(ctx, "Late Ltd")
	if err != nil {
		return err
	}
	for _, pays := range []int64{105, 45} {
		invoice := h.Books.Invoice(h.t, payer.name, string(payer.currency), units(100, payer.currency))
		err := payer.twice(ctx, h, connectors.PaymentLine{Invoice: invoice, Amount: units(pays, payer.currency), LateFee: units(5, payer.currency)})
		rest := h.left(invoice, payer.amount(105-pays))
		switch {
		case err == nil && rest != nil:
			return fmt.Errorf("of %d paid, 5 are a late fee, which does not pay the invoice of 100: %w", pays, rest)
		case err != nil && !inWords(err):
			return fmt.Errorf("a late fee: want it to be kept apart, or ErrRefused with words, got %w", err)
		case err != nil && rest != nil && h.left(invoice, payer.amount(100)) != nil:
			return fmt.Errorf("a late fee of 5 in %d is refused, and %s of 100 is open", pays, h.Books.Open(h.t, invoice))
		}
	}
	return nil
}

// inWords says whether an error is a refusal that tells a person what is wrong.
func inWords(err error) bool {
	return (errors.Is(err, connectors.ErrRefused) || errors.Is(err, connectors.ErrGone)) && len(err.Error()) > len(connectors.ErrRefused.Error())+5
}

// refusals tries what no books should take.
func refusals(ctx context.Context, h Harness) error {
	payer, err := h.payer(ctx, "Refused Ltd")
	if err != nil {
		return err
	}
	invoice := h.Books.Invoice(h.t, payer.name, string(payer.currency), units(100, payer.currency))
	other := "USD"
	if payer.currency == "USD" {
		other = "EUR"
	}
	line := func(amount string) connectors.PaymentLine {
		return connectors.PaymentLine{Invoice: invoice, Amount: amount}
	}
	for _, one := range []struct {
		what, currency string
		line           connectors.PaymentLine
	}{
		{"an amount below zero", string(payer.currency), line("-5")},
		{"an amount that is none", string(payer.currency), line("5,00 or so")},
		{"more digits than the currency has", string(payer.currency), line("5.00001")},
		{"a currency that is not the invoice's", other, line("5")},
		{"an invoice that is not there", string(payer.currency), connectors.PaymentLine{Invoice: "no-such-invoice", Amount: "5"}},
	} {
		payment := connectors.Payment{Reference: payer.reference(), Account: payer.account, Date: paidOn, Currency: one.currency, Method: "card", Lines: []connectors.PaymentLine{one.line}}
		if _, err := h.record(ctx, payment); !inWords(err) {
			return fmt.Errorf("%s: want ErrRefused with words, got %w", one.what, orNil(err))
		}
		if err := h.left(invoice, payer.amount(100)); err != nil {
			return fmt.Errorf("%s was refused: %w", one.what, err)
		}
	}
	err = payer.twice(ctx, h, line(units(130, payer.currency)))
	switch {
	case err == nil: // taken, and what is over stays on the account
		if err := h.left(invoice, payer.amount(0)); err != nil {
			return fmt.Errorf("130 was paid on 100: %w", err)
		}
	case !inWords(err):
		return fmt.Errorf("130 is paid on 100: want ErrRefused with words, got %w", err)
	default:
		if err := h.left(invoice, payer.amount(100)); err != nil {
			return fmt.Errorf("130 on 100 was refused: %w", err)
		}
	}
	return nil
}
