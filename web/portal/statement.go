package portal

import (
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
	kit "github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/portal/statement"
)

// Statement is what is open with all vendors, or with one, as a PDF. Query:
// vendor. GET /me/statement.pdf for a contact.
func (h *Handlers) Statement(c *fiber.Ctx) error {
	who, b, err := h.exported(c)
	if err != nil {
		return h.refuse(c, err)
	}
	vendorID := kit.Query(c, "vendor", 40)
	if vendorID != "" && !b.mine(vendorID) {
		return fault.New(fault.NotFound, "There is no such vendor, or nothing of it is yours to see.")
	}
	file, err := statement.Write(h.statementOf(who, b, vendorID))
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, "application/pdf")
	c.Set(fiber.HeaderContentDisposition, dispositionOf("attachment", "statement-"+string(who.today)+".pdf"))
	return c.Send(file)
}

// statementOf arranges the books by vendor and currency; vendorID empty: all.
func (h *Handlers) statementOf(who visitor, b books, vendorID string) statement.Statement {
	s := statement.Statement{Hub: orElse(h.Kit.HubName, "Sheaf"), For: who.contact().DisplayName(), At: h.Kit.Now(), Day: b.day}
	if who.contact().Name != "" {
		s.For += ", " + who.contact().Email
	}
	ids := b.vendorIDs()
	slices.SortFunc(ids, func(x, y string) int {
		return strings.Compare(strings.ToLower(b.vendors[x].Name), strings.ToLower(b.vendors[y].Name))
	})
	for _, id := range ids {
		if b.mine(id) && (vendorID == "" || id == vendorID) {
			s.Vendors = append(s.Vendors, statementVendor(b, id, &s.Totals))
		}
	}
	return s
}

func statementVendor(b books, id string, totals *[]statement.Total) statement.Vendor {
	vendor := b.vendors[id]
	out := statement.Vendor{Name: vendor.Name, Contact: vendor.ContactName}
	for _, way := range []string{vendor.Email, vendor.Phone} {
		if way != "" {
			out.Contact = joined(out.Contact, way)
		}
	}
	part := func(currency money.Currency) *statement.Part {
		at := slices.IndexFunc(out.Parts, func(p statement.Part) bool { return p.Total.Open.Currency == currency })
		if at < 0 {
			out.Parts, at = append(out.Parts, statement.Part{Total: noTotal(currency)}), len(out.Parts)
		}
		return &out.Parts[at]
	}
	for _, item := range b.items {
		if item.VendorID != id {
			continue
		}
		out.Account = withAccount(out.Account, item.AccountExternalID)
		to := part(item.Currency)
		to.Lines = append(to.Lines, statement.Line{Number: item.Number, Order: item.PurchaseOrder, Issued: item.IssuedOn, Due: item.DueOn,
			Total: money.New(item.Total, item.Currency), Open: item.OpenAmount(), Note: strings.Join(standingWords(item, b.day), ", ")})
		countItem(&to.Total, item, b.day)
		countItem(totalOf(totals, item.Currency), item, b.day)
	}
	for _, credit := range b.credits {
		if credit.VendorID != id {
			continue
		}
		to, usable := part(credit.Currency), money.New(credit.Usable(), credit.Currency)
		to.Credits = append(to.Credits, statement.Line{Number: credit.Number, Issued: credit.IssuedOn, Total: money.New(credit.Total, credit.Currency), Open: usable})
		to.Total.Credits.Minor += usable.Minor
		totalOf(totals, credit.Currency).Credits.Minor += usable.Minor
	}
	return out
}

func noTotal(currency money.Currency) statement.Total {
	zero := money.New(0, currency)
	return statement.Total{Open: zero, Overdue: zero, Credits: zero}
}

func totalOf(totals *[]statement.Total, currency money.Currency) *statement.Total {
	at := slices.IndexFunc(*totals, func(t statement.Total) bool { return t.Open.Currency == currency })
	if at < 0 {
		*totals, at = append(*totals, noTotal(currency)), len(*totals)
	}
	return &(*totals)[at]
}

func countItem(total *statement.Total, item billing.Item, day money.Date) {
	total.Open.Minor += item.Open
	if stands, _ := standing(item, day); stands == standsOverdue {
		total.Overdue.Minor += item.Payable()
	}
}
