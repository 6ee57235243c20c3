package billing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/party"
)

// InvoiceRecord is an invoice as the books say it. Amounts are minor units.
type InvoiceRecord struct {
	ExternalID    string
	Number        string
	Account       string // external id
	IssuedOn      money.Date
	DueOn         money.Date
	Terms         string
	Currency      money.Currency
	Total         int64
	Open          int64
	Status        Status
	PurchaseOrder string
	Note          string
	Lines         []Line
	Documents     []DocumentRecord
	Applied       []string // our references that the books list on it
}

// CreditRecord is a credit as the books say it.
type CreditRecord struct {
	ExternalID string
	Number     string
	Account    string
	IssuedOn   money.Date
	Currency   money.Currency
	Total      int64
	Open       int64
	Status     Status
	Note       string
	Documents  []DocumentRecord
	Applied    []string
}

// Batch is a set of records of one vendor, each external id at most once. At
// most MostRecords of each kind.
type Batch struct {
	Accounts []party.AccountRecord
	Invoices []InvoiceRecord
	Credits  []CreditRecord
	// ConnectionID is whose books say this; empty: nobody's, it was pushed or came in a file.
	ConnectionID string
}

// MostRecords bounds one batch.
const MostRecords = 1000

// Rejected is one record that was not taken, with why. Nothing of it was stored.
type Rejected struct {
	Kind       string // "invoice" or "credit"
	Index      int    // in its list
	ExternalID string
	Problems   []fault.Problem
}

// Result says what an upsert did.
type Result struct {
	Accounts, Invoices, Credits party.Counts
	Rejected                    []Rejected
}

// Upsert brings a batch in, in one transaction. Each record is judged by
// itself; an unchanged one is not written again.
func (s *Service) Upsert(ctx context.Context, vendor party.Vendor, batch Batch) (Result, error) {
	var result Result
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var err error
		result, err = s.UpsertTx(ctx, tx, vendor, batch)
		return err
	})
	return result, err
}

// UpsertTx is Upsert inside the caller's transaction.
func (s *Service) UpsertTx(ctx context.Context, tx bun.IDB, vendor party.Vendor, batch Batch) (Result, error) {
	var result Result
	err := s.Party.LockBooksTx(ctx, tx, vendor.ID)
	if err != nil {
		return result, err
	}
	if result.Accounts, err = s.Party.UpsertAccountsTx(ctx, tx, vendor, batch.Accounts); err != nil {
		return result, err
	}
	accounts, err := s.accountsOf(ctx, tx, vendor, batch)
	if err != nil {
		return result, err
	}
	if err := s.upsertInvoices(ctx, tx, vendor, accounts, batch, &result); err != nil {
		return result, err
	}
	return result, s.upsertCredits(ctx, tx, vendor, accounts, batch, &result)
}

func (s *Service) accountsOf(ctx context.Context, tx bun.IDB, vendor party.Vendor, batch Batch) (map[string]party.Account, error) {
	seen := map[string]bool{}
	var ids []string
	for _, record := range batch.Invoices {
		if !seen[record.Account] {
			seen[record.Account], ids = true, append(ids, record.Account)
		}
	}
	for _, record := range batch.Credits {
		if !seen[record.Account] {
			seen[record.Account], ids = true, append(ids, record.Account)
		}
	}
	return s.Party.AccountsByExternalIDTx(ctx, tx, vendor.ID, ids)
}

func hashOf(record any, extra ...string) string {
	encoded, err := json.Marshal(record)
	if err != nil { // strings and numbers only
		panic(fmt.Sprintf("encode record: %v", err))
	}
	sum := sha256.New()
	sum.Write(encoded)
	for _, text := range extra {
		fmt.Fprintf(sum, "|%s", text)
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

func (s *Service) upsertInvoices(ctx context.Context, tx bun.IDB, vendor party.Vendor, accounts map[string]party.Account, batch Batch, result *Result) error {
	records := batch.Invoices
	if len(records) == 0 {
		return nil
	}
	existing, taken, err := s.existingInvoices(ctx, tx, vendor.ID, records)
	if err != nil {
		return err
	}
	write := invoiceBatch{connectionID: batch.ConnectionID}
	if write.applications, err = s.unreflectedOf(ctx, tx, existing); err != nil {
		return err
	}
	now := s.Now().UTC()
	for index, record := range records {
		record.Number = cleanNumber(record.Number)
		account, known := accounts[record.Account]
		old, was := existing[record.ExternalID]
		problems := checkInvoice(record, account, known, old, was, taken)
		if len(problems) > 0 {
			result.Rejected = append(result.Rejected, Rejected{Kind: "invoice", Index: index, ExternalID: record.ExternalID, Problems: problems})
			continue
		}
		take(taken, account.ID, record, old)
		hash := hashOf(record, account.ID, account.Terms, batch.ConnectionID)
		switch {
		case !was:
			result.Invoices.Created++
		case old.SourceHash == hash:
			result.Invoices.Unchanged++
			continue
		default:
			result.Invoices.Updated++
		}
		write.add(record, account, old, was, hash, now)
	}
	return write.store(ctx, s.DB, tx, now)
}

type numberKey struct{ accountID, number string }

// cleanNumber is a number as it is stored and compared; one that is too long stays so, to be refused.
func cleanNumber(number string) string { return party.PlainText(number, 500) }

// take notes which numbers a record uses from now on, and which it no longer does.
func take(taken map[numberKey]string, accountID string, record InvoiceRecord, old Invoice) {
	if before := (numberKey{old.AccountID, old.Number}); taken[before] == record.ExternalID {
		delete(taken, before)
	}
	if record.Status != Void {
		taken[numberKey{accountID, record.Number}] = record.ExternalID
	}
}

func (s *Service) existingInvoices(ctx context.Context, tx bun.IDB, vendorID string, records []InvoiceRecord) (map[string]Invoice, map[numberKey]string, error) {
	ids, numbers := make([]string, len(records)), make([]string, len(records))
	for i, record := range records {
		ids[i], numbers[i] = record.ExternalID, cleanNumber(record.Number)
	}
	list, err := lockInvoicesByExternalID(ctx, s.DB, tx, vendorID, ids)
	if err != nil {
		return nil, nil, err
	}
	existing := make(map[string]Invoice, len(list))
	for _, invoice := range list {
		existing[invoice.ExternalID] = invoice
	}
	same, err := invoicesByNumber(ctx, tx, vendorID, numbers)
	if err != nil {
		return nil, nil, err
	}
	taken := make(map[numberKey]string, len(same))
	for _, invoice := range same {
		taken[numberKey{invoice.AccountID, invoice.Number}] = invoice.ExternalID
	}
	return existing, taken, nil
}

func (s *Service) unreflectedOf(ctx context.Context, tx bun.IDB, existing map[string]Invoice) (map[string][]Application, error) {
	var ids []string
	for _, invoice := range existing {
		if invoice.Applied > 0 {
			ids = append(ids, invoice.ID)
		}
	}
	list, err := unreflected(ctx, tx, "invoice_id", ids)
	if err != nil {
		return nil, err
	}
	byInvoice := map[string][]Application{}
	for _, application := range list {
		byInvoice[application.InvoiceID] = append(byInvoice[application.InvoiceID], application)
	}
	return byInvoice, nil
}

func problem(pointer, format string, args ...any) fault.Problem {
	return fault.Problem{Pointer: pointer, Message: fmt.Sprintf(format, args...)}
}

func checkInvoice(record InvoiceRecord, account party.Account, known bool, old Invoice, was bool, taken map[numberKey]string) []fault.Problem {
	problems := checkRecord(record.ExternalID, record.Number, record.Account, record.Currency, record.Total, record.Open, record.IssuedOn, known)
	if record.DueOn != "" && record.IssuedOn != "" && record.DueOn < record.IssuedOn {
		problems = append(problems, problem("/due_on", "It is due on %s, before it was issued on %s.", record.DueOn, record.IssuedOn))
	}
	if other, used := taken[numberKey{account.ID, record.Number}]; known && used && other != record.ExternalID && record.Status != Void {
		problems = append(problems, problem("/number", "Invoice %s of this account is here already under the external id %q. Send it under that id, or give this one its own number.", clip(record.Number), other))
	}
	if was && (old.Applied > 0 || old.Held > 0) {
		if old.Currency != record.Currency {
			problems = append(problems, problem("/currency", "%s has payments in %s; its currency cannot change to %s.", clip(old.Number), old.Currency, record.Currency))
		}
		if known && old.AccountID != account.ID {
			problems = append(problems, problem("/account", "%s has payments of another account; it cannot move.", clip(old.Number)))
		}
	}
	return problems
}

func checkRecord(externalID, number, account string, currency money.Currency, total, open int64, issuedOn money.Date, known bool) []fault.Problem {
	var problems []fault.Problem
	if externalID == "" || len(externalID) > 200 {
		problems = append(problems, problem("/external_id", "Give an id of 1 to 200 bytes that never changes."))
	}
	if number == "" || len(number) > 200 {
		problems = append(problems, problem("/number", "Give the number that the customer knows, 1 to 200 bytes."))
	}
	if !known {
		problems = append(problems, problem("/account", "There is no account %q. Send it to PUT /accounts first.", clip(account)))
	}
	if !currency.Valid() {
		problems = append(problems, problem("/currency", "%q is not an ISO 4217 currency.", clip(string(currency))))
	}
	if total <= 0 {
		problems = append(problems, problem("/total", "The total must be more than zero; send what you owe the customer as a credit."))
	}
	if open < 0 || open > total {
		problems = append(problems, problem("/open", "What is open must lie between zero and the total."))
	}
	if total > money.MaxMinor {
		problems = append(problems, problem("/total", "The total is larger than this hub takes."))
	}
	return problems
}

func clip(text string) string { return party.PlainText(text, 60) }

// invoiceBatch collects what one upsert writes.
type invoiceBatch struct {
	applications map[string][]Application
	invoices     []Invoice
	reflected    []string
	history      []History
	documents    []Document
	connectionID string
}

func (b *invoiceBatch) add(record InvoiceRecord, account party.Account, old Invoice, was bool, hash string, now time.Time) {
	invoice := old
	if !was {
		invoice = newInvoice(now)
		b.history = append(b.history, record.historyOf(invoice, account, "received", "Received from the vendor's books: "+money.New(record.Open, record.Currency).String()+" open.", now))
	}
	before := old.Open
	b.reflect(&invoice, record, was)
	record.fill(&invoice, account)
	invoice.SourceHash, invoice.SourceAt, invoice.UpdatedAt, invoice.ConnectionID = hash, now, now, b.connectionID
	invoice.settle(record.Status == Void)
	if was && before != invoice.Open {
		text := fmt.Sprintf("The vendor's books changed: %s open, before %s.", money.New(invoice.Open, invoice.Currency), money.New(before, old.Currency))
		if invoice.Status == Void {
			text = "The vendor withdrew this invoice."
		}
		b.history = append(b.history, record.historyOf(invoice, account, "changed", text, now))
	}
	for _, document := range record.Documents {
		b.documents = append(b.documents, document.of(account.CustomerID, account.VendorID, invoice.ID, "", b.connectionID, now))
	}
	b.invoices = append(b.invoices, invoice)
}

// reflect finds which of the hub's applications the books now show, and takes
// them off what counts as applied here.
func (b *invoiceBatch) reflect(invoice *Invoice, record InvoiceRecord, was bool) {
	if !was {
		return
	}
	shown, sum := Reflected(b.applications[invoice.ID], record.Applied, invoice.SourceOpen, record.Open, record.Status != Open && record.Status != "")
	invoice.Applied -= sum
	if rise := record.Open - invoice.SourceOpen; rise > 0 && invoice.Reopened > 0 {
		invoice.Reopened -= min(rise, invoice.Reopened) // the books show the chargeback now
	}
	b.reflected = append(b.reflected, shown...)
}

func (r InvoiceRecord) historyOf(invoice Invoice, account party.Account, kind, text string, now time.Time) History {
	return newHistory(Invoice{ID: invoice.ID, CustomerID: account.CustomerID, VendorID: account.VendorID}, kind, text, now)
}

func (r InvoiceRecord) fill(invoice *Invoice, account party.Account) {
	invoice.CustomerID, invoice.VendorID, invoice.AccountID = account.CustomerID, account.VendorID, account.ID
	invoice.ExternalID, invoice.Number = r.ExternalID, party.PlainText(r.Number, 200)
	invoice.IssuedOn, invoice.Currency, invoice.Total, invoice.SourceOpen = r.IssuedOn, r.Currency, r.Total, r.Open
	if r.Status == Paid || r.Status == Void {
		invoice.SourceOpen = 0
	}
	invoice.PurchaseOrder, invoice.Note, invoice.Terms = party.PlainText(r.PurchaseOrder, 100), party.PlainLines(r.Note, 2000), party.PlainText(r.Terms, 300)
	invoice.Lines = r.Lines
	if invoice.Lines == nil {
		invoice.Lines = []Line{}
	}
	invoice.DueOn, invoice.DueNote = dueDate(r, account.Terms)
}

// dueDate is the date given, else what the terms plainly say, else none.
func dueDate(r InvoiceRecord, accountTerms string) (money.Date, string) {
	if r.DueOn != "" {
		return r.DueOn, DueGiven
	}
	for _, terms := range []string{r.Terms, accountTerms} {
		if days, ok := money.TermsDays(terms); ok && r.IssuedOn != "" {
			return r.IssuedOn.AddDays(days), DueFromTerms
		}
	}
	return "", DueUnknown
}
