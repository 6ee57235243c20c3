package payment

import (
	"slices"
	"strings"
)

// Standing is where a vendor's account stands, as its staff should understand it.
type Standing string

// The standings of an account.
const (
	NotStarted Standing = "not started"
	Opening    Standing = "opening"  // asked for; the gateway's answer is missing
	Wanting    Standing = "wanting"  // the gateway wants to know more before money flows
	Checking   Standing = "checking" // all was told, and the gateway checks it
	Ready      Standing = "ready"
	Warned     Standing = "warned"  // money flows, and the gateway wants to know more
	Held       Standing = "held"    // money is taken, and does not go on to the bank
	ShutDown   Standing = "shut"    // no money is taken
	Closed     Standing = "closed"  // for good
	Refused    Standing = "refused" // the gateway refused to open one
)

// Standing says where the account stands. The zero account has not been started.
func (a PayoutAccount) Standing() Standing {
	switch {
	case a.ID == "":
		return NotStarted
	case a.AccountRef == "" && a.State == "failed":
		return Refused
	case a.AccountRef == "":
		return Opening
	case a.gone():
		return Closed
	case a.CanReceive && !a.CanPayOut:
		return Held
	case a.CanReceive && len(a.Due) > 0:
		return Warned
	case a.CanReceive:
		return Ready
	case strings.HasPrefix(a.Disabled, "rejected"), a.DetailsSubmitted && a.Disabled != "" && a.Disabled != "requirements.pending_verification":
		return ShutDown
	case len(a.Due) > 0 || !a.DetailsSubmitted:
		return Wanting
	}
	return Checking
}

// gone says that the account exists no more, or not for this hub.
func (a PayoutAccount) gone() bool { return a.Disabled == "closed" || a.Disabled == "deleted" }

// requirementWords say what a requirement of Stripe's asks for
// (docs.stripe.com/connect/required-verification-information). A name ends in
// one of these; the longest counts.
var requirementWords = map[string]string{
	"external_account":                     "the bank account that your money goes to",
	"business_type":                        "what kind of company you are",
	"business_profile.url":                 "your website",
	"business_profile.mcc":                 "your industry",
	"business_profile.product_description": "what you sell",
	"business_profile.name":                "the name that customers know you by",
	"business_profile":                     "how customers reach you",
	"tos_acceptance":                       "your yes to the payment service's terms",
	"settings":                             "what stands on bank statements",
	"company.name":                         "the company's registered name",
	"company.tax_id":                       "the company's tax number",
	"company.vat_id":                       "the company's VAT number",
	"company.registration_number":          "the company's registration number",
	"company.phone":                        "the company's phone number",
	"company.address":                      "the company's address",
	"company.structure":                    "the company's legal form",
	"company.verification":                 "a paper that shows that the company is registered",
	"company.owners_provided":              "who owns the company",
	"company.directors_provided":           "who directs the company",
	"company.executives_provided":          "who manages the company",
	"company":                              "more about the company",
	"owners":                               "who owns the company",
	"directors":                            "who directs the company",
	"executives":                           "who manages the company",
	"documents":                            "a paper about the company or its bank account",
}

// personWords say it of a person: the representative, an owner, whoever.
var personWords = map[string]string{
	"first_name": "name", "last_name": "name", "full_name_aliases": "name", "dob": "date of birth", "address": "home address", "email": "e-mail address", "phone": "phone number",
	"id_number": "national identity number", "ssn_last_4": "last four digits of the social security number", "nationality": "nationality",
	"verification.document": "identity document", "verification.additional_document": "second document, such as a bill with the address",
	"verification": "identity document", "relationship": "position in the company", "political_exposure": "answer whether it holds a public office",
}

// Wanted says in words what the gateway's requirements ask for, each once, in
// their order.
func Wanted(due []string) []string {
	var words []string
	for _, name := range due {
		if word := wanted(name); !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	return words
}

func wanted(name string) string {
	if word, found := longest(requirementWords, name); found {
		return word
	}
	who, rest, _ := strings.Cut(name, ".")
	word, found := longest(personWords, rest)
	switch {
	case !found: // a name of tomorrow: as the gateway says it
		return strings.Join(strings.FieldsFunc(name, func(r rune) bool { return r == '.' || r == '_' }), " ")
	case who == "individual":
		return "your " + word
	case who == "representative":
		return "the " + word + " of whoever represents the company"
	}
	return "the " + word + " of a person of the company" // person_1Nv…: its name is not ours to know
}

// longest finds the longest beginning of a dotted name in a table.
func longest(table map[string]string, name string) (string, bool) {
	for name != "" {
		if word, found := table[name]; found {
			return word, true
		}
		cut := strings.LastIndexByte(name, '.')
		if cut < 0 {
			break
		}
		name = name[:cut]
	}
	return "", false
}

// ShutBecause says in words why the gateway shut an account; "" for no reason.
func ShutBecause(reason string) string {
	words := map[string]string{
		"requirements.past_due":                  "what the payment service asked for did not come in time",
		"requirements.pending_verification":      "the payment service checks what it was told",
		"action_required.requested_capabilities": "the payment service needs more about what the account is for",
		"listed":                                 "the payment service checks whether it may do business with you",
		"under_review":                           "the payment service looks into the account",
		"platform_paused":                        "the operator of this hub paused it",
		"rejected.fraud":                         "the payment service suspects fraud",
		"rejected.incomplete":                    "the payment service could not confirm who you are",
		"rejected.listed":                        "the payment service may not do business with you",
		"rejected.terms_of_service":              "the payment service says that its terms were broken",
		"rejected.other":                         "the payment service rejected it",
		"closed":                                 "the account was closed, or cut off from this hub",
		"deleted":                                "the account was deleted",
		"other":                                  "the payment service does not say why",
	}
	if word, found := words[reason]; found || reason == "" {
		return word
	}
	return strings.NewReplacer(".", ": ", "_", " ").Replace(reason)
}
