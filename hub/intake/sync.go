package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// SyncState is how a run goes.
type SyncState string

// The states of a run. A stopped one was told to stop: what it stored stays.
const (
	Running SyncState = "running"
	Done    SyncState = "done"
	Failed  SyncState = "failed"
	Stopped SyncState = "stopped"
)

// Sync is one reading of a connection, or of files given by hand. Done and
// Total are in the reader's unit (records or bytes); Total 0 is not known.
// Created, Updated and Unchanged count invoices, credits and accounts.
type Sync struct {
	bun.BaseModel `bun:"table:syncs,alias:sy"`
	ID            string    `bun:"id,pk"`
	VendorID      string    `bun:"vendor_id"`
	ConnectionID  string    `bun:"connection_id,nullzero"`
	Source        string    `bun:"source"`
	State         SyncState `bun:"state"`
	Done          int64     `bun:"done"`
	Total         int64     `bun:"total"`
	Created       int       `bun:"created"`
	Updated       int       `bun:"updated"`
	Unchanged     int       `bun:"unchanged"`
	Rejected      int       `bun:"rejected"`
	Error         string    `bun:"error"` // for the vendor's staff
	StartedAt     time.Time `bun:"started_at"`
	FinishedAt    time.Time `bun:"finished_at,nullzero"`
}

// Rejection is one record that a run did not take, with why.
type Rejection struct {
	bun.BaseModel `bun:"table:sync_rejections,alias:sr"`
	ID            string `bun:"id,pk"`
	VendorID      string `bun:"vendor_id"`
	SyncID        string `bun:"sync_id"`
	Place         string `bun:"place"`
	ExternalID    string `bun:"external_id"`
	Problems      string `bun:"problems"` // JSON list of {pointer, message}
}

// List opens Problems.
func (r Rejection) List() ([]fault.Problem, error) {
	var problems []fault.Problem
	err := json.Unmarshal([]byte(r.Problems), &problems)
	return problems, err
}

// Progress is told after each page that was stored.
type Progress struct {
	SyncID string
	Done   int64
	Total  int64 // 0: not known
	// Created, Updated, Unchanged and Rejected count records so far.
	Created, Updated, Unchanged, Rejected int
}

// errPage says that a connector's page breaks the contract.
var errPage = errors.New("a page with too many records")

// run is one reading while it goes on.
type run struct {
	service  *Service
	vendor   party.Vendor
	sync     Sync
	again    twice
	cursor   func(ctx context.Context, tx bun.Tx, cursor string) error // nil: files have none
	seen     map[string]map[string]bool                                // kind → external id; nil: not needed
	progress func(Progress)
}

func (r *run) convert(page connectors.Page) converted {
	batch := convert(page, r.again)
	batch.connectionID = r.sync.ConnectionID
	return batch
}

// page stores one page with the run's progress, in one transaction.
func (r *run) page(ctx context.Context, page connectors.Page) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if n := len(page.Accounts) + len(page.Invoices) + len(page.Credits) + len(page.Gone); n > MostInPage {
		return fmt.Errorf("%w: %d, at most %d are taken", errPage, n, MostInPage)
	}
	if len(page.Gone) > 0 {
		gone, err := r.service.goneRecords(ctx, r, page.Gone)
		if err != nil {
			return fmt.Errorf("%w: %w", errStore, err)
		}
		page.Invoices, page.Credits = append(gone.invoices, page.Invoices...), append(gone.credits, page.Credits...) // one that came again counts
	}
	batch := r.convert(page)
	if r.again == rejectLater {
		batch = r.once(batch)
	}
	next := r.sync
	var result billing.Result
	err := r.service.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		next = r.sync
		var err error
		if result, err = r.service.storeTx(ctx, tx, r.vendor, batch); err != nil {
			return err
		}
		next.count(result, len(page.Rejected))
		next.Done, next.Total = page.Done, page.Total
		if err := insertRejections(ctx, tx, r.rejections(page, result)); err != nil {
			return err
		}
		if r.cursor != nil {
			if err := r.cursor(ctx, tx, page.Cursor); err != nil {
				return err
			}
		}
		return updateSync(ctx, tx, next)
	})
	if err != nil {
		return fmt.Errorf("%w: %w", errStore, err)
	}
	r.sync = next
	r.remember(page, result.Rejected)
	if r.progress != nil {
		r.progress(Progress{SyncID: next.ID, Done: next.Done, Total: next.Total, Created: next.Created, Updated: next.Updated,
			Unchanged: next.Unchanged, Rejected: next.Rejected})
	}
	return nil
}

func (s *Sync) count(result billing.Result, unread int) {
	for _, counts := range []party.Counts{result.Accounts, result.Invoices, result.Credits} {
		s.Created, s.Updated, s.Unchanged = s.Created+counts.Created, s.Updated+counts.Updated, s.Unchanged+counts.Unchanged
	}
	s.Rejected += unread + len(result.Rejected)
}

// once rejects what an earlier page of the same run brought already.
func (r *run) once(batch converted) converted {
	batch.invoices = unseen(&batch, batch.invoices, kindInvoice, r.seen[kindInvoice], func(i billing.InvoiceRecord) string { return i.ExternalID })
	batch.credits = unseen(&batch, batch.credits, kindCredit, r.seen[kindCredit], func(c billing.CreditRecord) string { return c.ExternalID })
	batch.accounts = unseen(&batch, batch.accounts, kindAccount, r.seen[kindAccount], func(a party.AccountRecord) string { return a.ExternalID })
	return batch
}

func unseen[T any](batch *converted, list []entry[T], kind string, seen map[string]bool, id func(T) string) []entry[T] {
	kept := make([]entry[T], 0, len(list))
	for _, one := range list {
		if seen[id(one.record)] {
			batch.reject(kind, one.index, id(one.record), problem("/external_id", "%q came earlier in the same import. The first one counts.", clip(id(one.record))))
			continue
		}
		kept = append(kept, one)
	}
	return kept
}

// remember notes what a page named. An import forgets again what was rejected,
// so that a better record of the same id may follow; in a snapshot the books
// hold it, whether it can be read or not.
func (r *run) remember(page connectors.Page, rejected []billing.Rejected) {
	if r.seen == nil {
		return
	}
	refused := map[string]map[int]bool{kindAccount: {}, kindInvoice: {}, kindCredit: {}}
	if r.again == rejectLater {
		for _, one := range rejected {
			refused[one.Kind][one.Index] = true
		}
	} else {
		for _, one := range page.Rejected {
			r.seen[kindInvoice][one.ExternalID], r.seen[kindCredit][one.ExternalID] = true, true
		}
	}
	note := func(kind string, index int, id string) {
		if !refused[kind][index] {
			r.seen[kind][id] = true
		}
	}
	for i, account := range page.Accounts {
		note(kindAccount, i, account.ExternalID)
	}
	for i, invoice := range page.Invoices {
		note(kindInvoice, i, invoice.ExternalID)
	}
	for i, credit := range page.Credits {
		note(kindCredit, i, credit.ExternalID)
	}
}

func newSeen() map[string]map[string]bool {
	return map[string]map[string]bool{kindAccount: {}, kindInvoice: {}, kindCredit: {}}
}

// rejections are the rows to keep of a page, as long as there is room.
func (r *run) rejections(page connectors.Page, result billing.Result) []Rejection {
	var rows []Rejection
	room := MostRejections - r.sync.Rejected
	keep := func(place, externalID string, problems []fault.Problem) {
		if room--; room < 0 {
			return
		}
		encoded, err := json.Marshal(problems)
		if err != nil { // strings only
			panic(fmt.Sprintf("encode problems: %v", err))
		}
		rows = append(rows, Rejection{ID: store.NewID(), VendorID: r.vendor.ID, SyncID: r.sync.ID, Place: clip(place), ExternalID: clip(externalID), Problems: string(encoded)})
	}
	for _, rejected := range page.Rejected {
		keep(rejected.Place, rejected.ExternalID, problemsOf(rejected.Problems))
	}
	for _, rejected := range result.Rejected {
		keep(rejected.Kind+" "+rejected.ExternalID, rejected.ExternalID, rejected.Problems)
	}
	return rows
}

func problemsOf(problems []connectors.Problem) []fault.Problem {
	const most = 50
	list := make([]fault.Problem, 0, min(len(problems), most))
	for _, one := range problems[:min(len(problems), most)] {
		list = append(list, fault.Problem{Pointer: clip(one.Field), Message: party.PlainText(one.Message, 500)})
	}
	return list
}

// finish closes the run, also when ctx is done.
func (r *run) finish(ctx context.Context, state SyncState, text string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	r.sync.State, r.sync.Error, r.sync.FinishedAt = state, party.PlainText(text, 500), r.service.now()
	return updateSync(ctx, r.service.DB, r.sync)
}

// ListSyncs is a vendor's runs, newest first.
func (s *Service) ListSyncs(ctx context.Context, vendorID string, page store.PageRequest) ([]Sync, string, error) {
	var list []Sync
	var next string
	err := s.DB.AsVendor(ctx, vendorID, func(ctx context.Context, tx bun.Tx) error {
		var err error
		list, next, err = listSyncs(ctx, tx, vendorID, page)
		return err
	})
	return list, next, err
}

// Rejections is what one run of a vendor did not take, in the run's order;
// fault.NotFound for another vendor's run.
func (s *Service) Rejections(ctx context.Context, vendorID, syncID string, page store.PageRequest) ([]Rejection, string, error) {
	if !store.ValidID(syncID) {
		return nil, "", noSuch("import")
	}
	var list []Rejection
	var next string
	err := s.DB.AsVendor(ctx, vendorID, func(ctx context.Context, tx bun.Tx) error {
		run, found, err := readSync(ctx, tx, vendorID, syncID)
		if err == nil && !found {
			err = noSuch("import")
		}
		if err != nil {
			return err
		}
		list, next, err = listRejections(ctx, tx, run, page)
		return err
	})
	return list, next, err
}

func noSuch(what string) error { return fault.New(fault.NotFound, "There is no such %s.", what) }
