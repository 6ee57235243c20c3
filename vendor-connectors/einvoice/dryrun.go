package einvoice

import (
	"errors"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// DryRun is the record that `sheaf import --format einvoice --dry-run --json`
// prints, one per file. Absent values are empty strings and empty lists.
type DryRun struct {
	File        string               `json:"file"`
	Kind        Kind                 `json:"kind"` // "invoice" or "credit"; "" for a file that is neither
	Number      string               `json:"number"`
	AccountName string               `json:"account_name"`
	Emails      []string             `json:"emails"`
	IssuedOn    string               `json:"issued_on"`
	DueOn       string               `json:"due_on"`
	Terms       string               `json:"terms"`
	Currency    string               `json:"currency"`
	Total       string               `json:"total"` // decimal, major units
	Open        string               `json:"open"`  // decimal, major units; positive for a credit
	Documents   []DryRunDocument     `json:"documents"`
	Problems    []connectors.Problem `json:"problems"`
}

// DryRunDocument is one paper of a DryRun.
type DryRunDocument struct {
	Name        string `json:"name"`
	ContentType string `json:"content_type"`
	Bytes       int    `json:"bytes"`
	Held        string `json:"held,omitempty"` // why it would not be shown
}

// NewDryRun describes a Result; file is the name as the person gave it.
func NewDryRun(file string, result Result) DryRun {
	run := DryRun{
		File: file, Kind: result.Kind, Number: result.Number, AccountName: result.Account.Name,
		Emails: result.Emails(), IssuedOn: string(result.IssuedOn), DueOn: string(result.DueOn),
		Terms: result.Terms, Currency: string(result.Currency),
		Documents: make([]DryRunDocument, 0, len(result.Documents)),
		Problems:  append([]connectors.Problem{}, result.Problems...),
	}
	if result.Total.Currency != "" {
		run.Total, run.Open = result.Total.Decimal(), result.Open.Decimal()
	}
	for _, document := range result.Documents {
		run.Documents = append(run.Documents, DryRunDocument{Name: document.Name, ContentType: document.ContentType,
			Bytes: len(document.Content), Held: document.Held})
	}
	return run
}

// FailedDryRun describes a file that Read answered with an error.
func FailedDryRun(file string, err error) DryRun {
	run := NewDryRun(file, Result{})
	message := err.Error()
	var place *FileError
	if errors.As(err, &place) {
		at := *place
		at.File = "the file"
		message = at.Error()
	}
	run.Problems = append(run.Problems, connectors.Problem{Field: "", Message: message})
	return run
}
