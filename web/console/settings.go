package console

import (
	"context"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// ListKeys lists the vendor's API keys. GET /vendor/keys
func (h *Handlers) ListKeys(c *fiber.Ctx) error {
	r, err := h.open(c, "API keys", "/vendor/profile")
	if err != nil {
		return err
	}
	return h.showKeys(r, KeysView{}, nil)
}

func (h *Handlers) showKeys(r at, view KeysView, problems []ui.FieldError) error {
	keys, next, err := h.Access.ListAPIKeys(r.ctx(), r.vendor.ID, page.Cursor(r.Ctx, onOnePage))
	if err != nil {
		return err
	}
	view.Frame, view.Pages = r.frame, page.CursorPages(r.Ctx, next)
	view.Page.Errors = problems
	for _, key := range keys {
		row := KeyRow{ID: key.ID, Name: key.Name, Prefix: key.Prefix, Made: r.local(key.CreatedAt), By: "by " + key.CreatedBy, Used: r.local(key.LastUsedAt),
			Active: key.RevokedAt.IsZero(), State: Status{ui.ToneGood, "Active"}}
		if !row.Active {
			row.State = Status{ui.ToneNeutral, "Revoked"}
		}
		view.Rows = append(view.Rows, row)
	}
	if view.Key != "" {
		r.Set(fiber.HeaderCacheControl, "no-store")
	}
	return page.Render(r.Ctx, statusOf(problems), Keys(view))
}

func statusOf(problems []ui.FieldError) int {
	if len(problems) > 0 {
		return fiber.StatusUnprocessableEntity
	}
	return fiber.StatusOK
}

// MakeKey makes an API key and shows it this once. POST /vendor/keys (owner)
func (h *Handlers) MakeKey(c *fiber.Ctx) error {
	r, err := h.owner(c, "API keys", "/vendor/profile")
	if err != nil {
		return err
	}
	name := page.Form(c, "name", 200)
	key, _, err := h.Access.NewAPIKey(r.ctx(), r.vendor.ID, name, r.session.Actor)
	if problems := refused(err); problems != nil {
		return h.showKeys(r, KeysView{Name: name}, problems)
	}
	if err != nil {
		return err
	}
	r.frame.Page.Flash = &ui.Flash{Tone: ui.ToneGood, Title: "The key is made"}
	return h.showKeys(r, KeysView{Key: key}, nil)
}

// RevokeKey ends a key. POST /vendor/keys/:id/revocations (owner)
func (h *Handlers) RevokeKey(c *fiber.Ctx) error {
	r, err := h.owner(c, "API keys", "/vendor/profile")
	if err != nil {
		return err
	}
	if err := h.Access.RevokeAPIKey(r.ctx(), r.vendor.ID, page.Param(c, "id"), r.session.Actor); err != nil {
		return h.back(c, "/vendor/keys", err)
	}
	return h.Kit.Done(c, "/vendor/keys", "The key is revoked: calls with it are refused from now on")
}

// ListStaff lists who works for the vendor. GET /vendor/staff
func (h *Handlers) ListStaff(c *fiber.Ctx) error {
	r, err := h.open(c, "Staff", "/vendor/profile")
	if err != nil {
		return err
	}
	return h.showStaff(r, StaffView{Role: access.RoleMember}, nil)
}

func (h *Handlers) showStaff(r at, view StaffView, problems []ui.FieldError) error {
	people, next, err := h.Access.ListStaff(r.ctx(), r.vendor.ID, page.Cursor(r.Ctx, onOnePage))
	if err != nil {
		return err
	}
	view.Frame, view.Pages = r.frame, page.CursorPages(r.Ctx, next)
	view.Page.Errors = problems
	for _, person := range people {
		row := StaffRow{ID: person.ID, Name: person.Name, Email: person.Email, Role: sentence(person.Role), Added: r.local(person.CreatedAt),
			Active: person.DisabledAt.IsZero(), You: person.ID == r.session.Actor.ID, State: Status{ui.ToneGood, "Active"}}
		switch {
		case !row.Active:
			row.State = Status{ui.ToneNeutral, "Disabled"}
		case row.You:
			row.State.Text = "You"
		}
		view.Rows = append(view.Rows, row)
	}
	return page.Render(r.Ctx, statusOf(problems), StaffPage(view))
}

// InviteStaff adds somebody and mails a link. POST /vendor/staff (owner)
func (h *Handlers) InviteStaff(c *fiber.Ctx) error {
	r, err := h.owner(c, "Staff", "/vendor/profile")
	if err != nil {
		return err
	}
	view := StaffView{Email: page.Form(c, "email", 300), Name: page.Form(c, "name", 200), Role: page.Form(c, "role", 20)}
	staff, err := h.Access.InviteStaff(r.ctx(), r.vendor.ID, view.Email, view.Name, view.Role, r.session.Actor)
	if problems := refused(err); problems != nil {
		if problems[0].Field == "" {
			problems[0].Field = "email"
		}
		return h.showStaff(r, view, problems)
	}
	if err != nil {
		return err
	}
	return h.Kit.Done(c, "/vendor/staff", "An invitation is on its way to "+staff.Email)
}

// DisableStaff takes somebody's access back. POST /vendor/staff/:id/disablings (owner)
func (h *Handlers) DisableStaff(c *fiber.Ctx) error {
	r, err := h.owner(c, "Staff", "/vendor/profile")
	if err != nil {
		return err
	}
	if err := h.Access.DisableStaff(r.ctx(), r.vendor.ID, page.Param(c, "id"), r.session.Actor); err != nil {
		return h.back(c, "/vendor/staff", err)
	}
	return h.Kit.Done(c, "/vendor/staff", "The access is taken back, and every session ended")
}

// ShowProfile shows what the vendor says of itself. GET /vendor/profile
func (h *Handlers) ShowProfile(c *fiber.Ctx) error {
	r, err := h.open(c, "Profile", "/vendor/profile")
	if err != nil {
		return err
	}
	return page.Render(c, fiber.StatusOK, Profile(profileView(r.frame, r.vendor.Profile())))
}

func profileView(frame Frame, p party.Profile) ProfileView {
	return ProfileView{Frame: frame, Name: p.Name, ContactName: p.ContactName, Email: p.Email, Phone: p.Phone, Website: p.Website, TimeZone: p.TimeZone}
}

// ChangeProfile changes it. POST /vendor/profile (owner)
func (h *Handlers) ChangeProfile(c *fiber.Ctx) error {
	r, err := h.owner(c, "Profile", "/vendor/profile")
	if err != nil {
		return err
	}
	profile := party.Profile{Name: page.Form(c, "name", 500), ContactName: page.Form(c, "contact_name", 500), Email: strings.TrimSpace(page.Form(c, "email", 300)),
		Phone: page.Form(c, "phone", 200), Website: page.Form(c, "website", 500), TimeZone: strings.TrimSpace(page.Form(c, "time_zone", 100))}
	err = h.DB.InTx(r.ctx(), func(ctx context.Context, tx bun.Tx) error {
		before, after, err := h.Party.ChangeProfileTx(ctx, tx, r.vendor.ID, profile)
		if err != nil || before.Profile() == after.Profile() {
			return err
		}
		return h.Access.AuditTx(ctx, tx, r.session.Actor, access.Change{Action: "vendor.profile_changed", SubjectKind: "vendor", SubjectID: r.vendor.ID,
			VendorID: r.vendor.ID, Before: before.Profile(), After: after.Profile()})
	})
	if problems := refused(err); problems != nil {
		view := profileView(r.frame, profile)
		view.Page.Errors = problems
		return page.Render(c, fiber.StatusUnprocessableEntity, Profile(view))
	}
	if err != nil {
		return err
	}
	return h.Kit.Done(c, "/vendor/profile", "Your profile is saved: your customers see it from now on")
}

// ListAudit is the vendor's audit log. GET /vendor/audit
func (h *Handlers) ListAudit(c *fiber.Ctx) error {
	r, err := h.open(c, "Audit log", "/vendor/profile")
	if err != nil {
		return err
	}
	entries, next, err := h.Access.ListAudit(r.ctx(), r.vendor.ID, page.Cursor(r.Ctx, onOnePage))
	if err != nil {
		return err
	}
	view := AuditView{Frame: r.frame, Pages: page.CursorPages(r.Ctx, next)}
	for _, entry := range entries {
		row := AuditRow{At: r.local(entry.At), Who: entry.ActorName, WhoKind: actorWord(entry.ActorKind), What: sentence(entry.Action),
			Before: indented(entry.Before), After: indented(entry.After)}
		if entry.ActorKind == access.KindContact || entry.ActorKind == access.KindLink { // whoever it was, a customer's people are its own affair
			row.Who = "A customer"
		}
		view.Rows = append(view.Rows, row)
	}
	return page.Render(c, fiber.StatusOK, Audit(view))
}

func actorWord(kind string) string {
	switch kind {
	case access.KindStaff:
		return "Your staff"
	case access.KindOperator:
		return "The operator"
	case access.KindKey:
		return "API key"
	case access.KindSystem:
		return "By itself"
	case access.KindContact, access.KindLink:
		return "On its page"
	}
	return kind
}
