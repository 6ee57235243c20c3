// Package files is two kinds of connections to vendors whose books leave them as
// files: a folder on the hub's machine, and a folder on an SFTP server. They read
// tables of open invoices (CSV, XLSX) and e-invoices as those given by hand are
// read, and never write, move or delete what lies there.
//
// A place either gives changes, each file adding to what the others said, or its
// newest table is the whole list. In the second way a newer table answers a cursor
// with ErrCursor: the hub then reads it whole and closes what it no longer names.
package files

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/csv"
	"github.com/sheaf-hub/sheaf/vendor-connectors/einvoice"
)

// Limits of a place.
const (
	MostFiles    = 2_000     // that lie there at once; what was read of each is in the cursor
	mostEInvoice = 64 << 20  // bytes of one e-invoice
	mostTable    = 256 << 20 // bytes of one table; csv says the same
	// Quiet is how long a file must stay as it is before it is read: whoever writes it
	// may not be done. It is looked at twice, so no clock has to agree with another.
	Quiet = 2 * time.Second
)

// Names of the settings that both kinds have.
const (
	settingPath    = "path"
	settingWhole   = "files"
	settingMapping = "mapping"
	filesChanges   = "changes"
	filesWhole     = "whole"
)

// Client reads the files of one place.
type Client struct {
	descriptor connectors.Descriptor
	open       func(ctx context.Context) (place, error)
	options    csv.Options
	whole      bool // the newest table is all there is
	quiet      time.Duration
}

var _ connectors.Connector = (*Client)(nil)

// place is an open folder.
type place interface {
	// list names the files that lie there, no folders and no links.
	list(ctx context.Context) ([]file, error)
	// read opens one that was listed.
	read(ctx context.Context, name string) (io.ReadCloser, error)
	close()
}

// file is one file as its place lists it.
type file struct {
	name    string
	size    int64
	changed time.Time
}

// mark tells a file, as it is now, from every other.
func (f file) mark() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %d %s", f.size, f.changed.UnixNano(), f.name))
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

func (f file) table() bool {
	switch strings.ToLower(path.Ext(f.name)) {
	case ".csv", ".txt", ".tsv", ".xlsx", ".xlsm":
		return true
	}
	return false
}

// readable says whether a name is one of a file to read. Names that programs give
// to what they are still writing are not.
func (f file) readable() bool {
	if strings.HasPrefix(f.name, ".") || strings.HasPrefix(f.name, "~") {
		return false
	}
	extension := strings.ToLower(path.Ext(f.name))
	return f.table() || extension == ".xml" || extension == ".pdf"
}

// settings are the fields that both kinds ask for.
func commonFields(pathHelp string) []connectors.Field {
	return []connectors.Field{
		{Name: settingPath, Label: "Folder", Help: pathHelp},
		{Name: settingWhole, Label: "What a file says", Required: true, Choices: []connectors.Choice{
			{Value: filesChanges, Label: "What is new or has changed"},
			{Value: filesWhole, Label: "All that is open: what the newest table no longer names has been settled"}}},
		{Name: settingMapping, Label: "How tables are read", Help: `Only where it cannot be told from the file, as JSON: {"mapping": {"Belegnummer": "number"}, "date_order": "dmy", "decimal": ",", "currency": "EUR", "delimiter": ";", "sheet": "Open items"}.`},
	}
}

// reading is the mapping setting as it is written.
type reading struct {
	Mapping   map[string]string `json:"mapping"`
	Delimiter string            `json:"delimiter"`
	Decimal   string            `json:"decimal"`
	DateOrder string            `json:"date_order"`
	Currency  string            `json:"currency"`
	Sheet     string            `json:"sheet"`
}

// newClient takes the settings that both kinds have.
func newClient(descriptor connectors.Descriptor, settings map[string]string, open func(context.Context) (place, error)) (*Client, error) {
	c := &Client{descriptor: descriptor, open: open, quiet: Quiet}
	switch settings[settingWhole] {
	case "", filesChanges:
	case filesWhole:
		c.whole = true
	default:
		return nil, fmt.Errorf("what a file says is %q: choose changes or whole", clip(settings[settingWhole]))
	}
	if text := settings[settingMapping]; text != "" {
		var read reading
		decoder := json.NewDecoder(strings.NewReader(text))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&read); err != nil {
			return nil, fmt.Errorf("how tables are read is not the JSON that it should be: %w", err)
		}
		c.options = csv.Options{Mapping: read.Mapping, Delimiter: read.Delimiter, Decimal: read.Decimal, DateOrder: read.DateOrder, Currency: read.Currency, Sheet: read.Sheet}
		if err := c.options.Check(); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Describe says what the kind can do. No pull tells of deletions, and none is
// needed: what is missing from a folder says nothing.
func (c *Client) Describe() connectors.Descriptor { return c.descriptor }

// Fetch has nothing to read: papers come with their records.
func (c *Client) Fetch(context.Context, string) (connectors.Document, error) {
	return connectors.Document{}, connectors.ErrGone
}

// Check opens the place and looks how its newest table would be read.
func (c *Client) Check(ctx context.Context) error {
	p, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	files, err := listed(ctx, p)
	if err != nil {
		return err
	}
	newest, found := newestTable(files)
	if !found {
		return nil // nothing has to lie there yet
	}
	reader, err := p.read(ctx, newest.name)
	if err != nil {
		return err
	}
	defer reader.Close()
	proposal, err := csv.Inspect(ctx, only(reader, mostTable), c.options)
	if err == nil && len(proposal.Questions) > 0 {
		err = proposal.Questions[0]
	}
	return inFile(ctx, newest.name, err)
}

// listed are the files to read in their order: that of their times, and of equal
// ones that of their names.
func listed(ctx context.Context, p place) ([]file, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	all, err := p.list(ctx)
	if err != nil {
		return nil, err
	}
	files := slices.DeleteFunc(all, func(f file) bool { return !f.readable() })
	if len(files) > MostFiles {
		return nil, fmt.Errorf("there are more than %d files in the folder; move away those that are done", MostFiles)
	}
	slices.SortFunc(files, func(a, b file) int {
		if order := a.changed.Compare(b.changed); order != 0 {
			return order
		}
		return strings.Compare(a.name, b.name)
	})
	return files, nil
}

func newestTable(files []file) (file, bool) {
	for _, f := range slices.Backward(files) {
		if f.table() {
			return f, true
		}
	}
	return file{}, false
}

// only hides that a reader can seek, so that what comes over a network is read
// once, and bounds it.
func only(r io.Reader, most int64) io.Reader { return io.LimitReader(r, most+1) }

// inFile names the file in an error about it, and tells what lies in the file from
// what lies in the way to it.
func inFile(ctx context.Context, name string, err error) error {
	var format *csv.FormatError
	var unclear *csv.AmbiguousError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &format), errors.As(err, &unclear), errors.Is(err, csv.ErrOptions):
		return fmt.Errorf("%s: %w", clip(name), err)
	case errors.Is(err, connectors.ErrUnreachable), errors.Is(err, connectors.ErrCredentials):
		return err
	}
	return fmt.Errorf("%w: %s: %w", connectors.ErrUnreachable, clip(name), err)
}

// readEInvoice makes the page of one e-invoice. Its second error is one of the file.
func readEInvoice(name string, r io.Reader) (connectors.Page, error, error) {
	data, err := io.ReadAll(only(r, mostEInvoice))
	if err != nil {
		return connectors.Page{}, nil, err
	}
	if len(data) > mostEInvoice {
		return connectors.Page{}, fmt.Errorf("the file is larger than the %d MB that one e-invoice may have", mostEInvoice>>20), nil
	}
	result, wrong := einvoice.Read(name, data, einvoice.DefaultLimits())
	page := connectors.Page{}
	switch {
	case wrong != nil:
		return page, wrong, nil
	case result.Invoice != nil:
		page.Invoices = []connectors.Invoice{*result.Invoice}
	case result.Credit != nil:
		page.Credits = []connectors.Credit{*result.Credit}
	default:
		page.Rejected = []connectors.Rejected{{Place: clip(name), ExternalID: result.Number, Problems: result.Problems}}
	}
	return page, nil, nil
}

func clip(text string) string {
	const most = 80
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
