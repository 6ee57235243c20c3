package reminder

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// contactsWithOpen says which contacts have any open invoice to be reminded of.
func contactsWithOpen(ctx context.Context, tx bun.IDB, contacts []party.Contact) (map[string]bool, error) {
	ids := make([]string, len(contacts))
	for i, contact := range contacts {
		ids[i] = contact.ID
	}
	var found []string
	err := tx.NewRaw(`SELECT DISTINCT ac.contact_id FROM account_contacts AS ac
		JOIN invoices AS i ON i.account_id = ac.account_id AND i.status = 'open' JOIN vendors AS v ON v.id = ac.vendor_id AND v.status = 'approved'
		WHERE ac.contact_id IN (?) AND ac.role <> 'approver'`, bun.List(ids)).Scan(ctx, &found)
	if err != nil {
		return nil, fmt.Errorf("read who owes: %w", err)
	}
	owing := make(map[string]bool, len(found))
	for _, id := range found {
		owing[id] = true
	}
	return owing, nil
}

// insertDigests adds digests and returns those that are new: the constraint
// digests_contact_period_key is what makes one per period.
func insertDigests(ctx context.Context, tx bun.IDB, digests []Digest) ([]store.JobRef, error) {
	if len(digests) == 0 {
		return nil, nil
	}
	ids := make([]string, len(digests))
	for i, digest := range digests {
		ids[i] = digest.ID
	}
	if _, err := tx.NewInsert().Model(&digests).On("CONFLICT (contact_id, period) DO NOTHING").Exec(ctx); err != nil {
		return nil, fmt.Errorf("plan digests: %w", err)
	}
	var refs []store.JobRef
	err := tx.NewSelect().TableExpr("digests").ColumnExpr("id, attempts").Where("id IN (?)", bun.List(ids)).Order("id").Scan(ctx, &refs)
	if err != nil {
		return nil, fmt.Errorf("read planned digests: %w", err)
	}
	return refs, nil
}

func readDigest(ctx context.Context, db bun.IDB, id string) (Digest, error) {
	var digest Digest
	err := db.NewSelect().Model(&digest).Where("id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return digest, fault.New(fault.NotFound, "There is no such digest.")
	}
	if err != nil {
		return digest, fmt.Errorf("read digest: %w", err)
	}
	return digest, nil
}

func dueDigests(ctx context.Context, db bun.IDB, now time.Time) ([]store.JobRef, error) {
	var refs []store.JobRef
	err := db.NewSelect().TableExpr("digests").ColumnExpr("id, attempts").Where("next_attempt_at <= ?", now.UTC()).Order("next_attempt_at", "id").Scan(ctx, &refs)
	if err != nil {
		return nil, fmt.Errorf("read due digests: %w", err)
	}
	return refs, nil
}

func statesOf(ctx context.Context, db bun.IDB, refs []store.JobRef) (map[State]int, error) {
	states := map[State]int{}
	const batch = 500
	for start := 0; start < len(refs); start += batch {
		var ids []string
		for _, ref := range refs[start:min(start+batch, len(refs))] {
			ids = append(ids, ref.ID)
		}
		var rows []struct {
			State State `bun:"state"`
			N     int   `bun:"n"`
		}
		err := db.NewSelect().Model((*Digest)(nil)).ColumnExpr("state, count(*) AS n").Where("id IN (?)", bun.List(ids)).Group("state").Scan(ctx, &rows)
		if err != nil {
			return nil, fmt.Errorf("count digests: %w", err)
		}
		for _, row := range rows {
			states[row.State] += row.N
		}
	}
	return states, nil
}

// startSMTP notes, before it begins, that from now on the mail may have left.
func startSMTP(ctx context.Context, db bun.IDB, digest Digest, subject string, lines int, now time.Time) error {
	result, err := db.NewUpdate().Model((*Digest)(nil)).Set("message_id = ?", digest.MessageID).Set("subject = ?", subject).Set("lines = ?", lines).
		Set("updated_at = ?", now.UTC()).Where("id = ?", digest.ID).Where("attempts = ?", digest.Attempts).Where("state = ?", Sending).Exec(ctx)
	if err != nil {
		return fmt.Errorf("begin sending: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return fmt.Errorf("digest %s was taken over before it was sent", digest.ID)
	}
	return nil
}

// finishDigest ends an attempt; false: it was taken over meanwhile, or SMTP
// began after the caller read the row, so that nobody can say "not sent".
func finishDigest(ctx context.Context, db bun.IDB, digest Digest, state State, answer string, next, now time.Time) (bool, error) {
	query := db.NewUpdate().Model((*Digest)(nil)).Set("state = ?", state).Set("last_answer = ?", answer).Set("claimed_until = NULL").
		Set("updated_at = ?", now).Where("id = ?", digest.ID).Where("attempts = ?", digest.Attempts).Where("state = ?", Sending).
		Where("message_id = ?", digest.MessageID)
	switch state {
	case Pending:
		query = query.Set("next_attempt_at = ?", next.UTC()).Set("message_id = ''")
	case Done:
		query = query.Set("next_attempt_at = NULL").Set("sent_at = ?", now)
	default:
		query = query.Set("next_attempt_at = NULL")
	}
	result, err := query.Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("record digest: %w", err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

func decideDigest(ctx context.Context, tx bun.IDB, id string, sent bool, by string, now time.Time) (bool, error) {
	query := tx.NewUpdate().Model((*Digest)(nil)).Set("decided_by = ?", by).Set("updated_at = ?", now).Where("id = ?", id).Where("state = ?", Unknown)
	if sent {
		query = query.Set("state = ?", Done).Set("sent_at = updated_at")
	} else {
		query = query.Set("state = ?", Pending).Set("next_attempt_at = ?", now).Set("message_id = ''")
	}
	result, err := query.Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("decide on digest: %w", err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

// digestLine is one invoice that a digest listed.
type digestLine struct {
	bun.BaseModel `bun:"table:digest_lines,alias:dl"`
	DigestID      string `bun:"digest_id,pk"`
	VendorID      string `bun:"vendor_id"`
	AccountID     string `bun:"account_id"`
	InvoiceID     string `bun:"invoice_id,pk"`
	Section       string `bun:"section"`
	Amount        int64  `bun:"amount"`
	Currency      string `bun:"currency"`
}

func replaceLines(ctx context.Context, tx bun.IDB, digestID string, lines []line) error {
	if _, err := tx.NewDelete().Model((*digestLine)(nil)).Where("digest_id = ?", digestID).Exec(ctx); err != nil {
		return fmt.Errorf("store digest: %w", err)
	}
	rows := make([]digestLine, len(lines))
	for i, line := range lines {
		rows[i] = digestLine{DigestID: digestID, VendorID: line.item.VendorID, AccountID: line.item.AccountID, InvoiceID: line.item.ID,
			Section: line.section, Amount: line.item.Open, Currency: string(line.item.Currency)}
	}
	if _, err := tx.NewInsert().Model(&rows).Exec(ctx); err != nil {
		return fmt.Errorf("store digest: %w", err)
	}
	return nil
}

func listedInvoices(ctx context.Context, db bun.IDB, digestID string) ([]string, error) {
	ids := []string{}
	err := db.NewSelect().Model((*digestLine)(nil)).Column("invoice_id").Where("digest_id = ?", digestID).Scan(ctx, &ids)
	if err != nil {
		return nil, fmt.Errorf("read digest: %w", err)
	}
	return ids, nil
}

func listDigests(ctx context.Context, db bun.IDB, state State, page store.PageRequest) ([]Listed, string, error) {
	var list []Listed
	query := db.NewSelect().Model(&list).ColumnExpr("dg.*, co.email").Join("JOIN contacts AS co ON co.id = dg.contact_id").
		Order("dg.id DESC").Limit(page.Fetch())
	if state != "" {
		query = query.Where("dg.state = ?", state)
	}
	if page.Cursor != "" {
		_, id, err := store.DecodeCursor(page.Cursor)
		if err != nil {
			return nil, "", err
		}
		query = query.Where("dg.id < ?", id)
	}
	if err := query.Scan(ctx); err != nil {
		return nil, "", fmt.Errorf("list digests: %w", err)
	}
	list, next := store.CutPage(list, page, func(d Listed) (time.Time, string) { return d.CreatedAt, d.ID })
	return list, next, nil
}

func countDigests(ctx context.Context, db bun.IDB) (map[State]int, error) {
	var rows []struct {
		State State `bun:"state"`
		N     int   `bun:"n"`
	}
	err := db.NewSelect().Model((*Digest)(nil)).ColumnExpr("state, count(*) AS n").Group("state").Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("count digests: %w", err)
	}
	counts := map[State]int{}
	for _, row := range rows {
		counts[row.State] = row.N
	}
	return counts, nil
}
