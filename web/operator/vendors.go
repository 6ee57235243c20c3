package operator

import (
	"context"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// ListVendors lists all vendors. GET /operator/vendors
func (h *Handlers) ListVendors(c *fiber.Ctx) error {
	base, _, err := h.open(c, "Vendors", "/operator/vendors")
	if err != nil {
		return err
	}
	view := VendorsView{Page: base, Status: known(page.Query(c, "status", 20), vendorStatuses())}
	vendors, next, err := h.Party.ListVendors(c.UserContext(), party.VendorStatus(view.Status), page.Cursor(c, onOnePage))
	if err != nil {
		return err
	}
	for _, vendor := range vendors {
		view.Rows = append(view.Rows, VendorRow{URL: "/operator/vendors/" + vendor.ID, Name: vendor.Name, Email: vendor.Email,
			Status: vendorStatus(vendor.Status), Reason: vendor.StatusReason, Since: vendor.CreatedAt.UTC()})
	}
	view.Pages = page.CursorPages(c, next)
	return page.Render(c, fiber.StatusOK, Vendors(view))
}

// ShowVendor shows one vendor. GET /operator/vendors/:id
func (h *Handlers) ShowVendor(c *fiber.Ctx) error {
	return h.showVendor(c, vendorEntered{}, nil)
}

func (h *Handlers) showVendor(c *fiber.Ctx, entered vendorEntered, problems []ui.FieldError) error {
	base, _, err := h.open(c, "Vendor", "/operator/vendors")
	if err != nil {
		return err
	}
	vendorID, err := id(c, "vendor")
	if err != nil {
		return err
	}
	vendor, err := h.Party.Vendor(c.UserContext(), vendorID)
	if err != nil {
		return err
	}
	view := VendorView{Page: base, URL: "/operator/vendors/" + vendor.ID, Name: vendor.Name, Status: vendorStatus(vendor.Status),
		Pending: vendor.Status == party.VendorPending, Suspended: vendor.Status == party.VendorSuspended, Reason: vendor.StatusReason,
		NewReason: entered.reason, Facts: vendorFacts(vendor, base.Today)}
	view.Page.Title, view.Page.Errors = vendor.Name, problems
	if err := h.fillVendor(c.UserContext(), vendor, &view); err != nil {
		return err
	}
	if view.Fees, err = h.feeForm(c.UserContext(), vendor.ID); err != nil {
		return err
	}
	if entered.fees != nil {
		view.Fees.Processing, view.Fees.Rate = entered.fees.Processing, entered.fees.Rate
	}
	status := fiber.StatusOK
	if len(problems) > 0 {
		status = fiber.StatusUnprocessableEntity
	}
	return page.Render(c, status, Vendor(view))
}

func (h *Handlers) fillVendor(ctx context.Context, vendor party.Vendor, view *VendorView) error {
	totals, err := h.Billing.VendorTotals(ctx, vendor.ID, view.Page.Today)
	if err != nil {
		return err
	}
	for _, t := range totals {
		view.Money = append(view.Money, MoneyRow{Invoices: t.Invoices, Open: money.New(t.Open, t.Currency), Overdue: money.New(t.Overdue, t.Currency)})
	}
	people, _, err := h.Access.ListStaff(ctx, vendor.ID, store.PageRequest{Limit: access.MostStaff})
	if err != nil {
		return err
	}
	for _, person := range people {
		row := StaffRow{Name: person.Name, Email: person.Email, Role: person.Role, Status: Status{ui.ToneGood, "Active"}}
		if !person.DisabledAt.IsZero() {
			row.Status = Status{ui.ToneNeutral, "Disabled"}
		}
		view.Staff = append(view.Staff, row)
	}
	if err := h.fillPayouts(ctx, vendor.ID, view); err != nil {
		return err
	}
	connections, err := h.Intake.ListConnections(ctx, vendor.ID)
	for _, connection := range connections {
		row := HealthRow{Name: connection.Name, Error: connection.LastError, Last: connection.LastGoodAt.UTC(), Status: Status{ui.ToneGood, "Good"}}
		switch {
		case !connection.DisabledAt.IsZero():
			row.Status = Status{ui.ToneNeutral, "Removed"}
		case connection.LastError != "":
			row.Status = Status{ui.ToneBad, "Failing"}
		}
		view.Health = append(view.Health, row)
	}
	return err
}

func vendorFacts(vendor party.Vendor, today money.Date) []ui.Fact {
	facts := []ui.Fact{{Label: "Id", Text: vendor.ID}, {Label: "E-mail address", Text: vendor.Email}}
	for _, fact := range []ui.Fact{{Label: "Whom to ask", Text: vendor.ContactName}, {Label: "Phone", Text: vendor.Phone}, {Label: "Website", Text: vendor.Website}} {
		if fact.Text != "" {
			facts = append(facts, fact)
		}
	}
	return append(facts, ui.Fact{Label: "Time zone", Text: vendor.TimeZone}, ui.Fact{Label: "Since", Body: ui.Moment(vendor.CreatedAt.UTC(), today)})
}

// ApproveVendor approves a vendor, or lifts its suspension. POST /operator/vendors/:id/approvals
func (h *Handlers) ApproveVendor(c *fiber.Ctx) error {
	_, session, err := h.open(c, "Vendor", "/operator/vendors")
	if err != nil {
		return err
	}
	vendor, err := h.setStatus(c, session.Actor, party.VendorApproved, "")
	if err != nil {
		return err
	}
	return h.Kit.Done(c, "/operator/vendors/"+vendor.ID, vendor.Name+" is approved: its customers see it now")
}

// SuspendVendor suspends a vendor, with why. POST /operator/vendors/:id/suspensions
func (h *Handlers) SuspendVendor(c *fiber.Ctx) error {
	_, session, err := h.open(c, "Vendor", "/operator/vendors")
	if err != nil {
		return err
	}
	reason := page.Form(c, "reason", 2000)
	vendor, err := h.setStatus(c, session.Actor, party.VendorSuspended, reason)
	if problems, ok := page.Problems(err); ok {
		return h.showVendor(c, vendorEntered{reason: reason}, problems)
	}
	if err != nil {
		return err
	}
	return h.Kit.Done(c, "/operator/vendors/"+vendor.ID, vendor.Name+" is suspended")
}

type statusLog struct {
	Name   string             `json:"name"`
	Status party.VendorStatus `json:"status"`
	Reason string             `json:"reason,omitempty"`
}

func (h *Handlers) setStatus(c *fiber.Ctx, actor access.Actor, status party.VendorStatus, reason string) (party.Vendor, error) {
	vendorID, err := id(c, "vendor")
	if err != nil {
		return party.Vendor{}, err
	}
	var vendor party.Vendor
	err = h.DB.InTx(c.UserContext(), func(ctx context.Context, tx bun.Tx) error {
		before, after, err := h.Party.SetVendorStatusTx(ctx, tx, vendorID, status, reason)
		if vendor = after; err != nil || before.Status == after.Status && before.StatusReason == after.StatusReason {
			return err
		}
		return h.Access.AuditTx(ctx, tx, actor, access.Change{Action: "vendor." + string(status), SubjectKind: "vendor", SubjectID: vendorID, VendorID: vendorID,
			Before: statusLog{before.Name, before.Status, before.StatusReason}, After: statusLog{after.Name, after.Status, after.StatusReason}})
	})
	return vendor, err
}

// AskVendor asks for a new vendor. GET /operator/vendors/new
func (h *Handlers) AskVendor(c *fiber.Ctx) error {
	base, _, err := h.open(c, "Add a vendor", "/operator/vendors")
	if err != nil {
		return err
	}
	base.Wide, base.Narrow = false, true
	return page.Render(c, fiber.StatusOK, NewVendor(NewVendorView{Page: base}))
}

// AddVendor adds a vendor and shows its key and secret once. POST /operator/vendors
func (h *Handlers) AddVendor(c *fiber.Ctx) error {
	base, session, err := h.open(c, "Add a vendor", "/operator/vendors")
	if err != nil {
		return err
	}
	base.Wide, base.Narrow = false, true
	view := NewVendorView{Page: base, Name: page.Form(c, "name", 500), Email: strings.TrimSpace(page.Form(c, "email", 300)),
		Phone: page.Form(c, "phone", 200), TimeZone: strings.TrimSpace(page.Form(c, "time_zone", 100))}
	ctx, cancel := context.WithTimeout(c.UserContext(), 30*time.Second)
	defer cancel()
	added, err := h.Enroll(ctx, session.Actor, party.Profile{Name: view.Name, Email: view.Email, Phone: view.Phone, TimeZone: view.TimeZone})
	if problems, ok := page.Problems(err); ok {
		view.Page.Errors = problems
		return page.Render(c, fiber.StatusUnprocessableEntity, NewVendor(view))
	}
	if err != nil {
		return err
	}
	view.Done, view.VendorID, view.APIKey, view.WebhookSecret = true, added.VendorID, added.APIKey, added.WebhookSecret
	c.Set(fiber.HeaderCacheControl, "no-store")
	return page.Render(c, fiber.StatusOK, NewVendor(view))
}
