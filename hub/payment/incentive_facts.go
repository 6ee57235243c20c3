package payment

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/money"
)

// feeNotice is when a customer was first shown the late fee of an invoice, on
// the vendor's day.
type feeNotice struct {
	bun.BaseModel `bun:"table:late_fee_notices,alias:ln"`
	InvoiceID     string     `bun:"invoice_id,pk"`
	CustomerID    string     `bun:"customer_id"`
	VendorID      string     `bun:"vendor_id"`
	ShownOn       money.Date `bun:"shown_on"`
	CreatedAt     time.Time  `bun:"created_at"`
}

// incentiveFacts is all that the incentives on some invoices depend on, from
// one reading.
type incentiveFacts struct {
	now     time.Time
	vendors map[string]configured
	terms   map[string]string // of accounts
	excused map[string]bool
	shown   map[string]money.Date
}

// incentiveFacts reads them: one query where no vendor has any.
func (s *Service) incentiveFacts(ctx context.Context, db bun.IDB, invoices []billing.Invoice) (incentiveFacts, error) {
	facts := incentiveFacts{now: s.Now()}
	if len(invoices) == 0 {
		return facts, nil
	}
	vendorIDs := make([]string, 0, len(invoices))
	for _, invoice := range invoices {
		vendorIDs = append(vendorIDs, invoice.VendorID)
	}
	var err error
	if facts.vendors, err = readIncentives(ctx, db, distinct(vendorIDs)); err != nil || len(facts.vendors) == 0 {
		return facts, err
	}
	var accountIDs, late []string
	for _, invoice := range invoices {
		in, some := facts.vendors[invoice.VendorID]
		if some && in.FromTerms {
			accountIDs = append(accountIDs, invoice.AccountID)
		}
		if some && in.takesFees() {
			late = append(late, invoice.ID)
		}
	}
	if len(accountIDs) > 0 {
		if facts.terms, err = accountTerms(ctx, db, distinct(accountIDs)); err != nil {
			return facts, err
		}
	}
	if len(late) > 0 {
		err = facts.readLate(ctx, db, late)
	}
	return facts, err
}

func (f *incentiveFacts) readLate(ctx context.Context, db bun.IDB, invoiceIDs []string) error {
	taken, err := feesTaken(ctx, db, invoiceIDs)
	if err != nil {
		return err
	}
	f.excused = taken
	objected, err := disputed(ctx, db, invoiceIDs)
	if err != nil {
		return err
	}
	for id := range objected {
		f.excused[id] = true
	}
	f.shown, err = feesShown(ctx, db, invoiceIDs)
	return err
}

func (in Incentives) takesFees() bool { return in.LateRate > 0 || len(in.LateFixed) > 0 }

func distinct(ids []string) []string {
	seen := make(map[string]bool, len(ids))
	kept := ids[:0]
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			kept = append(kept, id)
		}
	}
	return kept
}

// today is the vendor's day.
func (f incentiveFacts) today(vendorID string) money.Date {
	zone, err := time.LoadLocation(f.vendors[vendorID].TimeZone)
	if err != nil {
		zone = time.UTC
	}
	return money.DateOf(f.now, zone)
}

// at are the facts as they will be at a later time, when customers were shown
// today what they will owe then.
func (f incentiveFacts) at(then time.Time, invoices []billing.Invoice) incentiveFacts {
	later := f
	later.now, later.shown = then, make(map[string]money.Date, len(invoices))
	for _, invoice := range invoices {
		if later.shown[invoice.ID] = f.shown[invoice.ID]; later.shown[invoice.ID] == "" {
			later.shown[invoice.ID] = f.today(invoice.VendorID)
		}
	}
	return later
}

// of are the incentives on a payment of an invoice: amount with credits, pays
// by money.
func (f incentiveFacts) of(invoice billing.Invoice, amount, pays int64, method MethodClass) []Incentive {
	in, some := f.vendors[invoice.VendorID]
	if !some {
		return nil
	}
	return in.of(owing{invoice: invoice, terms: f.terms[invoice.AccountID], today: f.today(invoice.VendorID), amount: amount, pays: pays,
		method: method, excused: f.excused[invoice.ID], shownOn: f.shown[invoice.ID]})
}

// notices are the late fees in some incentives that a customer now sees for the
// first time, where that begins a time in which they are waived.
func (f incentiveFacts) notices(invoice billing.Invoice, list []Incentive) []feeNotice {
	_, fee, waived := sums(list)
	if fee+waived == 0 || f.shown[invoice.ID] != "" || f.vendors[invoice.VendorID].WaivedDays == 0 {
		return nil
	}
	return []feeNotice{{InvoiceID: invoice.ID, CustomerID: invoice.CustomerID, VendorID: invoice.VendorID, ShownOn: f.today(invoice.VendorID), CreatedAt: f.now.UTC()}}
}
