package stripefake

import "strings"

// getCountry says what accounts of a country can do.
func (f *Fake) getCountry(c *call) (obj, error) {
	if err := c.p.done(); err != nil {
		return nil, err
	}
	country := c.ids[0]
	currency := currencyOf(country)
	if len(country) != 2 || strings.ToUpper(country) != country || currency == "usd" && country != "US" {
		return nil, invalid("country", "country_unsupported", "Country '%s' is unknown. Try using a 2-character alphanumeric country code instead, such as 'US', 'EG', or 'GB'. A full list of country codes is available at https://stripe.com/global", country)
	}
	reachable := []string{country}
	if listed(europe, country) {
		reachable = strings.Fields(europe)
	}
	methods := []string{"card"}
	if country == "US" {
		methods = append(methods, "ach", "stripe")
	}
	fields := obj{"additional": []string{}, "minimum": dueAtFirst()}
	return obj{"id": country, "object": "country_spec", "default_currency": currency, "supported_bank_account_currencies": obj{currency: []string{country}},
		"supported_payment_currencies": strings.Fields(twoDecimal + zeroDecimal + threeDecimal), "supported_payment_methods": methods,
		"supported_transfer_countries": reachable, "verification_fields": obj{"company": fields, "individual": fields}}, nil
}
