package portal

import (
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// MethodsView lists means of payment, at /me/methods.
type MethodsView struct {
	Page ui.Page
	Own  []MethodRow
	Team []MethodRow // colleagues': to be seen, and no more
	Form MethodForm
}

// MethodRow is one means of payment.
type MethodRow struct {
	URL     string // empty: a colleague's
	Name    string // "Visa ending 4242"
	Detail  string // "until November 2028"
	Owner   string // of a colleague's
	Expired bool
}

// MethodForm is the form to keep another. It posts consent, currency, quote and
// key to /me/methods.
type MethodForm struct {
	Consent    string // the terms, word for word
	Version    string
	Currency   string
	Currencies []ui.Option
	Quote      string // where the contact goes on; empty: the list
	Key        string
}

// MethodView is one of the contact's own, at /me/methods/ID.
type MethodView struct {
	Page    ui.Page
	Name    string
	Facts   []ui.Fact
	Consent string
	Planned []ScheduleRow
	Remove  string // a POST
}

// SandboxMethodsView is the sandbox's page to leave a means of payment; its
// buttons post outcome to Action.
type SandboxMethodsView struct {
	Page   ui.Page
	Action string
	Return string
	Open   bool
}

func methodsOf(who visitor, list []payment.SavedMethod, team map[string]party.Contact) MethodsView {
	var v MethodsView
	for _, method := range list {
		row := MethodRow{Name: ui.Sentence(method.Name()), Detail: expiryText(method)}
		if last := method.LastDay(); last != "" && last < who.today {
			row.Expired = true
		}
		if method.ContactID == who.contact().ID {
			row.URL = "/me/methods/" + method.ID
			v.Own = append(v.Own, row)
			continue
		}
		row.Owner = "A colleague"
		if colleague, known := team[method.ContactID]; known {
			row.Owner = colleague.DisplayName()
		}
		v.Team = append(v.Team, row)
	}
	return v
}

// expiryText is the month until which a card works; empty: it does not expire.
func expiryText(method payment.SavedMethod) string {
	last := method.LastDay()
	if last == "" {
		return ""
	}
	return "until " + last.Time().Format("January 2006")
}

func methodOf(who visitor, method payment.SavedMethod, planned []payment.Planned) MethodView {
	v := MethodView{Name: ui.Sentence(method.Name()), Consent: method.ConsentText, Remove: "/me/methods/" + method.ID + "/removals"}
	v.Facts = []ui.Fact{{Label: "Saved", Body: ui.Moment(who.local(method.CreatedAt), who.today)}}
	if until := expiryText(method); until != "" {
		v.Facts = append(v.Facts, ui.Fact{Label: "Works", Text: until})
	}
	v.Facts = append(v.Facts, ui.Fact{Label: "You agreed", Body: ui.Moment(who.local(method.ConsentedAt), who.today)})
	for _, plan := range planned {
		v.Planned = append(v.Planned, scheduleOf(who, plan, nil))
	}
	return v
}

func saveTitle(v MethodsView) string {
	if len(v.Own) == 0 {
		return "Save one"
	}
	return "Save another"
}
