package console

import "github.com/sheaf-hub/sheaf/web/ui"

// SignInView is /vendor/sign-in. Field IDs for Page.Errors: email.
type SignInView struct {
	Page    ui.Page
	Email   string
	Next    string
	Mailbox string // where captured mail is read; may be empty
}

// CheckMailView answers an address, the same for a known and an unknown one.
type CheckMailView struct {
	Page    ui.Page
	Email   string
	Minutes int
	Mailbox string
}

// SwitchView is /vendor/switch.
type SwitchView struct {
	Page    ui.Page
	Email   string
	Choices []Choice
}

// Choice is one row of staff that the person may work as.
type Choice struct {
	ID      string
	Name    string // of the vendor, or the hub
	Role    string
	Current bool
}
