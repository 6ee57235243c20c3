package console

import (
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// CasesView is /vendor/cases.
type CasesView struct {
	Frame
	Status string // open, answered, resolved or all
	Kind   string
	Rows   []CaseRow
	Pages  ui.CursorPager
}

// CaseRow is one case of a list.
type CaseRow struct {
	URL     string
	Kind    string
	Invoice string
	Account string
	Amount  money.Amount
	Status  Status
	Updated time.Time
	Last    string // the beginning of what was said last; may be empty
}

// CaseView is /vendor/cases/ID. Field IDs for Page.Errors: text, outcome, note.
type CaseView struct {
	Frame
	URL         string
	Title       string
	Account     string
	Status      Status
	Over        bool
	Outcome     string // of a case that is over
	OutcomeNote string
	Messages    []ui.Message
	Facts       []ui.Fact
	Plan        []PlanPart
	Files       []ui.FileLink
	Reply       string // kept after an error
	Outcomes    []ui.Option
	Resolution  string
	Note        string
}

// PlanPart is one instalment.
type PlanPart struct {
	On     money.Date
	Amount money.Amount
}

func (v CasesView) clear() string {
	if v.Status != "open" || v.Kind != "" {
		return "/vendor/cases"
	}
	return ""
}

func (v CasesView) empty() ui.EmptyState {
	if v.clear() != "" {
		return ui.EmptyState{Title: "No case matches", Action: "Show what is open", URL: "/vendor/cases"}
	}
	return ui.EmptyState{Title: "Nothing waits for you", Text: "Questions, disputes and promises of your customers appear here.", Action: "Show all cases", URL: "/vendor/cases?status=all"}
}

func caseColumns(invoice bool) []ui.Column {
	columns := []ui.Column{{Label: "Case"}}
	if invoice {
		columns = append(columns, ui.Column{Label: "Invoice"})
	}
	return append(columns, ui.Column{Label: "Amount", Num: true}, ui.Column{Label: "Status"}, ui.Column{Label: "Last said"})
}

func caseStatuses() []ui.Option {
	return []ui.Option{{Value: "open", Label: "Waits for you"}, {Value: "answered", Label: "Answered"}, {Value: "resolved", Label: "Resolved"},
		{Value: "withdrawn", Label: "Withdrawn"}, {Value: "all", Label: "All"}}
}

func caseKinds() []ui.Option {
	return []ui.Option{{Value: "", Label: "Any kind"}, {Value: "question", Label: "Questions"}, {Value: "dispute", Label: "Disputes"},
		{Value: "promise", Label: "Promises"}, {Value: "plan", Label: "Payment plans"}, {Value: "sent", Label: "Sent elsewhere"}}
}

func caseURL(id string) string { return "/vendor/cases/" + id }
