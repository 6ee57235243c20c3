package intake

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/party"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// Pushed is what the audit log keeps of a push.
type Pushed struct {
	Accounts, Invoices, Credits party.Counts
	Rejected                    int
}

// Push brings in what a vendor sent by itself. Each record is judged alone; of
// an external id that stands twice, the later record is rejected. Indexes in
// the result are those of the page's lists, and Kind is "account", "invoice" or
// "credit". Up to billing.MostRecords records share one transaction, so an
// error may leave earlier ones stored; the same push again changes nothing more.
func (s *Service) Push(ctx context.Context, actor access.Actor, vendor party.Vendor, page connectors.Page) (billing.Result, error) {
	batch := convert(page, rejectLater)
	result := billing.Result{Rejected: batch.rejected}
	for _, part := range batch.parts() {
		var stored billing.Result
		err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
			var err error
			if stored, err = s.storePart(ctx, tx, vendor, part); err != nil {
				return err
			}
			return s.auditPush(ctx, tx, actor, vendor, stored)
		})
		if err != nil {
			return result, err
		}
		add(&result, stored)
	}
	return result, nil
}

// auditPush keeps a line for a push that changed something.
func (s *Service) auditPush(ctx context.Context, tx bun.IDB, actor access.Actor, vendor party.Vendor, stored billing.Result) error {
	if changes(stored.Accounts)+changes(stored.Invoices)+changes(stored.Credits) == 0 {
		return nil
	}
	after := Pushed{Accounts: stored.Accounts, Invoices: stored.Invoices, Credits: stored.Credits, Rejected: len(stored.Rejected)}
	return s.Access.AuditTx(ctx, tx, actor, access.Change{Action: "records.pushed", SubjectKind: "vendor", SubjectID: vendor.ID, VendorID: vendor.ID, After: after})
}

func changes(counts party.Counts) int { return counts.Created + counts.Updated }

// storePart stores one part and answers with indexes of the page.
func (s *Service) storePart(ctx context.Context, tx bun.IDB, vendor party.Vendor, part part) (billing.Result, error) {
	stored, err := s.Billing.UpsertTx(ctx, tx, vendor, part.batch())
	if err != nil {
		return billing.Result{}, err
	}
	for i, rejected := range stored.Rejected {
		if rejected.Kind == kindCredit {
			stored.Rejected[i].Index = part.credits[rejected.Index].index
		} else {
			stored.Rejected[i].Index = part.invoices[rejected.Index].index
		}
	}
	return stored, nil
}

// storeTx stores a whole batch inside the caller's transaction.
func (s *Service) storeTx(ctx context.Context, tx bun.IDB, vendor party.Vendor, batch converted) (billing.Result, error) {
	result := billing.Result{Rejected: batch.rejected}
	for _, part := range batch.parts() {
		stored, err := s.storePart(ctx, tx, vendor, part)
		if err != nil {
			return result, err
		}
		add(&result, stored)
	}
	return result, nil
}

func add(result *billing.Result, more billing.Result) {
	sum := func(to *party.Counts, from party.Counts) {
		to.Created, to.Updated, to.Unchanged = to.Created+from.Created, to.Updated+from.Updated, to.Unchanged+from.Unchanged
	}
	sum(&result.Accounts, more.Accounts)
	sum(&result.Invoices, more.Invoices)
	sum(&result.Credits, more.Credits)
	result.Rejected = append(result.Rejected, more.Rejected...)
}
