package payment

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
)

// anyIncentives are settings that Check takes, drawn at random.
func anyIncentives(random *rand.Rand, currency money.Currency) Incentives {
	in := Incentives{EarlyRate: money.Rate(random.Int64N(5001)), EarlyDays: 1 + random.IntN(60), DebitRate: money.Rate(random.Int64N(5001)),
		LateRate: money.Rate(random.Int64N(5001)), LateDays: 1 + random.IntN(40), WaivedDays: random.IntN(3)}
	if random.IntN(2) == 0 {
		in.DebitMost = money.Amounts{currency: 1 + random.Int64N(500)}
	}
	if random.IntN(2) == 0 {
		in.LateFixed = money.Amounts{currency: 1 + random.Int64N(5000)}
	}
	if random.IntN(2) == 0 {
		in.LateMost = money.Amounts{currency: 5000 + random.Int64N(5000)}
	}
	if random.IntN(3) == 0 {
		in.WaivedBy = money.Date("2026-11-01").AddDays(random.IntN(60))
	}
	return in
}

func anyOwing(random *rand.Rand, currency money.Currency) owing {
	most := []int64{3, 1000, 10_000_000, money.MaxMinor}[random.IntN(4)]
	open := 1 + random.Int64N(most)
	held := int64(0)
	if random.IntN(3) == 0 {
		held = random.Int64N(open)
	}
	amount := open - held
	if random.IntN(3) == 0 {
		amount = 1 + random.Int64N(amount)
	}
	pays := amount
	if random.IntN(3) == 0 {
		pays = random.Int64N(amount + 1)
	}
	issued := money.Date("2026-10-01").AddDays(random.IntN(60))
	return owing{invoice: billing.Invoice{IssuedOn: issued, DueOn: issued.AddDays(random.IntN(40)), Currency: currency, Open: open, Held: held},
		today: money.Date("2026-10-01").AddDays(random.IntN(120)), amount: amount, pays: pays,
		method: []MethodClass{MethodAny, MethodBankDebit}[random.IntN(2)], excused: random.IntN(5) == 0}
}

// Whatever the amounts, rates and currencies: discounts stay below what money
// pays, nothing is negative, every bound holds, and the same gives the same.
func TestIncentivesOfAnyInvoice(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 10))
	seen := map[IncentiveKind]int{}
	for range 50_000 {
		currency := []money.Currency{"USD", "JPY", "KWD"}[random.IntN(3)]
		in, o := anyIncentives(random, currency), anyOwing(random, currency)
		list := in.of(o)
		if again := in.of(o); !reflect.DeepEqual(list, again) {
			t.Fatalf("%+v and %+v of the same", list, again)
		}
		discount, fee, waived := sums(list)
		line := QuoteLine{}
		line.set(list, o.pays)
		switch {
		case discount < 0 || fee < 0 || waived < 0 || fee > 0 && waived > 0:
			t.Fatalf("%+v of %+v", list, o)
		case o.pays == 0 && len(list) > 0, o.pays > 0 && discount >= o.pays:
			t.Fatalf("a discount of %d on %d", discount, o.pays)
		case line.Charge != o.pays-discount+fee || line.Charge < 0 || line.pays() != o.pays:
			t.Fatalf("%+v", line)
		case o.excused && fee+waived > 0, o.today <= o.invoice.DueOn && fee+waived > 0:
			t.Fatalf("a late fee on what is not late, or excused: %+v of %+v", list, o)
		case o.amount != o.invoice.Open-o.invoice.Held && fee+waived > 0:
			t.Fatalf("a late fee on a part: %+v of %+v", list, o)
		}
		for _, incentive := range list {
			seen[incentive.Kind]++
			judge(t, in, o, incentive)
		}
	}
	for _, kind := range []IncentiveKind{EarlyDiscount, DebitDiscount, LateFee, LateFeeWaived} {
		if seen[kind] < 500 {
			t.Errorf("%s was drawn %d times: the test proves little of it", kind, seen[kind])
		}
	}
}

func judge(t *testing.T, in Incentives, o owing, incentive Incentive) {
	t.Helper()
	currency := o.invoice.Currency
	if incentive.Amount <= 0 || incentive.Why == "" {
		t.Fatalf("%+v", incentive)
	}
	switch incentive.Kind {
	case EarlyDiscount:
		if o.amount != o.invoice.Open || o.today > incentive.By || incentive.Amount > in.EarlyRate.Of(o.pays) {
			t.Fatalf("%+v of %+v", incentive, o)
		}
	case DebitDiscount:
		if most, bounded := in.DebitMost[currency]; o.method != MethodBankDebit || bounded && incentive.Amount > most || incentive.Amount > in.DebitRate.Of(o.pays) {
			t.Fatalf("%+v of %+v", incentive, o)
		}
	default:
		if most, bounded := in.LateMost[currency]; bounded && incentive.Amount > most || incentive.Amount > in.LateRate.Of(o.pays)+in.LateFixed[currency] {
			t.Fatalf("%+v of %+v", incentive, o)
		}
	}
}

func TestIncentiveWords(t *testing.T) {
	in := Incentives{EarlyRate: 200, EarlyDays: 10, DebitRate: 100, DebitMost: money.Amounts{"USD": 50}, LateRate: 150, LateFixed: money.Amounts{"USD": 1500},
		LateMost: money.Amounts{"USD": 1550}, LateDays: 5, WaivedDays: 0}
	words := func(open int64, currency money.Currency, today money.Date, in Incentives) (int64, string) {
		charge, list := in.Example(money.New(open, currency), "2026-12-01", "2026-12-31", today, MethodBankDebit)
		return charge.Minor, whyOf(list, EarlyDiscount, DebitDiscount, LateFee, LateFeeWaived)
	}
	waived := in
	waived.WaivedBy = "2027-01-20"
	for _, c := range []struct {
		in     Incentives
		today  money.Date
		cur    money.Currency
		charge int64
		words  string
	}{
		{in, "2026-12-11", "USD", 10_000 - 200 - 50, "2\u00a0% for paying by 11 Dec, 1\u00a0% for paying by bank debit, at most USD\u00a00.50"},
		{in, "2026-12-12", "USD", 10_000 - 50, "1\u00a0% for paying by bank debit, at most USD\u00a00.50"},
		{in, "2026-12-12", "JPY", 10_000 - 100, "1\u00a0% for paying by bank debit"},
		{in, "2027-01-04", "USD", 10_000 - 50, "1\u00a0% for paying by bank debit, at most USD\u00a00.50"},
		{in, "2027-01-05", "USD", 10_000 - 50 + 1550, "1\u00a0% for paying by bank debit, at most USD\u00a00.50, late fee of 1.5\u00a0% and USD\u00a015.00, at most USD\u00a015.50, as it was not paid by 4 Jan"},
		{in, "2027-01-05", "JPY", 10_000 - 100 + 150, "1\u00a0% for paying by bank debit, late fee of 1.5\u00a0%, as it was not paid by 4 Jan"},
		{waived, "2027-01-05", "JPY", 10_000 - 100, "1\u00a0% for paying by bank debit, late fee of 1.5\u00a0%, waived for paying by 20 Jan"},
		{waived, "2027-01-21", "JPY", 10_000 - 100 + 150, "1\u00a0% for paying by bank debit, late fee of 1.5\u00a0%, as it was not paid by 4 Jan"},
	} {
		if charge, words := words(10_000, c.cur, c.today, c.in); charge != c.charge || words != c.words {
			t.Errorf("%s %s: %d %q", c.today, c.cur, charge, words)
		}
	}
}

func TestTermsGoBeforeTheVendorsOwnDiscount(t *testing.T) {
	in := Incentives{EarlyRate: 100, EarlyDays: 5, FromTerms: true}
	for _, c := range []struct {
		invoice, account string
		from             bool
		want             int64
	}{
		{"2/10 net 30", "", true, 200}, {"", "3/10 net 30", true, 300}, {"2/10 net 30", "3/10 net 30", true, 200}, {"Net 30", "3/10 net 30", true, 100},
		{"", "", true, 100}, {"2/10 net 30", "", false, 100}, {"", "Net 30", true, 100},
	} {
		in.FromTerms = c.from
		list := in.of(owing{invoice: billing.Invoice{IssuedOn: "2026-11-01", Open: 10_000, Currency: "USD", Terms: c.invoice}, terms: c.account, today: "2026-11-02", amount: 10_000, pays: 10_000})
		if discount, _, _ := sums(list); discount != c.want {
			t.Errorf("%+v: %d", c, discount)
		}
	}
}

func TestIncentivesThatCannotBeMeant(t *testing.T) {
	for field, in := range map[string]Incentives{
		"early_rate": {EarlyRate: 5001, EarlyDays: 3}, "early_days": {EarlyRate: 100}, "debit_rate": {DebitMost: money.Amounts{"USD": 1}},
		"late_days": {LateRate: 100}, "late_rate": {WaivedBy: "2026-12-01"}, "late_most": {LateDays: 1, LateFixed: money.Amounts{"USD": 10}, LateMost: money.Amounts{"USD": 9}},
		"waived_days": {LateRate: 10, LateDays: 1, WaivedDays: 366},
	} {
		problems := fieldsOf(in.Check())
		if !slices.Equal(problems, []string{field}) {
			t.Errorf("%s: %v", field, problems)
		}
	}
	for _, in := range []Incentives{{}, {FromTerms: true}, {EarlyRate: 5000, EarlyDays: 365}, {LateFixed: money.Amounts{"USD": 10}, LateMost: money.Amounts{"USD": 10, "EUR": 3}, LateDays: 1, WaivedDays: 3}} {
		if err := in.Check(); err != nil {
			t.Errorf("%+v: %v", in, err)
		}
	}
}

func fieldsOf(err error) []string {
	var fields []string
	var problem *fault.Error
	if errors.As(err, &problem) {
		for _, one := range problem.Problems {
			fields = append(fields, one.Pointer)
		}
	}
	return fields
}
