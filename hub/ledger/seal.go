package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/store"
)

// batchSize is how many transactions one hash covers at most.
const batchSize = 1000

// Seal covers what has been posted since the last batch by the next hash of
// the chain, batch by batch, and returns how many transactions it sealed. Each
// transaction keeps its own seal, so that Check can name the one that is altered.
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
		n = 0
		last, err := lastBatch(ctx, tx)
		if err != nil {
			return err
		}
		list, err := lockUnsealed(ctx, s.DB, tx, batchSize)
		if err != nil || len(list) == 0 {
			return err
		}
		ids := idsOf(list)
		entries, err := entriesOf(ctx, tx, ids)
		if err != nil {
			return err
		}
		if err := timeEntries(ctx, tx, ids); err != nil {
			return err
		}
		n = len(list)
		batch := batchRow{Number: last.Number + 1, Transactions: n, Previous: last.Hash, SealedAt: s.Now().UTC(), Members: strings.Join(ids, " ")}
		byTransaction := grouped(entries)
		seals := make([]sealOf, n)
		for i, transaction := range list {
			transaction.Batch = batch.Number
			seals[i] = sealOf{transaction.ID, sealText(transaction, byTransaction[transaction.ID])}
		}
		batch.Hash = chainSeals(batch, seals)
		// two sealers at once break the primary key of one of them
		return sealRows(ctx, s.DB, tx, batch, seals)
	})
	return n, err
}

func idsOf(list []Transaction) []string {
	ids := make([]string, len(list))
	for i, transaction := range list {
		ids[i] = transaction.ID
	}
	return ids
}

// grouped are the entries of each transaction, in the order they came.
func grouped(entries []Entry) map[string][]Entry {
	byTransaction := map[string][]Entry{}
	for _, entry := range entries {
		byTransaction[entry.TransactionID] = append(byTransaction[entry.TransactionID], entry)
	}
	return byTransaction
}

// chain hashes the previous hash and every field of every row, in order of id:
// the rule by which batches were sealed before transactions had seals.
func chain(batch batchRow, transactions []Transaction, entries map[string][]Entry) string {
	sum := sha256.New()
	fmt.Fprintf(sum, "%d|%s|%s\n", batch.Number, batch.Previous, stamp(batch.SealedAt))
	for _, t := range transactions {
		hashRows(sum, t, entries[t.ID])
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// hashRows writes every field of a transaction and of its entries. Text is
// quoted, so that no two ledgers read alike.
func hashRows(sum io.Writer, t Transaction, entries []Entry) {
	_, _ = fmt.Fprintf(sum, "%s|%q|%q|%q|%q|%q|%s\n", t.ID, t.Kind, t.PaymentID, t.VendorID, t.Currency, t.Memo, stamp(t.CreatedAt)) // a hash takes everything
	for _, e := range entries {
		_, _ = fmt.Fprintf(sum, " %s|%q|%q|%d\n", e.ID, e.Account, e.Currency, e.Amount)
	}
}
