package payment

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// View is a payment as one vendor sees it, in events and in the API: its own
// share and nothing of the others.
type View struct {
	ID         string         `json:"id"` // of the share
	Reference  string         `json:"reference"`
	Status     Status         `json:"status"`
	Currency   money.Currency `json:"currency"`
	Amount     string         `json:"amount"` // decimal, major units
	Credit     string         `json:"credit_amount"`
	Discount   string         `json:"discount"` // given, beside Amount
	LateFee    string         `json:"late_fee"` // part of Amount
	Unapplied  string         `json:"unapplied"`
	Method     string         `json:"method"`
	CreatedAt  time.Time      `json:"created_at"`
	SettledAt  *time.Time     `json:"settled_at"`
	Invoices   []InvoiceView  `json:"invoices"`
	TransferID string         `json:"transfer_id,omitempty"`
	Fees       string         `json:"fees,omitempty"`   // of a transfer: what the vendor bears
	Netted     string         `json:"netted,omitempty"` // kept for what the vendor owed
	Sent       string         `json:"sent,omitempty"`   // what left

	Refunded      string     `json:"refunded"`     // of amount, so far
	ChargedBack   string     `json:"charged_back"` // of amount, now
	RefundID      string     `json:"refund_id,omitempty"`
	Refund        string     `json:"refund_amount,omitempty"`
	ChargebackID  string     `json:"chargeback_id,omitempty"`
	ChargebackFee string     `json:"chargeback_fee,omitempty"` // that the vendor bears
	Reason        string     `json:"reason,omitempty"`         // of a refund or chargeback
	EvidenceDue   *time.Time `json:"evidence_due_at,omitempty"`
}

// InvoiceView is what one invoice got, by the vendor's own names for it. Of
// money, Amount holds LateFee; what is settled of the invoice itself is Amount
// less LateFee, and Discount on top.
type InvoiceView struct {
	ExternalID string      `json:"external_id"`
	Number     string      `json:"number"`
	Account    string      `json:"account"` // external id
	Amount     string      `json:"amount"`
	Discount   string      `json:"discount"` // given by the vendor for this payment
	LateFee    string      `json:"late_fee"`
	Credit     *CreditView `json:"credit,omitempty"` // set: this credit paid, not money
}

// CreditView names a credit.
type CreditView struct {
	ExternalID string `json:"external_id"`
	Number     string `json:"number"`
}

func (s *Service) viewsTx(ctx context.Context, tx bun.IDB, shares []Share) (map[string]View, error) {
	rows, err := viewLines(ctx, tx, shares)
	if err != nil {
		return nil, err
	}
	views := make(map[string]View, len(shares))
	for _, share := range shares {
		views[share.ID] = share.view()
	}
	for _, row := range rows {
		view := views[row.ShareID]
		view.Invoices = append(view.Invoices, row.view(view.Currency))
		views[row.ShareID] = view
	}
	return views, nil
}

// tellAbout commits one event about a share, under a subject of its own, with
// what more there is to say.
func (s *Service) tellAbout(ctx context.Context, tx bun.IDB, kind, subjectID string, share Share, more func(*View)) error {
	views, err := s.viewsTx(ctx, tx, []Share{share})
	if err != nil {
		return err
	}
	view := views[share.ID]
	more(&view)
	event, err := outbox.NewEvent(share.VendorID, share.CustomerID, kind, subjectID, view, s.Now())
	if err != nil {
		return err
	}
	return s.Outbox.AppendTx(ctx, tx, event)
}

func (s Share) view() View {
	view := View{ID: s.ID, Reference: s.Reference, Status: s.Status, Currency: s.Currency, Amount: money.New(s.Amount, s.Currency).Decimal(),
		Credit: money.New(s.CreditAmount, s.Currency).Decimal(), Discount: money.New(s.Discount, s.Currency).Decimal(),
		LateFee: money.New(s.LateFee, s.Currency).Decimal(), Unapplied: money.New(s.Unapplied, s.Currency).Decimal(),
		Refunded: money.New(s.Refunded, s.Currency).Decimal(), ChargedBack: money.New(s.ChargedBack, s.Currency).Decimal(),
		Method: s.Method, CreatedAt: s.CreatedAt.UTC(), Invoices: []InvoiceView{}}
	if !s.SettledAt.IsZero() {
		at := s.SettledAt.UTC()
		view.SettledAt = &at
	}
	return view
}

// VendorView reads one payment of a vendor by its share's id, as the API shows
// it; fault.NotFound for another vendor's, and for one on which nothing was paid.
func (s *Service) VendorView(ctx context.Context, vendorID, shareID string) (View, error) {
	share, err := s.VendorShare(ctx, vendorID, shareID)
	if err != nil {
		return View{}, err
	}
	var view View
	err = s.DB.AsVendor(ctx, vendorID, func(ctx context.Context, tx bun.Tx) error {
		byID, err := s.viewsTx(ctx, tx, []Share{share.Share})
		view = byID[share.ID]
		return err
	})
	return view, err
}

// ListForVendor pages through a vendor's payments, the first changed first.
func (s *Service) ListForVendor(ctx context.Context, vendorID string, since time.Time, page store.PageRequest) ([]View, string, error) {
	var views []View
	var next string
	err := s.DB.AsVendor(ctx, vendorID, func(ctx context.Context, tx bun.Tx) error {
		shares, cursor, err := listShares(ctx, tx, vendorID, since, page)
		if err != nil {
			return err
		}
		next = cursor
		byID, err := s.viewsTx(ctx, tx, shares)
		views = make([]View, len(shares))
		for i, share := range shares {
			views[i] = byID[share.ID]
		}
		return err
	})
	return views, next, err
}
