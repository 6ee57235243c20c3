package operator

import (
	"strings"
	"time"

	"github.com/sheaf-hub/sheaf/hub/ledger"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// LedgerView is /operator/ledger. Field IDs for Page.Errors: vendor, kind, currency.
type LedgerView struct {
	Page     ui.Page
	Vendor   string // as it was entered: a name or an id
	Kind     string
	Currency string
	All      bool // all that is held, page by page, without the balances
	AllURL   string
	BackURL  string
	Sums     []ui.Tile // all that is held, per kind and currency
	Held     []HeldRow
	More     bool // more is held than this page lists
	Balances []BalanceRow
	Pages    ui.CursorPager
	From, To string // of the export
}

// HeldRow is money that is held for somebody.
type HeldRow struct {
	Owner  Owner
	Words  string // why it is held
	URL    string // its statement
	Amount money.Amount
	Since  time.Time
	Days   string // "for 12 days"
}

// Owner is a vendor or a customer. URL is empty where it has no page.
type Owner struct {
	Name string
	URL  string
}

// BalanceRow is one account of the ledger in one currency.
type BalanceRow struct {
	Account string // as the ledger names it
	Words   string // for people
	URL     string // its statement
	Amount  money.Amount
}

// StatementView is /operator/ledger/accounts/:account. Field IDs for Page.Errors: from, to.
type StatementView struct {
	Page       ui.Page
	Account    string
	Words      string
	Owner      Owner
	URL        string // without a query
	Currency   string
	Currencies []ui.NavItem
	From, To   string
	Clear      string
	Opening    money.Amount
	Closing    money.Amount
	Before     money.Amount // before the first line of this page
	First      bool         // this is the first page
	Rows       []LineRow
	Pages      ui.CursorPager
}

// LineRow is one entry of a statement.
type LineRow struct {
	At      time.Time
	Kind    string
	Memo    string
	URL     string // its transaction
	Vendor  Owner
	Amount  money.Amount
	Balance money.Amount
}

// TransactionView is /operator/ledger/transactions/:id.
type TransactionView struct {
	Page    ui.Page
	Kind    string
	Facts   []ui.Fact
	Seal    Status
	Altered []string
	Entries []BalanceRow
	Others  []OtherRow
	Payment string // the payment's id; may be empty
}

// OtherRow is a transaction of the same payment.
type OtherRow struct {
	At     time.Time
	Kind   string
	Memo   string
	URL    string
	Vendor Owner
	Amount money.Amount // all that its entries received
}

func (v LedgerView) clear() string {
	if v.Vendor+v.Kind+v.Currency == "" {
		return ""
	}
	if v.All {
		return "/operator/ledger?show=held"
	}
	return "/operator/ledger"
}

func accountKinds() []ui.Option {
	return []ui.Option{{Value: "", Label: "Any account"}, {Value: ledger.Payable, Label: "Owed to vendors"}, {Value: ledger.Receivable, Label: "Owed by vendors"},
		{Value: ledger.Unapplied, Label: "Unapplied, of customers"}, {Value: ledger.Refunds, Label: "Refunds to customers"}, {Value: ledger.Discounts, Label: "Discounts"}}
}

func heldWords(kind string) string {
	switch kind {
	case ledger.Payable:
		return "Owed to vendors"
	case ledger.Refunds:
		return "On its way back to customers"
	}
	return "Taken by no invoice"
}

// accountWords is an account in the words of people; names are of vendors and customers, by id.
func accountWords(name string, names map[string]string) string {
	account, ok := ledger.ParseAccount(name)
	owner := names[account.VendorID+account.CustomerID]
	switch {
	case !ok:
		return ""
	case name == ledger.Gateway:
		return "What the payment gateway holds"
	case name == ledger.HubFees:
		return "Fees that the hub paid, less what it earned"
	case account.Kind == ledger.Payable:
		return "What is owed to " + owner
	case account.Kind == ledger.Receivable:
		return "What " + owner + " owes back"
	case account.Kind == ledger.Discounts && account.VendorID != "":
		return "Discounts that " + owner + " gave"
	case account.Kind == ledger.Discounts:
		return "Discounts that " + owner + " took"
	case account.Kind == ledger.Refunds:
		return "Money on its way back to " + owner
	}
	return "Money of " + owner + " that no invoice took"
}

func ownerOf(name string, names map[string]string) Owner {
	account, _ := ledger.ParseAccount(name)
	if account.VendorID != "" {
		return vendorOwner(account.VendorID, names)
	}
	return Owner{Name: names[account.CustomerID]}
}

func vendorOwner(vendorID string, names map[string]string) Owner {
	if vendorID == "" {
		return Owner{}
	}
	return Owner{Name: names[vendorID], URL: "/operator/vendors/" + vendorID}
}

func transactionURL(id string) string { return "/operator/ledger/transactions/" + id }

func lowerFirst(text string) string {
	if text == "" {
		return text
	}
	return strings.ToLower(text[:1]) + text[1:]
}

func upperFirst(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
