package main

import (
	"bytes"
	"context"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/csv"
	"github.com/sheaf-hub/sheaf/vendor-connectors/einvoice"
	"github.com/sheaf-hub/sheaf/vendor-connectors/push"
)

// demoFiles are the vendors' files. Their dates are written as days from today
// ({{day -23}}, or in a format of Go's: {{day:02.01.2006 -23}}), so that
// something is always overdue and something never is.
//
//go:embed demo
var demoFiles embed.FS

// carried reads the files as of a day.
type carried struct{ today money.Date }

var dayMark = regexp.MustCompile(`\{\{day(?::([^ }]+))? ([+-][0-9]{1,3})\}\}`)

// paperMark stands where an e-invoice carries its readable paper, in base64.
const paperMark = "{{paper}}"

func (c *carried) read(name string) ([]byte, error) {
	raw, err := demoFiles.ReadFile(name)
	if err != nil {
		return nil, err
	}
	today := c.today.Time()
	dated := dayMark.ReplaceAllFunc(raw, func(mark []byte) []byte {
		parts := dayMark.FindSubmatch(mark)
		days, _ := strconv.Atoi(string(parts[2])) // the pattern lets digits alone through
		layout := string(parts[1])
		if layout == "" {
			layout = "2006-01-02"
		}
		return []byte(today.AddDate(0, 0, days).Format(layout))
	})
	if at := bytes.Index(bytes.ReplaceAll(dated, []byte(paperMark), nil), []byte("{{")); at >= 0 {
		return nil, fmt.Errorf("%s: a mark near byte %d is not understood", name, at)
	}
	return dated, nil
}

// bringTable imports a CSV export as `sheaf import` does.
func bringTable(ctx context.Context, d *demo, files *carried, vendor party.Vendor) (brought, error) {
	const name = "open-items.csv"
	data, err := files.read("demo/kestrel-freight/" + name)
	if err != nil {
		return brought{}, err
	}
	return d.imported(ctx, vendor, "csv "+name, func(ctx context.Context, sink func(connectors.Page) error) error {
		return csv.Read(ctx, bytes.NewReader(data), int64(len(data)), csv.Options{DateOrder: csv.OrderDMY}, sink)
	})
}

// bringInvoices imports a folder of e-invoices. A file named *.factur-x.xml
// travels inside its own paper, as the standard of that name has it.
func bringInvoices(ctx context.Context, d *demo, files *carried, vendor party.Vendor) (brought, error) {
	folder := "demo/" + folderOf(vendor)
	entries, err := demoFiles.ReadDir(folder)
	if err != nil {
		return brought{}, err
	}
	return d.imported(ctx, vendor, fmt.Sprintf("einvoice %d files", len(entries)), func(_ context.Context, sink func(connectors.Page) error) error {
		var page connectors.Page
		for _, entry := range entries {
			name, data, err := files.invoice(path.Join(folder, entry.Name()), vendor.Profile())
			if err != nil {
				return err
			}
			result, err := einvoice.Read(name, data, einvoice.DefaultLimits())
			switch {
			case err != nil:
				return err
			case result.Invoice != nil:
				page.Invoices = append(page.Invoices, *result.Invoice)
			case result.Credit != nil:
				page.Credits = append(page.Credits, *result.Credit)
			default:
				page.Rejected = append(page.Rejected, connectors.Rejected{Place: name, ExternalID: result.Number, Problems: result.Problems})
			}
		}
		return sink(page)
	})
}

func folderOf(vendor party.Vendor) string {
	for _, one := range demoVendors() {
		if one.profile.Email == vendor.Email {
			return one.folder
		}
	}
	return ""
}

// invoice is one e-invoice with its paper: drawn from what the XML says, and
// attached to it or carrying it.
func (c *carried) invoice(file string, seller party.Profile) (name string, data []byte, err error) {
	xml, err := c.read(file)
	if err != nil {
		return "", nil, err
	}
	facts, err := einvoice.Read(path.Base(file), bytes.ReplaceAll(xml, []byte(paperMark), nil), einvoice.DefaultLimits())
	if err != nil {
		return "", nil, err
	}
	if base, inside := strings.CutSuffix(path.Base(file), ".factur-x.xml"); inside {
		paper, err := drawPaper(seller, facts, xml)
		return base + ".pdf", paper, err
	}
	paper, err := drawPaper(seller, facts, nil)
	if err != nil {
		return "", nil, err
	}
	return path.Base(file), bytes.ReplaceAll(xml, []byte(paperMark), []byte(base64.StdEncoding.EncodeToString(paper))), nil
}

func (d *demo) imported(ctx context.Context, vendor party.Vendor, source string, read func(context.Context, func(connectors.Page) error) error) (brought, error) {
	run, err := d.app.intake.Import(ctx, vendor, source, read, nil)
	if err != nil {
		return brought{}, err
	}
	if run.Rejected > 0 {
		rejections, _, err := d.app.intake.Rejections(ctx, vendor.ID, run.ID, store.PageRequest{Limit: 1})
		return brought{}, errors.Join(err, fmt.Errorf("%d carried records were rejected: %v", run.Rejected, rejections))
	}
	return brought{created: run.Created, unchanged: run.Unchanged}, nil
}

// bringPushed parses what the vendor API would be sent, and brings it in as
// the API does.
func bringPushed(ctx context.Context, d *demo, files *carried, vendor party.Vendor) (brought, error) {
	folder := "demo/" + folderOf(vendor)
	entries, err := demoFiles.ReadDir(folder)
	if err != nil {
		return brought{}, err
	}
	var page connectors.Page
	for _, entry := range entries {
		body, err := files.read(path.Join(folder, entry.Name()))
		if err != nil {
			return brought{}, err
		}
		switch entry.Name() {
		case "accounts.json":
			page.Accounts, err = pushedRecords(push.ParseAccounts(body))
		case "invoices.json":
			page.Invoices, err = pushedRecords(push.ParseInvoices(body))
		case "credits.json":
			page.Credits, err = pushedRecords(push.ParseCredits(body))
		}
		if err != nil {
			return brought{}, fmt.Errorf("%s: %w", entry.Name(), err)
		}
	}
	result, err := d.app.intake.Push(ctx, access.SystemActor("demo"), vendor, page)
	if err != nil {
		return brought{}, err
	}
	return countPushed(result)
}

func pushedRecords[T any](batch push.Batch[T], err error) ([]T, error) {
	if err != nil {
		return nil, err
	}
	if len(batch.Rejected) > 0 {
		return nil, fmt.Errorf("a carried record was rejected: %v", batch.Rejected[0])
	}
	records := make([]T, 0, len(batch.Records))
	for _, record := range batch.Records {
		records = append(records, record.Value)
	}
	return records, nil
}

func countPushed(result billing.Result) (brought, error) {
	if len(result.Rejected) > 0 {
		return brought{}, fmt.Errorf("a carried record was rejected: %v", result.Rejected[0])
	}
	return brought{created: result.Invoices.Created + result.Credits.Created, unchanged: result.Invoices.Unchanged + result.Credits.Unchanged}, nil
}
