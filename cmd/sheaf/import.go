package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/sheaf-hub/sheaf/hub/intake"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/csv"
	"github.com/sheaf-hub/sheaf/vendor-connectors/einvoice"
)

// importing is one call of `sheaf import`.
type importing struct {
	vendor, format string
	dryRun, json   bool
	mapping        []string
	csv            csv.Options
}

func importCommand(settings *settings) *cobra.Command {
	job := &importing{}
	command := &cobra.Command{
		Use: "import --vendor ID --format csv|xlsx|einvoice FILE…", Short: "Bring a vendor's invoices in from files", Args: cobra.MinimumNArgs(1),
		Long: "Bring a vendor's invoices in from files: CSV exports of open invoices, workbooks (XLSX), or e-invoices (UBL, CII, PDF with embedded XML).\n" +
			"The mapping of a table's columns is shown; --map changes it. Nothing is guessed: what a file does not prove is asked for.\n" +
			"--dry-run reads and judges without storing anything; with --json it prints one record per document.",
		RunE: func(cmd *cobra.Command, args []string) error { return job.run(cmd, settings, args) },
	}
	flags := command.Flags()
	flags.StringVar(&job.vendor, "vendor", "", "the vendor's id (not needed with --dry-run)")
	flags.StringVar(&job.format, "format", "", "csv, xlsx or einvoice; empty: by the files' names")
	flags.BoolVar(&job.dryRun, "dry-run", false, "read and judge, store nothing")
	flags.BoolVar(&job.json, "json", false, "with --dry-run: one JSON record per document")
	flags.StringVar(&job.csv.Sheet, "sheet", "", "xlsx: the name of the sheet; empty: the first that is shown")
	flags.StringArrayVar(&job.mapping, "map", nil, `csv, xlsx: "Column header=field", or "Column header=-" to ignore it; may be repeated`)
	flags.StringVar(&job.csv.Delimiter, "delimiter", "", "csv: one of , ; | or tab; empty: detected")
	flags.StringVar(&job.csv.Decimal, "decimal", "", "csv, xlsx: the decimal mark of amounts written as text, . or ,; empty: detected")
	flags.StringVar(&job.csv.DateOrder, "date-order", "", "csv, xlsx: dmy, mdy or ymd, where the dates do not prove it")
	flags.StringVar(&job.csv.Currency, "currency", "", "csv, xlsx: the currency of rows that name none")
	return command
}

func (j *importing) run(cmd *cobra.Command, settings *settings, files []string) error {
	if err := j.check(files); err != nil {
		return err
	}
	if j.dryRun {
		return j.rehearse(cmd, files)
	}
	if !store.ValidID(j.vendor) {
		return fmt.Errorf("--vendor is %q; give the id that `sheaf vendor add` printed", j.vendor)
	}
	a, err := openApp(cmd.Context(), settings, cmd.ErrOrStderr(), systemClock)
	if err != nil {
		return err
	}
	defer a.close()
	vendor, err := a.party.Vendor(cmd.Context(), j.vendor)
	if err != nil {
		return plain(err)
	}
	var failures []error
	for _, file := range files {
		if err := j.bring(cmd, a, vendor, file); err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", file, plain(err)))
		}
	}
	return errors.Join(failures...)
}

func (j *importing) check(files []string) error {
	if j.json && !j.dryRun {
		return errors.New("--json goes with --dry-run")
	}
	if j.format == "" {
		j.format = formatOf(files[0])
	}
	if !j.table() && j.format != "einvoice" {
		return fmt.Errorf("--format is %q; use csv, xlsx or einvoice", j.format)
	}
	if j.csv.Delimiter == "tab" || j.csv.Delimiter == `\t` {
		j.csv.Delimiter = "\t"
	}
	j.csv.Mapping = map[string]string{}
	for _, entry := range j.mapping {
		column, field, found := cutLast(entry, "=")
		if !found {
			return fmt.Errorf(`--map is %q; write it like "Belegnummer=number"`, entry)
		}
		j.csv.Mapping[column] = field
	}
	return nil
}

// formatOf guesses by a file's name. What a table really is, its content says.
func formatOf(file string) string {
	switch strings.ToLower(filepath.Ext(file)) {
	case ".csv", ".txt", ".tsv":
		return "csv"
	case ".xlsx", ".xlsm":
		return "xlsx"
	}
	return "einvoice"
}

// table says whether the files have rows and columns.
func (j *importing) table() bool { return j.format == "csv" || j.format == "xlsx" }

func cutLast(text, mark string) (before, after string, found bool) {
	i := strings.LastIndex(text, mark)
	if i < 0 {
		return text, "", false
	}
	return strings.TrimSpace(text[:i]), strings.TrimSpace(text[i+len(mark):]), true
}

// read streams one file's pages.
func (j *importing) read(ctx context.Context, file string, sink func(connectors.Page) error) error {
	if j.format == "einvoice" {
		page, err := readEInvoice(file)
		if err != nil {
			return err
		}
		return sink(page)
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return csv.Read(ctx, f, info.Size(), j.csv, sink)
}

// readBounded reads a whole file that one document must fit in.
func readBounded(file string, most int64) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > most {
		return nil, fmt.Errorf("the file is larger than %d MB, which is the most for one document", most>>20)
	}
	return data, nil
}

// mostEInvoice bounds one e-invoice file (bytes).
const mostEInvoice = 64 << 20

func readEInvoice(file string) (connectors.Page, error) {
	data, err := readBounded(file, mostEInvoice)
	if err != nil {
		return connectors.Page{}, err
	}
	result, err := einvoice.Read(filepath.Base(file), data, einvoice.DefaultLimits())
	if err != nil {
		return connectors.Page{}, err
	}
	page := connectors.Page{Done: int64(len(data)), Total: int64(len(data))}
	switch {
	case result.Invoice != nil:
		page.Invoices = []connectors.Invoice{*result.Invoice}
	case result.Credit != nil:
		page.Credits = []connectors.Credit{*result.Credit}
	default:
		page.Rejected = []connectors.Rejected{{Place: filepath.Base(file), ExternalID: result.Number, Problems: result.Problems}}
	}
	return page, nil
}

func (j *importing) bring(cmd *cobra.Command, a *app, vendor party.Vendor, file string) error {
	if j.table() {
		if err := j.propose(cmd, file); err != nil {
			return err
		}
	}
	bar := newProgress(cmd.ErrOrStderr(), filepath.Base(file))
	run, err := a.intake.Import(cmd.Context(), vendor, j.format+" "+filepath.Base(file),
		func(ctx context.Context, sink func(connectors.Page) error) error { return j.read(ctx, file, sink) },
		func(p intake.Progress) { bar.set(p.Done, p.Total) })
	bar.end()
	if run.ID != "" {
		cmd.Printf("%s: created %d, updated %d, unchanged %d, rejected %d\n", file, run.Created, run.Updated, run.Unchanged, run.Rejected)
	}
	if err != nil {
		return err
	}
	return j.explain(cmd, a, vendor, run)
}

// explain prints why records were rejected, page by page.
func (j *importing) explain(cmd *cobra.Command, a *app, vendor party.Vendor, run intake.Sync) error {
	cursor := ""
	for range 100 {
		rejections, next, err := a.intake.Rejections(cmd.Context(), vendor.ID, run.ID, store.PageRequest{Cursor: cursor, Limit: store.MaxPage})
		if err != nil {
			return err
		}
		for _, rejection := range rejections {
			problems, err := rejection.List()
			if err != nil {
				return err
			}
			for _, problem := range problems {
				cmd.PrintErrf("  rejected %s %s: %s\n", rejection.Place, problem.Pointer, problem.Message)
			}
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	return nil
}

// propose shows how a table is read, and asks for what it does not prove.
func (j *importing) propose(cmd *cobra.Command, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	proposal, err := csv.Inspect(cmd.Context(), f, j.csv)
	if err != nil {
		return err
	}
	out := cmd.ErrOrStderr()
	how := fmt.Sprintf("delimiter %q, header on line", proposal.Delimiter)
	if proposal.Sheet != "" {
		how = fmt.Sprintf("sheet %q of %d, header in row", proposal.Sheet, len(proposal.Sheets))
	}
	_, _ = fmt.Fprintf(out, "%s: %s, %s %d, %d rows\n", file, proposal.Encoding, how, proposal.HeaderLine, proposal.Rows)
	table := tabwriter.NewWriter(out, 2, 4, 2, ' ', 0)
	for _, column := range proposal.Columns {
		field := column.Field
		if field == "" {
			field = "(not used)"
		}
		_, _ = fmt.Fprintf(table, "  %s\t→ %s\t%s\n", column.Header, field, strings.Join(column.Samples, " · "))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if len(proposal.Questions) == 0 {
		return nil
	}
	lines := make([]string, len(proposal.Questions))
	for i, question := range proposal.Questions {
		lines[i] = question.Error() + flagOf(question.Option)
	}
	return errors.New(strings.Join(lines, "\n"))
}

func flagOf(option string) string {
	flags := map[string]string{"DateOrder": " (--date-order dmy|mdy|ymd)", "Decimal": " (--decimal . or --decimal ,)", "Currency": " (--currency EUR)",
		"Mapping": ` (--map "Column=field")`}
	return flags[option]
}

// rehearse reads and judges without a database.
func (j *importing) rehearse(cmd *cobra.Command, files []string) error {
	out := bufio.NewWriter(cmd.OutOrStdout())
	failed := 0
	for _, file := range files {
		bad, err := j.rehearseOne(cmd, out, file)
		if err != nil {
			return errors.Join(err, out.Flush())
		}
		failed += bad
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if failed > 0 {
		cmd.PrintErrf("%d records have problems\n", failed)
		return &exitError{code: 1}
	}
	return nil
}

func (j *importing) rehearseOne(cmd *cobra.Command, out io.Writer, file string) (int, error) {
	if j.table() {
		return j.rehearseCSV(cmd, out, file)
	}
	var record einvoice.DryRun
	data, err := readBounded(file, mostEInvoice)
	if err == nil {
		var result einvoice.Result
		if result, err = einvoice.Read(filepath.Base(file), data, einvoice.DefaultLimits()); err == nil {
			record = einvoice.NewDryRun(file, result)
		}
	}
	if err != nil {
		record = einvoice.FailedDryRun(file, err)
	}
	if j.json {
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		return boolInt(err != nil), encoder.Encode(record)
	}
	_, printErr := fmt.Fprintf(out, "%s: %s %s, %s, due %s, %s %s open of %s, %d documents\n", file, record.Kind, record.Number, record.AccountName,
		orDash(string(record.DueOn)), record.Currency, record.Open, record.Total, len(record.Documents))
	for _, problem := range record.Problems {
		_, _ = fmt.Fprintf(out, "  %s: %s\n", problem.Field, problem.Message)
	}
	return boolInt(err != nil), printErr
}

func orDash(text string) string {
	if text == "" {
		return "–"
	}
	return text
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// csvRecord is one row of a rehearsed table.
type csvRecord struct {
	File        string               `json:"file"`
	Kind        string               `json:"kind"`
	Number      string               `json:"number"`
	AccountName string               `json:"account_name"`
	Emails      []string             `json:"emails"`
	IssuedOn    string               `json:"issued_on"`
	DueOn       string               `json:"due_on"`
	Terms       string               `json:"terms"`
	Currency    string               `json:"currency"`
	Total       string               `json:"total"`
	Open        string               `json:"open"`
	Documents   []string             `json:"documents"`
	Problems    []connectors.Problem `json:"problems"`
	Place       string               `json:"place,omitempty"`
}

func (j *importing) rehearseCSV(cmd *cobra.Command, out io.Writer, file string) (int, error) {
	if err := j.propose(cmd, file); err != nil {
		return 0, fmt.Errorf("%s: %w", file, err)
	}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	bad := 0
	err := j.read(cmd.Context(), file, func(page connectors.Page) error {
		bad += len(page.Rejected)
		for _, record := range csvRecords(file, page) {
			if j.json {
				if err := encoder.Encode(record); err != nil {
					return err
				}
				continue
			}
			if len(record.Problems) > 0 {
				_, _ = fmt.Fprintf(out, "%s: %s\n", record.Place, record.Problems[0].Message)
				continue
			}
			_, _ = fmt.Fprintf(out, "%s %s, %s, due %s, %s %s open of %s\n", record.Kind, record.Number, record.AccountName, orDash(record.DueOn), record.Currency, record.Open, record.Total)
		}
		return nil
	})
	if err != nil {
		return bad, fmt.Errorf("%s: %w", file, err)
	}
	return bad, nil
}

func csvRecords(file string, page connectors.Page) []csvRecord {
	var records []csvRecord
	for _, invoice := range page.Invoices {
		record := csvRecord{File: file, Kind: "invoice", Number: invoice.Number, IssuedOn: string(invoice.IssuedOn), DueOn: string(invoice.DueOn),
			Terms: invoice.Terms, Currency: string(invoice.Total.Currency), Total: invoice.Total.Decimal(), Open: invoice.Open.Decimal()}
		record.buyer(invoice.AccountSeen)
		records = append(records, record)
	}
	for _, credit := range page.Credits {
		record := csvRecord{File: file, Kind: "credit", Number: credit.Number, IssuedOn: string(credit.IssuedOn), Currency: string(credit.Total.Currency),
			Total: credit.Total.Decimal(), Open: credit.Open.Decimal()}
		record.buyer(credit.AccountSeen)
		records = append(records, record)
	}
	for _, rejected := range page.Rejected {
		records = append(records, csvRecord{File: file, Kind: "rejected", Number: rejected.ExternalID, Place: rejected.Place, Problems: rejected.Problems,
			Emails: []string{}, Documents: []string{}})
	}
	return records
}

func (r *csvRecord) buyer(account *connectors.Account) {
	r.Emails, r.Documents, r.Problems = []string{}, []string{}, []connectors.Problem{}
	if account == nil {
		return
	}
	r.AccountName = account.Name
	for _, contact := range account.Contacts {
		r.Emails = append(r.Emails, contact.Email)
	}
}
