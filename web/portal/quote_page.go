package portal

import (
	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// quoteOf arranges a quote for the page; paid are its payments by currency.
func quoteOf(who visitor, quote payment.Quote, paid map[money.Currency]payment.Payment) QuoteView {
	v := QuoteView{ID: quote.ID, Hash: quote.Hash, PayAction: who.base + "/quotes/" + quote.ID + "/payments", Requote: who.base + "/quotes", Back: who.base}
	if quote.ID != "" {
		v.Back = who.base + "?quote=" + quote.ID
	}
	current := false
	for _, part := range quote.Currencies {
		c := QuoteCurrency{Charge: money.New(part.Charge, part.Currency), Credits: money.New(part.Credit, part.Currency),
			Invoices: money.New(part.Charge+part.Credit+part.Discount-part.LateFee, part.Currency), State: ui.StepTodo,
			Discount: money.New(part.Discount, part.Currency), LateFee: money.New(part.LateFee, part.Currency), Debit: part.Method == payment.MethodBankDebit, Refused: part.Refused}
		if p, begun := paid[part.Currency]; !begun || p.Status == payment.Failed || p.Status == payment.Expired {
			c.Saving = money.New(part.DebitSaving, part.Currency)
		}
		if p, begun := paid[part.Currency]; begun && (p.Status == payment.Settled || p.Status == payment.Processing) {
			c.State, c.Receipt = ui.StepDone, "/pay/"+p.ID
		} else if !current {
			c.State, current = ui.StepCurrent, true
		}
		for _, vendor := range part.Vendors {
			c.Vendors = append(c.Vendors, quoteVendorOf(vendor, part.Currency))
		}
		v.Currencies = append(v.Currencies, c)
	}
	return v
}

func quoteVendorOf(vendor payment.VendorQuote, currency money.Currency) QuoteVendor {
	out := QuoteVendor{Name: vendor.Name, Charge: money.New(vendor.Charge, currency)}
	for _, line := range vendor.Lines {
		shown := QuoteLine{Number: line.Number, Amount: money.New(line.Amount, currency), Open: money.New(line.Open, currency)}
		for _, credit := range line.Credits {
			shown.Credits = append(shown.Credits, QuoteCredit{Number: credit.Number, Amount: money.New(credit.Amount, currency)})
		}
		for _, incentive := range line.Incentives {
			shown.add(incentive, currency)
		}
		out.Lines = append(out.Lines, shown)
	}
	return out
}

// add itemises a discount or a late fee.
func (l *QuoteLine) add(incentive payment.Incentive, currency money.Currency) {
	amount := money.New(incentive.Amount, currency)
	switch incentive.Kind {
	case payment.LateFee:
		l.Extras = append(l.Extras, QuoteExtra{Label: ui.Sentence(incentive.Why), Amount: amount})
	case payment.LateFeeWaived:
		l.Waived = ui.Sentence(incentive.Why) + "."
	default:
		l.Extras = append(l.Extras, QuoteExtra{Label: "Discount: " + incentive.Why, Amount: amount.Neg()})
	}
}

// differencesOf names the vendors, which a difference does not.
func differencesOf(quote payment.Quote, differences []payment.Difference) []Difference {
	vendors := map[string]string{}
	for _, part := range quote.Currencies {
		for _, vendor := range part.Vendors {
			for _, line := range vendor.Lines {
				vendors[line.InvoiceID] = vendor.Name
			}
		}
	}
	list := make([]Difference, 0, len(differences))
	for _, d := range differences {
		list = append(list, Difference{Vendor: vendors[d.InvoiceID], Number: d.Number, Was: money.New(d.Was, d.Currency), Now: money.New(d.Is, d.Currency), Charge: d.Charge, Why: d.Why})
	}
	return list
}

// again is a quote's selection as it can be asked for now: what was paid in
// full is paid in full again, a part stays that part where it still fits.
func again(old payment.Quote, paid map[money.Currency]payment.Payment, b books) payment.Selection {
	items := make(map[string]billing.Item, len(b.items))
	for _, item := range b.items {
		items[item.ID] = item
	}
	usable := map[string]billing.Credit{}
	for _, credit := range b.credits {
		usable[credit.ID] = credit
	}
	selection := payment.Selection{Methods: map[money.Currency]payment.MethodClass{}}
	wanted := map[string]bool{}
	for _, part := range old.Currencies {
		if p, begun := paid[part.Currency]; begun && p.Status != payment.Failed && p.Status != payment.Expired {
			continue
		}
		selection.Methods[part.Currency] = part.Method
		for _, vendor := range part.Vendors {
			for _, line := range vendor.Lines {
				item, open := items[line.InvoiceID]
				if !open || item.Payable() == 0 {
					continue
				}
				wish := payment.Wish{InvoiceID: item.ID}
				if line.Amount < line.Payable && line.Amount < item.Payable() && item.Currency == part.Currency {
					wish.Amount = money.New(line.Amount, item.Currency).Decimal()
				}
				selection.Invoices = append(selection.Invoices, wish)
				for _, credit := range line.Credits {
					if now, left := usable[credit.CreditID]; left && now.AccountID == item.AccountID && now.Currency == item.Currency && !wanted[now.ID] {
						wanted[now.ID] = true
						selection.Credits = append(selection.Credits, now.ID)
					}
				}
			}
		}
	}
	return selection
}
