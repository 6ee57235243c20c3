package ledger

import (
	"strings"

	"github.com/sheaf-hub/sheaf/hub/store"
)

// Accounts of the hub itself, one of each per currency.
const (
	Gateway = "gateway"  // what the payment gateway holds for us
	HubFees = "hub:fees" // what the hub earned
)

// Kinds of the accounts that a vendor or a customer has.
const (
	Payable    = "payable"    // of a vendor: what the hub owes it
	Receivable = "receivable" // of a vendor: what it owes back
	Discounts  = "discounts"  // of either: what was given away and taken
	Unapplied  = "unapplied"  // of a customer: money that no invoice took
	Refunds    = "refunds"    // of a customer: what is on its way back
)

const (
	vendorOwner   = "vendor"
	customerOwner = "customer"
)

// VendorPayable is what the hub owes a vendor.
func VendorPayable(vendorID string) string { return ownAccount(vendorOwner, vendorID, Payable) }

// VendorReceivable is what a vendor owes back: after a refund or a chargeback
// that its balance could not cover.
func VendorReceivable(vendorID string) string { return ownAccount(vendorOwner, vendorID, Receivable) }

// VendorDiscounts is what a vendor gave away: discounts for paying early or by
// bank debit. The other side of each is the customer's CustomerDiscounts.
func VendorDiscounts(vendorID string) string { return ownAccount(vendorOwner, vendorID, Discounts) }

// CustomerUnapplied is money of a customer that no invoice took.
func CustomerUnapplied(customerID string) string {
	return ownAccount(customerOwner, customerID, Unapplied)
}

// CustomerRefunds is money on its way back to a customer: promised by a refund,
// not yet sent by the gateway.
func CustomerRefunds(customerID string) string {
	return ownAccount(customerOwner, customerID, Refunds)
}

// CustomerDiscounts is what a customer was let off by discounts it took. The
// other side of each is the vendor's VendorDiscounts.
func CustomerDiscounts(customerID string) string {
	return ownAccount(customerOwner, customerID, Discounts)
}

func ownAccount(owner, id, kind string) string { return owner + ":" + id + ":" + kind }

// Account is an account's name taken apart. At most one of VendorID and
// CustomerID is set; Kind is empty for the hub's own accounts.
type Account struct {
	VendorID   string
	CustomerID string
	Kind       string
}

// ParseAccount takes a name apart; false when the ledger has no account of such a name.
func ParseAccount(name string) (Account, bool) {
	if name == Gateway || name == HubFees {
		return Account{}, true
	}
	parts := strings.Split(name, ":")
	if len(parts) != 3 || !store.ValidID(parts[1]) {
		return Account{}, false
	}
	switch parts[0] + ":" + parts[2] {
	case vendorOwner + ":" + Payable, vendorOwner + ":" + Receivable, vendorOwner + ":" + Discounts:
		return Account{VendorID: parts[1], Kind: parts[2]}, true
	case customerOwner + ":" + Unapplied, customerOwner + ":" + Refunds, customerOwner + ":" + Discounts:
		return Account{CustomerID: parts[1], Kind: parts[2]}, true
	}
	return Account{}, false
}

// Filter chooses accounts; what is empty chooses all.
type Filter struct {
	Account    string // the whole name
	VendorID   string
	CustomerID string
	Kind       string // Payable, Receivable, …
	Currency   string
}

// names are the accounts of the vendor or customer that the filter names; nil
// when it names neither.
func (f Filter) names() []string {
	owner, id, kinds := vendorOwner, f.VendorID, []string{Payable, Receivable, Discounts}
	if f.VendorID == "" {
		owner, id, kinds = customerOwner, f.CustomerID, []string{Unapplied, Refunds, Discounts}
	}
	if id == "" {
		return nil
	}
	names := make([]string, len(kinds))
	for i, kind := range kinds {
		names[i] = ownAccount(owner, id, kind)
	}
	return names
}
