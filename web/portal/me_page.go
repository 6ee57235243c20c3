package portal

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"net/url"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// rowsPerPage bounds the rows of one page: about a megabyte of HTML.
const rowsPerPage = 500

// meOf arranges the books for the page; problems are those of a posted selection.
func meOf(who visitor, b books, q meQuery, marked ticks, problems []ui.FieldError) MeView {
	v := MeView{ContactName: who.contact().Name, Base: who.base, PayAction: who.base + "/quotes", Of: len(b.items), Filter: q.filter}
	if who.signedIn() {
		v.NewAction, v.CSV, v.Calendar, v.Statement = "/me/vendors", "/me/invoices.csv", "/me/due.ics", "/me/statement.pdf"
	} else {
		v.Digest = digestNoteOf(who)
	}
	v.Summaries = summariesOf(b)
	v.Filter.Vendors, v.Filter.Currencies = filterOptions(b)
	v.Propose = proposeOf(b, q, &marked)
	if q.selected != "" {
		markSelected(b, q.selected, marked)
	}
	shown, pages := pageOf(matching(b, q.filter), q, marked, who.base)
	v.Pages, v.Shown = pages, len(shown)
	if b.more && v.Pages.Summary == "" {
		v.Pages.Summary = "Only the " + strconv.Itoa(billing.MostShown) + " most urgent invoices are listed."
	}
	fillVendors(&v, who, b, shown, marked, problems)
	v.Selected, v.Totals = selectedTotals(b, shown, marked)
	return v
}

func digestNoteOf(who visitor) *DigestNote {
	sent := who.link.ExpiresAt.Add(-access.DigestLinkLasts)
	return &DigestNote{SentOn: money.DateOf(sent, who.contact().Zone()), To: masked(who.contact().Email), SignIn: "/?next=/me"}
}

// masked leaves enough of an address for its owner to know it by.
func masked(email string) string {
	local, domain, found := strings.Cut(email, "@")
	if !found || local == "" {
		return "•••"
	}
	return string([]rune(local)[:1]) + "•••@" + domain
}

func summariesOf(b books) []CurrencySummary {
	sums := map[money.Currency]*CurrencySummary{}
	of := func(currency money.Currency) *CurrencySummary {
		if sums[currency] == nil {
			zero := money.New(0, currency)
			sums[currency] = &CurrencySummary{Overdue: zero, Soon: zero, Later: zero, Disputed: zero, Processing: zero, Credits: zero}
		}
		return sums[currency]
	}
	for _, item := range b.items {
		if !b.mine(item.VendorID) {
			continue // its word is not taken yet
		}
		sum := of(item.Currency)
		sum.Processing.Minor += min(item.Held, item.Open)
		switch stands, _ := standing(item, b.day); stands {
		case standsDisputed:
			sum.Disputed.Minor += item.Payable()
		case standsOverdue:
			sum.Overdue.Minor += item.Payable()
			sum.OverdueCount++
		case standsSoon:
			sum.Soon.Minor += item.Payable()
		case standsLater:
			sum.Later.Minor += item.Payable()
		}
	}
	for _, credit := range b.credits {
		of(credit.Currency).Credits.Minor += credit.Usable()
	}
	list := make([]CurrencySummary, 0, len(sums))
	for _, sum := range sums {
		list = append(list, *sum)
	}
	slices.SortFunc(list, func(x, y CurrencySummary) int { return cmp.Compare(x.Overdue.Currency, y.Overdue.Currency) })
	return list
}

func filterOptions(b books) (vendors, currencies []ui.Option) {
	seen := map[string]bool{}
	for _, item := range b.items {
		if !seen[item.VendorID] {
			vendors = append(vendors, ui.Option{Value: item.VendorID, Label: b.vendors[item.VendorID].Name})
		}
		if !seen[string(item.Currency)] {
			currencies = append(currencies, ui.Option{Value: string(item.Currency), Label: string(item.Currency)})
		}
		seen[item.VendorID], seen[string(item.Currency)] = true, true
	}
	byLabel := func(x, y ui.Option) int {
		return cmp.Or(cmp.Compare(strings.ToLower(x.Label), strings.ToLower(y.Label)), cmp.Compare(x.Value, y.Value))
	}
	slices.SortFunc(vendors, byLabel)
	slices.SortFunc(currencies, byLabel)
	return vendors, currencies
}

// proposeOf spends what the payer has, and ticks accordingly.
func proposeOf(b books, q meQuery, marked *ticks) ProposeForm {
	_, currencies := filterOptions(b)
	form := ProposeForm{Amount: q.have, Currency: q.haveCurrency, Currencies: currencies}
	if q.have == "" {
		return form
	}
	currency, err := money.ParseCurrency(q.haveCurrency)
	if err != nil && len(currencies) > 0 {
		currency, err = money.Currency(currencies[0].Value), nil
	}
	if err != nil {
		form.Error = "Choose a currency."
		return form
	}
	have, err := payment.TypedAmount(q.have, currency)
	if err != nil {
		form.Error = "Write an amount in " + string(currency) + ", such as " + money.New(500000, currency).Decimal() + "."
		return form
	}
	mine := slices.DeleteFunc(slices.Clone(b.items), func(item billing.Item) bool { return !b.mine(item.VendorID) })
	proposal := payment.Propose(mine, have, b.day)
	*marked = newTicks()
	result := Proposal{Have: have, Used: money.New(have.Minor-proposal.Left, currency), Left: money.New(proposal.Left, currency), Invoices: len(proposal.Parts)}
	for _, item := range mine {
		part, taken := proposal.Parts[item.ID]
		if !taken {
			continue
		}
		marked.amounts[item.ID] = money.New(part, currency).Decimal()
		if part < item.Payable() {
			result.Partial = item.Number
		}
	}
	form.Currency, form.Result = string(currency), &result
	return form
}

// markSelected ticks what a link says: all that is overdue, all that is asked
// for, or one vendor's.
func markSelected(b books, selected string, marked ticks) {
	for _, item := range b.items {
		stands, asked := standing(item, b.day)
		if !asked || (!b.mine(item.VendorID) && selected != item.VendorID) {
			continue
		}
		if selected == "all" || selected == stands && stands == standsOverdue || selected == item.VendorID {
			marked.amounts[item.ID] = ""
		}
	}
}

func markQuote(marked ticks, quote payment.Quote) {
	for _, part := range quote.Currencies {
		for _, vendor := range part.Vendors {
			for _, line := range vendor.Lines {
				marked.amounts[line.InvoiceID] = ""
				if line.Amount < line.Payable {
					marked.amounts[line.InvoiceID] = money.New(line.Amount, part.Currency).Decimal()
				}
				for _, credit := range line.Credits {
					marked.credits[credit.CreditID] = true
				}
			}
		}
	}
}

// matching narrows and sorts the invoices.
func matching(b books, f MeFilter) []billing.Item {
	find := strings.ToLower(f.Query)
	var list []billing.Item
	for _, item := range b.items {
		stands, _ := standing(item, b.day)
		if f.State == standsProcessing && item.Held > 0 {
			stands = standsProcessing
		}
		text := strings.ToLower(item.Number + "\n" + item.PurchaseOrder + "\n" + b.vendors[item.VendorID].Name)
		if (f.State == "" || f.State == stands) && (f.Vendor == "" || f.Vendor == item.VendorID) &&
			(f.Currency == "" || f.Currency == string(item.Currency)) && strings.Contains(text, find) {
			list = append(list, item)
		}
	}
	order := func(x, y billing.Item) int { return 0 } // the earliest due first, as read
	switch f.Sort {
	case "amount":
		order = func(x, y billing.Item) int { return cmp.Compare(y.Open, x.Open) }
	case "number":
		order = func(x, y billing.Item) int { return cmp.Compare(x.Number, y.Number) }
	case "issued":
		order = func(x, y billing.Item) int { return cmp.Compare(x.IssuedOn, y.IssuedOn) }
	}
	places := map[string]int{}
	for i, id := range b.vendorOrder(list) {
		places[id] = i
	}
	slices.SortStableFunc(list, func(x, y billing.Item) int {
		return cmp.Or(cmp.Compare(places[x.VendorID], places[y.VendorID]), order(x, y))
	})
	return list
}

// pageOf cuts one page of the list. A posted selection comes back on the page
// where its first tick is.
func pageOf(list []billing.Item, q meQuery, marked ticks, base string) ([]billing.Item, ui.Pager) {
	var pages ui.Pager
	last := max(1, (len(list)+rowsPerPage-1)/rowsPerPage)
	number := min(max(1, q.page), last)
	if marked.typed {
		at := slices.IndexFunc(list, func(item billing.Item) bool { _, ticked := marked.amounts[item.ID]; return ticked })
		number = max(0, at)/rowsPerPage + 1
	}
	if last == 1 {
		return list, pages
	}
	link := func(n int) string {
		values := url.Values{"page": {strconv.Itoa(n)}}
		for name, value := range map[string]string{"q": q.filter.Query, "state": q.filter.State, "vendor": q.filter.Vendor, "currency": q.filter.Currency, "sort": q.filter.Sort} {
			if value != "" {
				values.Set(name, value)
			}
		}
		return withQuery(base, values)
	}
	if number > 1 {
		pages.Prev = link(number - 1)
	}
	if number < last {
		pages.Next = link(number + 1)
	}
	pages.Summary = "Page " + strconv.Itoa(number) + " of " + strconv.Itoa(last) + ". What you tick on one page is paid before you go on to the next."
	from := (number - 1) * rowsPerPage
	return list[from:min(len(list), from+rowsPerPage)], pages
}

// fillVendors puts the rows into their vendors' sections, new vendors apart.
func fillVendors(v *MeView, who visitor, b books, shown []billing.Item, marked ticks, problems []ui.FieldError) {
	sections, fresh := map[string]*VendorSection{}, map[string]*NewVendor{}
	for _, id := range b.vendorOrder(shown) {
		if b.mine(id) {
			v.Vendors = append(v.Vendors, b.section(id))
		} else {
			v.New = append(v.New, NewVendor{ID: id, Name: b.vendors[id].Name})
		}
	}
	for i := range v.Vendors {
		sections[v.Vendors[i].ID] = &v.Vendors[i]
	}
	for i := range v.New {
		fresh[v.New[i].ID] = &v.New[i]
	}
	for _, item := range shown {
		row := b.row(who, item)
		if typed, ticked := marked.amounts[item.ID]; ticked && row.Payable {
			row.Checked = true
			if typed != "" {
				row.Amount = typed
			}
		}
		row.Error = ui.Page{Errors: problems}.ErrorFor("amount-" + item.ID)
		if section := sections[item.VendorID]; section != nil {
			section.Invoices = append(section.Invoices, row)
			addTo(&section.Open, row.Open)
			section.Account = withAccount(section.Account, item.AccountExternalID)
		} else if vendor := fresh[item.VendorID]; vendor != nil {
			row.Order, row.URL = "", "" // nothing of its words before the contact says yes
			vendor.Invoices = append(vendor.Invoices, row)
		}
	}
	for _, credit := range b.credits {
		if section := sections[credit.VendorID]; section != nil {
			section.Credits = append(section.Credits, CreditRow{ID: credit.ID, Number: credit.Number, Open: money.New(credit.Usable(), credit.Currency),
				Against: "for invoices in " + string(credit.Currency) + " of this vendor", Checked: marked.credits[credit.ID]})
		}
	}
}

func withAccount(list, account string) string {
	if account == "" || slices.Contains(strings.Split(list, ", "), account) {
		return list
	}
	return joined(list, account)
}

// addTo adds an amount to the sum of its currency.
func addTo(sums *[]money.Amount, more money.Amount) {
	for i := range *sums {
		if (*sums)[i].Currency == more.Currency {
			(*sums)[i].Minor += more.Minor
			return
		}
	}
	*sums = append(*sums, more)
}

// selectedTotals is what the ticks of this page come to, credits not yet set
// against them: the review page is exact.
func selectedTotals(b books, shown []billing.Item, marked ticks) (int, []money.Amount) {
	var totals []money.Amount
	count := 0
	for _, item := range shown {
		typed, ticked := marked.amounts[item.ID]
		if !ticked || item.Payable() == 0 {
			continue
		}
		count++
		sum := money.New(item.Payable(), item.Currency)
		if typed != "" {
			part, err := payment.TypedAmount(typed, item.Currency)
			if err != nil {
				continue
			}
			sum = part
		}
		if offer, some := b.offers[item.ID]; some && sum == offer.Payable {
			sum = offer.Charge()
		}
		addTo(&totals, sum)
	}
	slices.SortFunc(totals, func(x, y money.Amount) int { return cmp.Compare(x.Currency, y.Currency) })
	return count, totals
}

// pointed makes the lines of the error summary lead to fields that are there.
func pointed(problems []ui.FieldError, v MeView) []ui.FieldError {
	list := slices.Clone(problems)
	for i := range list {
		switch list[i].Field {
		case "invoice":
			list[i].Field = ""
			if rows := firstRows(v); len(rows) > 0 {
				list[i].Field = "i-" + rows[0].ID
			}
		case "credit":
			list[i].Field = ""
			for _, vendor := range v.Vendors {
				for _, credit := range vendor.Credits {
					if credit.Checked && list[i].Field == "" {
						list[i].Field = "c-" + credit.ID
					}
				}
			}
		}
	}
	return list
}

func firstRows(v MeView) []InvoiceRow {
	for _, vendor := range v.Vendors {
		for i, row := range vendor.Invoices {
			if row.Payable {
				return vendor.Invoices[i:]
			}
		}
	}
	return nil
}
