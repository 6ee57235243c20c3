package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A seal is what a transaction was when it was sealed, as words by spaces: the
// hash over its row and all of its entries, then a short digest of each column
// of the row, then of each column of each entry. The hash proves; the digests
// only say what was altered. The batch's hash covers the seals, so that nobody
// alters a row together with its seal unseen.

// digestLength is how many hex digits tell one value of a column from another.
const digestLength = 8

// columns of a transaction and of an entry, in the order of their digests.
var (
	transactionColumns = []string{"batch", "kind", "payment", "vendor", "currency", "memo", "time"}
	entryColumns       = []string{"id", "account", "currency", "amount"}
)

type sealOf struct{ id, text string }

// sealText is the seal of a transaction with its entries in order of id.
func sealText(t Transaction, entries []Entry) string {
	sum := sha256.New()
	fmt.Fprintf(sum, "%d|", t.Batch)
	hashRows(sum, t, entries)
	words := make([]string, 0, len(entries)+2)
	words = append(words, hex.EncodeToString(sum.Sum(nil)),
		digests(strconv.FormatInt(t.Batch, 10), t.Kind, t.PaymentID, t.VendorID, string(t.Currency), t.Memo, stamp(t.CreatedAt)))
	for _, e := range entries {
		words = append(words, digests(e.ID, e.Account, string(e.Currency), strconv.FormatInt(e.Amount, 10)))
	}
	return strings.Join(words, " ")
}

func digests(values ...string) string {
	var all strings.Builder
	for _, value := range values {
		sum := sha256.Sum256([]byte(value))
		all.WriteString(hex.EncodeToString(sum[:])[:digestLength])
	}
	return all.String()
}

// chainSeals hashes the previous hash, the batch's own row and every seal, in
// order of id. The prefix tells it from chain, the rule of the release before.
func chainSeals(batch batchRow, seals []sealOf) string {
	sum := sha256.New()
	fmt.Fprintf(sum, "%d|%d|%s|%s\n", batch.Number, batch.Transactions, batch.Previous, stamp(batch.SealedAt))
	for _, seal := range seals {
		fmt.Fprintf(sum, "%s|%s\n", seal.id, seal.text)
	}
	return "seals:" + hex.EncodeToString(sum.Sum(nil))
}

// alterations says in words what is no longer as it was sealed; none when all is.
func alterations(t Transaction, entries []Entry) []string {
	now := sealText(t, entries)
	if now == t.Seal {
		return nil
	}
	was, is := strings.Fields(t.Seal), strings.Fields(now)
	if len(was) < 2 || len(was[1]) != digestLength*len(transactionColumns) {
		return []string{"its seal was altered"}
	}
	var words []string
	if columns := changedColumns(was[1], is[1], transactionColumns); len(columns) > 0 {
		words = append(words, "its "+strings.Join(columns, ", ")+" was altered")
	}
	words = append(words, entryAlterations(was[2:], is[2:], entries)...)
	if len(words) == 0 { // two values with one digest, or the hash in the seal
		words = []string{"it or its seal was altered"}
	}
	return words
}

// entryAlterations holds the digests of entries as they were against those of
// the entries as they are.
func entryAlterations(was, is []string, entries []Entry) []string {
	sealed := make(map[string]string, len(was))
	for _, digest := range was {
		if len(digest) != digestLength*len(entryColumns) {
			return []string{"its seal was altered"}
		}
		sealed[digest[:digestLength]] = digest
	}
	var words []string
	for i, digest := range is {
		before, known := sealed[digest[:digestLength]]
		delete(sealed, digest[:digestLength])
		if !known {
			words = append(words, "entry "+entries[i].ID+" was added")
		} else if columns := changedColumns(before, digest, entryColumns); len(columns) > 0 {
			words = append(words, "the "+strings.Join(columns, ", ")+" of entry "+entries[i].ID+" was altered")
		}
	}
	switch len(sealed) {
	case 0:
	case 1:
		words = append(words, "an entry is missing")
	default:
		words = append(words, fmt.Sprintf("%d entries are missing", len(sealed)))
	}
	return words
}

// changedColumns are the columns whose digests differ; both are of full length.
func changedColumns(was, is string, columns []string) []string {
	var changed []string
	for i, column := range columns {
		at := i * digestLength
		if was[at:at+digestLength] != is[at:at+digestLength] {
			changed = append(changed, column)
		}
	}
	return changed
}

// judge holds a batch against its own hash and its transactions against their
// seals, and says in words which row is no longer what it was.
func judge(batch batchRow, list []Transaction, entries map[string][]Entry) []string {
	members := strings.Fields(batch.Members)
	member := make(map[string]bool, len(members))
	for _, id := range members {
		member[id] = true
	}
	var stored, fresh []sealOf
	var altered, added []string
	resealed := map[string]bool{}
	for _, t := range list {
		now := sealText(t, entries[t.ID])
		if !member[t.ID] {
			added = append(added, t.ID)
		} else if words := alterations(t, entries[t.ID]); len(words) > 0 {
			altered = append(altered, fmt.Sprintf("ledger transaction %s of batch %d: %s", t.ID, batch.Number, strings.Join(words, "; ")))
			resealed[t.ID] = true
		}
		delete(member, t.ID)
		stored, fresh = append(stored, sealOf{t.ID, t.Seal}), append(fresh, sealOf{t.ID, now})
	}
	missing := make([]string, 0, len(member))
	for id := range member {
		missing = append(missing, id)
	}
	slices.Sort(missing)
	found := verdict{batch: batch, altered: altered, added: added, missing: missing, resealed: resealed}
	return found.words(stored, fresh)
}

type verdict struct {
	batch                   batchRow
	altered, added, missing []string
	resealed                map[string]bool // rows that are not what their seals say
}

// words weighs the findings: a hash over the rows as they are that still fits
// proves that only what stands beside them was altered.
func (v verdict) words(stored, fresh []sealOf) []string {
	name := fmt.Sprintf("ledger batch %d", v.batch.Number)
	if chainSeals(v.batch, fresh) == v.batch.Hash {
		var words []string
		for _, seal := range fresh {
			if v.resealed[seal.id] {
				words = append(words, fmt.Sprintf("ledger transaction %s of batch %d: its seal was altered, the transaction itself was not", seal.id, v.batch.Number))
			}
		}
		if ids := strings.Fields(v.batch.Members); len(v.added)+len(v.missing) > 0 || !slices.IsSorted(ids) || len(ids) != len(fresh) {
			words = append(words, name+" was altered after it was sealed: its list of members")
		}
		return words
	}
	words := v.altered
	for _, id := range v.added {
		words = append(words, fmt.Sprintf("ledger transaction %s was added to batch %d after it was sealed", id, v.batch.Number))
	}
	for _, id := range v.missing {
		words = append(words, fmt.Sprintf("ledger transaction %s of batch %d is missing", id, v.batch.Number))
	}
	if len(v.missing) > 0 { // without its seal the hash cannot be made again
		return words
	}
	kept := make([]sealOf, 0, len(stored))
	for _, seal := range stored {
		if !slices.Contains(v.added, seal.id) {
			kept = append(kept, seal)
		}
	}
	if chainSeals(v.batch, kept) != v.batch.Hash {
		words = append(words, name+" was altered after it was sealed: its own row, or a transaction together with its seal")
	}
	return words
}

// stamp is a time as both databases keep it.
func stamp(at time.Time) string {
	return at.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano)
}
