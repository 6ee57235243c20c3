package portal

import (
	"strings"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/cases"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// CasePage is the page of one case, at /me/cases/ID.
type CasePage struct {
	Page       ui.Page
	InvoiceURL string
	Number     string
	Vendor     string
	Case       CaseView
}

// caseOf arranges a thread for the page. team are whose words are "ours": an
// account may list somebody else too.
func caseOf(who visitor, thread cases.Thread, team map[string]party.Contact) CaseView {
	v := CaseView{ID: thread.ID, Kind: string(thread.Kind), Title: ui.Sentence(thread.Kind.Words()), Status: caseStatus(thread.Status), Facts: caseFacts(thread)}
	files := map[int][]billing.Document{}
	for _, file := range thread.Files { // a file came with the last message before it
		at := 0
		for i, message := range thread.Said {
			if !message.CreatedAt.After(file.CreatedAt) {
				at = i
			}
		}
		files[at] = append(files[at], file)
	}
	for i, message := range thread.Said {
		_, mine := team[message.AuthorID]
		mine = mine && message.Side == cases.SideCustomer
		v.Messages = append(v.Messages, ui.Message{Author: message.AuthorName, Side: sideWord(message.Side, mine, thread.VendorName), Mine: mine, At: who.local(message.CreatedAt),
			Text: message.Text, Files: fileLinks(who, files[i])})
	}
	switch thread.Status {
	case cases.Resolved:
		v.Outcome = thread.OutcomeWords()
		if thread.ResolutionNote != "" {
			v.Outcome += ". " + thread.ResolutionNote
		}
	case cases.Withdrawn:
		v.Outcome = "Withdrawn"
	default:
		v.Reply = "/me/cases/" + thread.ID + "/messages"
		if _, ours := team[thread.ContactID]; ours {
			v.Withdraw = "/me/cases/" + thread.ID + "/withdrawal"
		}
	}
	return v
}

func sideWord(side string, mine bool, vendor string) string {
	switch {
	case mine:
		return "You"
	case side == cases.SideCustomer:
		return "Customer"
	case side == cases.SideVendor:
		return vendor
	}
	return "Sheaf"
}

func caseStatus(status cases.Status) Status {
	switch status {
	case cases.Open:
		return Status{Tone: ui.ToneWarn, Text: "Waits for the vendor"}
	case cases.Answered:
		return Status{Tone: ui.ToneInfo, Text: "Answered"}
	case cases.Resolved:
		return Status{Tone: ui.ToneGood, Text: "Resolved"}
	}
	return Status{Tone: ui.ToneNeutral, Text: "Withdrawn"}
}

func caseFacts(thread cases.Thread) []ui.Fact {
	var facts []ui.Fact
	add := func(label, text string) {
		if text != "" {
			facts = append(facts, ui.Fact{Label: label, Text: text})
		}
	}
	add("Reason", thread.ReasonWords())
	if thread.Kind != cases.Question {
		facts = append(facts, ui.Fact{Label: "Amount", Body: ui.Money(thread.Value())})
	}
	if thread.Kind == cases.Promised {
		add("To be paid by", thread.PromisedOn.Human(""))
	}
	for _, part := range thread.Details.Instalments {
		add(part.On.Human(""), money.New(part.Amount, thread.Currency).String())
	}
	for _, method := range cases.Methods() {
		if method.Key == thread.Details.Method {
			add("Sent by", method.Words)
		}
	}
	add("Number", thread.Details.Number)
	if thread.Details.SentOn != "" {
		add("Sent on", thread.Details.SentOn.Human(""))
	}
	add("Where to", thread.Details.Address)
	return facts
}

func caseRows(who visitor, list []cases.Item) []CaseRow {
	rows := make([]CaseRow, 0, len(list))
	for _, item := range list {
		row := CaseRow{URL: "/me/cases/" + item.ID, Kind: ui.Sentence(item.Kind.Words()), Invoice: item.InvoiceNumber, Vendor: item.VendorName,
			Status: caseStatus(item.Status), Updated: ui.MomentText(who.local(item.UpdatedAt), who.today), Last: firstWords(item.LastText)}
		if item.Kind != cases.Question {
			row.Amount = item.Value()
		}
		rows = append(rows, row)
	}
	return rows
}

func firstWords(text string) string {
	const most = 100
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
