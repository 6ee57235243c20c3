package stripe

import (
	"fmt"
	"slices"
	"strings"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/payment"
)

// The tables below are those of Stripe's documentation, "Supported currencies"
// (docs.stripe.com/currencies): "Supported presentment currencies",
// "Zero-decimal currencies", "Three-decimal currencies", "Special cases" and
// "Minimum and maximum charge amounts". The list depends a little on where the
// platform is; what Stripe does not take there, it refuses.

// twoDecimal are sent in hundredths.
const twoDecimal = " USD AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BWP BYN BZD CAD CDF CHF CNY COP CRC CVE CZK" +
	" DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR JMD KES KGS KHR KYD KZT LAK LBP LKR LRD LSL MAD MDL" +
	" MKD MMK MNT MOP MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SEK SGD SHP SLE SOS" +
	" SRD STD SZL THB TJS TOP TRY TTD TWD TZS UAH UYU UZS WST XCD YER ZAR ZMW "

// zeroDecimal are sent as whole units. UGX stands in Stripe's list too, but is
// one of the special cases.
const zeroDecimal = " BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF "

// threeDecimal are sent in thousandths, of which the last digit must be 0.
const threeDecimal = " BHD JOD KWD OMR TND "

// wholeHundreds are the special cases: they have no minor unit any more, but are
// sent in hundredths that must be divisible by 100. (HUF and TWD are special in
// payouts alone: what is not a whole unit stays in the vendor's balance.)
const wholeHundreds = " ISK UGX "

// least are the smallest charges, in Stripe's units. They are those of the
// currency that the money is kept in; where Stripe lists none there is no bound
// that could be known here.
func least(currency money.Currency) int64 {
	switch currency {
	case "USD", "AUD", "BRL", "CAD", "CHF", "EUR", "INR", "NZD", "SGD", "JPY":
		return 50
	case "GBP":
		return 30
	case "BGN":
		return 100
	case "AED", "MYR", "PLN", "RON":
		return 200
	case "DKK":
		return 250
	case "NOK", "SEK":
		return 300
	case "HKD":
		return 400
	case "MXN", "THB":
		return 1000
	case "CZK":
		return 1500
	case "HUF":
		return 17500
	}
	return 0
}

// The largest charges, in Stripe's units: twelve digits of IDR, eight of any other.
const (
	most    = 99_999_999
	mostIDR = 999_999_999_999
)

func in(list string, currency money.Currency) bool {
	return currency.Valid() && strings.Contains(list, " "+string(currency)+" ")
}

// digits is how many of a currency Stripe counts in; -1: it does not take it.
func digits(currency money.Currency) int {
	switch {
	case in(twoDecimal, currency), in(wholeHundreds, currency):
		return 2
	case in(zeroDecimal, currency):
		return 0
	case in(threeDecimal, currency):
		return 3
	}
	return -1
}

func power(n int) int64 {
	result := int64(1)
	for range n {
		result *= 10
	}
	return result
}

// step is what a charge must be a multiple of, in Stripe's units.
func step(currency money.Currency) int64 {
	switch {
	case in(wholeHundreds, currency):
		return 100
	case in(threeDecimal, currency):
		return 10
	}
	return 1
}

// scale is how our minor units and Stripe's go together: one of ours is up of
// Stripe's, or down of ours are one of Stripe's; one of the two is 1.
func scale(currency money.Currency) (up, down int64) {
	theirs, ours := digits(currency), currency.Digits()
	if theirs >= ours {
		return power(theirs - ours), 1
	}
	return 1, power(ours - theirs)
}

// toUnits gives an amount as Stripe counts it, exactly; payment.ErrRefused when
// Stripe does not take the currency or cannot say the amount.
func toUnits(amount money.Amount) (int64, error) {
	if digits(amount.Currency) < 0 {
		return 0, fmt.Errorf("%w: Stripe takes no %s", payment.ErrRefused, amount.Currency)
	}
	up, down := scale(amount.Currency)
	units := amount.Minor / down * up
	if amount.Minor%down != 0 || units/up != amount.Minor/down || units%step(amount.Currency) != 0 {
		return 0, fmt.Errorf("%w: Stripe cannot take %s exactly", payment.ErrRefused, amount)
	}
	return units, nil
}

// positive is toUnits of an amount of more than nothing.
func positive(amount money.Amount) (int64, error) {
	if !amount.Positive() {
		return 0, fmt.Errorf("%w: the amount must be more than zero", payment.ErrRefused)
	}
	return toUnits(amount)
}

// fromUnits reads what Stripe counted, exactly. An amount that our minor units
// cannot say is an error, and nothing is rounded.
func fromUnits(units int64, code stripego.Currency) (money.Amount, error) {
	currency := upper(code)
	if digits(currency) < 0 {
		//lint:ignore ST1005 a name begins it
		return money.Amount{}, fmt.Errorf("Stripe speaks of %q, which is no currency that it takes", clip(string(code), 10))
	}
	up, down := scale(currency)
	if units%up != 0 {
		//lint:ignore ST1005 a name begins it
		return money.Amount{}, fmt.Errorf("Stripe speaks of %d of %s, which is a part of its smallest unit", units, currency)
	}
	return money.New(units/up*down, currency), nil
}

// Limits says what one checkout in a currency may come to. Where Stripe lists no
// least amount, Least is 0.
func (g *Gateway) Limits(currency money.Currency) payment.Limits {
	if digits(currency) < 0 || (len(g.config.Currencies) > 0 && !slices.Contains(g.config.Currencies, currency)) {
		return payment.Limits{}
	}
	up, down := scale(currency)
	largest, every := int64(most), max(step(currency)/up, 1)*down
	if currency == "IDR" {
		largest = mostIDR
	}
	largest = min(largest/up*down, money.MaxMinor)
	return payment.Limits{Supported: true, Least: least(currency) / up * down, Most: largest - largest%every, Step: every}
}

// bankDebit is Stripe's word for the bank debit of a currency, "" when it has none.
func bankDebit(currency money.Currency) string {
	switch currency {
	case "USD":
		return "us_bank_account"
	case "EUR":
		return "sepa_debit"
	case "GBP":
		return "bacs_debit"
	case "CAD":
		return "acss_debit"
	case "AUD":
		return "au_becs_debit"
	}
	return ""
}
