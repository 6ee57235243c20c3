package stripefake

import "strings"

// most is the largest amount of one payment, in minor units.
const most = 99_999_999

// zeroDecimal are the currencies without minor units, as Stripe lists them.
const zeroDecimal = " bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf "

// threeDecimal are those with three, whose last digit must be 0.
const threeDecimal = " bhd jod kwd omr tnd "

// twoDecimal are the other presentment currencies.
const twoDecimal = " usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf chf cny cop crc cve czk" +
	" dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl hrk htg huf idr ils inr isk jmd kes kgs khr kyd kzt lak lbp lkr lrd" +
	" lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln qar ron rsd rub sar sbd scr sek" +
	" sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah uyu uzs wst xcd yer zar zmw "

func listed(words, word string) bool {
	return word != "" && !strings.Contains(word, " ") && strings.Contains(words, " "+word+" ")
}

// minimum is Stripe's least charge in minor units.
func minimum(currency string) int64 {
	switch currency {
	case "usd", "aud", "brl", "cad", "chf", "eur", "inr", "nzd", "sgd":
		return 50
	case "gbp":
		return 30
	case "aed", "myr", "pln", "ron":
		return 200
	case "bgn":
		return 100
	case "czk":
		return 1500
	case "dkk":
		return 250
	case "hkd":
		return 400
	case "huf":
		return 17500
	case "jpy":
		return 50
	case "mxn", "thb":
		return 1000
	case "nok", "sek":
		return 300
	}
	return 1
}

// currency reads a required currency and makes it lower case, as answers have it.
func (p *params) currency(key string) string {
	code := strings.ToLower(p.need(key))
	if code != "" && !listed(twoDecimal, code) && !listed(zeroDecimal, code) && !listed(threeDecimal, code) {
		p.fail(invalid(key, "", "Invalid currency: %s. Stripe currently supports these currencies: %s", code,
			strings.Join(strings.Fields(twoDecimal+zeroDecimal+threeDecimal), ", ")))
	}
	return code
}

// chargeable judges the amount of a payment.
func chargeable(param string, amount int64, currency string) *Problem {
	switch {
	case amount > most:
		return invalid(param, "amount_too_large", "Amount must be no more than %s", spoken(most, currency))
	case amount < minimum(currency):
		return invalid(param, "amount_too_small", "Amount must be at least %s", spoken(minimum(currency), currency))
	case listed(threeDecimal, currency) && amount%10 != 0:
		return invalid(param, "", "Invalid amount: amounts in %s must be a multiple of 10", strings.ToUpper(currency))
	}
	return nil
}

// spoken writes an amount as messages have it: "$0.50 usd" without the sign.
func spoken(amount int64, currency string) string {
	digits := 2
	switch {
	case listed(zeroDecimal, currency):
		digits = 0
	case listed(threeDecimal, currency):
		digits = 3
	}
	return strings.ToUpper(currency) + " " + decimal(amount, digits)
}

func decimal(amount int64, digits int) string {
	sign := ""
	if amount < 0 {
		sign, amount = "-", -amount
	}
	text := itoa(amount)
	if digits == 0 {
		return sign + text
	}
	for len(text) <= digits {
		text = "0" + text
	}
	return sign + text[:len(text)-digits] + "." + text[len(text)-digits:]
}

// bankDebit is the bank debit that a currency has, "" when none.
func bankDebit(currency string) string {
	switch currency {
	case "usd":
		return "us_bank_account"
	case "eur":
		return "sepa_debit"
	case "gbp":
		return "bacs_debit"
	case "cad":
		return "acss_debit"
	case "aud":
		return "au_becs_debit"
	}
	return ""
}

// eurozone are the countries whose accounts settle in EUR.
const eurozone = " AT BE CY DE EE ES FI FR GR HR IE IT LT LU LV MT NL PT SI SK "

// europe are the countries whose platforms may send to one another.
const europe = eurozone + "BG CH CZ DK GB GI HU LI NO PL RO SE "

// recipients are some countries that a US platform may send to under the
// recipient service agreement.
const recipients = europe + "AU BR CA HK IN JP MX MY NZ SG TH AE ZA "

func currencyOf(country string) string {
	if listed(eurozone, country) {
		return "eur"
	}
	known := map[string]string{"US": "usd", "GB": "gbp", "CH": "chf", "CA": "cad", "AU": "aud", "JP": "jpy", "NZ": "nzd", "SG": "sgd",
		"SE": "sek", "NO": "nok", "DK": "dkk", "PL": "pln", "CZ": "czk", "HU": "huf", "RO": "ron", "BG": "bgn", "MX": "mxn", "BR": "brl",
		"IN": "inr", "HK": "hkd", "TH": "thb", "MY": "myr", "AE": "aed", "ZA": "zar", "LI": "chf", "GI": "gbp"}
	if code, ok := known[country]; ok {
		return code
	}
	return "usd"
}

// sameRegion says whether a platform may send money to an account.
func sameRegion(platform, account string) bool {
	return platform == account || listed(europe, platform) && listed(europe, account)
}
