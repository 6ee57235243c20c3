package console

import (
	"net/url"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// ShowPreview lets the vendor choose an account, and then shows its own part of
// that customer's page and reminder. GET /vendor/preview
func (h *Handlers) ShowPreview(c *fiber.Ctx) error {
	r, err := h.open(c, "Preview", "/vendor/preview")
	if err != nil {
		return err
	}
	view := PreviewView{Frame: r.frame, Query: page.Query(c, "q", 100)}
	accountID := page.Query(c, "account", 40)
	if accountID == "" {
		return h.chooseAccount(r, view)
	}
	account, err := h.accountOf(r, accountID)
	if err != nil {
		return err
	}
	view.Account, view.AccountNumber, view.Vendor = account.Name, account.ExternalID, r.vendor.Profile()
	if err := h.previewRows(r, &view, account.ID); err != nil {
		return err
	}
	if err := h.previewMail(r, &view, account.ID); err != nil {
		return err
	}
	return page.Render(c, fiber.StatusOK, Preview(view))
}

func (h *Handlers) accountOf(r at, id string) (party.Account, error) {
	if !store.ValidID(id) {
		return party.Account{}, fault.New(fault.NotFound, "There is no such account.")
	}
	return h.Party.Account(r.ctx(), r.vendor.ID, id)
}

func (h *Handlers) chooseAccount(r at, view PreviewView) error {
	accounts, next, err := h.Party.ListAccounts(r.ctx(), r.vendor.ID, view.Query, page.Cursor(r.Ctx, onOnePage))
	if err != nil {
		return err
	}
	for _, account := range accounts {
		view.Accounts = append(view.Accounts, AccountRow{URL: previewURL(account.ID, ""), Name: account.Name, Number: account.ExternalID})
	}
	view.Pages = page.CursorPages(r.Ctx, next)
	return page.Render(r.Ctx, fiber.StatusOK, Preview(view))
}

func previewURL(accountID, contactID string) string {
	query := url.Values{"account": {accountID}}
	if contactID != "" {
		query.Set("contact", contactID)
	}
	return "/vendor/preview?" + query.Encode()
}

// previewRows are the account's open invoices with the chips that the customer sees.
func (h *Handlers) previewRows(r at, view *PreviewView, accountID string) error {
	items, next, err := h.Billing.ListInvoices(r.ctx(), r.vendor.ID, billing.InvoiceFilter{Status: billing.Open, AccountID: accountID}, true, store.PageRequest{Limit: 100})
	if err != nil {
		return err
	}
	view.More = next != ""
	for _, item := range items {
		row := invoiceRowOf(item, r.today)
		if row.Statuses[0].Text == "Open" {
			row.Statuses = row.Statuses[1:]
		}
		for i, s := range row.Statuses {
			if s.Text == holdWord(billing.HoldManual) {
				row.Statuses[i].Text = "On hold"
			}
		}
		view.Rows = append(view.Rows, row)
		view.Sums = addTo(view.Sums, item.OpenAmount())
	}
	if r.vendor.Status != party.VendorApproved {
		view.Note = "The customer sees this once you are approved; now it sees nothing of yours."
	}
	return nil
}

func addTo(sums []money.Amount, amount money.Amount) []money.Amount {
	for i, sum := range sums {
		if added, err := sum.Add(amount); err == nil && sum.Currency == amount.Currency {
			sums[i] = added
			return sums
		}
	}
	return append(sums, amount)
}

func (h *Handlers) previewMail(r at, view *PreviewView, accountID string) error {
	contacts, err := h.Party.AccountContacts(r.ctx(), r.vendor.ID, accountID)
	if err != nil {
		return err
	}
	chosen := page.Query(r.Ctx, "contact", 40)
	current := ""
	for _, contact := range contacts {
		if contact.Role == party.Approver { // sees the page, but is not reminded
			continue
		}
		if current == "" || contact.ID == chosen {
			current = contact.ID
		}
		view.Contacts = append(view.Contacts, ui.NavItem{Label: contact.Email, URL: previewURL(accountID, contact.ID)})
	}
	if current == "" {
		return nil
	}
	marked(view.Contacts, previewURL(accountID, current))
	rendered, err := h.Reminder.PreviewForVendor(r.ctx(), r.vendor.ID, current)
	if fault.Is(err, fault.NotFound) {
		view.NoMail = "Nothing of yours is in its reminder now."
		return nil
	}
	view.MailSubject, view.MailText = rendered.Subject, rendered.Text
	view.MailURL = "/vendor/preview/mail?" + url.Values{"account": {accountID}, "contact": {current}}.Encode()
	return err
}

// MailPolicy is what the frame with the mail may do: show its own styles, nothing else.
const MailPolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox"

// ShowPreviewMail is the HTML part of the preview's mail, for its frame. GET /vendor/preview/mail
func (h *Handlers) ShowPreviewMail(c *fiber.Ctx) error {
	r, err := h.open(c, "Preview", "/vendor/preview")
	if err != nil {
		return err
	}
	missing := fault.New(fault.NotFound, "There is no such contact.")
	account, err := h.accountOf(r, page.Query(c, "account", 40))
	if err != nil {
		return err
	}
	contacts, err := h.Party.AccountContacts(r.ctx(), r.vendor.ID, account.ID)
	if err != nil {
		return err
	}
	wanted := page.Query(c, "contact", 40)
	for _, contact := range contacts {
		if contact.ID != wanted {
			continue
		}
		rendered, err := h.Reminder.PreviewForVendor(r.ctx(), r.vendor.ID, contact.ID)
		if err != nil {
			return err
		}
		c.Set(fiber.HeaderContentSecurityPolicy, MailPolicy)
		c.Set(fiber.HeaderXFrameOptions, "SAMEORIGIN")
		c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
		return c.SendString(rendered.HTML)
	}
	return missing
}
