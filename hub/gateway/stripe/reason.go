package stripe

import (
	stripego "github.com/stripe/stripe-go/v76"
)

// anyReason is said when Stripe gives no reason that helps a payer.
const anyReason = "The payment did not go through. Nothing was charged."

// reasonOf says in words for the payer why a payment failed. Codes that would
// tell a thief something (stolen, fraudulent) are not told apart.
func reasonOf(intent *stripego.PaymentIntent) string {
	if intent.Status == stripego.PaymentIntentStatusRequiresAction {
		return reason("authentication_required")
	}
	if intent.Status == stripego.PaymentIntentStatusCanceled && intent.LastPaymentError == nil {
		return "The payment was called off. Nothing was charged."
	}
	var codes []string
	if failed := intent.LastPaymentError; failed != nil {
		codes = append(codes, string(failed.DeclineCode), string(failed.Code))
	}
	if charge := intent.LatestCharge; charge != nil {
		codes = append(codes, charge.FailureCode)
		if charge.Outcome != nil {
			codes = append(codes, charge.Outcome.Reason)
		}
	}
	return reason(codes...)
}

// reason takes the first code that has words; the codes are those of Stripe's
// documentation, "Decline codes" and "Error codes", and of the failures of bank
// debits.
func reason(codes ...string) string {
	for _, code := range codes {
		if words := reasons(code); words != "" {
			return words
		}
	}
	return anyReason
}

func reasons(code string) string {
	switch code {
	case "insufficient_funds":
		return "There was not enough money in the account. Nothing was charged."
	case "expired_card", "invalid_expiry_month", "invalid_expiry_year":
		return "The card has expired. Nothing was charged."
	case "incorrect_cvc", "invalid_cvc":
		return "The card's security code was not right. Nothing was charged."
	case "incorrect_number", "invalid_number", "invalid_account":
		return "The card's number was not right. Nothing was charged."
	case "authentication_required", "payment_intent_authentication_failure":
		return "The bank wants the payer to confirm this payment. Pay it again by hand. Nothing was charged."
	case "card_velocity_exceeded", "withdrawal_count_limit_exceeded", "charge_exceeds_source_limit", "charge_exceeds_weekly_limit", "amount_too_large":
		return "The amount is over a limit of the card or account. Nothing was charged."
	case "currency_not_supported", "card_not_supported", "service_not_allowed", "transaction_not_allowed":
		return "The card does not allow this kind of payment. Nothing was charged."
	case "processing_error", "issuer_not_available", "try_again_later", "reenter_transaction":
		return "The bank could not be asked. Try again in a few minutes. Nothing was charged."
	case "account_closed", "bank_account_restricted", "bank_account_unusable", "bank_ownership_changed", "no_account", "account_frozen":
		return "The bank account is closed or cannot be debited. Nothing was charged."
	case "debit_not_authorized", "payment_method_customer_decline", "incorrect_account_holder_name", "customer_initiated":
		return "The bank returned the debit because it was not agreed to. Nothing was charged."
	case "payment_method_microdeposit_failed", "payment_method_microdeposit_verification_timeout", "payment_method_microdeposit_verification_attempts_exceeded":
		return "The bank account was not confirmed in time. Nothing was charged."
	case "card_declined", "generic_decline", "do_not_honor", "call_issuer", "fraudulent", "lost_card", "stolen_card", "pickup_card", "restricted_card",
		"security_violation", "merchant_blacklist", "highest_risk_level", "no_action_taken", "not_permitted", "do_not_try_again":
		return "The card was declined. Nothing was charged."
	}
	return ""
}
