package portal

import (
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// ReturnRow is money of a payment that went back, or that the payer's bank took back.
type ReturnRow struct {
	Vendor string
	What   string // "Refund" or "Chargeback"
	Amount money.Amount
	State  Status
	At     time.Time // in the contact's zone
}

func returnRows(who visitor, list []payment.PayerReturn) []ReturnRow {
	rows := make([]ReturnRow, len(list))
	for i, one := range list {
		rows[i] = ReturnRow{Vendor: one.VendorName, What: "Refund", Amount: money.New(one.Amount, one.Currency), State: refundState(one.State), At: who.local(one.At)}
		if one.Kind == "chargeback" {
			rows[i].What, rows[i].State = "Chargeback", chargebackState(one.State)
		}
	}
	return rows
}

func refundState(state string) Status {
	switch state {
	case string(payment.PhaseSucceeded):
		return Status{Tone: ui.ToneGood, Text: "Given back"}
	case string(payment.PhaseFailed):
		return Status{Tone: ui.ToneBad, Text: "Did not arrive: ask the vendor"}
	}
	return Status{Tone: ui.ToneInfo, Text: "On its way to you"}
}

func chargebackState(state string) Status {
	switch state {
	case payment.ChargebackWon:
		return Status{Tone: ui.ToneNeutral, Text: "Decided for the vendor"}
	case payment.ChargebackClosed:
		return Status{Tone: ui.ToneNeutral, Text: "Closed"}
	case payment.ChargebackInquiry:
		return Status{Tone: ui.ToneInfo, Text: "Your bank asks the vendor"}
	case payment.ChargebackLost:
		return Status{Tone: ui.ToneNeutral, Text: "Decided for you"}
	}
	return Status{Tone: ui.ToneWarn, Text: "Taken back by your bank"}
}
