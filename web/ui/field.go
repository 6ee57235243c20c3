package ui

import "strconv"

// Field is one field of a form: its label, what it holds, and what is wrong.
type Field struct {
	Name         string // of the form value
	ID           string // empty: Name; must be its own on the page
	Label        string
	Hint         string // may be empty
	Value        string // kept after an error
	Error        string // may be empty
	Type         string // of an Input: text (the default), email, date, tel, number, password, url, search, time
	Autocomplete string // "email", "off", …; empty: left out
	InputMode    string // "decimal" for money, "numeric" for codes
	Width        Width
	Prefix       string // such as the currency; stands inside the field's frame
	MaxLength    int    // 0: none
	Rows         int    // of a TextArea; 0: 4
	Accept       string // of a File: ".pdf,image/*"
	Multiple     bool   // of a File
	Checked      bool   // of a Checkbox
	Optional     bool   // adds "(optional)" to the label
	Required     bool
}

// Width is how much a field is expected to hold.
type Width string

// The widths; the zero Width fills its column.
const (
	WidthFull   Width = ""
	WidthMedium Width = "w-medium" // an address
	WidthShort  Width = "w-short"  // an amount, a date
	WidthTiny   Width = "w-tiny"   // an hour
)

// Option is one choice of a Select or of Radios.
type Option struct {
	Value string
	Label string
	Hint  string // Radios only
}

func (f Field) id() string {
	if f.ID != "" {
		return f.ID
	}
	return f.Name
}

func (f Field) describedBy() string {
	by := ""
	if f.Hint != "" {
		by = f.id() + "-hint"
	}
	if f.Error != "" {
		if by != "" {
			by += " "
		}
		by += f.id() + "-error"
	}
	return by
}

func (f Field) inputType() string {
	if f.Type == "" {
		return "text"
	}
	return f.Type
}

func (f Field) label() string {
	if f.Optional {
		return f.Label + " (optional)"
	}
	return f.Label
}

func (f Field) rows() string {
	if f.Rows == 0 {
		return "4"
	}
	return strconv.Itoa(f.Rows)
}

func optionID(f Field, i int) string {
	// the first bears the field's own ID, so that the summary's link finds it
	if i == 0 {
		return f.id()
	}
	return f.id() + "-" + strconv.Itoa(i)
}
