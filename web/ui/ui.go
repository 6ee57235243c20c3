// Package ui is how Sheaf looks: one layout, the components that pages are
// made of, and the assets they need.
//
// # How to build a page
//
// Write a view struct in plain Go beside the template, with a Page in it, and
// a templ that wraps its content in Layout:
//
//	type CasesView struct {
//		Page  ui.Page
//		Cases []CaseRow
//		Pages ui.Pager
//	}
//
//	templ Cases(v CasesView) {
//		@ui.Layout(v.Page) {
//			@ui.Heading("Cases", "Everything your customers asked.")
//			@ui.Table(ui.TableHead{Caption: "Open cases", Columns: []ui.Column{{Label: "Invoice"}, {Label: "Open", Num: true}}}) {
//				for _, row := range v.Cases {
//					@ui.Row() {
//						@ui.Cell("Invoice") { <a href={ templ.URL(row.URL) }>{ row.Number }</a> }
//						@ui.NumCell("Open") { @ui.Money(row.Open) }
//					}
//				}
//			}
//			@ui.Pages(v.Pages)
//		}
//	}
//
// Layout writes the skip link, the header with the navigation, the flash
// (Page.Flash) and the error summary (Page.Errors) above the content, and the
// footer. A page begins its content with Heading, which writes the only h1.
//
// # Rules
//
//   - No inline style and no inline script: the content security policy
//     refuses both. All classes stand in assets/sheaf.css.
//   - Every form holds @ui.Token(v.Page.Token) and works without JavaScript.
//   - After a failed form: fill Page.Errors (the summary, each linking to a
//     field's ID) and Field.Error (the same words at the field), keep what was
//     entered in Field.Value, answer 422.
//   - After a change: redirect, with Page.Flash saying what happened.
//   - A status is a Chip: a word and a shape, never colour alone.
//   - Money is always Money (currency, grouped, tabular); dates are Day;
//     instants are Moment, in the reader's zone.
//   - An empty list is an Empty that says what to do next.
//
// Generate with: make generate
package ui

import "github.com/sheaf-hub/sheaf/hub/money"

// Area is whose page it is; it sets the header's shade and home link.
type Area string

// The areas. The zero Area is the portal.
const (
	AreaPortal   Area = "portal"
	AreaConsole  Area = "console"
	AreaOperator Area = "operator"
)

// Page is what the layout needs on every page.
type Page struct {
	Title      string // of the window, without the hub's name
	Area       Area
	HubName    string // empty: "Sheaf"
	Today      money.Date
	SignedInAs string // an address; empty: nobody is signed in
	Of         string // the vendor (console) or team (portal) that is looked at; may be empty
	SignOut    string // where the sign-out button posts; empty: no button
	Home       string // where the hub's name leads; empty: by Area
	Nav        []NavItem
	Flash      *Flash
	Errors     []FieldError // any: the error summary stands above the content
	Token      string       // against forged requests; empty: the hidden field is left out
	Wide       bool         // for tables of many columns: up to 1600 px
	Narrow     bool         // for a single form: about 40 characters
	Help       string       // footer link; may be empty
}

// NavItem is one link of the header.
type NavItem struct {
	Label   string
	URL     string
	Current bool
	Count   int // shown beside the label when more than zero
}

// Tone is what a thing means; it decides colour and shape together.
type Tone string

// The tones.
const (
	ToneNeutral Tone = "neutral" // later, withdrawn, expired
	ToneInfo    Tone = "info"    // processing, promised, answered
	ToneGood    Tone = "good"    // paid, settled, resolved
	ToneWarn    Tone = "warn"    // due soon, disputed, held
	ToneBad     Tone = "bad"     // overdue, failed, refused
)

// Flash says what an action did, once, above the next page.
type Flash struct {
	Tone    Tone // ToneGood: it was done; ToneBad: it was not; ToneInfo: worth knowing
	Title   string
	Text    string // may be empty
	LinkURL string // may be empty
	Link    string
}

// FieldError is one line of the error summary.
type FieldError struct {
	Field string // the ID of the field; empty: the line is not a link
	Text  string // what is wrong and what to do: "Enter a date, like 2026-11-30"
}

// ErrorFor is the text that errors hold for a field, for Field.Error.
func (p Page) ErrorFor(field string) string {
	for _, problem := range p.Errors {
		if problem.Field == field {
			return problem.Text
		}
	}
	return ""
}

func (p Page) hub() string {
	if p.HubName == "" {
		return "Sheaf"
	}
	return p.HubName
}

func (p Page) windowTitle() string {
	title := p.hub()
	if p.Title != "" {
		title = p.Title + " – " + title
	}
	if len(p.Errors) > 0 {
		return "Error: " + title
	}
	return title
}

func (p Page) home() string {
	switch {
	case p.Home != "":
		return p.Home
	case p.Area == AreaConsole:
		return "/vendor"
	case p.Area == AreaOperator:
		return "/operator"
	case p.SignedInAs != "":
		return "/me"
	}
	return "/"
}

func (p Page) bodyClass() string {
	class := "area-" + string(p.Area)
	if p.Area == "" {
		class = "area-portal"
	}
	switch {
	case p.Wide:
		class += " wide"
	case p.Narrow:
		class += " narrow"
	}
	return class
}
