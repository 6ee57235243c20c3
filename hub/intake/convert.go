package intake

import (
	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/party"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// Kinds of records, as rejections name them.
const (
	kindAccount = "account"
	kindInvoice = "invoice"
	kindCredit  = "credit"
)

// twice says what to do with an external id that stands twice in one page.
type twice bool

const (
	rejectLater twice = false // a person sent both: the person must decide
	lastWins    twice = true  // a connector's page has the oldest change first
)

// entry is a record, where it stood in its page's list, and the account that
// its document mentions, if any.
type entry[T any] struct {
	index  int
	record T
	seen   *party.AccountRecord
}

// converted is a page in billing's words.
type converted struct {
	accounts []entry[party.AccountRecord]
	invoices []entry[billing.InvoiceRecord]
	credits  []entry[billing.CreditRecord]
	rejected []billing.Rejected

	connectionID string
}

// convert checks the shape of each record, which billing takes for granted,
// and puts it in billing's words.
func convert(page connectors.Page, again twice) converted {
	var batch converted
	for index, account := range page.Accounts {
		record, problems := accountRecord(account)
		batch.accounts = place(&batch, batch.accounts, kindAccount, entry[party.AccountRecord]{index: index, record: record}, account.ExternalID, problems)
	}
	batch.accounts = once(&batch, batch.accounts, kindAccount, again, func(r party.AccountRecord) string { return r.ExternalID })
	for index, invoice := range page.Invoices {
		record, problems := invoiceRecord(invoice)
		seen := seenAccount(invoice.AccountSeen, invoice.Account)
		batch.invoices = place(&batch, batch.invoices, kindInvoice, entry[billing.InvoiceRecord]{index, record, seen}, invoice.ExternalID, problems)
	}
	batch.invoices = once(&batch, batch.invoices, kindInvoice, again, func(r billing.InvoiceRecord) string { return r.ExternalID })
	for index, credit := range page.Credits {
		record, problems := creditRecord(credit)
		seen := seenAccount(credit.AccountSeen, credit.Account)
		batch.credits = place(&batch, batch.credits, kindCredit, entry[billing.CreditRecord]{index, record, seen}, credit.ExternalID, problems)
	}
	batch.credits = once(&batch, batch.credits, kindCredit, again, func(r billing.CreditRecord) string { return r.ExternalID })
	return batch
}

// place keeps a good record and rejects any other.
func place[T any](batch *converted, list []entry[T], kind string, one entry[T], externalID string, problems []fault.Problem) []entry[T] {
	if len(problems) == 0 {
		return append(list, one)
	}
	batch.reject(kind, one.index, externalID, problems...)
	return list
}

func (b *converted) reject(kind string, index int, externalID string, problems ...fault.Problem) {
	b.rejected = append(b.rejected, billing.Rejected{Kind: kind, Index: index, ExternalID: clip(externalID), Problems: problems})
}

// once leaves each external id at most once in a list.
func once[T any](batch *converted, list []entry[T], kind string, again twice, id func(T) string) []entry[T] {
	first := make(map[string]int, len(list)) // where it stands in kept
	kept := make([]entry[T], 0, len(list))
	for _, one := range list {
		at, stands := first[id(one.record)]
		switch {
		case !stands:
			first[id(one.record)] = len(kept)
			kept = append(kept, one)
		case again == lastWins:
			kept[at] = one
		default:
			batch.reject(kind, one.index, id(one.record), problem("/external_id",
				"%q stands in this batch already, at position %d. Send each record once.", clip(id(one.record)), kept[at].index))
		}
	}
	return kept
}

// part is what goes into one of billing's batches.
type part struct {
	accounts []entry[party.AccountRecord]
	invoices []entry[billing.InvoiceRecord]
	credits  []entry[billing.CreditRecord]

	connectionID string
}

// parts cuts a batch to billing's size: one part when it fits, else accounts
// before the invoices and credits that name them.
func (b converted) parts() []part {
	const most = billing.MostRecords
	if len(b.accounts)+len(b.invoices)+len(b.credits) == 0 {
		return nil
	}
	if len(b.accounts) <= most && len(b.invoices) <= most && len(b.credits) <= most {
		return []part{{b.accounts, b.invoices, b.credits, b.connectionID}}
	}
	var parts []part
	for from := 0; from < len(b.accounts); from += most {
		parts = append(parts, part{connectionID: b.connectionID, accounts: b.accounts[from:min(from+most, len(b.accounts))]})
	}
	for from := 0; from < len(b.invoices); from += most {
		parts = append(parts, part{connectionID: b.connectionID, invoices: b.invoices[from:min(from+most, len(b.invoices))]})
	}
	for from := 0; from < len(b.credits); from += most {
		parts = append(parts, part{connectionID: b.connectionID, credits: b.credits[from:min(from+most, len(b.credits))]})
	}
	return parts
}

// batch is the part for billing. An account that documents mention stands
// there once, with every mailbox that any of them gives; one that the books
// list themselves is taken from there alone.
func (p part) batch() billing.Batch {
	batch := billing.Batch{ConnectionID: p.connectionID}
	listed := make(map[string]bool, len(p.accounts))
	for _, one := range p.accounts {
		listed[one.record.ExternalID] = true
		batch.Accounts = append(batch.Accounts, one.record)
	}
	mentioned := map[string]int{}
	mention := func(seen *party.AccountRecord) {
		if seen == nil || listed[seen.ExternalID] {
			return
		}
		at, known := mentioned[seen.ExternalID]
		if !known {
			mentioned[seen.ExternalID] = len(batch.Accounts)
			batch.Accounts = append(batch.Accounts, *seen)
			return
		}
		batch.Accounts[at] = mergeSeen(batch.Accounts[at], *seen)
	}
	for _, one := range p.invoices {
		mention(one.seen)
		batch.Invoices = append(batch.Invoices, one.record)
	}
	for _, one := range p.credits {
		mention(one.seen)
		batch.Credits = append(batch.Credits, one.record)
	}
	return batch
}
