package console

import (
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// accountWords say where an account stands, and name the button to the gateway.
func accountWords(standing payment.Standing, account payment.PayoutAccount) AccountView {
	const waits = "Your customers are billed, reminded and can pay meanwhile: your share waits, and is sent as soon as the account is ready. Nothing is lost."
	why := payment.ShutBecause(account.Disabled)
	switch standing {
	case payment.NotStarted:
		return AccountView{Status: Status{ui.ToneWarn, "Not started"}, Tone: ui.ToneInfo, Title: "Say where your money should go", Button: "Start",
			Text: "The payment service needs to know who you are and which bank account is yours. You enter it on its own page, and this hub never sees it. " + waits}
	case payment.Opening:
		return AccountView{Status: Status{ui.ToneWarn, "Begun"}, Tone: ui.ToneInfo, Title: "Your account is being opened", Button: "Go on",
			Text: "The payment service has not answered yet. The button asks it again, and goes on where it was. " + waits}
	case payment.Refused:
		return AccountView{Status: Status{ui.ToneBad, "Refused"}, Tone: ui.ToneBad, Title: "The payment service refused to open an account", Button: "Try again",
			Text: "It says: " + asSentence(account.LastAnswer) + " Correct your name and address under Settings, or choose another country. " + waits}
	case payment.Wanting:
		return AccountView{Status: Status{ui.ToneWarn, "Not finished"}, Tone: ui.ToneWarn, Title: "The payment service still wants to know something", Button: "Go on where it was left", Text: waits}
	case payment.Checking:
		return AccountView{Status: Status{ui.ToneInfo, "Being checked"}, Tone: ui.ToneInfo, Title: "The payment service checks what you told it", Button: "See it there",
			Text: "That takes minutes, and sometimes some days. A task tells you when it is done. " + waits}
	case payment.Warned:
		return AccountView{Status: Status{ui.ToneWarn, "Ready, wants more"}, Tone: ui.ToneWarn, Title: "Ready, and the payment service wants to know more", Button: "Answer it",
			Text: "Money flows now. Without an answer the payment service takes no more of it for you, and your shares wait."}
	case payment.Held:
		return AccountView{Status: Status{ui.ToneBad, "Not paid out"}, Tone: ui.ToneBad, Title: "Your account takes money, and sends none to your bank", Button: "Set it right",
			Text: "Your shares are safe in your account at the payment service. " + becauseOf(why) + "Once it is set right, it pays them out by itself."}
	case payment.ShutDown:
		return AccountView{Status: Status{ui.ToneBad, "Shut"}, Tone: ui.ToneBad, Title: "Your account takes no money now", Button: "Set it right", Text: becauseOf(why) + waits}
	case payment.Closed:
		return AccountView{Status: Status{ui.ToneBad, "Closed"}, Tone: ui.ToneBad, Title: "Your account is closed", Button: "Open another one", Text: becauseOf(why) + waits}
	}
	return AccountView{Status: Status{ui.ToneGood, "Ready"}, Tone: ui.ToneGood, Title: "Ready: your shares go to your bank", Button: "Change what the payment service knows",
		Text: "What your customers pay is sent to your account there, and from there to your bank."}
}

func becauseOf(why string) string {
	if why == "" {
		return ""
	}
	return "Because " + why + ". "
}

func waitsWord(reason string) string {
	switch reason {
	case "account":
		return "Your account cannot take money yet"
	case "vendor":
		return "You are suspended"
	case "funds":
		return "A bank debit whose money is not there yet"
	}
	return sentence(reason)
}

func payoutStatus(word string) Status {
	switch word {
	case "paid":
		return Status{ui.ToneGood, "Arrived"}
	case "failed":
		return Status{ui.ToneBad, "Sent back"}
	case "canceled":
		return Status{ui.ToneNeutral, "Cancelled"}
	case "pending", "in_transit":
		return Status{ui.ToneInfo, "On its way"}
	}
	return Status{ui.ToneNeutral, sentence(word)}
}

func arrivesWord(status string) string {
	if status == "paid" {
		return "Arrived"
	}
	return "Expected"
}

// missingWord says why a payout's parts are not shown.
func missingWord(payout payment.VendorPayout) string {
	switch {
	case payout.Complete:
		return ""
	case payout.Itemizable:
		return "What it is made of could not be read yet. The hub tries again every hour."
	case payout.Status == "pending" || payout.Status == "in_transit":
		return "The payment service does not say yet what it is made of. It usually does within a day."
	}
	return "The payment service does not say what it is made of: it was made by hand, and not by its daily run."
}

func lineWord(item payment.PayoutItem) string {
	switch {
	case item.Ours && item.Kind != "transfer":
		return "Taken back"
	case item.GivenBack:
		return "Given back"
	case item.Ours:
		return "Payment"
	case item.Kind == "fee":
		return "Fee of the payment service"
	case item.Kind == "payout failure":
		return "A payout that your bank sent back"
	}
	return sentence(item.Kind) + ", not from this hub"
}

func partWord(part payment.PayoutPart) string {
	switch part.Kind {
	case payment.PartInvoice:
		return part.Number
	case payment.PartUnapplied:
		return "Taken by no invoice"
	case payment.PartProcessing:
		return "Cost of the payment"
	case payment.PartHubFee:
		return "The hub's fee"
	case payment.PartNetted:
		return "Kept for what you owed"
	case payment.PartTakenBack:
		return "Refund or chargeback"
	case payment.PartGivenBack:
		return "What was taken back in vain"
	case payment.PartFee:
		return "Fee of the payment service"
	case payment.PartDifference:
		return "Difference to what was sent"
	}
	return "Not from this hub"
}
