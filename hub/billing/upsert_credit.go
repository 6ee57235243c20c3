package billing

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
)

func newInvoice(now time.Time) Invoice { return Invoice{ID: store.NewID(), CreatedAt: now} }

func (s *Service) upsertCredits(ctx context.Context, tx bun.IDB, vendor party.Vendor, accounts map[string]party.Account, batch Batch, result *Result) error {
	records := batch.Credits
	if len(records) == 0 {
		return nil
	}
	ids := make([]string, len(records))
	for i, record := range records {
		ids[i] = record.ExternalID
	}
	existing, err := lockCreditsByExternalID(ctx, s.DB, tx, vendor.ID, ids)
	if err != nil {
		return err
	}
	applications, err := s.unreflectedCredits(ctx, tx, existing)
	if err != nil {
		return err
	}
	now := s.Now().UTC()
	write := creditBatch{connectionID: batch.ConnectionID}
	for index, record := range records {
		record.Number = cleanNumber(record.Number)
		account, known := accounts[record.Account]
		old, was := existing[record.ExternalID]
		problems := checkRecord(record.ExternalID, record.Number, record.Account, record.Currency, record.Total, record.Open, record.IssuedOn, known)
		if was && (old.Applied > 0 || old.Held > 0) && (old.Currency != record.Currency || (known && old.AccountID != account.ID)) {
			problems = append(problems, problem("/currency", "%s is in use; its currency and account cannot change.", clip(old.Number)))
		}
		if len(problems) > 0 {
			result.Rejected = append(result.Rejected, Rejected{Kind: "credit", Index: index, ExternalID: record.ExternalID, Problems: problems})
			continue
		}
		hash := hashOf(record, account.ID, batch.ConnectionID)
		switch {
		case !was:
			result.Credits.Created++
		case old.SourceHash == hash:
			result.Credits.Unchanged++
			continue
		default:
			result.Credits.Updated++
		}
		write.add(record, account, old, was, applications[old.ID], hash, now)
	}
	return write.store(ctx, tx, now)
}

func (s *Service) unreflectedCredits(ctx context.Context, tx bun.IDB, existing map[string]Credit) (map[string][]Application, error) {
	var ids []string
	for _, credit := range existing {
		if credit.Applied > 0 {
			ids = append(ids, credit.ID)
		}
	}
	list, err := unreflected(ctx, tx, "credit_id", ids)
	if err != nil {
		return nil, err
	}
	byCredit := map[string][]Application{}
	for _, application := range list {
		byCredit[application.CreditID] = append(byCredit[application.CreditID], application)
	}
	return byCredit, nil
}

// creditBatch collects what one upsert writes.
type creditBatch struct {
	credits   []Credit
	reflected []string
	documents []Document

	connectionID string
}

func (b *creditBatch) add(record CreditRecord, account party.Account, old Credit, was bool, applications []Application, hash string, now time.Time) {
	credit := old
	if !was {
		credit = Credit{ID: store.NewID(), CreatedAt: now}
	}
	if was {
		shown, sum := Reflected(applications, record.Applied, old.SourceOpen, record.Open, record.Status != Open && record.Status != "")
		credit.Applied -= sum
		b.reflected = append(b.reflected, shown...)
	}
	credit.CustomerID, credit.VendorID, credit.AccountID = account.CustomerID, account.VendorID, account.ID
	credit.ExternalID, credit.Number, credit.IssuedOn = record.ExternalID, party.PlainText(record.Number, 200), record.IssuedOn
	credit.Currency, credit.Total, credit.SourceOpen, credit.Note = record.Currency, record.Total, record.Open, party.PlainLines(record.Note, 2000)
	if record.Status == Paid || record.Status == Void {
		credit.SourceOpen = 0
	}
	credit.SourceHash, credit.SourceAt, credit.UpdatedAt, credit.ConnectionID = hash, now, now, b.connectionID
	credit.settle(record.Status == Void)
	b.credits = append(b.credits, credit)
	for _, document := range record.Documents {
		b.documents = append(b.documents, document.of(account.CustomerID, account.VendorID, "", credit.ID, b.connectionID, now))
	}
}

func (b *creditBatch) store(ctx context.Context, tx bun.IDB, now time.Time) error {
	if err := writeCredits(ctx, tx, b.credits); err != nil {
		return err
	}
	if err := markReflected(ctx, tx, "credit_reflected_at", b.reflected, now); err != nil {
		return err
	}
	return insertDocuments(ctx, tx, b.documents)
}

func (b *invoiceBatch) store(ctx context.Context, db *store.DB, tx bun.IDB, now time.Time) error {
	if err := writeInvoices(ctx, tx, b.invoices); err != nil {
		return err
	}
	if err := markReflected(ctx, tx, "reflected_at", b.reflected, now); err != nil {
		return err
	}
	if err := insertHistory(ctx, db, tx, b.history); err != nil {
		return err
	}
	return insertDocuments(ctx, tx, b.documents)
}
