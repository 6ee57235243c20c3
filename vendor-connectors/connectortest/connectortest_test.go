package connectortest

import (
	"errors"
	"fmt"
	"testing"
)

// harness is a connector on a ledger of eight invoices and two credits, three to a page.
func harness(t *testing.T, fault string) Harness {
	books := newLedger()
	for i := range 8 {
		books.Invoice(t, fmt.Sprintf("Account %d", i%2), "EUR", fmt.Sprintf("%d.50", 100+i))
	}
	books.Credit(t, "Account 0", "EUR", "25")
	books.Credit(t, "Account 1", "EUR", "35")
	return Harness{Connector: &client{ledger: books, fault: fault, token: books.token}, Accounts: 2, Invoices: 8, Credits: 2, Books: books}
}

func TestAGoodConnectorPasses(t *testing.T) {
	Run(t, func(t *testing.T) Harness { return harness(t, "") })
}

func TestAGoodConnectorOnSlowBooksPasses(t *testing.T) {
	Run(t, func(t *testing.T) Harness {
		h := harness(t, "")
		h.Slow = true
		return h
	})
}

// TestNothingIsLeftOutSilently holds the reasons that are given for a skip.
func TestNothingIsLeftOutSilently(t *testing.T) {
	for _, part := range parts() {
		h := harness(t, "")
		if err := part.try(t, h); err != nil {
			t.Errorf("%s: %v", part.name, err)
		}
		h = harness(t, "")
		h.Books = nil
		err := part.try(t, h)
		var left leftOut
		if err != nil && !errors.As(err, &left) {
			t.Errorf("without Books, %s: %v", part.name, err)
		}
	}
}

// faults are broken promises, each with the part that must find it.
func faults() map[string]string {
	return map[string]string{
		"claims no write-back": "describes itself",
		"check fails":          "check answers",
		"forgets the cursor":   "pull resumes after every page",
		"ignores the context":  "pull stops when the context ends",
		"ignores the sink":     "pull stops when sink fails",
		"no cursor":            "pull brings everything",
		"open above total":     "pull brings everything",
		"no external id":       "pull brings everything",
		"loses a record":       "pull brings everything",
		"counts too far":       "pull brings everything",
		"changes by itself":    "pull twice is the same",

		"counts back":                   "pull comes in pages",
		"one page":                      "pull comes in pages",
		"accounts come a page late":     "pull comes in pages",
		"no accounts":                   "pull comes in pages",
		"everything again":              "a pull of what did not change brings nothing",
		"says it otherwise":             "a pull of what did not change brings nothing",
		"one pull forgets":              "the same change twice is the same",
		"passes over edits":             "edits between pages are not lost",
		"by id with the last change":    "edits between pages are not lost",
		"leaves out what is paid":       "edits between pages are not lost",
		"new accounts do not come":      "edits between pages are not lost",
		"leaves out what is void":       "voids and deletions come",
		"leaves out what is deleted":    "voids and deletions come",
		"closes at the first payment":   "payments made in the books come",
		"two digits for all":            "currencies keep their digits",
		"credits are invoices":          "credit notes come",
		"only the first credits":        "credit notes come",
		"nothing later than our clock":  "nothing is lost when the books' clock is ahead",
		"nothing earlier than the last": "nothing is lost when the books' clock is behind",

		"every paper is there": "papers are fetched",
		"papers are empty":     "papers are fetched",

		"does not say how long":         "slowing down when asked",
		"429 is a refusal":              "slowing down when asked",
		"does not renew":                "expired tokens are renewed unnoticed",
		"renews once":                   "expired tokens are renewed unnoticed",
		"revoked is unreachable":        "revoked credentials are told",
		"waits for ever":                "silence ends with the time-out",
		"panics on nonsense":            "broken answers of a pull lose nothing",
		"nonsense is the end":           "broken answers of a pull lose nothing",
		"half a page":                   "broken answers of a pull lose nothing",
		"500 is a refusal":              "broken answers of a pull lose nothing",
		"passes over a page that fails": "broken answers of a pull lose nothing",
		"check takes nonsense":          "broken answers of a pull lose nothing",
		"another amount":                "a payment is booked exactly",
		"lists its payments everywhere": "a payment is booked exactly",
		"no id":                         "a payment is booked exactly",
		"another id each time":          "a payment is booked exactly",
		"does not look":                 "a payment is booked once whatever happens",
		"unknown is unreachable":        "a payment is booked once whatever happens",
		"unknown is refused":            "a payment is booked once whatever happens",
		"lost is done":                  "a payment is booked once whatever happens",
		"silence is done":               "a payment is booked once whatever happens",
		"one line is all":               "a payment of several invoices is booked once whatever happens",
		"begins again":                  "a payment of several invoices is booked once whatever happens",
		"looks only once":               "a payment is booked once when trouble comes twice",
		"one payment in mind":           "payments at the same time are booked once each",
		"does not look at credits":      "credits move once",
		"the credit stays":              "credits move once",
		"forgets the discount":          "discounts settle without money",
		"discounts twice":               "discounts settle without money",
		"books the late fee":            "late fees are not booked on the invoice",
		"takes more than is open":       "what cannot be booked is refused in words",
		"refuses without words":         "what cannot be booked is refused in words",
		"any currency":                  "what cannot be booked is refused in words",
		"rounds what it is told":        "what cannot be booked is refused in words",
		"an unknown invoice passes":     "what cannot be booked is refused in words",
	}
}

func TestFaultsAreFound(t *testing.T) {
	known := map[string]part{}
	for _, part := range parts() {
		known[part.name] = part
	}
	found := map[string]bool{}
	for fault, name := range faults() {
		found[name] = true
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			err := known[name].try(t, harness(t, fault))
			var left leftOut
			if err == nil || errors.As(err, &left) {
				t.Errorf("it went unnoticed by %q: %v", name, err)
			} else {
				t.Log(err)
			}
		})
	}
	for name := range known {
		if !found[name] {
			t.Errorf("no fault shows that %q finds any", name)
		}
	}
}
