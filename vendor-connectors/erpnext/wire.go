package erpnext

import (
	"encoding/json"
	"strings"
	"time"
)

// The doctypes that are read and written.
const (
	customerType, contactType, invoiceType = "Customer", "Contact", "Sales Invoice"
	paymentType, journalType, companyType  = "Payment Entry", "Journal Entry", "Company"
	deletedType                            = "Deleted Document"
	draft, submitted, cancelled            = 0, 1, 2 // docstatus
	stampLayout                            = "2006-01-02 15:04:05.000000"
	perPage                                = 100  // records of one call
	mostAside                              = 5000 // records of one call beside them: lines, contacts, payments
)

// stamp is a time of the site's own zone, which it does not name. Such times are kept
// here as if they were UTC, and only compared with each other.
type stamp string

func (s stamp) time() time.Time {
	at, err := time.Parse("2006-01-02 15:04:05", strings.TrimSpace(string(s))) // a fraction may follow
	if err != nil {
		return time.Time{}
	}
	return at
}

// in is the instant that a stamp means.
func (s stamp) in(zone *time.Location) time.Time {
	at := s.time()
	if at.IsZero() || zone == nil {
		return at
	}
	return time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), zone).UTC()
}

type wireInvoice struct {
	Name            string      `json:"name"`
	Customer        string      `json:"customer"`
	Title           string      `json:"customer_name"`
	Company         string      `json:"company"`
	Posted          string      `json:"posting_date"`
	Due             string      `json:"due_date"`
	Currency        string      `json:"currency"`
	AccountCurrency string      `json:"party_account_currency"`
	Receivable      string      `json:"debit_to"`
	Total           json.Number `json:"grand_total"`
	Rounded         json.Number `json:"rounded_total"`
	Outstanding     json.Number `json:"outstanding_amount"`
	IsReturn        int         `json:"is_return"`
	Status          int         `json:"docstatus"`
	Order           string      `json:"po_no"`
	Terms           string      `json:"payment_terms_template"`
	Modified        stamp       `json:"modified"`
}

func invoiceFields() []string {
	return []string{"name", "customer", "customer_name", "company", "posting_date", "due_date", "currency", "party_account_currency", "debit_to", "grand_total", "rounded_total",
		"outstanding_amount", "is_return", "docstatus", "po_no", "payment_terms_template", "modified"}
}

type wireItem struct {
	Invoice  string      `json:"name"`
	Index    int         `json:"idx"`
	Item     string      `json:"item_name"`
	Quantity json.Number `json:"qty"`
	Rate     json.Number `json:"rate"`
	Amount   json.Number `json:"amount"`
}

// wireApplied is an entry with our reference on one invoice.
type wireApplied struct {
	Invoice string `json:"invoice"`
	Payment string `json:"reference_no"` // of a payment entry
	Journal string `json:"cheque_no"`    // of a journal entry
}

type wireCustomer struct {
	Name     string `json:"name"`
	Title    string `json:"customer_name"`
	Currency string `json:"default_currency"`
	Terms    string `json:"payment_terms"`
	Email    string `json:"email_id"` // of its primary contact
	Modified stamp  `json:"modified"`
}

func customerFields() []string {
	return []string{"name", "customer_name", "default_currency", "payment_terms", "email_id", "modified"}
}

type wireContact struct {
	Name      string `json:"name"`
	Customer  string `json:"customer"`
	First     string `json:"first_name"`
	Last      string `json:"last_name"`
	Email     string `json:"email_id"`
	Phone     string `json:"phone"`
	IsPrimary int    `json:"is_primary_contact"`
	IsBilling int    `json:"is_billing_contact"`
}

type wireDeleted struct {
	Name     string `json:"name"`
	Deleted  string `json:"deleted_name"`
	Restored int    `json:"restored"`
	Created  stamp  `json:"creation"`
}

type wireEntry struct {
	Name    string `json:"name"`
	Status  int    `json:"docstatus"`
	Created stamp  `json:"creation"`
}
