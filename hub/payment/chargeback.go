package payment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/ledger"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// Chargeback is what a payer's bank took back of a payment, or asks about.
type Chargeback struct {
	bun.BaseModel `bun:"table:chargebacks,alias:cb"`
	ID            string         `bun:"id,pk"`
	CustomerID    string         `bun:"customer_id"`
	PaymentID     string         `bun:"payment_id"`
	Gateway       string         `bun:"gateway"`
	GatewayRef    string         `bun:"gateway_ref"`
	Currency      money.Currency `bun:"currency"`
	Amount        int64          `bun:"amount"`
	Fee           int64          `bun:"fee"` // what the gateway took for it, as booked
	Reason        string         `bun:"reason"`
	Phase         DisputePhase   `bun:"phase"`
	Withdrawn     bool           `bun:"withdrawn"` // its amount is booked as gone
	EvidenceDueAt time.Time      `bun:"evidence_due_at,nullzero"`
	SubmittedAt   time.Time      `bun:"submitted_at,nullzero"`
	CreatedAt     time.Time      `bun:"created_at"`
	UpdatedAt     time.Time      `bun:"updated_at"`
	ClosedAt      time.Time      `bun:"closed_at,nullzero"`
}

// ChargebackShare is one vendor's part of a chargeback. Its id is all that the
// vendor sees of it.
type ChargebackShare struct {
	bun.BaseModel `bun:"table:chargeback_shares,alias:cs"`
	ID            string         `bun:"id,pk"`
	CustomerID    string         `bun:"customer_id"`
	VendorID      string         `bun:"vendor_id"`
	ChargebackID  string         `bun:"chargeback_id"`
	PaymentID     string         `bun:"payment_id"`
	ShareID       string         `bun:"share_id"`
	Currency      money.Currency `bun:"currency"`
	Amount        int64          `bun:"amount"`
	Fee           int64          `bun:"fee"`   // of the gateway's for the chargeback, borne by the vendor
	State         string         `bun:"state"` // inquiry, open, won, lost, closed
	Reason        string         `bun:"reason"`
	EvidenceDueAt time.Time      `bun:"evidence_due_at,nullzero"`
	Evidence      string         `bun:"evidence"`
	EvidenceBy    string         `bun:"evidence_by"`
	EvidenceAt    time.Time      `bun:"evidence_at,nullzero"`
	AcceptedAt    time.Time      `bun:"accepted_at,nullzero"` // the vendor does not contest it
	MailLog       string         `bun:"mail_log"`             // what the hub knows, chosen as evidence; empty: not chosen
	AccessLog     string         `bun:"access_log"`
	CreatedAt     time.Time      `bun:"created_at"`
	UpdatedAt     time.Time      `bun:"updated_at"`
}

// States of a vendor's part.
const (
	ChargebackInquiry = "inquiry" // the bank asks; no money is gone
	ChargebackOpen    = "open"
	ChargebackWon     = "won"
	ChargebackLost    = "lost"
	ChargebackClosed  = "closed" // an inquiry that ended
)

// Over says whether nothing can be said about it any more.
func (c ChargebackShare) Over() bool {
	return c.State == ChargebackWon || c.State == ChargebackLost || c.State == ChargebackClosed
}

// errOutrun is what the gateway said of a dispute before somebody else booked
// what it said since: it is asked again.
var errOutrun = errors.New("the dispute was followed by somebody else meanwhile")

// followDispute fetches a chargeback again and brings what is booked to it. When
// another process did the same while the gateway was asked, its answer may be the
// older one: booked, it would take money away again that came back.
func (s *Service) followDispute(ctx context.Context, ref string) error {
	if s.Disputes == nil {
		return nil
	}
	var err error
	for range 5 {
		if err = s.followDisputeOnce(ctx, ref); !errors.Is(err, errOutrun) {
			return err
		}
	}
	return err
}

func (s *Service) followDisputeOnce(ctx context.Context, ref string) error {
	known, err := chargebackAsOf(ctx, s.DB, s.Gateway.Name(), ref)
	if err != nil {
		return err
	}
	dispute, err := s.Disputes.LookDispute(ctx, ref)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at dispute %s: %w", ref, err)
	}
	payment, found, err := s.disputed(ctx, dispute)
	if err != nil || !found {
		return err
	}
	if !payment.Status.booked() { // its settlement comes first
		if err := s.Refresh(ctx, payment.GatewayRef); err != nil {
			return err
		}
	}
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		return s.convergeDispute(ctx, tx, payment.ID, dispute, known)
	})
}

func (s *Service) disputed(ctx context.Context, dispute Dispute) (Payment, bool, error) {
	if store.ValidID(dispute.PaymentID) {
		return findPayment(ctx, s.DB.NewSelect().Where("id = ?", dispute.PaymentID).Where("gateway = ?", s.Gateway.Name()))
	}
	if dispute.SourceRef == "" {
		return Payment{}, false, nil
	}
	return findPayment(ctx, s.DB.NewSelect().Where("gateway = ?", s.Gateway.Name()).Where("source_ref = ?", dispute.SourceRef).Where("source_ref <> ''"))
}

// convergeDispute books what is new; known is when the chargeback was changed
// last, as it was before the gateway was asked.
func (s *Service) convergeDispute(ctx context.Context, tx bun.IDB, paymentID string, dispute Dispute, known time.Time) error {
	payment, err := lockPayment(ctx, s.DB, tx, paymentID)
	if err != nil {
		return err
	}
	if !payment.Status.booked() {
		return fmt.Errorf("payment %s is disputed and not settled here", payment.ID)
	}
	switch now, err := chargebackAsOf(ctx, tx, s.Gateway.Name(), dispute.Ref); { // the payment is locked: it stays so
	case err != nil:
		return err
	case !now.Equal(known):
		return errOutrun
	}
	chargeback, parts, err := s.openChargeback(ctx, tx, payment, dispute)
	if err != nil {
		return err
	}
	if err := s.bookDisputeFee(ctx, tx, payment, &chargeback, parts, dispute); err != nil {
		return err
	}
	if dispute.Withdrawn && !chargeback.Withdrawn {
		if err := s.withdraw(ctx, tx, payment, &chargeback, parts, dispute); err != nil {
			return err
		}
	}
	if !dispute.Withdrawn && chargeback.Withdrawn {
		if err := s.reinstate(ctx, tx, payment, &chargeback, parts); err != nil {
			return err
		}
	}
	return s.followPhase(ctx, tx, chargeback, parts, dispute)
}

// openChargeback finds the row of a dispute, or makes it with one part for each
// vendor whose money is disputed.
func (s *Service) openChargeback(ctx context.Context, tx bun.IDB, payment Payment, dispute Dispute) (Chargeback, []ChargebackShare, error) {
	chargeback, found, err := lockChargeback(ctx, s.DB, tx, s.Gateway.Name(), dispute.Ref)
	if err != nil {
		return chargeback, nil, err
	}
	if found {
		parts, err := lockChargebackShares(ctx, s.DB, tx, chargeback.ID)
		return chargeback, parts, err
	}
	if dispute.Amount.Currency != payment.Currency || dispute.Amount.Minor <= 0 {
		return chargeback, nil, fmt.Errorf("dispute %s is over %s, and payment %s is in %s", dispute.Ref, dispute.Amount, payment.ID, payment.Currency)
	}
	shares, _, err := partsOf(ctx, tx, payment.ID)
	if err != nil {
		return chargeback, nil, err
	}
	now := s.Now().UTC()
	chargeback = Chargeback{ID: store.NewID(), CustomerID: payment.CustomerID, PaymentID: payment.ID, Gateway: s.Gateway.Name(), GatewayRef: dispute.Ref,
		Currency: payment.Currency, Amount: dispute.Amount.Minor, Reason: dispute.Reason, Phase: dispute.Phase, EvidenceDueAt: dispute.EvidenceDue,
		CreatedAt: now, UpdatedAt: now}
	amounts, err := splitReturned(dispute.Amount.Minor, shares)
	if err != nil {
		return chargeback, nil, err
	}
	var parts []ChargebackShare
	for i, share := range shares {
		if amounts[i] > 0 {
			parts = append(parts, ChargebackShare{ID: store.NewID(), CustomerID: payment.CustomerID, VendorID: share.VendorID, ChargebackID: chargeback.ID,
				PaymentID: payment.ID, ShareID: share.ID, Currency: payment.Currency, Amount: amounts[i], State: ChargebackInquiry, Reason: dispute.Reason,
				EvidenceDueAt: dispute.EvidenceDue, CreatedAt: now, UpdatedAt: now})
		}
	}
	return chargeback, parts, insertChargeback(ctx, tx, chargeback, parts)
}

// splitReturned gives each vendor its part of money that went back without being
// asked whose it is: in proportion to what is left of its share; of what is more
// than that, in proportion to the shares as they were (a bank can take back what
// was refunded before).
func splitReturned(amount int64, shares []Share) ([]int64, error) {
	left, whole := make([]int64, len(shares)), make([]int64, len(shares))
	var sum int64
	for i, share := range shares {
		left[i], whole[i] = max(0, share.Amount-share.Refunded-share.ChargedBack), share.Amount
		sum += left[i]
	}
	parts, err := money.Split(min(amount, sum), left)
	if err != nil {
		return nil, err
	}
	over, err := money.Split(amount-min(amount, sum), whole)
	if err != nil {
		return nil, err
	}
	for i := range parts {
		parts[i] += over[i]
	}
	return parts, nil
}

// bookDisputeFee books what the gateway takes for a chargeback, or gives back of
// it, whatever becomes of the money: some banks' chargebacks cost it although
// they were won. A fee in another currency than the payment's is not booked.
func (s *Service) bookDisputeFee(ctx context.Context, tx bun.IDB, payment Payment, chargeback *Chargeback, parts []ChargebackShare, dispute Dispute) error {
	fee := max(0, dispute.Fee.Minor)
	if dispute.Fee.Currency != payment.Currency {
		fee = 0
	}
	if fee == chargeback.Fee {
		return nil
	}
	before := make([]int64, len(parts))
	for i, part := range parts {
		before[i] = part.Fee
	}
	if err := s.splitDisputeFee(ctx, tx, chargeback.Fee == 0, fee, parts); err != nil {
		return err
	}
	more := fee - chargeback.Fee
	hub := more
	entries := []ledger.Entry{{Account: ledger.Gateway, Amount: -more}}
	for i, part := range parts {
		hub -= part.Fee - before[i]
		entries = append(entries, ledger.Entry{Account: ledger.VendorReceivable(part.VendorID), Amount: part.Fee - before[i]})
	}
	chargeback.Fee = fee
	return s.postChargeback(ctx, tx, payment, "chargeback_fee", append(entries, ledger.Entry{Account: ledger.HubFees, Amount: hub}))
}

// splitDisputeFee gives each vendor that bears the gateway's fees its part of
// this one too; who bears it is settled with the first of it.
func (s *Service) splitDisputeFee(ctx context.Context, tx bun.IDB, first bool, fee int64, parts []ChargebackShare) error {
	amounts, vendorIDs := make([]int64, len(parts)), make([]string, len(parts))
	for i, part := range parts {
		amounts[i], vendorIDs[i] = part.Amount, part.VendorID
	}
	policies, err := feePolicies(ctx, tx, vendorIDs)
	if err != nil {
		return err
	}
	split, err := money.Split(fee, amounts)
	if err != nil {
		return err
	}
	for i := range parts {
		bears := parts[i].Fee > 0
		if first {
			bears = policies[parts[i].VendorID].Processing == VendorBears
		}
		parts[i].Fee = 0
		if bears {
			parts[i].Fee = split[i]
		}
	}
	return nil
}

// withdraw books that a bank has taken money back: each vendor owes its part,
// the invoices are open again, and the vendors hear of it.
func (s *Service) withdraw(ctx context.Context, tx bun.IDB, payment Payment, chargeback *Chargeback, parts []ChargebackShare, dispute Dispute) error {
	chargeback.Withdrawn = true
	entries := []ledger.Entry{{Account: ledger.Gateway, Amount: -chargeback.Amount}}
	for _, part := range parts {
		entries = append(entries, ledger.Entry{Account: ledger.VendorReceivable(part.VendorID), Amount: part.Amount})
	}
	if err := s.postChargeback(ctx, tx, payment, "chargeback", entries); err != nil {
		return err
	}
	for i := range parts {
		parts[i].State = ChargebackOpen
		if err := s.withdrawPart(ctx, tx, &parts[i], dispute); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) postChargeback(ctx context.Context, tx bun.IDB, payment Payment, kind string, entries []ledger.Entry) error {
	return s.Ledger.PostTx(ctx, tx, ledger.Transaction{Kind: kind, PaymentID: payment.ID, Currency: payment.Currency, Memo: kind + " of payment " + payment.Number, Entries: entries})
}

func (s *Service) withdrawPart(ctx context.Context, tx bun.IDB, part *ChargebackShare, dispute Dispute) error {
	share, err := lockVendorShare(ctx, s.DB, tx, part.VendorID, part.ShareID)
	if err != nil {
		return err
	}
	share.ChargedBack += part.Amount
	share.Status, share.UpdatedAt = ChargedBack, s.Now().UTC()
	if err := s.saveShare(ctx, tx, share); err != nil {
		return err
	}
	if err := s.planReversal(ctx, tx, share, part.ID, part.Amount+part.Fee); err != nil {
		return err
	}
	reopened, err := s.Billing.ReopenTx(ctx, tx, part.VendorID, share.Reference, part.Amount)
	if err != nil {
		return err
	}
	if err := s.noteReopened(ctx, tx, share, reopened, "charged_back", "The payer's bank took a payment back: %s is open again (reference %s)."); err != nil {
		return err
	}
	err = s.task(ctx, tx, Task{VendorID: part.VendorID, CustomerID: part.CustomerID, Kind: "chargeback", SubjectID: part.ID,
		Title: "A payment of " + money.New(part.Amount, part.Currency).String() + " was charged back" + deadline(dispute.EvidenceDue),
		Text: "The payer's bank took the money of " + share.Reference + " back (" + orWords(dispute.Reason, "no reason given") + "). The invoices are open again here; book it in your books too. " +
			"Send what speaks for you on the payment's page" + deadline(dispute.EvidenceDue) + ", or accept it."})
	if err != nil {
		return err
	}
	return s.tellAbout(ctx, tx, outbox.PaymentChargedBack, part.ID, share, func(view *View) {
		view.ChargebackID, view.Reason, view.EvidenceDue = part.ID, dispute.Reason, timePointer(dispute.EvidenceDue)
		view.ChargebackFee = money.New(part.Fee, part.Currency).Decimal()
	})
}

func deadline(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return " by " + at.UTC().Format("2 Jan 2006 15:04 UTC")
}

func timePointer(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	at = at.UTC()
	return &at
}

func (s *Service) noteReopened(ctx context.Context, tx bun.IDB, share Share, list []billing.Reopening, kind, format string) error {
	notes := make([]billing.Note, len(list))
	for i, one := range list {
		notes[i] = billing.Note{Invoice: one.Invoice, Kind: kind, Text: fmt.Sprintf(format, money.New(one.Amount, share.Currency), share.Reference)}
	}
	return s.Billing.NoteTx(ctx, tx, notes...)
}

// reinstate undoes withdraw: the money came back to the hub.
func (s *Service) reinstate(ctx context.Context, tx bun.IDB, payment Payment, chargeback *Chargeback, parts []ChargebackShare) error {
	chargeback.Withdrawn = false
	entries := []ledger.Entry{{Account: ledger.Gateway, Amount: chargeback.Amount}}
	for _, part := range parts {
		entries = append(entries, ledger.Entry{Account: ledger.VendorReceivable(part.VendorID), Amount: -part.Amount})
	}
	if err := s.postChargeback(ctx, tx, payment, "chargeback_returned", entries); err != nil {
		return err
	}
	for _, part := range parts {
		if err := s.reinstatePart(ctx, tx, part); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) reinstatePart(ctx context.Context, tx bun.IDB, part ChargebackShare) error {
	share, err := lockVendorShare(ctx, s.DB, tx, part.VendorID, part.ShareID)
	if err != nil {
		return err
	}
	share.ChargedBack -= part.Amount
	share.UpdatedAt = s.Now().UTC()
	switch {
	case share.ChargedBack > 0:
	case share.Refunded >= share.Amount:
		share.Status = Refunded
	default:
		share.Status = Settled
	}
	if err := s.saveShare(ctx, tx, share); err != nil {
		return err
	}
	if err := s.settleReturn(ctx, tx, share, part.ID); err != nil {
		return err
	}
	closed, err := s.Billing.RestoreTx(ctx, tx, part.VendorID, share.Reference, part.Amount)
	if err != nil {
		return err
	}
	if err := s.noteReopened(ctx, tx, share, closed, "chargeback_returned", "The money that the payer's bank had taken back came again: %s is paid (reference %s)."); err != nil {
		return err
	}
	return s.task(ctx, tx, Task{VendorID: part.VendorID, CustomerID: part.CustomerID, Kind: "chargeback_won", SubjectID: part.ID,
		Title: "The chargeback of " + money.New(part.Amount, part.Currency).String() + " was decided for you",
		Text:  "The money of " + share.Reference + " is yours again. The invoices are paid here; book it in your books too."})
}

// followPhase keeps how far the dispute is, for the vendors to see.
func (s *Service) followPhase(ctx context.Context, tx bun.IDB, chargeback Chargeback, parts []ChargebackShare, dispute Dispute) error {
	now := s.Now().UTC()
	chargeback.Phase, chargeback.Reason, chargeback.UpdatedAt = dispute.Phase, dispute.Reason, now
	if !dispute.EvidenceDue.IsZero() {
		chargeback.EvidenceDueAt = dispute.EvidenceDue.UTC()
	}
	if dispute.Submitted && chargeback.SubmittedAt.IsZero() {
		chargeback.SubmittedAt = now
	}
	state := map[DisputePhase]string{DisputeWon: ChargebackWon, DisputeLost: ChargebackLost, DisputeClosed: ChargebackClosed}[dispute.Phase]
	if state != "" && chargeback.ClosedAt.IsZero() {
		chargeback.ClosedAt = now
	}
	if err := updateChargeback(ctx, tx, chargeback); err != nil {
		return err
	}
	for i := range parts {
		part := &parts[i]
		switch {
		case state != "":
			part.State = state
		case dispute.Phase == DisputeInquiry:
			part.State = ChargebackInquiry
		default:
			part.State = ChargebackOpen
		}
		part.Reason, part.EvidenceDueAt, part.UpdatedAt = dispute.Reason, chargeback.EvidenceDueAt, now
	}
	return updateChargebackShares(ctx, s.DB, tx, parts)
}
