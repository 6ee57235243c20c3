package payment

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// PayoutFilter narrows a vendor's payouts to those that arrive in a period. An
// empty date is no bound; both bounds belong to it.
type PayoutFilter struct {
	From money.Date
	To   money.Date
}

// PayoutSums are what a payout is made of, in minor units of its currency. They
// add up to its amount: Transfers + TakenBack + Other − Fees + Unexplained.
type PayoutSums struct {
	Lines       int64 // how many
	Transfers   int64 // of the hub's to the vendor
	TakenBack   int64 // from those transfers: below zero
	Other       int64 // what does not come from this hub
	Fees        int64 // that the gateway took from the vendor's account
	Unexplained int64 // what the gateway did not say; with a complete payout, zero
}

// PayoutItem is one line of a payout with where its money comes from.
type PayoutItem struct {
	Kind       string // transfer, reversal, fee, or the gateway's word
	Amount     int64  // before Fee, in the payout's currency
	Fee        int64
	GatewayRef string
	Ours       bool         // it belongs to a transfer of this hub
	ShareID    string       // of that transfer
	Reference  string       // of that share, as the vendor's books list it
	GivenBack  bool         // the transfer gave back what a refund or a chargeback had taken in vain
	Sent       money.Amount // what the transfer sent
	Exchanged  bool         // in another currency than the payout: Parts are in that of Sent
	Parts      []PayoutPart
}

// PayoutPart is what one invoice gets of a line, or what else stands in it. The
// parts of a line add up to Amount − Fee, unless it was exchanged.
type PayoutPart struct {
	Kind      PartKind
	InvoiceID string
	Number    string
	Account   string // the vendor's external id
	Amount    int64
}

// PartKind says what a part is.
type PartKind string

// The kinds of parts.
const (
	PartInvoice    PartKind = "invoice"    // an invoice was paid
	PartUnapplied  PartKind = "unapplied"  // no invoice took it
	PartProcessing PartKind = "processing" // the payment's cost, borne by the vendor
	PartHubFee     PartKind = "hub fee"
	PartNetted     PartKind = "kept"       // for what the vendor owed the hub
	PartTakenBack  PartKind = "taken back" // for a refund or a chargeback
	PartGivenBack  PartKind = "given back" // what was taken back in vain
	PartOther      PartKind = "other"      // not of this hub
	PartFee        PartKind = "fee"        // that the gateway took from the vendor's account
	PartDifference PartKind = "difference" // the gateway's amount is another than ours
)

// ListPayouts pages through a vendor's payouts, the last to arrive first.
func (s *Service) ListPayouts(ctx context.Context, vendorID string, filter PayoutFilter, page store.PageRequest) ([]VendorPayout, string, error) {
	var list []VendorPayout
	var next string
	err := s.DB.AsVendor(ctx, vendorID, func(ctx context.Context, tx bun.Tx) error {
		var err error
		list, next, err = vendorPayouts(ctx, tx, vendorID, filter, page)
		return err
	})
	return list, next, err
}

// Payout reads one payout of a vendor with its sums; fault.NotFound for another's.
func (s *Service) Payout(ctx context.Context, vendorID, payoutID string) (VendorPayout, PayoutSums, error) {
	var payout VendorPayout
	var sums PayoutSums
	missing := fault.New(fault.NotFound, "There is no such payout.")
	if !store.ValidID(payoutID) {
		return payout, sums, missing
	}
	err := s.DB.AsVendor(ctx, vendorID, func(ctx context.Context, tx bun.Tx) error {
		var found bool
		var err error
		if payout, found, err = vendorPayout(ctx, tx, vendorID, payoutID); err != nil || !found {
			return orMissing(err, missing)
		}
		sums, err = sumPayout(ctx, tx, payout)
		return err
	})
	return payout, sums, err
}

func orMissing(err, missing error) error {
	if err != nil {
		return err
	}
	return missing
}

// PayoutItems pages through what a payout is made of, in the gateway's order.
func (s *Service) PayoutItems(ctx context.Context, payout VendorPayout, page store.PageRequest) ([]PayoutItem, string, error) {
	var items []PayoutItem
	var next string
	err := s.DB.AsVendor(ctx, payout.VendorID, func(ctx context.Context, tx bun.Tx) error {
		lines, cursor, err := payoutLines(ctx, tx, payout, page)
		if err != nil {
			return err
		}
		next = cursor
		invoices, err := paidInvoices(ctx, tx, payout.VendorID, lines)
		if err != nil {
			return err
		}
		for _, line := range lines {
			items = append(items, line.item(payout.Currency, invoices[line.ShareID]))
		}
		return nil
	})
	return items, next, err
}

// lineOfPayout is a stored line with the transfer and the share that it is of.
type lineOfPayout struct {
	payoutLine     `bun:",extend"`
	TransferKind   string         `bun:"transfer_kind"`
	TransferAmount int64          `bun:"transfer_amount"`
	Netted         int64          `bun:"netted"`
	Sent           money.Currency `bun:"sent_currency"`
	PaymentID      string         `bun:"payment_id"`
	ShareID        string         `bun:"share_id"`
	Reference      string         `bun:"reference"`
	ShareAmount    int64          `bun:"share_amount"`
	ProcessingFee  int64          `bun:"processing_fee"`
	HubFee         int64          `bun:"hub_fee"`
}

// item explains a line: its parts add up to what it brought.
func (l lineOfPayout) item(currency money.Currency, invoices []PayoutPart) PayoutItem {
	item := PayoutItem{Kind: l.Kind, Amount: l.Amount, Fee: l.Fee, GatewayRef: l.GatewayRef, Ours: l.TransferID != "", ShareID: l.ShareID, Reference: l.Reference}
	if item.Ours {
		item.Sent = money.New(l.TransferAmount-l.Netted, l.Sent)
		item.GivenBack = l.TransferKind == transferReturn
		item.Exchanged = l.Kind == "transfer" && l.Sent != currency
	}
	left := l.Amount
	add := func(kind PartKind, amount int64) {
		if amount != 0 {
			item.Parts, left = append(item.Parts, PayoutPart{Kind: kind, Amount: amount}), left-amount
		}
	}
	switch {
	case !item.Ours:
		if l.Kind == "fee" {
			add(PartFee, l.Amount)
		}
		add(PartOther, left)
	case l.Kind != "transfer":
		add(PartTakenBack, l.Amount)
	case item.GivenBack:
		add(PartGivenBack, l.TransferAmount)
		add(PartNetted, -l.Netted)
	default:
		unapplied := l.ShareAmount
		for _, part := range invoices {
			item.Parts, left, unapplied = append(item.Parts, part), left-part.Amount, unapplied-part.Amount
		}
		add(PartUnapplied, unapplied)
		add(PartProcessing, -l.ProcessingFee)
		add(PartHubFee, -l.HubFee)
		add(PartNetted, -l.Netted)
	}
	if !item.Exchanged {
		add(PartDifference, left)
		add(PartFee, -l.Fee)
	}
	return item
}

// SentTransfer is money that left the hub for a vendor's account and stands in no
// payout yet.
type SentTransfer struct {
	ShareID   string         `bun:"share_id"`
	Reference string         `bun:"reference"`
	Currency  money.Currency `bun:"currency"`
	Amount    int64          `bun:"amount"` // less what was taken back
	SentAt    time.Time      `bun:"updated_at"`
}

// OnItsWay sums up, per currency, what was sent to a vendor's account and stands
// in no payout yet, and lists the newest of it, at most most.
func (s *Service) OnItsWay(ctx context.Context, account PayoutAccount, most int64) ([]money.Amount, []SentTransfer, error) {
	var sums []money.Amount
	var list []SentTransfer
	if account.AccountRef == "" {
		return nil, nil, nil
	}
	err := s.DB.AsVendor(ctx, account.VendorID, func(ctx context.Context, tx bun.Tx) error {
		var err error
		sums, list, err = sentTransfers(ctx, tx, account, most)
		return err
	})
	return sums, list, err
}

// WaitingMoney is what waits in the hub for a vendor, of one currency and for one
// reason.
type WaitingMoney struct {
	VendorID string         `bun:"vendor_id"`
	Currency money.Currency `bun:"currency"`
	For      string         `bun:"waits_for"` // "account", "vendor", "funds"
	Amount   int64          `bun:"amount"`
	Shares   int64          `bun:"shares"`
	Since    time.Time      `bun:"since"`
}

// Waiting sums up what waits in the hub for one vendor.
func (s *Service) Waiting(ctx context.Context, vendorID string) ([]WaitingMoney, error) {
	var list []WaitingMoney
	err := s.DB.AsVendor(ctx, vendorID, func(ctx context.Context, tx bun.Tx) error {
		var err error
		list, err = waitingMoney(ctx, tx, []string{vendorID})
		return err
	})
	return list, err
}

// ListWaiting pages through the vendors whose money waits for something that they
// or the operator must do, with all that waits for each.
func (s *Service) ListWaiting(ctx context.Context, page store.PageRequest) ([]VendorWaiting, string, error) {
	vendors, next, err := waitingVendors(ctx, s.DB, s.Gateway.Name(), page)
	if err != nil || len(vendors) == 0 {
		return vendors, next, err
	}
	at := map[string]int{}
	ids := make([]string, len(vendors))
	for i, vendor := range vendors {
		ids[i], at[vendor.VendorID] = vendor.VendorID, i
	}
	sums, err := waitingMoney(ctx, s.DB, ids)
	for _, sum := range sums {
		vendor := &vendors[at[sum.VendorID]]
		vendor.Money = append(vendor.Money, sum)
	}
	return vendors, next, err
}

// VendorWaiting is a vendor whose money waits, and where its account stands.
type VendorWaiting struct {
	VendorID string
	Name     string
	Account  PayoutAccount // zero: none yet
	Money    []WaitingMoney
}
