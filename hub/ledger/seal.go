package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/uptrace/bun"
)

// batchSize is how many transactions one hash covers at most.
const batchSize = 1000

// Seal covers what has been posted since the last batch by the next hash of
// the chain, batch by batch, and returns how many transactions it sealed.
func (s *Service) Seal(ctx context.Context) (int, error) {
	sealed := 0
	for range 100 { // bounded: the next run goes on
		n, err := s.sealOne(ctx)
		sealed += n
		if err != nil || n < batchSize {
			return sealed, err
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
		// two sealers at once break the primary key of one of them
		return sealRows(ctx, tx, batchRow{Number: last.Number + 1, Transactions: n, Previous: last.Hash,
			Hash: chain(last.Hash, list, entries), SealedAt: s.Now().UTC()}, ids)
	})
	return n, err
}

// chain hashes the previous hash and every field of every row, in order of id.
func chain(previous string, transactions []Transaction, entries []Entry) string {
	byTransaction := map[string][]Entry{}
	for _, entry := range entries {
		byTransaction[entry.TransactionID] = append(byTransaction[entry.TransactionID], entry)
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%s\n", previous)
	for _, t := range transactions {
		at := t.CreatedAt.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano)
		fmt.Fprintf(sum, "%s|%s|%s|%s|%s|%q|%s\n", t.ID, t.Kind, t.PaymentID, t.VendorID, t.Currency, t.Memo, at)
		for _, e := range byTransaction[t.ID] {
			fmt.Fprintf(sum, " %s|%s|%s|%d\n", e.ID, e.Account, e.Currency, e.Amount)
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
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
	if len(list) != batch.Transactions || chain(batch.Previous, list, entries) != batch.Hash {
		return fmt.Sprintf("ledger batch %d was altered after it was sealed", batch.Number), nil
	}
	return "", nil
}
