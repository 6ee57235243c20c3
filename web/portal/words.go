package portal

import (
	"strconv"
	"strings"

	"github.com/sheaf-hub/sheaf/web/ui"
)

// numbers lists invoice numbers in words, at most four of them.
func numbers(list []string) string {
	const most = 4
	switch {
	case len(list) == 0:
		return "some invoices"
	case len(list) == 1:
		return list[0]
	case len(list) > most:
		return strings.Join(list[:most], ", ") + " and " + strconv.Itoa(len(list)-most) + " more"
	default:
		return strings.Join(list[:len(list)-1], ", ") + " and " + list[len(list)-1]
	}
}

func meLead(v MeView) string {
	if v.ContactName == "" {
		return "From all your vendors, on one page."
	}
	return "From all your vendors, on one page, for " + v.ContactName + "."
}

// clearURL is where the filters are dropped; none set, none to drop.
func clearURL(v MeView) string {
	if !v.Filter.Set {
		return ""
	}
	return v.Base
}

func payableCount(rows []InvoiceRow) int {
	count := 0
	for _, row := range rows {
		if row.Payable {
			count++
		}
	}
	return count
}

func lower(title string) string { return strings.ToLower(title) }

func promiseHint(v InvoiceView) string {
	if v.Promise.Latest == "" {
		return "For example " + string(v.Page.Today.AddDays(14))
	}
	return "Not later than " + v.Promise.Latest.Human(v.Page.Today)
}

func quoteLead(v QuoteView) string {
	if len(v.Currencies) > 1 {
		return "You chose invoices in " + strconv.Itoa(len(v.Currencies)) + " currencies. Each is paid on its own, one after the other."
	}
	return ""
}

func quoteAction(v QuoteView, c QuoteCurrency) string {
	switch {
	case c.Charge.Zero():
		return "Apply credits"
	case len(v.Changed) > 0:
		return "Pay the new amount: " + c.Charge.String()
	default:
		return "Pay " + c.Charge.String()
	}
}

// quoteButton leads the eye to one checkout at a time.
func quoteButton(c QuoteCurrency) string {
	if c.State == ui.StepTodo {
		return "btn-secondary"
	}
	return "btn-primary"
}

func quoteHint(c QuoteCurrency) string {
	if c.Charge.Zero() {
		return "The credits cover it: nothing is charged."
	}
	if c.Debit {
		return "By bank debit alone. The payment page opens next; nothing is charged before you confirm there."
	}
	return "The payment page opens next. Nothing is charged before you confirm there."
}

// changedTitle says who or what changed.
func changedTitle(v QuoteView) string {
	for _, d := range v.Changed {
		if !d.Charge {
			return "Your vendors changed these since you looked"
		}
	}
	return "A discount or a late fee changed since you looked"
}

func totalLabel(c QuoteCurrency) string {
	if c.State == ui.StepDone {
		return "Paid"
	}
	return "To pay"
}

func planName(field string, i int) string { return field + "-" + strconv.Itoa(i) }

func planLabel(i int, what string) string {
	return "Instalment " + strconv.Itoa(i+1) + ", " + what
}
