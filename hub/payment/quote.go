package payment

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// QuoteLife is how long a quote may be paid.
const QuoteLife = 30 * time.Minute

// MostSelected bounds how many invoices and credits one quote holds.
const MostSelected = 1000

// Payer is who pays, and what it may see.
type Payer struct {
	Contact  party.Contact
	Viewer   billing.Viewer
	DigestID string // when it came by a digest's link
	Address  string // the network address it pays from; empty: not known
}

// Wish is one invoice that the payer ticked. Amount is decimal, as typed;
// empty: all that can be paid.
type Wish struct {
	InvoiceID string
	Amount    string
}

// Selection is what the payer ticked, and how it wants to pay each currency.
type Selection struct {
	Invoices []Wish
	Credits  []string
	Methods  map[money.Currency]MethodClass // MethodAny or MethodBankDebit
}

// Quote is what a selection comes to, frozen with a hash. It holds one part per
// currency; each is a checkout of its own.
type Quote struct {
	ID         string
	Hash       string
	Currencies []CurrencyQuote
	ExpiresAt  time.Time
}

// CurrencyQuote is one checkout to come.
type CurrencyQuote struct {
	Currency    money.Currency `json:"currency"`
	Method      MethodClass    `json:"method,omitempty"` // that it is to be paid by; MethodAny: the payer chooses on the gateway's page
	Vendors     []VendorQuote  `json:"vendors"`
	Charge      int64          `json:"charge"` // minor units
	Credit      int64          `json:"credit"`
	Discount    int64          `json:"discount,omitempty"`     // given, and so not charged
	LateFee     int64          `json:"late_fee,omitempty"`     // part of Charge
	DebitSaving int64          `json:"debit_saving,omitempty"` // how much less it would be by bank debit
	Refused     string         `json:"refused,omitempty"`      // why the gateway would not take it, and what to do; empty: it would
}

// VendorQuote is one vendor's part.
type VendorQuote struct {
	VendorID string      `json:"vendor_id"`
	Name     string      `json:"name"`
	Lines    []QuoteLine `json:"lines"`
	Charge   int64       `json:"charge"`
	Credit   int64       `json:"credit"`
	Discount int64       `json:"discount,omitempty"`
	LateFee  int64       `json:"late_fee,omitempty"`
}

// QuoteLine is one invoice with what pays it. Charge is Amount less credits and
// Discount, and LateFee on top.
type QuoteLine struct {
	InvoiceID string       `json:"invoice_id"`
	AccountID string       `json:"account_id"`
	Number    string       `json:"number"`
	DueOn     money.Date   `json:"due_on"`
	Open      int64        `json:"open"`    // as seen
	Payable   int64        `json:"payable"` // open less what is on its way, as seen
	Amount    int64        `json:"amount"`  // money and credits together
	Charge    int64        `json:"charge"`
	Credits   []CreditPart `json:"credits,omitempty"`

	Discount      int64       `json:"discount,omitempty"`
	LateFee       int64       `json:"late_fee,omitempty"`
	LateFeeWaived int64       `json:"late_fee_waived,omitempty"` // what LateFee would be
	Incentives    []Incentive `json:"incentives,omitempty"`      // what these are made of, with the reasons
}

// Credit is what credits pay of it.
func (l QuoteLine) Credit() int64 {
	var sum int64
	for _, part := range l.Credits {
		sum += part.Amount
	}
	return sum
}

// CreditPart is what one credit gives to one invoice.
type CreditPart struct {
	CreditID string `json:"credit_id"`
	Number   string `json:"number"`
	Amount   int64  `json:"amount"`
}

// row is a quote as it is stored.
type quoteRow struct {
	bun.BaseModel `bun:"table:quotes,alias:q"`
	ID            string    `bun:"id,pk"`
	CustomerID    string    `bun:"customer_id"`
	ContactID     string    `bun:"contact_id"`
	DigestID      string    `bun:"digest_id,nullzero"`
	Hash          string    `bun:"hash"`
	Content       string    `bun:"content"`
	CreatedAt     time.Time `bun:"created_at"`
	ExpiresAt     time.Time `bun:"expires_at"`
}

// Quote computes and freezes what a selection comes to. Faults name the field
// (invoice, amount-ID, credit) that is wrong.
func (s *Service) Quote(ctx context.Context, payer Payer, selection Selection) (Quote, error) {
	if len(selection.Invoices) == 0 {
		return Quote{}, fault.At("invoice", "Tick at least one invoice to pay.")
	}
	if len(selection.Invoices)+len(selection.Credits) > MostSelected {
		return Quote{}, fault.At("invoice", "Pay at most %d invoices and credits at once.", MostSelected)
	}
	var quote Quote
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var err error
		quote, err = s.quote(ctx, tx, payer, selection)
		return err
	})
	return quote, err
}

func (s *Service) quote(ctx context.Context, tx bun.IDB, payer Payer, selection Selection) (Quote, error) {
	lines, err := s.wishedLines(ctx, tx, payer, selection)
	if err != nil {
		return Quote{}, err
	}
	if err := s.setCredits(ctx, tx, payer, selection.Credits, lines); err != nil {
		return Quote{}, err
	}
	if err := s.setIncentives(ctx, tx, selection.Methods, lines); err != nil {
		return Quote{}, err
	}
	vendorIDs := make([]string, 0, len(lines))
	for _, line := range lines {
		vendorIDs = append(vendorIDs, line.item.VendorID)
	}
	vendors, err := s.Party.Vendors(ctx, tx, vendorIDs)
	if err != nil {
		return Quote{}, err
	}
	currencies := group(lines, vendors, selection.Methods)
	for i := range currencies {
		currencies[i].Refused = s.refused(currencies[i])
	}
	content, err := json.Marshal(currencies)
	if err != nil {
		return Quote{}, fmt.Errorf("encode quote: %w", err)
	}
	now := s.Now().UTC()
	row := quoteRow{ID: store.NewID(), CustomerID: payer.Contact.CustomerID, ContactID: payer.Contact.ID, DigestID: payer.DigestID,
		Content: string(content), CreatedAt: now, ExpiresAt: now.Add(QuoteLife)}
	row.Hash = hashQuote(row)
	if err := insertQuote(ctx, tx, row); err != nil {
		return Quote{}, err
	}
	return Quote{ID: row.ID, Hash: row.Hash, Currencies: currencies, ExpiresAt: row.ExpiresAt}, nil
}

func hashQuote(row quoteRow) string {
	sum := sha256.Sum256([]byte(row.ID + "|" + row.CustomerID + "|" + row.ContactID + "|" + row.Content))
	return hex.EncodeToString(sum[:])
}

// wished is one ticked invoice on its way into a quote.
type wished struct {
	item        billing.Item
	line        QuoteLine
	debitSaving int64
}

func (s *Service) wishedLines(ctx context.Context, tx bun.IDB, payer Payer, selection Selection) ([]*wished, error) {
	amounts := map[string]string{}
	var ids []string
	for _, wish := range selection.Invoices {
		if !store.ValidID(wish.InvoiceID) {
			return nil, fault.At("invoice", "One of the ticked invoices is not known. Reload the page and tick again.")
		}
		if _, twice := amounts[wish.InvoiceID]; !twice {
			ids = append(ids, wish.InvoiceID)
		}
		amounts[wish.InvoiceID] = wish.Amount
	}
	items, err := s.Billing.ItemsTx(ctx, tx, payer.Viewer, ids)
	if err != nil {
		return nil, err
	}
	if len(items) != len(ids) {
		return nil, fault.New(fault.NotFound, "One of the ticked invoices is not there any more, or not yours to see. Reload the page and tick again.")
	}
	slices.SortFunc(items, byDue)
	var lines []*wished
	problems := &fault.Error{Code: fault.Invalid, Message: "Some amounts cannot be paid as written."}
	for _, item := range items {
		amount, err := wishedAmount(item, amounts[item.ID])
		if err != nil {
			problems.Problems = append(problems.Problems, fault.Problem{Pointer: "amount-" + item.ID, Message: err.Error()})
			continue
		}
		lines = append(lines, &wished{item: item, line: QuoteLine{InvoiceID: item.ID, AccountID: item.AccountID, Number: item.Number,
			DueOn: item.DueOn, Open: item.Open, Payable: item.Payable(), Amount: amount, Charge: amount}})
	}
	if len(problems.Problems) > 0 {
		return nil, problems
	}
	return lines, nil
}

// byDue puts the earliest due first, those without a date last.
func byDue(a, b billing.Item) int {
	if (a.DueOn == "") != (b.DueOn == "") {
		if a.DueOn == "" {
			return 1
		}
		return -1
	}
	return cmp.Or(cmp.Compare(a.DueOn, b.DueOn), cmp.Compare(a.Number, b.Number), cmp.Compare(a.ID, b.ID))
}

// wishedAmount reads what the payer typed; its errors are for the payer.
func wishedAmount(item billing.Item, typed string) (int64, error) {
	payable := money.New(item.Payable(), item.Currency)
	if !payable.Positive() {
		if item.Held > 0 {
			return 0, fmt.Errorf("invoice %s is being paid already", item.Number)
		}
		return 0, fmt.Errorf("invoice %s has nothing left to pay", item.Number)
	}
	if typed == "" {
		return payable.Minor, nil
	}
	amount, err := money.Parse(cleanTyped(typed, item.Currency.Digits()), item.Currency)
	if err != nil {
		return 0, fmt.Errorf("%q is not an amount in %s; write it like %s", party.PlainText(typed, 30), item.Currency, payable.Decimal())
	}
	if !amount.Positive() {
		return 0, fmt.Errorf("the amount for invoice %s must be more than zero", item.Number)
	}
	if amount.Minor > payable.Minor {
		return 0, fmt.Errorf("%s is more than the %s that can be paid on invoice %s", amount, payable, item.Number)
	}
	return amount.Minor, nil
}

// setCredits gives each ticked credit to the ticked invoices of its account and
// currency, the earliest due first.
func (s *Service) setCredits(ctx context.Context, tx bun.IDB, payer Payer, ids []string, lines []*wished) error {
	if len(ids) == 0 {
		return nil
	}
	distinct := map[string]bool{}
	for _, id := range ids {
		if !store.ValidID(id) {
			return fault.At("credit", "One of the ticked credits is not known. Reload the page and tick again.")
		}
		distinct[id] = true
	}
	if payer.Viewer.Only != nil {
		return fault.At("credit", "Credits can be applied after signing in.")
	}
	credits, err := s.Billing.CreditsTx(ctx, tx, payer.Viewer, ids)
	if err != nil {
		return err
	}
	if len(credits) != len(distinct) { // left out silently, the payer would be charged more than it saw
		return fault.New(fault.NotFound, "One of the ticked credits is not there any more, or not yours to use. Reload the page and tick again.")
	}
	for _, credit := range credits {
		left := credit.Usable()
		if left == 0 {
			return fault.At("credit", "Credit %s has nothing left to apply.", credit.Number)
		}
		used := false
		for _, line := range lines {
			if line.item.AccountID != credit.AccountID || line.item.Currency != credit.Currency || line.line.Charge == 0 {
				continue
			}
			part := min(left, line.line.Charge)
			line.line.Credits = append(line.line.Credits, CreditPart{CreditID: credit.ID, Number: credit.Number, Amount: part})
			line.line.Charge -= part
			left -= part
			used = true
			if left == 0 {
				break
			}
		}
		if !used {
			return fault.At("credit", "Credit %s can be set only against invoices in %s of the same account. Tick one, or untick the credit.", credit.Number, credit.Currency)
		}
	}
	return nil
}

// group arranges lines by currency and vendor, in a fixed order.
func group(lines []*wished, vendors map[string]party.Vendor, methods map[money.Currency]MethodClass) []CurrencyQuote {
	slices.SortStableFunc(lines, func(a, b *wished) int {
		return cmp.Or(cmp.Compare(a.item.Currency, b.item.Currency),
			cmp.Compare(vendors[a.item.VendorID].Name, vendors[b.item.VendorID].Name), cmp.Compare(a.item.VendorID, b.item.VendorID))
	})
	var out []CurrencyQuote
	for _, line := range lines {
		if len(out) == 0 || out[len(out)-1].Currency != line.item.Currency {
			out = append(out, CurrencyQuote{Currency: line.item.Currency, Method: methods[line.item.Currency]})
		}
		currency := &out[len(out)-1]
		if len(currency.Vendors) == 0 || currency.Vendors[len(currency.Vendors)-1].VendorID != line.item.VendorID {
			currency.Vendors = append(currency.Vendors, VendorQuote{VendorID: line.item.VendorID, Name: vendors[line.item.VendorID].Name})
		}
		vendor := &currency.Vendors[len(currency.Vendors)-1]
		vendor.Lines = append(vendor.Lines, line.line)
		vendor.Charge, vendor.Credit = vendor.Charge+line.line.Charge, vendor.Credit+line.line.Credit()
		vendor.Discount, vendor.LateFee = vendor.Discount+line.line.Discount, vendor.LateFee+line.line.LateFee
		currency.Charge, currency.Credit = currency.Charge+line.line.Charge, currency.Credit+line.line.Credit()
		currency.Discount, currency.LateFee = currency.Discount+line.line.Discount, currency.LateFee+line.line.LateFee
		currency.DebitSaving += line.debitSaving
	}
	return out
}

// ReadQuote reads a payer's quote back; fault.NotFound for another's.
func (s *Service) ReadQuote(ctx context.Context, payer Payer, quoteID string) (Quote, error) {
	row, err := s.ownQuote(ctx, s.DB, payer, quoteID)
	if err != nil {
		return Quote{}, err
	}
	return row.decode()
}

func (s *Service) ownQuote(ctx context.Context, db bun.IDB, payer Payer, quoteID string) (quoteRow, error) {
	if !store.ValidID(quoteID) {
		return quoteRow{}, fault.New(fault.NotFound, "There is no such selection. Go back and choose again.")
	}
	row, err := readQuote(ctx, db, payer.Contact.CustomerID, quoteID)
	if err != nil {
		return row, err
	}
	if row.ContactID != payer.Contact.ID || row.DigestID != payer.DigestID {
		return row, fault.New(fault.NotFound, "There is no such selection. Go back and choose again.")
	}
	return row, nil
}

func (r quoteRow) decode() (Quote, error) {
	quote := Quote{ID: r.ID, Hash: r.Hash, ExpiresAt: r.ExpiresAt}
	if err := json.Unmarshal([]byte(r.Content), &quote.Currencies); err != nil {
		return quote, fmt.Errorf("decode quote %s: %w", r.ID, err)
	}
	return quote, nil
}
