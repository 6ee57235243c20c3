// Package csv reads exports of open invoices in any common spelling: it finds
// the encoding, the delimiter, the decimal mark, the header row and what each
// column means, shows that as a Proposal, and streams the rows as neutral
// records. What a file does not prove is asked for, never guessed. A sheet of a
// workbook (XLSX) is read in the same way.
package csv

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sheaf-hub/sheaf/hub/money"
)

// Fields that a column can mean.
const (
	FieldExternalID    = "external_id"    // the vendor's own key of the invoice; the number where there is none
	FieldNumber        = "number"         // the invoice number
	FieldAccount       = "account"        // the vendor's id of the customer
	FieldAccountName   = "account_name"   // the customer's name
	FieldEmail         = "email"          // one address, or several separated by ; or ,
	FieldIssuedOn      = "issued_on"      // date of the invoice
	FieldDueOn         = "due_on"         // date on which it falls due
	FieldTerms         = "terms"          // "Net 30"
	FieldCurrency      = "currency"       // ISO 4217
	FieldTotal         = "total"          // with tax
	FieldOpen          = "open"           // what remains to be paid
	FieldPaid          = "paid"           // yes or no, or the amount paid so far
	FieldPurchaseOrder = "purchase_order" // the customer's order
	FieldStatus        = "status"         // open, paid, void in any common word
	FieldKind          = "kind"           // invoice or credit in any common word
	FieldIgnore        = "-"              // in a Mapping: this column means nothing
)

var fields = []string{FieldExternalID, FieldNumber, FieldAccount, FieldAccountName, FieldEmail, FieldIssuedOn, FieldDueOn,
	FieldTerms, FieldCurrency, FieldTotal, FieldOpen, FieldPaid, FieldPurchaseOrder, FieldStatus, FieldKind}

// Limits of a file.
const (
	MaxBytes   = 256 << 20
	MaxColumns = 200
	MaxCell    = 64 << 10
	PageSize   = 500
	maxRecord  = 2 << 20 // one row; more is a quote that was never closed
	maxTitles  = 30      // rows that may stand above the header
)

// Date orders of Options.DateOrder.
const (
	OrderDMY = "dmy"
	OrderMDY = "mdy"
	OrderYMD = "ymd"
)

// Options settle what a file leaves open. The zero value asks for everything
// that cannot be proven.
type Options struct {
	Mapping   map[string]string // column header (any case) → field, or "-" to ignore the column
	Delimiter string            // one of , ; | or a tab; empty: detected
	Decimal   string            // "." or ","; empty: detected
	DateOrder string            // "dmy", "mdy" or "ymd"; empty: proven by the column, or asked for
	Currency  string            // for rows that name none; empty: asked for
	Sheet     string            // of a workbook, by its name; empty: the first that is shown
}

// Two-digit years are read only where DateOrder is set: 00 to 69 are 2000 to
// 2069, 70 to 99 are 1970 to 1999.
const pivot = 70

// AmbiguousError asks for something that the file does not prove.
type AmbiguousError struct {
	Column string // header of the column; empty when the file as a whole is meant
	Option string // the option that answers it: "DateOrder", "Decimal", "Currency", "Mapping"
	Reason string // what is unclear, and what to set
}

func (e *AmbiguousError) Error() string {
	if e.Column == "" {
		return e.Reason
	}
	return fmt.Sprintf("column %q: %s", e.Column, e.Reason)
}

// FormatError says where a file cannot be read at all. Line and Column are 0
// when the place is the file itself, or the message names it.
type FormatError struct {
	Line, Column int
	Message      string
}

func (e *FormatError) Error() string {
	if e.Line == 0 {
		return e.Message
	}
	return fmt.Sprintf("line %d column %d: %s", e.Line, e.Column, e.Message)
}

// ErrOptions is wrapped by errors about the Options themselves.
var ErrOptions = errors.New("the import options cannot be used")

// Check says what is wrong with the options themselves, an ErrOptions.
func (o Options) Check() error { return o.check() }

func (o Options) check() error {
	if o.Delimiter != "" && !slices.Contains(delimiters, o.Delimiter) {
		return fmt.Errorf("%w: the delimiter %q is none of , ; | and tab", ErrOptions, o.Delimiter)
	}
	if o.Decimal != "" && o.Decimal != "." && o.Decimal != "," {
		return fmt.Errorf("%w: the decimal mark %q is neither . nor ,", ErrOptions, o.Decimal)
	}
	if o.DateOrder != "" && o.DateOrder != OrderDMY && o.DateOrder != OrderMDY && o.DateOrder != OrderYMD {
		return fmt.Errorf("%w: the date order %q is none of dmy, mdy and ymd", ErrOptions, o.DateOrder)
	}
	if o.Currency != "" {
		if _, err := money.ParseCurrency(o.Currency); err != nil {
			return fmt.Errorf("%w: %w", ErrOptions, err)
		}
	}
	for header, field := range o.Mapping {
		if field != FieldIgnore && !slices.Contains(fields, field) {
			return fmt.Errorf("%w: the column %q is mapped to %q, which is none of: %s", ErrOptions, header, field, strings.Join(fields, ", "))
		}
	}
	return nil
}

// Proposal is how a file would be read, for a person to look at.
type Proposal struct {
	Encoding   string // "UTF-8", "UTF-16LE", "UTF-16BE", "Windows-1252"; "XLSX" for a workbook
	Delimiter  string // empty for a workbook
	Sheet      string // that is read of a workbook
	Sheets     []string
	Decimal    string // "." or ","; empty when no value shows it
	Currency   string // for rows that name none; may be empty
	HeaderLine int
	Rows       int64 // below the header
	Columns    []Column
	Questions  []*AmbiguousError // what must be set before Read accepts the file
}

// Column is one column of a Proposal.
type Column struct {
	Header    string
	Field     string // empty: the column is not used
	Samples   []string
	Why       string
	DateOrder string // of a date column that proves one
}
