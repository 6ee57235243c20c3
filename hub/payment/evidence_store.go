package payment

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/store"
)

// readPart reads a vendor's part; fault.NotFound for another's.
func readPart(ctx context.Context, db bun.IDB, vendorID, id string) (ChargebackShare, error) {
	if !store.ValidID(id) {
		return ChargebackShare{}, noChargeback()
	}
	var list []ChargebackShare
	if err := db.NewSelect().Model(&list).Where("vendor_id = ?", vendorID).Where("id = ?", id).Scan(ctx); err != nil {
		return ChargebackShare{}, fmt.Errorf("read chargeback: %w", err)
	}
	if len(list) == 0 {
		return ChargebackShare{}, noChargeback()
	}
	return list[0], nil
}

func readChargeback(ctx context.Context, db bun.IDB, id string) (Chargeback, error) {
	if !store.ValidID(id) {
		return Chargeback{}, noChargeback()
	}
	return scanChargeback(ctx, db.NewSelect().Where("id = ?", id))
}

func scanChargeback(ctx context.Context, query *bun.SelectQuery) (Chargeback, error) {
	var list []Chargeback
	if err := query.Model(&list).Scan(ctx); err != nil {
		return Chargeback{}, fmt.Errorf("read chargeback: %w", err)
	}
	if len(list) == 0 {
		return Chargeback{}, noChargeback()
	}
	return list[0], nil
}

// lockWhole locks a chargeback with all of its parts; its payment is locked.
func lockWhole(ctx context.Context, db *store.DB, tx bun.IDB, id string) (answer, error) {
	chargeback, err := scanChargeback(ctx, db.ForUpdate(tx.NewSelect().Where("id = ?", id)))
	if err != nil {
		return answer{}, err
	}
	parts, err := lockChargebackShares(ctx, db, tx, id)
	return answer{chargeback: chargeback, parts: parts, own: -1}, err
}

func chargebackParts(ctx context.Context, db bun.IDB, chargebackIDs ...string) ([]ChargebackShare, error) {
	var list []ChargebackShare
	if err := db.NewSelect().Model(&list).Where("chargeback_id IN (?)", bun.List(chargebackIDs)).Order("id").Scan(ctx); err != nil {
		return nil, fmt.Errorf("read chargeback: %w", err)
	}
	return list, nil
}

// updateAnswer stores what a vendor said to its part.
func updateAnswer(ctx context.Context, tx bun.IDB, part ChargebackShare) error {
	_, err := tx.NewUpdate().Model(&part).Column("evidence", "evidence_by", "evidence_at", "accepted_at", "mail_log", "access_log", "updated_at").WherePK().Exec(ctx)
	if err != nil {
		return fmt.Errorf("keep evidence: %w", err)
	}
	return nil
}

// papersOf reads the papers of parts, the first given first; whole: with their content.
func papersOf(ctx context.Context, db bun.IDB, partIDs []string, whole bool) ([]EvidencePaper, error) {
	var list []EvidencePaper
	if len(partIDs) == 0 {
		return nil, nil
	}
	query := db.NewSelect().Model(&list).Where("chargeback_share_id IN (?)", bun.List(partIDs)).Order("chargeback_share_id", "id").Limit(store.MaxPage)
	if !whole {
		query = query.ExcludeColumn("content")
	}
	if err := query.Scan(ctx); err != nil {
		return nil, fmt.Errorf("read evidence: %w", err)
	}
	return list, nil
}

func readPaper(ctx context.Context, db bun.IDB, vendorID, id string) (EvidencePaper, bool, error) {
	var list []EvidencePaper
	err := db.NewSelect().Model(&list).Where("vendor_id = ?", vendorID).Where("id = ?", id).Scan(ctx)
	if err != nil {
		return EvidencePaper{}, false, fmt.Errorf("read evidence: %w", err)
	}
	if len(list) == 0 {
		return EvidencePaper{}, false, nil
	}
	return list[0], true, nil
}

func replacePapers(ctx context.Context, tx bun.IDB, partID string, kept, fresh []EvidencePaper) error {
	query := tx.NewDelete().Model((*EvidencePaper)(nil)).Where("chargeback_share_id = ?", partID)
	if len(kept) > 0 {
		ids := make([]string, len(kept))
		for i, paper := range kept {
			ids[i] = paper.ID
		}
		query = query.Where("id NOT IN (?)", bun.List(ids))
	}
	if _, err := query.Exec(ctx); err != nil {
		return fmt.Errorf("remove evidence: %w", err)
	}
	if len(fresh) == 0 {
		return nil
	}
	if _, err := tx.NewInsert().Model(&fresh).Exec(ctx); err != nil {
		return fmt.Errorf("keep evidence: %w", err)
	}
	return nil
}

// invoicePapers lists the papers of a vendor's invoices that a bank takes.
func invoicePapers(ctx context.Context, db bun.IDB, vendorID string, invoiceIDs []string) ([]OfferedPaper, error) {
	if len(invoiceIDs) == 0 {
		return nil, nil
	}
	var list []OfferedPaper
	err := db.NewRaw(`SELECT d.id, d.name, d.content_type, d.bytes, i.number FROM documents AS d JOIN invoices AS i ON i.id = d.invoice_id
		WHERE d.vendor_id = ? AND d.invoice_id IN (?) AND d.held = '' AND d.bytes BETWEEN 1 AND ?
		AND d.content_type IN ('application/pdf', 'image/png', 'image/jpeg') ORDER BY i.number, d.id LIMIT 100`,
		vendorID, bun.List(invoiceIDs), MostEvidenceBytes).Scan(ctx, &list)
	if err != nil {
		return nil, fmt.Errorf("read documents: %w", err)
	}
	return list, nil
}

// copiedPapers are documents of a vendor as papers of its evidence: copies, so
// that what a bank is sent stays what was chosen. What is not what it says it is
// is left out.
func copiedPapers(ctx context.Context, db bun.IDB, vendorID string, documentIDs []string) ([]EvidencePaper, error) {
	if len(documentIDs) == 0 {
		return nil, nil
	}
	var list []EvidencePaper
	err := db.NewRaw(`SELECT d.name, d.content_type, d.bytes, d.content FROM documents AS d
		WHERE d.vendor_id = ? AND d.id IN (?) AND d.held = '' ORDER BY d.id`, vendorID, bun.List(documentIDs)).Scan(ctx, &list)
	if err != nil {
		return nil, fmt.Errorf("read documents: %w", err)
	}
	for i := range list {
		list[i].Kind, list[i].ContentType = PaperReceipt, paperType(list[i].Content)
	}
	return slices.DeleteFunc(list, func(paper EvidencePaper) bool { return paper.ContentType == "" }), nil
}

func hasSubmission(ctx context.Context, db bun.IDB, chargebackID string) (bool, error) {
	_, found, err := submissionOf(ctx, db, chargebackID)
	return found, err
}

func submissionOf(ctx context.Context, db bun.IDB, chargebackID string) (Submission, bool, error) {
	var list []Submission
	if err := db.NewSelect().Model(&list).Where("chargeback_id = ?", chargebackID).Scan(ctx); err != nil {
		return Submission{}, false, fmt.Errorf("read submission: %w", err)
	}
	if len(list) == 0 {
		return Submission{}, false, nil
	}
	return list[0], true, nil
}

func readSubmission(ctx context.Context, db bun.IDB, id string) (Submission, error) {
	var submission Submission
	if err := db.NewSelect().Model(&submission).Where("id = ?", id).Scan(ctx); err != nil {
		return submission, fmt.Errorf("read submission: %w", err)
	}
	return submission, nil
}

func insertSubmission(ctx context.Context, tx bun.IDB, submission Submission) error {
	if _, err := tx.NewInsert().Model(&submission).On("CONFLICT (chargeback_id) DO NOTHING").Exec(ctx); err != nil {
		return fmt.Errorf("store submission: %w", err)
	}
	return nil
}

func completeSubmission(ctx context.Context, tx bun.IDB, id string, now time.Time) (bool, error) {
	return completeJob(ctx, tx, Submissions, id, func(q *bun.UpdateQuery) *bun.UpdateQuery { return q }, now)
}

// pressing lists chargebacks without an answer whose deadline comes before until.
func pressing(ctx context.Context, db bun.IDB, gateway string, now, until time.Time, after string, limit int) ([]Chargeback, error) {
	var list []Chargeback
	query := db.NewSelect().Model(&list).Where("gateway = ?", gateway).Where("closed_at IS NULL").Where("submitted_at IS NULL").
		Where("evidence_due_at > ?", now.UTC()).Where("evidence_due_at <= ?", until.UTC()).
		Where("NOT EXISTS (SELECT 1 FROM evidence_submissions AS es WHERE es.chargeback_id = cb.id)").Order("id").Limit(int64(limit))
	if after != "" {
		query = query.Where("id > ?", after)
	}
	if err := query.Scan(ctx); err != nil {
		return nil, fmt.Errorf("read chargebacks: %w", err)
	}
	return list, nil
}

type mailRow struct {
	DigestID string    `bun:"digest_id"`
	SentAt   time.Time `bun:"sent_at"`
	Email    string    `bun:"email"`
	Number   string    `bun:"number"`
}

// mailLog is which reminders listed a vendor's invoices, the first sent first.
func mailLog(ctx context.Context, db bun.IDB, vendorID string, invoiceIDs []string) ([]mailRow, error) {
	var rows []mailRow
	err := db.NewRaw(`SELECT dl.digest_id, d.sent_at, c.email, i.number FROM digest_lines AS dl JOIN digests AS d ON d.id = dl.digest_id
		JOIN contacts AS c ON c.id = d.contact_id JOIN invoices AS i ON i.id = dl.invoice_id
		WHERE dl.vendor_id = ? AND dl.invoice_id IN (?) AND d.state = 'done' AND d.sent_at IS NOT NULL
		ORDER BY d.sent_at DESC, dl.digest_id DESC, i.number DESC LIMIT ?`, vendorID, bun.List(invoiceIDs), mostLogLines).Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("read reminders: %w", err)
	}
	slices.Reverse(rows)
	return rows, nil
}

type historyRow struct {
	At     time.Time `bun:"at"`
	Number string    `bun:"number"`
	Text   string    `bun:"text"`
}

func historyLog(ctx context.Context, db bun.IDB, vendorID string, invoiceIDs []string) ([]historyRow, error) {
	var rows []historyRow
	err := db.NewRaw(`SELECT h.at, i.number, h.text FROM invoice_history AS h JOIN invoices AS i ON i.id = h.invoice_id
		WHERE h.vendor_id = ? AND h.invoice_id IN (?) ORDER BY h.at DESC, h.id DESC LIMIT ?`, vendorID, bun.List(invoiceIDs), mostLogLines).Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	slices.Reverse(rows)
	return rows, nil
}

type visitRow struct {
	CreatedAt time.Time `bun:"created_at"`
	SeenAt    time.Time `bun:"seen_at"`
	Device    string    `bun:"device"`
	Email     string    `bun:"email"`
}

// visitLog is when the people whom the vendor lists for these invoices signed in.
func visitLog(ctx context.Context, db bun.IDB, vendorID string, invoiceIDs []string) ([]visitRow, error) {
	var rows []visitRow
	err := db.NewRaw(`SELECT s.created_at, s.seen_at, s.device, c.email FROM sessions AS s JOIN contacts AS c ON c.id = s.contact_id
		WHERE s.contact_id IN (SELECT ac.contact_id FROM account_contacts AS ac JOIN invoices AS i ON i.account_id = ac.account_id
			WHERE ac.vendor_id = ? AND i.id IN (?)) ORDER BY s.created_at DESC, s.id DESC LIMIT ?`, vendorID, bun.List(invoiceIDs), mostLogLines).Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("read sessions: %w", err)
	}
	slices.Reverse(rows)
	return rows, nil
}
