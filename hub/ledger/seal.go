package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/store"
)

// batchSize is how many transactions one hash covers at most.
const batchSize = 1000

// Seal covers what has been posted since the last batch by the next hash of
// the chain, batch by batch, and returns how many transactions it sealed.
func (s *Service) Seal(ctx context.Context) (int, error) {
	sealed := 0
	for range 100 { // bounded: the next run goes on
		n, err := s.sealOne(ctx)
		if store.Violates(err, "ledger_batches_pkey") {
			return sealed, nil // another process seals now: the rest is its, or the next run's
		}
		if err != nil {
			return sealed, err
		}
		if sealed += n; n < batchSize {
			return sealed, nil
		}
	}
	return sealed, nil
}

func (s *Service) sealOne(ctx context.Context) (int, error) {
	n := 0
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		last, err := lastBatch(ctx, tx)
		if err != nil {
			return err
		}
		list, err := lockUnsealed(ctx, s.DB, tx, batchSize)
		if err != nil || len(list) == 0 {
			return err
		}
		ids := make([]string, len(list))
		for i, transaction := range list {
			ids[i] = transaction.ID
		}
		entries, err := entriesOf(ctx, tx, ids)
		if err != nil {
			return err
		}
		n = len(list)
		batch := batchRow{Number: last.Number + 1, Transactions: n, Previous: last.Hash, SealedAt: s.Now().UTC()}
		batch.Hash = chain(batch, list, entries)
		// two sealers at once break the primary key of one of them
		return sealRows(ctx, tx, batch, ids)
	})
	return n, err
}

// chain hashes the previous hash and every field of every row, in order of id.
// Text is quoted, so that no two ledgers read alike.
func chain(batch batchRow, transactions []Transaction, entries []Entry) string {
	byTransaction := map[string][]Entry{}
	for _, entry := range entries {
		byTransaction[entry.TransactionID] = append(byTransaction[entry.TransactionID], entry)
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%d|%s|%s\n", batch.Number, batch.Previous, stamp(batch.SealedAt))
	for _, t := range transactions {
		fmt.Fprintf(sum, "%s|%q|%q|%q|%q|%q|%s\n", t.ID, t.Kind, t.PaymentID, t.VendorID, t.Currency, t.Memo, stamp(t.CreatedAt))
		for _, e := range byTransaction[t.ID] {
			fmt.Fprintf(sum, " %s|%q|%q|%d\n", e.ID, e.Account, e.Currency, e.Amount)
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// stamp is a time as both databases keep it.
func stamp(at time.Time) string {
	return at.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano)
}

// Check walks the whole ledger: every transaction sums to zero and the chain is
// whole. It returns how many transactions there are and what is broken.
func (s *Service) Check(ctx context.Context) (int, []string, error) {
	total, err := countTransactions(ctx, s.DB)
	if err != nil {
		return 0, nil, err
	}
	var broken []string
	n, err := unbalanced(ctx, s.DB)
	if err != nil {
		return total, nil, err
	}
	if n > 0 {
		broken = append(broken, fmt.Sprintf("%d ledger transactions do not sum to zero", n))
	}
	if n, err = strays(ctx, s.DB); err != nil {
		return total, nil, err
	}
	if n > 0 {
		broken = append(broken, fmt.Sprintf("%d ledger transactions are of a batch that does not exist", n))
	}
	chainBroken, err := s.checkChain(ctx)
	return total, append(broken, chainBroken...), err
}

func (s *Service) checkChain(ctx context.Context) ([]string, error) {
	var broken []string
	previous := batchRow{}
	for {
		batches, err := batchesAfter(ctx, s.DB, previous.Number, 100)
		if err != nil || len(batches) == 0 {
			return broken, err
		}
		for _, batch := range batches {
			why, err := s.checkBatch(ctx, previous, batch)
			if err != nil {
				return broken, err
			}
			if why != "" {
				broken = append(broken, why)
			}
			previous = batch
		}
	}
}

func (s *Service) checkBatch(ctx context.Context, previous, batch batchRow) (string, error) {
	if batch.Number != previous.Number+1 || batch.Previous != previous.Hash {
		return fmt.Sprintf("ledger batch %d does not follow on batch %d", batch.Number, previous.Number), nil
	}
	list, err := transactionsOf(ctx, s.DB, batch.Number)
	if err != nil {
		return "", err
	}
	ids := make([]string, len(list))
	for i, transaction := range list {
		ids[i] = transaction.ID
	}
	entries := []Entry{}
	if len(ids) > 0 {
		if entries, err = entriesOf(ctx, s.DB, ids); err != nil {
			return "", err
		}
	}
	if len(list) != batch.Transactions || chain(batch, list, entries) != batch.Hash {
		return fmt.Sprintf("ledger batch %d was altered after it was sealed", batch.Number), nil
	}
	return "", nil
}
