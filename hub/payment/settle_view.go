package payment

import (
	"cmp"
	"slices"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/money"
)

// views are what the vendors of a settlement are told: the same as viewsTx would
// read of it once it is written, made of what is known already.
func (w *settlement) views() map[string]View {
	lines := map[string][]viewLine{}
	shareOf := map[string]string{} // by payment and vendor
	for _, payment := range w.payments {
		for _, share := range payment.shares {
			shareOf[share.PaymentID+share.VendorID] = share.ID
		}
	}
	discounts := map[string]int64{} // by payment and invoice
	for _, applied := range w.applications {
		switch applied.Kind {
		case billing.AppliedDiscount:
			discounts[applied.PaymentID+applied.InvoiceID] = applied.Amount
		case billing.AppliedCredit:
			line, credit := w.viewLine(applied.InvoiceID, applied.Amount, applied.ID), w.credits[applied.CreditID]
			line.CreditExternalID, line.CreditNumber = credit.ExternalID, credit.Number
			shareID := shareOf[applied.PaymentID+applied.VendorID]
			lines[shareID] = append(lines[shareID], line)
		}
	}
	for _, allocation := range w.allocations {
		line := w.viewLine(allocation.InvoiceID, allocation.Amount, allocation.ID)
		line.LateFee, line.Discount, line.Place = allocation.LateFee, discounts[allocation.PaymentID+allocation.InvoiceID], 1
		lines[allocation.ShareID] = append(lines[allocation.ShareID], line)
	}
	views := map[string]View{}
	for _, share := range w.allShares() {
		view := share.view()
		slices.SortFunc(lines[share.ID], compareLines)
		for _, line := range lines[share.ID] {
			view.Invoices = append(view.Invoices, line.view(share.Currency))
		}
		views[share.ID] = view
	}
	return views
}

// moved says whether an invoice came to another account between the reading and
// the locking, so that its account's name is not known.
func (w *settlement) moved() bool {
	for id, invoice := range w.invoices {
		if invoice.AccountID != w.accounts[id].id {
			return true
		}
	}
	return false
}

func (w *settlement) viewLine(invoiceID string, amount int64, id string) viewLine {
	invoice := w.invoices[invoiceID]
	return viewLine{InvoiceID: invoiceID, ExternalID: invoice.ExternalID, Number: invoice.Number, Account: w.accounts[invoiceID].externalID, Amount: amount,
		DueOn: invoice.DueOn, LineID: id}
}

// compareLines puts what is due first first, and of one invoice the credits.
func compareLines(a, b viewLine) int {
	return cmp.Or(cmp.Compare(a.DueOn, b.DueOn), cmp.Compare(a.InvoiceID, b.InvoiceID), cmp.Compare(a.Place, b.Place), cmp.Compare(a.LineID, b.LineID))
}

func (l viewLine) view(currency money.Currency) InvoiceView {
	view := InvoiceView{ExternalID: l.ExternalID, Number: l.Number, Account: l.Account, Amount: money.New(l.Amount, currency).Decimal(),
		Discount: money.New(l.Discount, currency).Decimal(), LateFee: money.New(l.LateFee, currency).Decimal()}
	if l.CreditExternalID != "" {
		view.Credit = &CreditView{ExternalID: l.CreditExternalID, Number: l.CreditNumber}
	}
	return view
}
