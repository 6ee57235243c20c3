package cases

import (
	"context"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// Filter narrows a list. The zero Filter narrows nothing.
type Filter struct {
	Status    Status
	Active    bool // open or answered
	Kind      Kind
	InvoiceID string    // on that invoice alone
	Since     time.Time // changed at or after
	Search    string    // in the invoice's number and external id and the account's name
}

// ListForVendor pages through one vendor's cases, the last changed first when
// newest is set (pages), else the first changed first (the API's feed).
func (s *Service) ListForVendor(ctx context.Context, vendorID string, filter Filter, newest bool, page store.PageRequest) ([]Item, string, error) {
	var items []Item
	var next string
	err := s.DB.AsVendor(ctx, vendorID, func(ctx context.Context, tx bun.Tx) error {
		var err error
		items, next, err = listForVendor(ctx, tx, vendorID, filter, newest, page)
		return err
	})
	return items, next, err
}

// CountForVendor is how many cases wait for the vendor.
func (s *Service) CountForVendor(ctx context.Context, vendorID string) (int64, error) {
	var n int64
	err := s.DB.AsVendor(ctx, vendorID, func(ctx context.Context, tx bun.Tx) error {
		var err error
		n, err = countOpen(ctx, tx, vendorID)
		return err
	})
	return n, err
}

// VendorThread is a case as its vendor reads it, with the invoice as it is now.
type VendorThread struct {
	Thread
	Invoice billing.Item
}

// VendorCase reads one case of a vendor; fault.NotFound for another's.
func (s *Service) VendorCase(ctx context.Context, vendorID, caseID string) (VendorThread, error) {
	if !store.ValidID(caseID) || !store.ValidID(vendorID) {
		return VendorThread{}, noCase()
	}
	var thread VendorThread
	err := s.DB.AsVendor(ctx, vendorID, func(ctx context.Context, tx bun.Tx) error {
		item, found, err := vendorCase(ctx, tx, vendorID, caseID)
		if err != nil {
			return err
		}
		if !found {
			return noCase()
		}
		thread.Item = item
		thread.Said, err = messagesOf(ctx, tx, []string{caseID})
		return err
	})
	if err != nil {
		return VendorThread{}, err
	}
	if thread.Files, err = s.Billing.CaseDocuments(ctx, []string{caseID}); err != nil {
		return VendorThread{}, err
	}
	thread.Invoice, err = s.Billing.VendorInvoice(ctx, vendorID, thread.InvoiceID)
	return thread, err
}

// ListForCustomer pages through the cases on all invoices that a viewer sees,
// the last changed first.
func (s *Service) ListForCustomer(ctx context.Context, viewer billing.Viewer, filter Filter, page store.PageRequest) ([]Item, string, error) {
	items, next, err := listForCustomer(ctx, s.DB, viewer, filter, page)
	if err != nil {
		return nil, "", err
	}
	return items, next, s.namedForCustomer(ctx, viewer, items, nil)
}

// CountForCustomer is how many cases were answered and wait for the customer.
func (s *Service) CountForCustomer(ctx context.Context, viewer billing.Viewer) (int64, error) {
	return countAnswered(ctx, s.DB, viewer)
}

// CasesOfInvoice are all cases of an invoice that a viewer sees, the oldest
// first, with threads and files; at most MostCases.
func (s *Service) CasesOfInvoice(ctx context.Context, viewer billing.Viewer, invoiceID string) ([]Thread, error) {
	if !store.ValidID(invoiceID) {
		return nil, noInvoice()
	}
	items, err := casesOfInvoice(ctx, s.DB, viewer, invoiceID)
	if err != nil {
		return nil, err
	}
	return s.threads(ctx, viewer, items)
}

// CustomerCase reads one case on an invoice that a viewer sees.
func (s *Service) CustomerCase(ctx context.Context, viewer billing.Viewer, caseID string) (Thread, error) {
	if !store.ValidID(caseID) {
		return Thread{}, noCase()
	}
	item, found, err := seenCase(ctx, s.DB, viewer, caseID)
	if err != nil {
		return Thread{}, err
	}
	if !found {
		return Thread{}, noCase()
	}
	threads, err := s.threads(ctx, viewer, []Item{item})
	if err != nil {
		return Thread{}, err
	}
	return threads[0], nil
}

// threads adds messages and files, for the customer's eyes.
func (s *Service) threads(ctx context.Context, viewer billing.Viewer, items []Item) ([]Thread, error) {
	if len(items) == 0 {
		return nil, nil
	}
	ids, at := make([]string, len(items)), make(map[string]int, len(items))
	for i, item := range items {
		ids[i], at[item.ID] = item.ID, i
	}
	said, err := messagesOf(ctx, s.DB, ids)
	if err != nil {
		return nil, err
	}
	files, err := s.Billing.CaseDocuments(ctx, ids)
	if err != nil {
		return nil, err
	}
	if err := s.namedForCustomer(ctx, viewer, items, said); err != nil {
		return nil, err
	}
	threads := make([]Thread, len(items))
	for i, item := range items {
		threads[i].Item = item
	}
	for _, message := range said {
		threads[at[message.CaseID]].Said = append(threads[at[message.CaseID]].Said, message)
	}
	for _, file := range files {
		threads[at[file.CaseID]].Files = append(threads[at[file.CaseID]].Files, file)
	}
	return threads, nil
}

// namedForCustomer gives the viewer's own team its names, which the vendor may
// not know, and nobody else's address: another customer's contact may be listed
// on the same account.
func (s *Service) namedForCustomer(ctx context.Context, viewer billing.Viewer, items []Item, said []Message) error {
	team, err := s.Party.Team(ctx, viewer.CustomerID)
	if err != nil {
		return err
	}
	names := make(map[string]string, len(team))
	for _, contact := range team {
		names[contact.ID] = contact.DisplayName()
	}
	for i := range items {
		items[i].ContactEmail, items[i].Colleague = "", ""
		items[i].ContactName = shownTo(names, items[i].ContactID, items[i].ContactName)
	}
	for i := range said {
		if said[i].Side == SideCustomer {
			said[i].AuthorName = shownTo(names, said[i].AuthorID, said[i].AuthorName)
		}
	}
	return nil
}

func shownTo(team map[string]string, contactID, name string) string {
	if own, ours := team[contactID]; ours {
		return own
	}
	if strings.Contains(name, "@") {
		return "Another contact"
	}
	return name
}
