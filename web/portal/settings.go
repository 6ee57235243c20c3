package portal

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
	kit "github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// Settings is what a contact decides for itself. GET /me/settings for a contact.
func (h *Handlers) Settings(c *fiber.Ctx) error {
	who, err := h.contact(c)
	if err != nil {
		return h.refuse(c, err)
	}
	return h.renderSettings(c, who, fiber.StatusOK, settingsOf(who.contact()), nil)
}

// settingsOf is the form as the contact's choices fill it.
func settingsOf(contact party.Contact) SettingsView {
	return SettingsView{Day: strings.ToLower(contact.DigestWeekday.String()), Hour: strconv.Itoa(contact.DigestHour), Zone: contact.Zone().String()}
}

func (h *Handlers) renderSettings(c *fiber.Ctx, who visitor, status int, v SettingsView, problems []ui.FieldError) error {
	sessions, _, err := h.Access.ListSessions(c.UserContext(), who.actor, store.PageRequest{Limit: store.DefaultPage})
	if err != nil {
		return err
	}
	team, err := h.Party.Team(c.UserContext(), who.contact().CustomerID)
	if err != nil {
		return err
	}
	if v.NotMine, err = h.notMine(c.UserContext(), who); err != nil {
		return err
	}
	if v.Page, err = h.view(c, who, "Settings", "/me/settings"); err != nil {
		return err
	}
	v.Page.Errors = problems
	contact := who.contact()
	v.Email, v.Zones, v.Unsubscribed = contact.Email, zoneOptions(contact.Zone().String()), !contact.UnsubscribedAt.IsZero()
	v.Links = true
	if !v.Unsubscribed && !contact.NextDigestAt.IsZero() {
		next := who.local(contact.NextDigestAt)
		v.Next = next.Weekday().String() + ", " + money.DateOf(next, next.Location()).Human(who.today) + " at " + next.Format("15:04")
	}
	current, _ := kit.Session(c)
	for _, session := range sessions {
		v.Devices = append(v.Devices, Device{ID: session.ID, Name: orElse(session.Device, "A browser"), Seen: who.local(session.SeenAt), This: session.ID == current.ID})
	}
	for _, colleague := range team {
		v.Team = append(v.Team, Colleague{Name: colleague.DisplayName(), Email: colleague.Email, You: colleague.ID == contact.ID})
	}
	v.CanLeave = len(team) > 1
	if v.Invitations, err = h.invitations(c.UserContext(), who); err != nil {
		return err
	}
	slices.SortStableFunc(v.Team, func(x, y Colleague) int { return btoi(y.You) - btoi(x.You) }) // the reader first
	return kit.Render(c, status, Settings(v))
}

// invitations are the team's open ones.
func (h *Handlers) invitations(ctx context.Context, who visitor) ([]Invitation, error) {
	open, err := h.Party.Invitations(ctx, who.contact().CustomerID)
	list := make([]Invitation, len(open))
	for i, invitation := range open {
		list[i] = Invitation{ID: invitation.ID, Email: invitation.Email, Sent: who.local(invitation.CreatedAt)}
	}
	return list, err
}

// notMine are the vendors that the contact does not know, by name.
func (h *Handlers) notMine(ctx context.Context, who visitor) ([]NotMine, error) {
	states, err := h.Party.VendorStates(ctx, h.DB, who.contact())
	if err != nil {
		return nil, err
	}
	var ids []string
	for id, state := range states {
		if state == party.VendorNotMine {
			ids = append(ids, id)
		}
	}
	vendors, err := h.Party.Vendors(ctx, h.DB, ids)
	list := make([]NotMine, 0, len(vendors))
	for id, vendor := range vendors {
		list = append(list, NotMine{Name: vendor.Name, Action: "/me/vendors/" + id})
	}
	slices.SortFunc(list, func(x, y NotMine) int { return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.Action, y.Action)) })
	return list, err
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// ChangeDigest changes when the digest comes. Posted: day, hour, zone.
// POST /me/settings/digest for a contact.
func (h *Handlers) ChangeDigest(c *fiber.Ctx) error {
	who, err := h.contact(c)
	if err != nil {
		return h.refuse(c, err)
	}
	v := SettingsView{Day: kit.Form(c, "day", 20), Hour: kit.Form(c, "hour", 5), Zone: kit.Form(c, "zone", 60)}
	hour, err := strconv.Atoi(v.Hour)
	if err != nil {
		hour = -1 // the room says what is expected
	}
	err = h.prefer(c.UserContext(), who.actor, who.contact(), party.Preferences{Weekday: weekdayOf(v.Day), Hour: hour, TimeZone: v.Zone,
		Unsubscribed: !who.contact().UnsubscribedAt.IsZero()})
	if problems, ok := kit.Problems(err); ok {
		ids := map[string]string{"weekday": "digest-day", "hour": "digest-hour", "time_zone": "digest-zone"}
		for i := range problems {
			problems[i].Field = orElse(ids[problems[i].Field], problems[i].Field)
		}
		return h.renderSettings(c, who, fiber.StatusUnprocessableEntity, v, problems)
	}
	if err != nil {
		return err
	}
	return h.Kit.Done(c, "/me/settings", "Your reminder is changed.")
}

// weekdayOf is the day of a word, or one that no week has.
func weekdayOf(word string) time.Weekday {
	for day := time.Sunday; day <= time.Saturday; day++ {
		if strings.EqualFold(word, day.String()) {
			return day
		}
	}
	return -1
}

// auditedPreferences is what the audit log keeps of a contact's choice.
type auditedPreferences struct {
	Day          string `json:"day"`
	Hour         int    `json:"hour"`
	TimeZone     string `json:"time_zone"`
	Unsubscribed bool   `json:"unsubscribed"`
}

func auditedContact(c party.Contact) auditedPreferences {
	return auditedPreferences{Day: c.DigestWeekday.String(), Hour: c.DigestHour, TimeZone: c.TimeZone, Unsubscribed: !c.UnsubscribedAt.IsZero()}
}

// prefer changes a contact's preferences, with its audit entry.
func (h *Handlers) prefer(ctx context.Context, actor access.Actor, contact party.Contact, want party.Preferences) error {
	return h.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		before, after, err := h.Party.ChangePreferencesTx(ctx, tx, contact.ID, want)
		if err != nil || auditedContact(before) == auditedContact(after) {
			return err
		}
		return h.Access.AuditTx(ctx, tx, actor, access.Change{Action: "preferences.changed", SubjectKind: "contact", SubjectID: contact.ID,
			CustomerID: contact.CustomerID, Before: auditedContact(before), After: auditedContact(after)})
	})
}

// subscribe starts or stops the digest and leaves the rest as it is.
func (h *Handlers) subscribe(ctx context.Context, actor access.Actor, contact party.Contact, unsubscribed bool) error {
	return h.prefer(ctx, actor, contact, party.Preferences{Weekday: contact.DigestWeekday, Hour: contact.DigestHour, TimeZone: contact.Zone().String(), Unsubscribed: unsubscribed})
}

// Unsubscribe stops the digest of the signed-in contact.
// POST /me/settings/unsubscribe for a contact.
func (h *Handlers) Unsubscribe(c *fiber.Ctx) error { return h.resubscribe(c, true) }

// Resubscribe starts it again. POST /me/settings/resubscribe for a contact.
func (h *Handlers) Resubscribe(c *fiber.Ctx) error { return h.resubscribe(c, false) }

func (h *Handlers) resubscribe(c *fiber.Ctx, unsubscribed bool) error {
	who, err := h.contact(c)
	if err != nil {
		return h.refuse(c, err)
	}
	if err := h.subscribe(c.UserContext(), who.actor, who.contact(), unsubscribed); err != nil {
		return err
	}
	if unsubscribed {
		return h.Kit.Done(c, "/me/settings", "You are unsubscribed: no more reminders.")
	}
	return h.Kit.Done(c, "/me/settings", "You get reminders again.")
}

// EndSession signs another device out. POST /me/settings/devices/:id/sign-out
// for a contact.
func (h *Handlers) EndSession(c *fiber.Ctx) error {
	who, err := h.contact(c)
	if err != nil {
		return h.refuse(c, err)
	}
	if err := h.Access.EndSession(c.UserContext(), who.actor, kit.Param(c, "id")); err != nil {
		return err
	}
	return h.Kit.Done(c, "/me/settings", "That device is signed out.")
}

// RevokeLinks withdraws the links in all earlier reminders, the forwarded ones
// too. POST /me/settings/links/revocations for a contact.
func (h *Handlers) RevokeLinks(c *fiber.Ctx) error {
	who, err := h.contact(c)
	if err != nil {
		return h.refuse(c, err)
	}
	if err := h.Access.RevokeDigestLinks(c.UserContext(), who.actor); err != nil {
		return err
	}
	return h.Kit.Done(c, "/me/settings", "The links in your earlier reminders work no more.")
}

// contactByToken is whose mails an unsubscribe link stops, and who acts by it:
// whoever holds the mail.
func (h *Handlers) contactByToken(c *fiber.Ctx) (party.Contact, access.Actor, error) {
	id, err := h.Access.ContactByUnsubscribeToken(kit.Param(c, "token"))
	if err != nil {
		return party.Contact{}, access.Actor{}, err
	}
	contact, err := h.Party.Contact(c.UserContext(), id)
	return contact, access.Actor{Kind: access.KindLink, ID: id, Name: "Holder of an unsubscribe link", CustomerID: contact.CustomerID, ContactID: id}, err
}

// LookAtUnsubscribe shows the button; a GET changes nothing. GET /u/:token for
// whoever holds the link.
func (h *Handlers) LookAtUnsubscribe(c *fiber.Ctx) error {
	contact, _, err := h.contactByToken(c)
	if err != nil {
		return err
	}
	return h.renderUnsubscribe(c, contact, !contact.UnsubscribedAt.IsZero())
}

func (h *Handlers) renderUnsubscribe(c *fiber.Ctx, contact party.Contact, done bool) error {
	path := "/u/" + kit.Param(c, "token")
	return kit.Render(c, fiber.StatusOK, Unsubscribe(UnsubscribeView{Page: h.outside(c, "Reminders"), Email: masked(contact.Email), Action: path,
		Done: done, Resubscribe: path + "/resubscribe", Settings: "/me/settings"}))
}

// UnsubscribeByLink stops the digest: by the button, or by a mail program with
// one click (RFC 8058: List-Unsubscribe=One-Click). POST /u/:token for whoever
// holds the link.
func (h *Handlers) UnsubscribeByLink(c *fiber.Ctx) error {
	contact, actor, err := h.contactByToken(c)
	if err != nil {
		return err
	}
	if err := h.subscribe(c.UserContext(), actor, contact, true); err != nil {
		return err
	}
	if kit.Form(c, "List-Unsubscribe", 20) == "One-Click" {
		c.Set(fiber.HeaderContentType, fiber.MIMETextPlainCharsetUTF8)
		return c.SendString("You are unsubscribed.\n")
	}
	return h.renderUnsubscribe(c, contact, true)
}

// ResubscribeByLink takes it back. POST /u/:token/resubscribe for whoever holds
// the link.
func (h *Handlers) ResubscribeByLink(c *fiber.Ctx) error {
	contact, actor, err := h.contactByToken(c)
	if err != nil {
		return err
	}
	if err := h.subscribe(c.UserContext(), actor, contact, false); err != nil {
		return err
	}
	return h.Kit.Done(c, "/u/"+kit.Param(c, "token"), "You get reminders again.")
}
