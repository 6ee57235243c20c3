package portal

import (
	"net/url"
	"slices"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// paymentOf arranges a receipt for the page. ownTicks: the visitor made the
// selection itself, so that its very ticks can be shown again.
func paymentOf(who visitor, receipt payment.Receipt, ownTicks bool) PaymentView {
	p := receipt.Payment
	v := PaymentView{Number: p.Number, Status: string(p.Status), Currency: p.Currency, Charged: money.New(p.Amount, p.Currency),
		Credits: money.New(p.CreditAmount, p.Currency), Discount: money.New(0, p.Currency), LateFee: money.New(0, p.Currency),
		Refunded: money.New(0, p.Currency), ChargedBack: money.New(0, p.Currency), Method: ui.Sentence(orElse(p.MethodDetail, p.Method)),
		Started: who.local(p.CreatedAt), Settled: who.local(p.SettledAt), Failure: p.Failure, Base: who.base}
	switch p.Status {
	case payment.Pending:
		v.Continue, v.Cancel, v.Charging = "/pay/"+p.ID+"/continue", "/pay/"+p.ID+"/cancel", p.OffSession
		if p.OffSession {
			v.Continue = ""
		}
	case payment.Failed, payment.Expired:
		v.Again = againURL(who, receipt, ownTicks)
	case payment.Settled, payment.Refunded, payment.ChargedBack:
		v.PDF = receiptURL(who, p.ID)
	}
	for _, share := range receipt.Shares {
		v.Discount.Minor += share.Discount
		v.LateFee.Minor += share.LateFee
		v.Refunded.Minor += share.Refunded
		v.ChargedBack.Minor += share.ChargedBack
		v.Vendors = append(v.Vendors, paymentVendorOf(who, share))
	}
	return v
}

// receiptURL is where whoever looks finds the receipt as a PDF.
func receiptURL(who visitor, paymentID string) string {
	if who.signedIn() {
		return "/me/payments/" + paymentID + "/receipt.pdf"
	}
	return "/pay/" + paymentID + "/receipt.pdf"
}

// againURL leads to the page with the same ticks; for a colleague's selection,
// or one by a link, with the same invoices, as far as an address can name them.
func againURL(who visitor, receipt payment.Receipt, ownTicks bool) string {
	if ownTicks {
		return who.base + "?again=" + receipt.Payment.ID
	}
	const most = 40
	values := url.Values{}
	for _, share := range receipt.Shares {
		for _, line := range share.Lines {
			if len(values["invoice"]) < most && !slices.Contains(values["invoice"], line.InvoiceID) {
				values.Add("invoice", line.InvoiceID)
			}
		}
	}
	return withQuery(who.base, values)
}

func paymentVendorOf(who visitor, share payment.ReceiptShare) PaymentVendor {
	of := func(minor int64) money.Amount { return money.New(minor, share.Currency) }
	vendor := PaymentVendor{Name: share.VendorName, Reference: share.Reference, Amount: of(share.Amount), Unapplied: of(share.Unapplied), State: shareStatus(share)}
	for _, part := range payment.InvoiceParts(share.Lines) {
		line := PaidLine{Number: part.Number, Settled: of(part.Settled()), Discount: of(part.Discount), LateFee: of(part.LateFee)}
		for _, credit := range part.Credits {
			line.Credits = append(line.Credits, QuoteCredit{Number: credit.Number, Amount: of(credit.Amount)})
		}
		vendor.Lines = append(vendor.Lines, line)
	}
	for _, back := range share.Returns {
		vendor.Returns = append(vendor.Returns, PaidBack{What: back.Kind.Words(), At: who.local(back.Asked), Amount: of(back.Amount), Waits: !back.Done})
	}
	return vendor
}

// shareStatus says how far a vendor's part is on its way.
func shareStatus(share payment.ReceiptShare) Status {
	if share.Status != payment.Settled || share.Amount == 0 {
		return PaymentStatus(string(share.Status))
	}
	if share.TransferState == "done" {
		return Status{Tone: ui.ToneGood, Text: "Sent to the vendor"}
	}
	return Status{Tone: ui.ToneGood, Text: "Paid, on its way to the vendor"}
}

func paymentRows(who visitor, list []payment.Payment, payees map[string][]string, team map[string]party.Contact) []PaymentRow {
	rows := make([]PaymentRow, 0, len(list))
	for _, p := range list {
		row := PaymentRow{URL: "/me/payments/" + p.ID, Number: p.Number, When: who.local(p.CreatedAt), Charged: money.New(p.Amount, p.Currency),
			Credits: money.New(p.CreditAmount, p.Currency), Status: PaymentStatus(string(p.Status))}
		switch names := payees[p.ID]; len(names) {
		case 0:
		case 1:
			row.Vendors = names[0]
		default:
			row.Vendors = ui.Count(len(names), "vendor", "vendors")
		}
		if colleague, known := team[p.ContactID]; known {
			row.Payer = colleague.DisplayName()
		}
		rows = append(rows, row)
	}
	return rows
}
