package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/store"
)

func vendorPayouts(ctx context.Context, tx bun.IDB, vendorID string, filter PayoutFilter, page store.PageRequest) ([]VendorPayout, string, error) {
	var list []VendorPayout
	query := tx.NewSelect().Model(&list).Where("vendor_id = ?", vendorID).OrderExpr("arrival_on DESC, id DESC").Limit(page.Fetch())
	if filter.From != "" {
		query = query.Where("arrival_on >= ?", filter.From)
	}
	if filter.To != "" {
		query = query.Where("arrival_on <= ?", filter.To)
	}
	if page.Cursor != "" {
		at, id, err := store.DecodeCursor(page.Cursor)
		if err != nil {
			return nil, "", err
		}
		query = query.Where("(arrival_on, id) < (?, ?)", money.DateOf(at, time.UTC), id)
	}
	if err := query.Scan(ctx); err != nil {
		return nil, "", fmt.Errorf("list payouts: %w", err)
	}
	list, next := store.CutPage(list, page, func(p VendorPayout) (time.Time, string) { return p.ArrivalOn.Time(), p.ID })
	return list, next, nil
}

func vendorPayout(ctx context.Context, tx bun.IDB, vendorID, id string) (VendorPayout, bool, error) {
	var list []VendorPayout
	if err := tx.NewSelect().Model(&list).Where("vendor_id = ?", vendorID).Where("id = ?", id).Scan(ctx); err != nil {
		return VendorPayout{}, false, fmt.Errorf("read payout: %w", err)
	}
	if len(list) == 0 {
		return VendorPayout{}, false, nil
	}
	return list[0], true, nil
}

func sumPayout(ctx context.Context, tx bun.IDB, payout VendorPayout) (PayoutSums, error) {
	var sums struct {
		Lines     int64 `bun:"lines"`
		Transfers int64 `bun:"transfers"`
		TakenBack int64 `bun:"taken_back"`
		All       int64 `bun:"all_of_it"`
		Charged   int64 `bun:"charged"`
		Fees      int64 `bun:"fees"`
	}
	err := tx.NewRaw(`SELECT COUNT(*) AS lines, COALESCE(SUM(amount), 0) AS all_of_it, COALESCE(SUM(fee), 0) AS fees,
			COALESCE(SUM(CASE WHEN transfer_id IS NOT NULL AND kind = 'transfer' THEN amount ELSE 0 END), 0) AS transfers,
			COALESCE(SUM(CASE WHEN transfer_id IS NOT NULL AND kind <> 'transfer' THEN amount ELSE 0 END), 0) AS taken_back,
			COALESCE(SUM(CASE WHEN transfer_id IS NULL AND kind = 'fee' THEN amount ELSE 0 END), 0) AS charged
		FROM payout_lines WHERE vendor_id = ? AND payout_id = ?`, payout.VendorID, payout.ID).Scan(ctx, &sums)
	if err != nil {
		return PayoutSums{}, fmt.Errorf("sum payout: %w", err)
	}
	return PayoutSums{Lines: sums.Lines, Transfers: sums.Transfers, TakenBack: sums.TakenBack, Other: sums.All - sums.Transfers - sums.TakenBack - sums.Charged,
		Fees: sums.Fees - sums.Charged, Unexplained: payout.Amount - (sums.All - sums.Fees)}, nil
}

// payoutLines pages by position, which stands in the cursor as seconds.
func payoutLines(ctx context.Context, tx bun.IDB, payout VendorPayout, page store.PageRequest) ([]lineOfPayout, string, error) {
	var list []lineOfPayout
	query := tx.NewSelect().Model(&list).ColumnExpr("pol.*").
		ColumnExpr("COALESCE(t.kind, '') AS transfer_kind, COALESCE(t.amount, 0) AS transfer_amount, COALESCE(t.netted, 0) AS netted, COALESCE(t.currency, '') AS sent_currency").
		ColumnExpr("COALESCE(CAST(t.payment_id AS TEXT), '') AS payment_id, COALESCE(CAST(s.id AS TEXT), '') AS share_id, COALESCE(s.reference, '') AS reference").
		ColumnExpr("COALESCE(s.amount, 0) AS share_amount, COALESCE(s.processing_fee, 0) AS processing_fee, COALESCE(s.hub_fee, 0) AS hub_fee").
		Join("LEFT JOIN transfers AS t ON t.id = pol.transfer_id AND t.vendor_id = pol.vendor_id").
		Join("LEFT JOIN shares AS s ON s.id = t.share_id AND s.vendor_id = pol.vendor_id").
		Where("pol.vendor_id = ?", payout.VendorID).Where("pol.payout_id = ?", payout.ID).Order("pol.position").Limit(page.Fetch())
	if page.Cursor != "" {
		at, _, err := store.DecodeCursor(page.Cursor)
		if err != nil {
			return nil, "", err
		}
		query = query.Where("pol.position > ?", at.Unix())
	}
	if err := query.Scan(ctx); err != nil {
		return nil, "", fmt.Errorf("read payout: %w", err)
	}
	list, next := store.CutPage(list, page, func(l lineOfPayout) (time.Time, string) { return time.Unix(int64(l.Position), 0), l.ID })
	return list, next, nil
}

// paidInvoices are the invoices that the shares of lines paid, by share.
func paidInvoices(ctx context.Context, tx bun.IDB, vendorID string, lines []lineOfPayout) (map[string][]PayoutPart, error) {
	var payments, shares []string
	for _, line := range lines {
		if line.Kind == "transfer" && line.TransferKind == transferShare {
			payments, shares = append(payments, line.PaymentID), append(shares, line.ShareID)
		}
	}
	if len(shares) == 0 {
		return nil, nil
	}
	var rows []struct {
		ShareID   string `bun:"share_id"`
		InvoiceID string `bun:"invoice_id"`
		Number    string `bun:"number"`
		Account   string `bun:"account"`
		Amount    int64  `bun:"amount"`
	}
	err := tx.NewRaw(`SELECT al.share_id, al.invoice_id, i.number, a.external_id AS account, al.amount
		FROM allocations AS al JOIN invoices AS i ON i.id = al.invoice_id JOIN accounts AS a ON a.id = i.account_id
		WHERE al.vendor_id = ? AND al.payment_id IN (?) AND al.share_id IN (?) ORDER BY i.due_on, i.number, al.id`,
		vendorID, bun.List(payments), bun.List(shares)).Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("read invoices: %w", err)
	}
	parts := map[string][]PayoutPart{}
	for _, row := range rows {
		parts[row.ShareID] = append(parts[row.ShareID], PayoutPart{Kind: PartInvoice, InvoiceID: row.InvoiceID, Number: row.Number, Account: row.Account, Amount: row.Amount})
	}
	return parts, nil
}

func sentTransfers(ctx context.Context, tx bun.IDB, account PayoutAccount, most int64) ([]money.Amount, []SentTransfer, error) {
	sent := func(query *bun.SelectQuery) *bun.SelectQuery {
		return query.Where("t.vendor_id = ?", account.VendorID).Where("t.state = 'done'").Where("t.gateway_ref <> ?", toldNetted).
			Where("t.account_ref = ?", account.AccountRef).Where("t.amount - t.netted - t.reversed > 0").
			Where("NOT EXISTS (SELECT 1 FROM payout_lines AS pol WHERE pol.transfer_id = t.id AND pol.kind = 'transfer')")
	}
	var sums []struct {
		Currency money.Currency `bun:"currency"`
		Amount   int64          `bun:"amount"`
	}
	err := sent(tx.NewSelect().TableExpr("transfers AS t").ColumnExpr("t.currency, SUM(t.amount - t.netted - t.reversed) AS amount")).
		Group("t.currency").Order("t.currency").Scan(ctx, &sums)
	if err != nil {
		return nil, nil, fmt.Errorf("sum transfers: %w", err)
	}
	amounts := make([]money.Amount, len(sums))
	for i, sum := range sums {
		amounts[i] = money.New(sum.Amount, sum.Currency)
	}
	var list []SentTransfer
	err = sent(tx.NewSelect().TableExpr("transfers AS t").ColumnExpr("t.share_id, s.reference, t.currency, t.amount - t.netted - t.reversed AS amount, t.updated_at").
		Join("JOIN shares AS s ON s.id = t.share_id")).Order("t.updated_at DESC", "t.id DESC").Limit(most).Scan(ctx, &list)
	if err != nil {
		return nil, nil, fmt.Errorf("list transfers: %w", err)
	}
	return amounts, list, nil
}

// waitingMoney sums up what waits in the hub for vendors.
func waitingMoney(ctx context.Context, db bun.IDB, vendorIDs []string) ([]WaitingMoney, error) {
	var list []WaitingMoney
	err := db.NewSelect().TableExpr("transfers AS t").ColumnExpr("t.vendor_id, t.currency, t.waits_for, SUM(t.amount) AS amount, COUNT(*) AS shares, MIN(t.created_at) AS since").
		Where("t.vendor_id IN (?)", bun.List(vendorIDs)).Where("t.waits_for <> ''").Where("t.state = 'pending'").
		Group("t.vendor_id", "t.currency", "t.waits_for").Order("t.vendor_id", "t.currency", "t.waits_for").Scan(ctx, &list)
	if err != nil {
		return nil, fmt.Errorf("sum what waits: %w", err)
	}
	return list, nil
}

func waitingVendors(ctx context.Context, db bun.IDB, gateway string, page store.PageRequest) ([]VendorWaiting, string, error) {
	var rows []struct {
		ID   string `bun:"id"`
		Name string `bun:"name"`
	}
	query := db.NewSelect().TableExpr("vendors AS v").ColumnExpr("v.id, v.name").
		Where("EXISTS (SELECT 1 FROM transfers AS t WHERE t.vendor_id = v.id AND t.waits_for IN (?, ?) AND t.state = 'pending')", waitsForAccount, waitsForVendor).
		Order("v.id").Limit(page.Fetch())
	if page.Cursor != "" {
		_, id, err := store.DecodeCursor(page.Cursor)
		if err != nil {
			return nil, "", err
		}
		query = query.Where("v.id > ?", id)
	}
	if err := query.Scan(ctx, &rows); err != nil {
		return nil, "", fmt.Errorf("list vendors whose money waits: %w", err)
	}
	list := make([]VendorWaiting, len(rows))
	ids := make([]string, len(rows))
	for i, row := range rows {
		list[i], ids[i] = VendorWaiting{VendorID: row.ID, Name: row.Name}, row.ID
	}
	list, next := store.CutPage(list, page, func(v VendorWaiting) (time.Time, string) { return time.Time{}, v.VendorID })
	if len(list) == 0 {
		return nil, "", nil
	}
	var accounts []PayoutAccount
	if err := db.NewSelect().Model(&accounts).Where("gateway = ?", gateway).Where("vendor_id IN (?)", bun.List(ids)).Scan(ctx); err != nil {
		return nil, "", fmt.Errorf("read accounts: %w", err)
	}
	for i := range list {
		for _, account := range accounts {
			if account.VendorID == list[i].VendorID {
				list[i].Account = account
			}
		}
	}
	return list, next, nil
}
