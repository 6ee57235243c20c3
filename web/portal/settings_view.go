package portal

import (
	"strconv"
	"time"

	"github.com/sheaf-hub/sheaf/web/ui"
)

// SettingsView is /me/settings. Forms, all POST: Digest → day, hour, zone
// to /me/settings/digest; /me/settings/unsubscribe; a device's
// sign-out → /me/settings/devices/ID/sign-out; all of them →
// /me/settings/devices/sign-out; invite → email to /me/team/invitations;
// withdraw one → /me/team/invitations/ID/withdrawals; leave → /me/team/departures;
// the links in earlier reminders → /me/settings/links/revocations.
// Field IDs for Page.Errors: digest-day, digest-hour, digest-zone, invite-email.
type SettingsView struct {
	Page         ui.Page
	Email        string
	Day          string // monday … sunday
	Hour         string // "9"
	Zone         string
	Zones        []ui.Option
	Unsubscribed bool
	Next         string // "Tuesday, 24 Nov at 09:00"; empty: none is planned
	Devices      []Device
	Team         []Colleague // the reader first; one alone: no team yet
	Invitations  []Invitation
	InviteEmail  string
	CanLeave     bool
	NotMine      []NotMine // vendors that the contact said are not its own
	Links        bool      // offers to withdraw the links in earlier reminders
}

// NotMine is a vendor that is silenced; "mine" posts answer to Action.
type NotMine struct {
	Name   string
	Action string
}

// Device is one signed-in browser.
type Device struct {
	ID   string
	Name string // "Firefox on Windows"
	Seen time.Time
	This bool
}

// Colleague is one member of the team.
type Colleague struct {
	Name  string
	Email string
	You   bool
}

// Invitation is one that waits for an answer.
type Invitation struct {
	ID    string
	Email string
	Sent  time.Time
}

// InvitationView is what an invited colleague sees: one button that posts to
// Accept, one to Decline.
type InvitationView struct {
	Page    ui.Page
	From    string
	Email   string
	Accept  string
	Decline string
}

// UnsubscribeView is /u/{token}: one button that posts to Action; Done: posts
// to Resubscribe.
type UnsubscribeView struct {
	Page        ui.Page
	Email       string // masked
	Action      string
	Done        bool
	Resubscribe string
	Settings    string
}

func dayOptions() []ui.Option {
	days := make([]ui.Option, 0, 7)
	for _, day := range []string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"} {
		days = append(days, ui.Option{Value: lower(day), Label: day})
	}
	return days
}

func hourOptions() []ui.Option {
	hours := make([]ui.Option, 0, 24)
	for hour := range 24 {
		label := strconv.Itoa(hour) + ":00"
		if hour < 10 {
			label = "0" + label
		}
		hours = append(hours, ui.Option{Value: strconv.Itoa(hour), Label: label})
	}
	return hours
}
