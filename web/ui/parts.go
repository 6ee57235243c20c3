package ui

import (
	"strconv"
	"time"

	"github.com/a-h/templ"
	"github.com/sheaf-hub/sheaf/hub/money"
)

// TableHead is the caption and the columns of a Table.
type TableHead struct {
	Caption     string // always said; hidden from sight unless ShowCaption
	ShowCaption bool
	Columns     []Column
	Keep        bool // stays a table on narrow screens (two or three short columns)
}

// Column is one column's heading.
type Column struct {
	Label  string
	Num    bool // right-aligned: amounts and counts
	Hidden bool // the label is for readers alone: columns of buttons
}

// Pager leads through a list by cursor. An empty URL: no such page.
type Pager struct {
	Prev    string
	Next    string
	Summary string // "50 invoices on this page"; may be empty
}

// FilterBar is the form above a list; it sends GET.
type FilterBar struct {
	Action string
	Clear  string // where "Clear filters" leads; empty: no filter is set
	Label  string // for readers: "Filter invoices"
	Submit string // empty: "Apply"
}

// Fact is one row of Facts. Body wins over Text.
type Fact struct {
	Label string
	Text  string
	Body  templ.Component
	Num   bool
}

// Happening is one entry of a History, in the reader's zone.
type Happening struct {
	At   time.Time
	Who  string // may be empty
	Text string
	Tone Tone // empty: neutral
}

// Message is one message of a Thread.
type Message struct {
	Author string
	Side   string // "Vendor", "You", "Sheaf": whose side the author is on
	Mine   bool   // written by the reader's own side
	At     time.Time
	Text   string
	Files  []FileLink
}

// FileLink is a paper to view or download.
type FileLink struct {
	Name     string
	URL      string
	Download string // a URL that downloads; may be empty
	Detail   string // "PDF, 34 KB"
}

// EmptyState says that there is nothing, and what to do.
type EmptyState struct {
	Title  string
	Text   string
	Action string // label of a link; may be empty
	URL    string
}

// Progress is how far something has come.
type Progress struct {
	Label string
	Done  int
	Of    int
}

// Step is one step of Steps.
type Step struct {
	Label string
	State StepState
}

// StepState is where a step stands.
type StepState string

// The states of a step.
const (
	StepTodo    StepState = "todo"
	StepCurrent StepState = "current"
	StepDone    StepState = "done"
)

// CopyField shows a text to be copied, such as a key shown once.
type CopyField struct {
	ID    string
	Label string
	Value string
	Hint  string
}

func dateTitle(date money.Date) string { return date.Time().Format("Monday, 2 January 2006") }

func percent(p Progress) string {
	if p.Of <= 0 {
		return "0"
	}
	return strconv.Itoa(min(p.Done, p.Of) * 100 / p.Of)
}

func moneyClass(amount money.Amount) string {
	if amount.Minor < 0 {
		return "money money-minus"
	}
	return "money"
}

func stepWord(state StepState) string {
	switch state {
	case StepDone:
		return "done"
	case StepCurrent:
		return "you are here"
	default:
		return "to do"
	}
}
