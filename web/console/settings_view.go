package console

import (
	"time"

	"github.com/sheaf-hub/sheaf/web/ui"
)

// KeysView is /vendor/keys. Field IDs for Page.Errors: name.
type KeysView struct {
	Frame
	Rows  []KeyRow
	Pages ui.CursorPager
	Name  string // kept after an error
	Key   string // in the clear, on the answer to the form alone
}

// KeyRow is one API key.
type KeyRow struct {
	ID     string
	Name   string
	Prefix string
	Made   time.Time
	By     string
	Used   time.Time
	Active bool
	State  Status
}

// StaffView is /vendor/staff. Field IDs for Page.Errors: email, name, role.
type StaffView struct {
	Frame
	Rows  []StaffRow
	Pages ui.CursorPager
	Email string
	Name  string
	Role  string
}

// StaffRow is one person.
type StaffRow struct {
	ID     string
	Name   string
	Email  string
	Role   string
	Added  time.Time
	Active bool
	You    bool
	State  Status
}

// ProfileView is /vendor/profile. Field IDs for Page.Errors: the form's names.
type ProfileView struct {
	Frame
	Name, ContactName, Email, Phone, Website, TimeZone string
}

// AuditView is /vendor/audit.
type AuditView struct {
	Frame
	Rows  []AuditRow
	Pages ui.CursorPager
}

// AuditRow is one line of the log. Before and After are JSON, indented.
type AuditRow struct {
	At      time.Time
	Who     string
	WhoKind string
	What    string
	Before  string
	After   string
}

func (v ProfileView) facts() []ui.Fact {
	return []ui.Fact{{Label: "Company name", Text: v.Name}, {Label: "Whom to ask", Text: v.ContactName}, {Label: "E-mail address", Text: v.Email},
		{Label: "Phone", Text: v.Phone}, {Label: "Website", Text: v.Website}, {Label: "Time zone", Text: v.TimeZone}}
}
