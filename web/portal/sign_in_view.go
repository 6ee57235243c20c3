package portal

import "github.com/sheaf-hub/sheaf/web/ui"

// SignInView asks for an address; it posts email to Action. Field IDs for
// Page.Errors: email.
type SignInView struct {
	Page   ui.Page
	Action string // "/sign-in"
	Email  string
	Next   string // where to go after; posted as next, may be empty
	Demo   bool   // the captured mailbox is on: says where to read the mail
}

// CheckMailView is the answer to an address, the same for a known and an
// unknown one.
type CheckMailView struct {
	Page    ui.Page
	Email   string // as it was entered
	Minutes int
	Again   string // "/"
	Mailbox string // "/dev/mail" where mail is captured; else empty
}

// ConfirmView is what a sign-in link opens: one button, which posts token and
// remember to Action. The GET changes nothing, since mail scanners follow links.
type ConfirmView struct {
	Page   ui.Page
	Action string
	Token  string
	Email  string // may be empty
	Next   string
}

// ExpiredView is what a link answers that has expired, or was used.
type ExpiredView struct {
	Page   ui.Page
	Used   bool   // else expired, or never was
	Action string // "/sign-in", posts email
	Email  string
	Digest bool // it was a digest's link
}
