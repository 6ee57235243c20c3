package portal

import (
	"strings"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/cases"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// fillInvoice arranges an invoice for its page, around what a form kept.
func fillInvoice(v *InvoiceView, who visitor, f invoiceFacts) {
	item := f.item
	mine := f.books.mine(item.VendorID)
	v.Base, v.Number = who.base+"/invoices/"+item.ID, item.Number
	v.BackURL, v.ReadOnly, v.PayAction = who.base, !who.signedIn(), who.base+"/quotes"
	v.Vendor = f.books.section(item.VendorID)
	v.Vendor.Account = item.AccountExternalID
	v.Row = f.books.row(who, item)
	v.Row.Statuses = append(closedStatus(item), v.Row.Statuses...)
	v.Row.Error = v.Page.ErrorFor("amount-" + item.ID)
	v.Paid = money.New(max(0, item.Total-item.Open), item.Currency)
	if item.DueNote == billing.DueFromTerms {
		v.DueNote = "from your account's terms"
		if mine && item.Terms != "" {
			v.DueNote += ", " + item.Terms
		}
	}
	if mine { // none of a vendor's words before the contact says yes
		v.Note, v.Terms, v.Order = item.Note, item.Terms, item.PurchaseOrder
		v.Files = fileLinks(who, f.papers)
		for _, line := range item.Lines {
			v.Lines = append(v.Lines, lineOf(line, item.Currency))
		}
	} else {
		v.Vendor = VendorSection{ID: v.Vendor.ID, Name: v.Vendor.Name, Account: v.Vendor.Account}
	}
	for _, past := range f.history {
		v.History = append(v.History, ui.Happening{At: who.local(past.At), Text: past.Text})
	}
	for _, thread := range f.threads {
		v.Cases = append(v.Cases, caseOf(who, thread, f.team))
	}
	fillForms(v, who, item)
}

// closedStatus is the chip of an invoice on which nothing is owed.
func closedStatus(item billing.Item) []Status {
	switch item.Status {
	case billing.Paid:
		return []Status{{Tone: ui.ToneGood, Text: "Paid"}}
	case billing.Void:
		return []Status{{Tone: ui.ToneNeutral, Text: "Withdrawn by the vendor"}}
	}
	return nil
}

func lineOf(line billing.Line, currency money.Currency) InvoiceLine {
	out := InvoiceLine{Text: line.Description, Quantity: line.Quantity, Price: line.UnitPrice}
	if sum, err := money.Parse(line.Amount, currency); err == nil {
		out.Amount = sum
	} else {
		out.Amount = money.New(0, currency)
	}
	return out
}

// fillForms says what can be told of an invoice as it is now.
func fillForms(v *InvoiceView, who visitor, item billing.Item) {
	for _, reason := range cases.Reasons() {
		v.Dispute.Reasons = append(v.Dispute.Reasons, ui.Option{Value: reason.Key, Label: reason.Words})
	}
	if !v.Dispute.Open {
		v.Dispute.Amount = item.OpenAmount().Decimal()
	}
	v.Promise.Latest = who.today.AddDays(cases.PromiseDays)
	if len(v.Plan.Rows) == 0 {
		v.Plan.Rows = make([]PlanRow, planRows)
	}
	barred := ""
	switch {
	case item.Status == billing.Void:
		barred = "The vendor withdrew this invoice: nothing is owed on it. Ask a question instead."
	case item.Status == billing.Paid:
		barred = "This invoice is paid: nothing is owed on it. Ask a question instead."
	}
	onItsWay := barred
	if onItsWay == "" && item.Payable() == 0 {
		onItsWay = "A payment of this invoice is on its way already."
	}
	v.Dispute.Barred, v.Notice.Barred, v.Promise.Barred, v.Plan.Barred = barred, barred, onItsWay, onItsWay
	for _, open := range v.Cases {
		if open.Reply == "" {
			continue
		}
		why := "You have said so already, above. Write there, or withdraw it first."
		switch cases.Kind(open.Kind) {
		case cases.Disputed:
			v.Dispute.Barred = orElse(v.Dispute.Barred, why)
		case cases.Promised:
			v.Promise.Barred = orElse(v.Promise.Barred, why)
		case cases.Notice:
			v.Notice.Barred = orElse(v.Notice.Barred, why)
		case cases.Planned:
			v.Plan.Barred = orElse(v.Plan.Barred, why)
		}
	}
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// fileLinks leave out what is held back.
func fileLinks(who visitor, documents []billing.Document) []ui.FileLink {
	var links []ui.FileLink
	for _, document := range documents {
		if document.Held == "" {
			links = append(links, fileLink(who, document))
		}
	}
	return links
}

func fileLink(who visitor, document billing.Document) ui.FileLink {
	path := who.base + "/documents/" + document.ID
	link := ui.FileLink{Name: document.Name, URL: path, Download: path, Detail: typeWords(document.ContentType) + ", " + ui.Bytes(int64(document.Bytes))}
	if inlineTypes[document.ContentType] != "" {
		link.URL += "?view=1"
	}
	return link
}

func typeWords(kind string) string {
	_, sub, _ := strings.Cut(kind, "/")
	if sub == "octet-stream" || sub == "" {
		return "File"
	}
	return strings.ToUpper(party.PlainText(sub, 12))
}
