package payment_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/gateway/sandbox"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
)

const day = 24 * time.Hour

func (s *till) incentives(vendor party.Vendor, in payment.Incentives) {
	s.t.Helper()
	s.must(s.DB.InTx(context.Background(), func(ctx context.Context, tx bun.Tx) error {
		_, _, err := s.SetIncentivesTx(ctx, tx, vendor.ID, in)
		return err
	}))
}

// early is an invoice of the day before yesterday, due in a month: issued on 20
// Nov where the clock says 22 Nov.
func (s *till) early(vendor party.Vendor, account, number string, total int64, terms string) billing.Invoice {
	s.t.Helper()
	record := bill(account, number, total, total)
	record.IssuedOn, record.DueOn, record.Terms = "2026-11-20", "2026-12-20", terms
	s.push(vendor, billing.Batch{Invoices: []billing.InvoiceRecord{record}})
	return s.book(vendor, number)
}

func lineOf(t *testing.T, quote payment.Quote, number string) payment.QuoteLine {
	t.Helper()
	for _, currency := range quote.Currencies {
		for _, vendor := range currency.Vendors {
			for _, line := range vendor.Lines {
				if line.Number == number {
					return line
				}
			}
		}
	}
	t.Fatalf("no line %s in %+v", number, quote)
	return payment.QuoteLine{}
}

func (s *till) changed(payer payment.Payer, quote payment.Quote) payment.Difference {
	s.t.Helper()
	_, err := s.Start(context.Background(), payer, quote.ID, quote.Hash, "EUR")
	var changed *payment.ChangedError
	if !errors.As(err, &changed) || len(changed.Differences) != 1 || !changed.Differences[0].Charge {
		s.t.Fatalf("want one change of a charge, got %v", err)
	}
	if n := s.count("payments", "quote_id = ?", quote.ID); n != 0 {
		s.t.Fatalf("%d payments of a quote that has changed", n)
	}
	return changed.Differences[0]
}

func TestEarlyDiscountIsQuotedHeldAndLapses(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		one, _, _, b, payer := s.two()
		s.incentives(one, payment.Incentives{EarlyRate: 200, EarlyDays: 10})
		a := s.early(one, "C-1", "INV-9", 10_050, "")
		credit := s.credit(one, "C-1", "CR-1", 50)

		part := tick(a)
		part.Invoices[0].Amount = "100.49"
		if line := lineOf(t, s.quote(payer, part), "INV-9"); line.Discount != 0 || line.Charge != 10_049 {
			t.Fatalf("a part of an invoice is discounted: %+v", line)
		}
		selection := tick(a, b)
		selection.Credits = []string{credit.ID}
		quote := s.quote(payer, selection)
		line := lineOf(t, quote, "INV-9")
		if line.Amount != 10_050 || line.Credit() != 50 || line.Discount != 200 || line.Charge != 9800 || line.Incentives[0].Why != "2\u00a0% for paying by 30 Nov" {
			t.Fatalf("%+v", line)
		}
		euro := quote.Currencies[0]
		if euro.Charge != 13_800 || euro.Credit != 50 || euro.Discount != 200 || euro.Vendors[1].Charge != 9800 || euro.Vendors[1].Discount != 200 || euro.DebitSaving != 0 {
			t.Fatalf("%+v", euro)
		}
		read, err := s.ReadQuote(t.Context(), payer, quote.ID)
		s.must(err)
		if frozen := lineOf(t, read, "INV-9"); frozen.Discount != 200 || frozen.Charge != 9800 || len(frozen.Incentives) != 1 {
			t.Fatalf("not frozen: %+v", frozen)
		}
		started, err := s.Start(t.Context(), payer, quote.ID, quote.Hash, "EUR")
		s.must(err)
		if held := s.book(one, "INV-9"); held.Held != 10_050 || held.Payable() != 0 {
			t.Fatalf("the discounted part can be paid elsewhere: %+v", held)
		}
		if n := s.count("payment_lines", "payment_id = ? AND credit_id IS NULL AND amount = 9800 AND discount = 200 AND late_fee = 0", started.Payment.ID); n != 1 {
			t.Fatalf("%d lines carry the discount", n)
		}
		if n := s.count("shares", "payment_id = ? AND amount = 9800 AND discount = 200", started.Payment.ID); n != 1 || started.Payment.Amount != 13_800 {
			t.Fatalf("%d shares, %+v", n, started.Payment)
		}
		s.sound()
		_, err = s.Cancel(t.Context(), payer, started.Payment.ID)
		s.must(err)
		if s.book(one, "INV-9").Held != 0 {
			t.Fatal("a cancelled checkout still holds")
		}
		s.sound()

		// at five to midnight of the last day it is quoted, and five past it has ended
		s.pass(8*day + 14*time.Hour + 55*time.Minute)
		quote = s.quote(payer, tick(a))
		s.pass(10 * time.Minute)
		if d := s.changed(payer, quote); d.Was != 9849 || d.Is != 10_050 || d.Why != "The discount has ended: 2\u00a0% for paying by 30 Nov." {
			t.Fatalf("%+v", d)
		}
		if line := lineOf(t, s.quote(payer, tick(a)), "INV-9"); line.Charge != 10_050 {
			t.Fatalf("%+v", line)
		}
	})
}

func TestDiscountDaysAreTheVendors(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		one, _, _, _, payer := s.two()
		a := s.early(one, "C-1", "INV-9", 10_000, "2/2 net 30") // by 22 Nov
		s.incentives(one, payment.Incentives{FromTerms: true})
		s.pass(14*time.Hour + 30*time.Minute) // 23:30 UTC
		if line := lineOf(t, s.quote(payer, tick(a)), "INV-9"); line.Discount != 200 {
			t.Fatalf("%+v", line)
		}
		s.exec("UPDATE vendors SET time_zone = 'Asia/Tokyo' WHERE id = ?", one.ID) // 23 Nov there
		if line := lineOf(t, s.quote(payer, tick(a)), "INV-9"); line.Discount != 0 {
			t.Fatalf("%+v", line)
		}
	})
}

func TestBankDebitDiscountIsOfferedAndAskedFor(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		one, _, a, b, payer := s.two()
		s.incentives(one, payment.Incentives{DebitRate: 150, DebitMost: money.Amounts{"EUR": 180}})
		plain := s.quote(payer, tick(a, b))
		if euro := plain.Currencies[0]; euro.DebitSaving != 180 || euro.Discount != 0 || euro.Charge != 16_500 || euro.Method != payment.MethodAny {
			t.Fatalf("%+v", euro)
		}
		selection := tick(a, b)
		selection.Methods = map[money.Currency]payment.MethodClass{"EUR": payment.MethodBankDebit}
		quote := s.quote(payer, selection)
		if euro := quote.Currencies[0]; euro.DebitSaving != 0 || euro.Discount != 180 || euro.Charge != 16_320 || euro.Method != payment.MethodBankDebit || quote.Hash == plain.Hash {
			t.Fatalf("%+v", euro)
		}
		started, err := s.Start(t.Context(), payer, quote.ID, quote.Hash, "EUR")
		s.must(err)
		if p := s.read(started.Payment.ID); p.MethodWanted != payment.MethodBankDebit || p.Amount != 16_320 {
			t.Fatalf("%+v", p)
		}
		if _, err := s.bank.Decide(t.Context(), ref(started.Payment), sandbox.Succeed); !fault.Is(err, fault.Invalid) {
			t.Fatalf("a page for bank debits took a card: %v", err)
		}
		s.press(started.Payment, sandbox.Process)
		if p := s.want(started.Payment.ID, payment.Processing); p.Method != string(payment.MethodBankDebit) {
			t.Fatalf("%+v", p)
		}
		s.sound()
		selection.Methods["EUR"] = payment.MethodCard
		if _, err := s.Quote(t.Context(), payer, selection); !fault.Is(err, fault.Invalid) {
			t.Fatal(err)
		}
	})
}

func TestLateFeeComesWithTheRestAndOnce(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		one, _, _, _, payer := s.two()
		s.incentives(one, payment.Incentives{LateRate: 100, LateFixed: money.Amounts{"EUR": 500}, LateDays: 3})
		late := bill("C-1", "LATE", 10_000, 10_000)
		late.IssuedOn, late.DueOn = "2026-10-20", "2026-11-20" // the fee begins on the 23rd; it is the 22nd
		s.push(one, billing.Batch{Invoices: []billing.InvoiceRecord{late}})
		invoice := s.book(one, "LATE")
		quote := s.quote(payer, tick(invoice))
		if line := lineOf(t, quote, "LATE"); line.LateFee != 0 || line.Charge != 10_000 {
			t.Fatalf("%+v", line)
		}
		s.pass(15*time.Hour - 5*time.Minute)
		quote = s.quote(payer, tick(invoice))
		s.pass(10 * time.Minute)
		if d := s.changed(payer, quote); d.Was != 10_000 || d.Is != 10_600 || !strings.HasPrefix(d.Why, "It now bears a late fee of 1\u00a0% and EUR\u00a05.00") {
			t.Fatalf("%+v", d)
		}
		part := tick(invoice)
		part.Invoices[0].Amount = "40"
		if line := lineOf(t, s.quote(payer, part), "LATE"); line.LateFee != 0 || line.Charge != 4000 {
			t.Fatalf("a part bears the fee: %+v", line)
		}
		first := s.start(payer, part)
		if line := lineOf(t, s.quote(payer, tick(invoice)), "LATE"); line.Amount != 6000 || line.LateFee != 560 || line.Charge != 6560 {
			t.Fatalf("the rest does not bear it: %+v", line)
		}
		rest := s.start(payer, tick(invoice))
		if held := s.book(one, "LATE").Held; held != 10_000 || rest.Amount != 6560 {
			t.Fatalf("held %d, %+v", held, rest)
		}
		if n := s.count("payment_lines", "payment_id = ? AND amount = 6560 AND late_fee = 560", rest.ID); n != 1 {
			t.Fatalf("%d lines carry the fee", n)
		}
		s.sound()
		// with the fee on its way, what is paid beside it bears none
		_, err := s.Cancel(t.Context(), payer, first.ID)
		s.must(err)
		if line := lineOf(t, s.quote(payer, tick(invoice)), "LATE"); line.Amount != 4000 || line.LateFee != 0 {
			t.Fatalf("a fee that is on its way is charged again: %+v", line)
		}
		_, err = s.Cancel(t.Context(), payer, rest.ID)
		s.must(err)
		if line := lineOf(t, s.quote(payer, tick(invoice)), "LATE"); line.LateFee != 600 {
			t.Fatalf("%+v", line)
		}
		// paid once, it is not charged again, unless the bank took it back
		s.exec("UPDATE payments SET status = 'settled' WHERE id = ?", first.ID)
		s.exec(`INSERT INTO allocations (id, customer_id, vendor_id, payment_id, share_id, invoice_id, amount, late_fee, created_at)
			SELECT pl.id, pl.customer_id, pl.vendor_id, pl.payment_id, pl.share_id, pl.invoice_id, 4000, 1, p.created_at
			FROM payment_lines AS pl JOIN payments AS p ON p.id = pl.payment_id WHERE pl.payment_id = ?`, first.ID)
		if line := lineOf(t, s.quote(payer, tick(invoice)), "LATE"); line.LateFee != 0 {
			t.Fatalf("a fee that was paid is charged again: %+v", line)
		}
		s.exec("UPDATE payments SET status = 'charged_back' WHERE id = ?", first.ID)
		if line := lineOf(t, s.quote(payer, tick(invoice)), "LATE"); line.LateFee != 600 {
			t.Fatalf("%+v", line)
		}
		// nobody is charged for being late with what it disputes
		s.must(s.DB.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
			return s.Billing.HoldTx(ctx, tx, invoice, billing.HoldDispute, "", 0, "")
		}))
		if line := lineOf(t, s.quote(payer, tick(invoice)), "LATE"); line.LateFee != 0 {
			t.Fatalf("%+v", line)
		}
	})
}

func TestLateFeeIsWaivedFromTheFirstShowing(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		one, _, _, _, payer := s.two()
		s.incentives(one, payment.Incentives{LateFixed: money.Amounts{"EUR": 500}, LateDays: 1, WaivedDays: 3})
		late := bill("C-1", "LATE", 10_000, 10_000)
		late.DueOn = "2026-11-10"
		s.push(one, billing.Batch{Invoices: []billing.InvoiceRecord{late}})
		items, _, err := s.Billing.OpenItems(t.Context(), payer.Viewer, "2026-11-22")
		s.must(err)
		offers, err := s.Offers(t.Context(), items)
		s.must(err)
		offer := offers[s.book(one, "LATE").ID]
		if offer.Waived != 500 || offer.LateFee != 0 || offer.Note("2026-11-22") != "late fee of EUR\u00a05.00 waived if paid by 25 Nov" || len(offers) != 1 {
			t.Fatalf("%+v", offers)
		}
		if n := s.count("late_fee_notices", "1 = 1"); n != 0 {
			t.Fatal("looking is not telling")
		}
		s.must(s.Shown(t.Context(), items))
		s.pass(day)
		s.must(s.Shown(t.Context(), items)) // a second showing does not begin it anew
		quote := s.quote(payer, tick(s.book(one, "LATE")))
		if line := lineOf(t, quote, "LATE"); line.LateFeeWaived != 500 || line.LateFee != 0 || line.Charge != 10_000 || line.Incentives[0].By != "2026-11-25" {
			t.Fatalf("%+v", line)
		}
		s.pass(3 * day)
		if line := lineOf(t, s.quote(payer, tick(s.book(one, "LATE"))), "LATE"); line.LateFee != 500 {
			t.Fatalf("%+v", line)
		}
		s.incentives(one, payment.Incentives{LateFixed: money.Amounts{"EUR": 500}, LateDays: 1, WaivedBy: "2026-12-24"})
		if line := lineOf(t, s.quote(payer, tick(s.book(one, "LATE"))), "LATE"); line.LateFeeWaived != 500 || line.Incentives[0].By != "2026-12-24" {
			t.Fatalf("%+v", line)
		}
	})
}

func TestChangedIncentivesAreToldBeforePaying(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		one, _, a, _, payer := s.two()
		before, err := s.Incentives(t.Context(), one.ID)
		s.must(err)
		if !before.Same(payment.Incentives{}) {
			t.Fatalf("not off by default: %+v", before)
		}
		quote := s.quote(payer, tick(a))
		in := payment.Incentives{EarlyRate: 1000, EarlyDays: 60, DebitMost: money.Amounts{}, LateFixed: money.Amounts{"JPY": 5}, LateMost: money.Amounts{}, LateDays: 3, WaivedBy: "2026-12-24", WaivedDays: 3}
		s.incentives(one, in)
		read, err := s.Incentives(t.Context(), one.ID)
		if err != nil || !read.Same(in) {
			t.Fatalf("%+v, %v", read, err)
		}
		if d := s.changed(payer, quote); d.Was != 12_500 || d.Is != 11_250 || !strings.HasPrefix(d.Why, "Its discount is another one now: 10\u00a0%") {
			t.Fatalf("%+v", d)
		}
		quote = s.quote(payer, tick(a))
		s.incentives(one, payment.Incentives{})
		if d := s.changed(payer, quote); d.Was != 11_250 || d.Is != 12_500 {
			t.Fatalf("%+v", d)
		}
	})
}

func TestVendorsReadDiscountsAndFeesAsSuch(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		one, _, _, _, payer := s.two()
		s.incentives(one, payment.Incentives{EarlyRate: 200, EarlyDays: 10, LateFixed: money.Amounts{"EUR": 500}, LateDays: 1})
		late := bill("C-1", "LATE", 10_000, 10_000)
		late.IssuedOn, late.DueOn = "2026-10-01", "2026-11-10"
		s.push(one, billing.Batch{Invoices: []billing.InvoiceRecord{late}})
		p := s.start(payer, tick(s.book(one, "LATE"), s.early(one, "C-1", "SOON", 20_000, "")))
		s.press(p, sandbox.Process)
		views, _, err := s.ListForVendor(t.Context(), one.ID, time.Time{}, store.PageRequest{Limit: 10})
		if err != nil || len(views) != 1 || views[0].Amount != "301.00" || views[0].Discount != "4.00" || views[0].LateFee != "5.00" {
			t.Fatalf("%+v, %v", views, err)
		}
		lines := map[string]payment.InvoiceView{}
		for _, line := range views[0].Invoices {
			lines[line.Number] = line
		}
		if line := lines["LATE"]; line.Amount != "105.00" || line.LateFee != "5.00" || line.Discount != "0.00" {
			t.Fatalf("%+v", line)
		}
		if line := lines["SOON"]; line.Amount != "196.00" || line.LateFee != "0.00" || line.Discount != "4.00" {
			t.Fatalf("%+v", line)
		}
	})
}
