package console

import (
	"strings"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// Status is one chip.
type Status struct {
	Tone ui.Tone
	Text string
}

func invoiceStatus(item billing.Item, today money.Date) Status {
	switch {
	case item.Status == billing.Paid:
		return Status{ui.ToneGood, "Paid"}
	case item.Status == billing.Void:
		return Status{ui.ToneNeutral, "Void"}
	case item.Overdue(today):
		return Status{ui.ToneBad, "Overdue"}
	}
	return Status{ui.ToneNeutral, "Open"}
}

func holdWord(kind billing.HoldKind) string {
	switch kind {
	case billing.HoldDispute:
		return "In dispute"
	case billing.HoldPromise:
		return "Promised"
	case billing.HoldPlan:
		return "Payment plan"
	case billing.HoldSent:
		return "Said to be sent"
	case billing.HoldPayment:
		return "Payment processing"
	case billing.HoldScheduled:
		return "Payment planned"
	case billing.HoldManual:
		return "On hold by you"
	}
	return string(kind)
}

func holdTone(kind billing.HoldKind) ui.Tone {
	switch kind {
	case billing.HoldDispute, billing.HoldManual:
		return ui.ToneWarn
	}
	return ui.ToneInfo
}

// holdStatuses are the active holds as chips, each kind once.
func holdStatuses(item billing.Item, today money.Date) []Status {
	var list []Status
	seen := map[billing.HoldKind]bool{}
	for _, hold := range item.Holds {
		if hold.Active(today) && !seen[hold.Kind] {
			seen[hold.Kind] = true
			list = append(list, Status{holdTone(hold.Kind), holdWord(hold.Kind)})
		}
	}
	return list
}

func paymentStatus(s payment.Status) Status {
	switch s {
	case payment.Settled:
		return Status{ui.ToneGood, "Settled"}
	case payment.Processing:
		return Status{ui.ToneInfo, "Processing"}
	case payment.Failed:
		return Status{ui.ToneBad, "Failed"}
	case payment.Refunded:
		return Status{ui.ToneWarn, "Refunded"}
	case payment.ChargedBack:
		return Status{ui.ToneBad, "Charged back"}
	case payment.Expired:
		return Status{ui.ToneNeutral, "Expired"}
	}
	return Status{ui.ToneNeutral, "Pending"}
}

// returnedStatus is a share's status that says too when a part of it went back.
func returnedStatus(share payment.Share) Status {
	if share.Status == payment.Settled && share.Refunded > 0 {
		return Status{ui.ToneWarn, "Partly refunded"}
	}
	return paymentStatus(share.Status)
}

func transferStatus(share payment.VendorShare) Status {
	if share.TransferState == "pending" {
		switch share.WaitsFor {
		case "account":
			return Status{ui.ToneWarn, "Waits for your account"}
		case "vendor":
			return Status{ui.ToneWarn, "Waits: you are suspended here"}
		case "funds":
			return Status{ui.ToneInfo, "Waits for the money to arrive"}
		}
	}
	switch share.TransferState {
	case "done":
		return Status{ui.ToneGood, "Sent to you"}
	case "failed":
		return Status{ui.ToneBad, "Could not be sent"}
	case "unknown":
		return Status{ui.ToneWarn, "Being checked"}
	case "":
		return Status{ui.ToneNeutral, "None"}
	}
	return Status{ui.ToneInfo, "On its way"}
}

func deliveryStatus(state string) Status {
	switch state {
	case outbox.Done:
		return Status{ui.ToneGood, "Delivered"}
	case outbox.Dead:
		return Status{ui.ToneBad, "Given up"}
	case outbox.Unknown:
		return Status{ui.ToneWarn, "Not known"}
	case outbox.Cancelled:
		return Status{ui.ToneNeutral, "Cancelled"}
	case outbox.Sending:
		return Status{ui.ToneInfo, "Sending"}
	}
	return Status{ui.ToneInfo, "Waiting"}
}

func deliveryStates() []ui.Option {
	return []ui.Option{{Value: "", Label: "Any state"}, {Value: outbox.Pending, Label: "Waiting"}, {Value: outbox.Sending, Label: "Sending"},
		{Value: outbox.Done, Label: "Delivered"}, {Value: outbox.Dead, Label: "Given up"}, {Value: outbox.Unknown, Label: "Not known"},
		{Value: outbox.Cancelled, Label: "Cancelled"}}
}

func eventTypes() []ui.Option {
	options := []ui.Option{{Value: "", Label: "Any event"}}
	for _, kind := range outbox.Types() {
		options = append(options, ui.Option{Value: kind, Label: kind})
	}
	return options
}

// sentence makes a word of the code fit for people: "key.revoked" → "Key revoked".
func sentence(code string) string {
	text := strings.NewReplacer(".", " ", "_", " ").Replace(code)
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// known keeps value when it is one of the options, so that no filter of the
// query reaches a room unread.
func known(value string, options []ui.Option) string {
	for _, option := range options {
		if option.Value == value {
			return value
		}
	}
	return ""
}

// asSentence begins with a capital and ends with a full stop.
func asSentence(text string) string {
	if text == "" {
		return text
	}
	text = strings.ToUpper(text[:1]) + text[1:]
	if !strings.HasSuffix(text, ".") && !strings.HasSuffix(text, "?") {
		text += "."
	}
	return text
}
