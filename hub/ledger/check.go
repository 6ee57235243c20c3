package ledger

import (
	"context"
	"fmt"
	"strings"
)

// mostNamed is how many broken rows of one kind are named; the rest is counted.
const mostNamed = 50

// Check walks the whole ledger: every transaction sums to zero, the chain is
// whole, and every sealed row is what it was. It returns how many transactions
// there are and what is broken, by the row that was altered.
func (s *Service) Check(ctx context.Context) (int, []string, error) {
	total, err := countTransactions(ctx, s.DB)
	if err != nil {
		return 0, nil, err
	}
	var broken []string
	for _, question := range sound {
		words, err := ask(ctx, s.DB, question, mostNamed+1)
		if err != nil {
			return total, nil, err
		}
		if len(words) > mostNamed {
			words = append(words[:mostNamed], "and more like the last one")
		}
		broken = append(broken, words...)
	}
	altered, err := s.checkChain(ctx)
	return total, append(broken, altered...), err
}

func (s *Service) checkChain(ctx context.Context) ([]string, error) {
	var broken []string
	more := 0
	previous := batchRow{}
	for {
		batches, err := batchesAfter(ctx, s.DB, previous.Number, 20)
		if err != nil {
			return broken, err
		}
		if len(batches) == 0 {
			if more > 0 {
				broken = append(broken, fmt.Sprintf("and %d more alterations of sealed rows", more))
			}
			return broken, nil
		}
		for _, batch := range batches {
			words, err := s.checkBatch(ctx, previous, batch)
			if err != nil {
				return broken, err
			}
			room := min(len(words), max(0, mostNamed-len(broken)))
			broken, more = append(broken, words[:room]...), more+len(words)-room
			previous = batch
		}
	}
}

func (s *Service) checkBatch(ctx context.Context, previous, batch batchRow) ([]string, error) {
	var broken []string
	if batch.Number != previous.Number+1 || batch.Previous != previous.Hash {
		broken = append(broken, fmt.Sprintf("ledger batch %d does not follow on batch %d", batch.Number, previous.Number))
	}
	list, err := transactionsOf(ctx, s.DB, batch.Number)
	if err != nil {
		return nil, err
	}
	byTransaction := map[string][]Entry{}
	if len(list) > 0 {
		entries, err := entriesOf(ctx, s.DB, idsOf(list))
		if err != nil {
			return nil, err
		}
		byTransaction = grouped(entries)
	}
	if oldRule(batch) {
		if len(list) != batch.Transactions || chain(batch, list, byTransaction) != batch.Hash {
			broken = append(broken, fmt.Sprintf("ledger batch %d was altered after it was sealed, by a release that kept no seal of each transaction", batch.Number))
		}
		return broken, nil
	}
	return append(broken, judge(batch, list, byTransaction)...), nil
}

// oldRule says whether a batch was sealed before transactions had seals.
func oldRule(batch batchRow) bool { return batch.Members == "" && !strings.Contains(batch.Hash, ":") }
