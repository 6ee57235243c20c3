package ledger

import (
	"context"
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
)

// exportPage is how many transactions are in memory at a time.
const exportPage = 500

// Export writes every entry of a period as CSV, one row each, in order of time
// and then as posted: the same ledger makes the same file. told hears how many
// transactions of all are written; it may be nil. It returns the number of
// entries, and the error of the database, of the writer, or of the context.
func (s *Service) Export(ctx context.Context, period Period, out io.Writer, told func(done, total int64)) (int64, error) {
	total, err := countInPeriod(ctx, s.DB, period)
	if err != nil {
		return 0, err
	}
	file := csv.NewWriter(out)
	err = file.Write([]string{"booked_at", "transaction", "kind", "payment", "vendor", "memo", "batch", "entry", "account", "currency", "amount", "minor_units"})
	if err != nil {
		return 0, err
	}
	var entries, done int64
	after, afterID := time.Time{}, ""
	for {
		list, err := transactionsAfter(ctx, s.DB, period, after, afterID, exportPage)
		if err != nil {
			return entries, err
		}
		if len(list) > 0 {
			if list, err = s.withEntries(ctx, list); err != nil {
				return entries, err
			}
			after, afterID = list[len(list)-1].CreatedAt, list[len(list)-1].ID
		}
		for _, transaction := range list {
			entries += int64(len(transaction.Entries))
			if err := writeEntries(file, transaction); err != nil {
				return entries, err
			}
		}
		file.Flush()
		if err := file.Error(); err != nil {
			return entries, err
		}
		if done += int64(len(list)); told != nil {
			told(done, max(done, total))
		}
		if len(list) < exportPage {
			return entries, ctx.Err()
		}
	}
}

func writeEntries(file *csv.Writer, t Transaction) error {
	batch := ""
	if t.Batch != 0 {
		batch = strconv.FormatInt(t.Batch, 10)
	}
	for _, entry := range t.Entries {
		// amounts are ours and begin with a minus where they are negative: no formula
		err := file.Write([]string{t.CreatedAt.UTC().Format(time.RFC3339Nano), t.ID, defused(t.Kind), t.PaymentID, t.VendorID, defused(t.Memo), batch, entry.ID, defused(entry.Account),
			string(entry.Currency), money.New(entry.Amount, entry.Currency).Decimal(), strconv.FormatInt(entry.Amount, 10)})
		if err != nil {
			return err
		}
	}
	return nil
}

// defused keeps a spreadsheet from reading a cell as a formula.
func defused(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r\n", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
