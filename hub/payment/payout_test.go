package payment_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/gateway/stripe/stripefake"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// sync reads payouts an hour later and says how many accounts were read.
func (s *till) sync() int {
	s.t.Helper()
	s.pass(61 * time.Minute)
	n, err := s.SyncPayouts(context.Background())
	s.must(err)
	return n
}

func (s *till) payouts(vendor party.Vendor) []payment.VendorPayout {
	s.t.Helper()
	list, _, err := s.ListPayouts(context.Background(), vendor.ID, payment.PayoutFilter{}, store.PageRequest{})
	s.must(err)
	return list
}

// explained reads a payout's lines, two at a time, and holds that everything adds up.
func (s *till) explained(payout payment.VendorPayout) (payment.PayoutSums, []payment.PayoutItem) {
	s.t.Helper()
	read, sums, err := s.Payout(context.Background(), payout.VendorID, payout.ID)
	s.must(err)
	var items []payment.PayoutItem
	page := store.PageRequest{Limit: 2}
	for range 100 {
		some, next, err := s.PayoutItems(context.Background(), read, page)
		s.must(err)
		items = append(items, some...)
		if page.Cursor = next; next == "" {
			break
		}
	}
	if sum := sums.Transfers + sums.TakenBack + sums.Other - sums.Fees + sums.Unexplained; sum != read.Amount || sums.Lines != int64(len(items)) {
		s.t.Errorf("%+v comes to %d of %d, in %d lines", sums, sum, read.Amount, len(items))
	}
	total := sums.Unexplained
	for _, item := range items {
		parts := int64(0)
		for _, part := range item.Parts {
			parts += part.Amount
		}
		if !item.Exchanged && parts != item.Amount-item.Fee {
			s.t.Errorf("%+v comes to %d", item, parts)
		}
		total += item.Amount - item.Fee
	}
	if total != read.Amount {
		s.t.Errorf("the lines come to %d of %d", total, read.Amount)
	}
	return sums, items
}

func (s *till) share(p payment.Payment, vendor party.Vendor) payment.Share {
	s.t.Helper()
	var share payment.Share
	s.must(s.DB.NewSelect().Model(&share).Where("payment_id = ?", p.ID).Where("vendor_id = ?", vendor.ID).Scan(context.Background()))
	return share
}

func parts(items []payment.PayoutItem) string {
	var words []string
	for _, item := range items {
		for _, part := range item.Parts {
			words = append(words, strings.Join(strings.Fields(fmt.Sprintf("%s %s %d", part.Kind, part.Number, part.Amount)), " "))
		}
	}
	return strings.Join(words, ", ")
}

func TestABankLineIsMatchedToInvoices(t *testing.T) {
	eachStripe(t, func(t *testing.T, s *stripeTill) {
		one, two, a, b, payer := s.two()
		s.onboard(one, stripefake.Finish)
		s.onboard(two, stripefake.Finish)
		s.must(s.SetFeePolicy(t.Context(), access.SystemActor("test"), one.ID, payment.FeePolicy{Processing: payment.VendorBears}))
		more := s.invoice(one, "C-1", "INV-2", 3300)
		p := s.settled(payer, tick(a, more, b))
		s.relay()
		account := s.accountNow(one)
		sums, list, err := s.OnItsWay(t.Context(), account, 10)
		if err != nil || len(sums) != 1 || len(list) != 1 || sums[0] != money.New(list[0].Amount, "EUR") || list[0].Reference == "" || list[0].ShareID == "" {
			t.Fatalf("%v %+v %v", sums, list, err)
		}
		sent := sums[0].Minor
		if s.sync() != 2 || len(s.payouts(one)) != 0 {
			t.Fatal("a payout before the money is there")
		}
		s.wait(3)
		if got := s.payouts(one); len(got) != 1 || got[0].Status != "in_transit" { // by the event alone
			t.Fatalf("%+v", got)
		}
		s.wait(3)
		if n := s.sync(); n != 2 {
			t.Fatal(n)
		}
		got := s.payouts(one)
		if len(got) != 1 || got[0].Amount != sent || got[0].Status != "paid" || got[0].Currency != "EUR" || !got[0].Complete || got[0].ArrivalOn == "" {
			t.Fatalf("%+v", got)
		}
		found, items := s.explained(got[0])
		share := s.share(p, one)
		if found.Transfers != sent || found.Unexplained != 0 || found.Other != 0 || len(items) != 1 || items[0].Reference != share.Reference || items[0].ShareID != share.ID || !items[0].Ours {
			t.Fatalf("%+v %+v", found, items)
		}
		if want := fmt.Sprintf("invoice INV-1 12500, invoice INV-2 3300, processing %d", -share.ProcessingFee); parts(items) != want || share.ProcessingFee == 0 {
			t.Fatalf("%s, want %s", parts(items), want)
		}
		if sums, list, err := s.OnItsWay(t.Context(), account, 10); err != nil || len(sums) != 0 || len(list) != 0 {
			t.Fatalf("%v %+v %v", sums, list, err)
		}
		// another vendor's is not found, nor is nonsense
		for _, id := range []string{s.payouts(two)[0].ID, "nonsense", store.NewID()} {
			if _, _, err := s.Payout(t.Context(), one.ID, id); !fault.Is(err, fault.NotFound) {
				t.Error(id, err)
			}
		}
		// read again, nothing is written
		before := got[0].SyncedAt
		s.fake.Record(true)
		s.sync()
		if again := s.payouts(one)[0]; !again.SyncedAt.Equal(before) {
			t.Error("an unchanged payout was written again")
		}
		for _, exchange := range s.fake.Exchanges() {
			if strings.Contains(exchange.Path, "balance_transactions") {
				t.Error("the lines of a known payout were asked for again")
			}
		}
		s.sound()
	})
}

func TestWhatIsTakenBackAndWhatIsNotOurs(t *testing.T) {
	eachStripe(t, func(t *testing.T, s *stripeTill) {
		one, _, a, _, payer := s.two()
		s.onboard(one, stripefake.Finish)
		s.settled(payer, tick(a))
		s.relay()
		account := s.accountNow(one)
		s.fake.TopUp("eur", 5000)
		// by hand in the dashboard: a transfer that is not ours, and a reversal of one that is
		_, err := s.Gateway.Transfer(t.Context(), payment.TransferRequest{TransferID: "by hand", Key: "k1", AccountRef: account.AccountRef, Amount: money.New(700, "EUR")})
		s.must(err)
		_, err = s.Gateway.Reverse(t.Context(), payment.ReversalRequest{ReversalID: "by hand", Key: "k2", TransferRef: s.fake.Transfers()[0].ID, Amount: money.New(500, "EUR")})
		s.must(err)
		s.hear()
		s.wait(5)
		s.sync()
		got := s.payouts(one)
		total := int64(0)
		var all []payment.PayoutItem
		for _, payout := range got {
			_, items := s.explained(payout)
			all = append(all, items...)
			total += payout.Amount
		}
		if total != 12500+700-500 {
			t.Fatalf("%d in %+v", total, got)
		}
		for _, want := range []string{"invoice INV-1 12500", "other 700", "taken back -500"} {
			if !strings.Contains(parts(all), want) {
				t.Errorf("%s is not in %s", want, parts(all))
			}
		}
	})
}

func TestABankThatSendsThePayoutBack(t *testing.T) {
	eachStripe(t, func(t *testing.T, s *stripeTill) {
		one, _, a, _, payer := s.two()
		s.onboard(one, stripefake.Finish)
		account := s.accountNow(one)
		s.must(s.fake.SetAccount(account.AccountRef, func(a *stripefake.Account) { a.PayoutFailure = "account_closed" }))
		s.settled(payer, tick(a))
		s.relay()
		s.wait(6)
		got := s.payouts(one)
		if len(got) != 1 || got[0].Status != "failed" || got[0].Reason == "" {
			t.Fatalf("%+v", got)
		}
		for range 3 {
			s.sync()
			s.must(s.Notify(t.Context(), payment.Hint{EventID: store.NewID(), Type: "payout.failed", Subject: payment.SubjectPayout, AccountRef: account.AccountRef, Ref: got[0].GatewayRef}))
		}
		vendor, operator := s.told("payout_failed"), s.told("payout_failed_at")
		if len(vendor) != 1 || vendor[0].VendorID != one.ID || !strings.Contains(vendor[0].Title, "125.00") || len(operator) != 1 || operator[0].VendorID != "" || !strings.Contains(operator[0].Title, "Northwind") {
			t.Fatalf("%+v %+v", vendor, operator)
		}
		if account = s.accountNow(one); account.Standing() != payment.Held {
			t.Fatalf("%s", account.Standing())
		}
		s.must(s.fake.SetAccount(account.AccountRef, func(a *stripefake.Account) { stripefake.Ready(a); a.PayoutFailure = "" }))
		s.wait(4)
		s.sync()
		got = s.payouts(one)
		if len(got) != 2 || got[0].Status != "paid" || got[0].Amount != 12500 {
			t.Fatalf("%+v", got)
		}
		if _, items := s.explained(got[0]); !strings.Contains(items[0].Kind, "payout failure") || items[0].Ours {
			t.Fatalf("%+v", items)
		}
	})
}

// One vendor's reading fails, and the other's is there; then it catches up.
func TestOneVendorsPayoutsDoNotHoldUpAnothers(t *testing.T) {
	eachStripe(t, func(t *testing.T, s *stripeTill) {
		one, two, a, b, payer := s.two()
		s.onboard(one, stripefake.Finish)
		s.onboard(two, stripefake.Finish)
		s.settled(payer, tick(a, b))
		s.relay()
		bad := s.accountNow(one).AccountRef
		s.fake.SetFaults(stripefake.Faults{Event: func(e stripefake.Event) stripefake.EventFate {
			return stripefake.EventFate{Drop: strings.HasPrefix(e.Type, "payout.")}
		}, Request: func(r stripefake.Request) stripefake.Fate {
			return stripefake.Fate{ErrorBefore: r.Account == bad && strings.HasPrefix(r.Path, "/v1/balance_transactions")}
		}})
		s.wait(6)
		s.pass(time.Hour)
		if n, err := s.SyncPayouts(t.Context()); n != 2 || err == nil || !strings.Contains(err.Error(), one.ID) || strings.Contains(err.Error(), two.ID) {
			t.Fatal(n, err)
		}
		if len(s.payouts(one)) != 0 || len(s.payouts(two)) != 1 {
			t.Fatal("not one alone")
		}
		if n, err := s.SyncPayouts(t.Context()); n != 0 || err != nil {
			t.Fatal("read again at once", n, err)
		}
		s.fake.SetFaults(stripefake.Faults{})
		s.sync()
		if len(s.payouts(one)) != 1 {
			t.Fatal("it did not catch up")
		}
		stopped, cancel := context.WithCancel(t.Context())
		cancel()
		s.pass(2 * time.Hour)
		if _, err := s.SyncPayouts(stopped); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	})
}

// pages is a bank with more payouts than one run reads.
type pages struct {
	payment.Payouts
	all   []payment.Payout
	size  int
	asked []string
	fail  bool
	lines map[string][]payment.PayoutLine
}

func (p *pages) ListPayouts(_ context.Context, _ string, since time.Time, cursor string) ([]payment.Payout, string, error) {
	p.asked = append(p.asked, cursor)
	at := 0
	if cursor != "" {
		_, err := fmt.Sscanf(cursor, "at-%d", &at)
		if err != nil {
			return nil, "", err
		}
	}
	var page []payment.Payout
	for ; at < len(p.all) && len(page) < p.size; at++ {
		if p.all[at].CreatedAt.Before(since) {
			return page, "", nil
		}
		page = append(page, p.all[at])
	}
	if at >= len(p.all) {
		return page, "", nil
	}
	return page, fmt.Sprintf("at-%d", at), nil
}

func (p *pages) PayoutLines(_ context.Context, _, ref, _ string) ([]payment.PayoutLine, string, error) {
	if p.fail {
		return nil, "", errors.New("not now")
	}
	return p.lines[ref], "", nil
}

func TestALongHistoryIsReadInPieces(t *testing.T) {
	eachStripe(t, func(t *testing.T, s *stripeTill) {
		one := s.vendor("Northwind")
		s.onboard(one, stripefake.Finish)
		bank := &pages{size: 3, lines: map[string][]payment.PayoutLine{}}
		s.Payouts = bank
		for i := range 100 {
			made := s.clock().Add(-time.Duration(i) * 24 * time.Hour)
			payout := payment.Payout{Ref: fmt.Sprintf("po_%d", i), Amount: money.New(int64(1000+i), "EUR"), Status: "paid", ArrivalOn: money.DateOf(made, time.UTC), CreatedAt: made, Itemizable: true}
			bank.all = append(bank.all, payout)
			bank.lines[payout.Ref] = []payment.PayoutLine{{Ref: "a" + payout.Ref, Kind: "charge", Amount: money.New(1010+int64(i), "EUR"), Fee: money.New(7, "EUR")},
				{Ref: "b" + payout.Ref, Kind: "fee", Amount: money.New(-2, "EUR"), Fee: money.New(0, "EUR")}}
		}
		s.sync()
		if n := s.count("payouts", "TRUE"); n != 60 {
			t.Fatalf("%d payouts after one run", n)
		}
		s.sync()
		if n := s.count("payouts", "complete"); n != 100 || s.count("payout_lines", "TRUE") != 200 {
			t.Fatalf("%d payouts after two", n)
		}
		bank.asked = nil
		s.sync()
		if len(bank.asked) > 6 {
			t.Errorf("the whole history was read again: %q", bank.asked)
		}
		sums, items := s.explained(s.payouts(one)[0])
		if sums.Other != 1010 || sums.Fees != 9 || sums.Unexplained != -1 || parts(items) != "other 1010, fee -7, fee -2" {
			t.Fatalf("%+v %s", sums, parts(items))
		}
		// something that cannot be read now is read later, though others were
		bank.all[0].Itemizable, bank.all[1].Status = true, "failed"
		s.exec("UPDATE payouts SET complete = ? WHERE gateway_ref = 'po_0'", false)
		bank.fail = true
		s.pass(61 * time.Minute)
		if _, err := s.SyncPayouts(t.Context()); err == nil {
			t.Fatal("no error")
		}
		if s.count("payouts", "status = 'failed'") != 1 || len(s.told("payout_failed")) != 1 {
			t.Fatal("one payout held up another")
		}
		bank.fail = false
		s.sync()
		if s.count("payouts", "complete") != 100 || s.count("payout_lines", "TRUE") != 200 {
			t.Fatal("it was not read later")
		}
		filter := payment.PayoutFilter{From: money.DateOf(s.clock(), time.UTC).AddDays(-30), To: money.DateOf(s.clock(), time.UTC).AddDays(-11)}
		list, next, err := s.ListPayouts(t.Context(), one.ID, filter, store.PageRequest{Limit: 7})
		if err != nil || len(list) != 7 || next == "" || list[0].ArrivalOn != filter.To {
			t.Fatalf("%+v %q %v", list, next, err)
		}
		rest, next, err := s.ListPayouts(t.Context(), one.ID, filter, store.PageRequest{Limit: 50, Cursor: next})
		if err != nil || len(rest) != 13 || next != "" || rest[12].ArrivalOn != filter.From {
			t.Fatalf("%d %q %v", len(rest), next, err)
		}
	})
}

func TestVendorsWhoseMoneyWaitsAreListed(t *testing.T) {
	eachStripe(t, func(t *testing.T, s *stripeTill) {
		one, two, a, b, payer := s.two()
		s.onboard(two, stripefake.Leave)
		s.settled(payer, tick(a, b))
		s.relay()
		first, next, err := s.ListWaiting(t.Context(), store.PageRequest{Limit: 1})
		if err != nil || len(first) != 1 || next == "" {
			t.Fatal(first, next, err)
		}
		second, next, err := s.ListWaiting(t.Context(), store.PageRequest{Limit: 1, Cursor: next})
		if err != nil || len(second) != 1 || next != "" {
			t.Fatal(second, next, err)
		}
		for _, row := range append(first, second...) {
			want, standing := int64(12500), payment.NotStarted
			if row.VendorID == two.ID {
				want, standing = 4000, payment.Wanting
			}
			if len(row.Money) != 1 || row.Money[0].Amount != want || row.Account.Standing() != standing || row.Name == "" || row.VendorID != one.ID && row.VendorID != two.ID {
				t.Errorf("%+v", row)
			}
		}
	})
}
