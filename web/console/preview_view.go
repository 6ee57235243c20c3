package console

import (
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// PreviewView is /vendor/preview: first the accounts to choose from, then one
// account as its customer sees it.
type PreviewView struct {
	Frame
	Query    string
	Accounts []AccountRow
	Pages    ui.CursorPager

	Account       string // the chosen one's name; empty: none is chosen
	AccountNumber string
	Vendor        party.Profile
	Sums          []money.Amount
	Rows          []InvoiceRow
	More          bool
	Note          string
	Contacts      []ui.NavItem // whose reminder
	MailSubject   string
	MailText      string
	MailURL       string
	NoMail        string // why there is none
}

// AccountRow is one account to choose.
type AccountRow struct {
	URL    string
	Name   string
	Number string
}

func (v PreviewView) clear() string {
	if v.Query != "" || v.Account != "" {
		return "/vendor/preview"
	}
	return ""
}

func (v PreviewView) emptyTitle() string {
	if v.Query != "" {
		return "No account matches"
	}
	return "No account yet"
}
