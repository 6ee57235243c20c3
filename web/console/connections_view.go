package console

import (
	"strings"
	"unicode"

	"github.com/sheaf-hub/sheaf/web/ui"
)

// KindsView is /vendor/connections/new: which books there are to choose from.
type KindsView struct {
	Frame
	Query string
	Kinds []KindRow
}

// KindRow is one kind of books.
type KindRow struct {
	URL     string
	Title   string
	Summary string
	Writes  bool // payments are booked there
	Proven  bool // against a live server
}

// initials are the letters of a kind's own drawing: two at most.
func (k KindRow) initials() string {
	var letters []rune
	for _, word := range strings.Fields(k.Title) {
		letters = append(letters, unicode.ToUpper([]rune(word)[0]))
	}
	if len(letters) == 1 {
		letters = append(letters, []rune(strings.ToLower(k.Title) + " ")[1])
	}
	return string(letters[:min(2, len(letters))])
}

// ConnectionFormView is /vendor/connections/new/KIND. Field IDs for Page.Errors:
// name, write_back, and the kind's own names with "set-" before them.
type ConnectionFormView struct {
	Frame
	Kind      string
	Title     string
	Summary   string
	Proven    bool
	Name      string
	Fields    []SettingField
	WriteBack string
	Choices   []ui.Option // what may become of payments
}

// SettingField is one thing that a kind asks for.
type SettingField struct {
	Field   ui.Field
	Options []ui.Option // when it is a choice
}

// ConnectionView is /vendor/connections/ID.
type ConnectionView struct {
	Frame
	ID        string
	Name      string
	Kind      string
	Removed   bool
	Health    Status
	Error     string // and what to do
	Facts     []ui.Fact
	Held      int
	Run       *RunProgress
	Steps     []ui.Step
	Live      bool
	Ready     bool // something was read, so that there is something to look at
	WriteBack string
	Choices   []ui.Option
	StaleDays string
	Fields    []SettingField
}

// RunProgress is a run that goes on just now.
type RunProgress struct {
	Counts  string // "1,204 new, 3 changed"
	Done    string
	Percent int // below zero: nobody knows of how much
}
