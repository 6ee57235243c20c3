package xero

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
)

// pagination is what Xero says of a list that was asked for by page.
type pagination struct {
	Page      int `json:"page"`
	PageSize  int `json:"pageSize"`
	PageCount int `json:"pageCount"`
	ItemCount int `json:"itemCount"`
}

// head is what every record of a list has.
type head struct {
	InvoiceID, CreditNoteID, OverpaymentID, PrepaymentID, ContactID string

	UpdatedDateUTC string
}

type wireContact struct {
	ContactID, Name, FirstName, LastName, EmailAddress, ContactStatus, DefaultCurrency string

	ContactPersons []struct {
		FirstName, LastName, EmailAddress string
		IncludeInEmails                   bool
	}
	Phones []struct {
		PhoneType, PhoneNumber, PhoneAreaCode, PhoneCountryCode string
	}
	PaymentTerms *struct {
		Sales *struct {
			Day  int
			Type string
		}
	}
}

type wireParty struct{ ContactID, Name string }

type wireInvoice struct {
	Type, InvoiceID, InvoiceNumber, Reference, Status, CurrencyCode string

	Date, DateString, DueDate, DueDateString string
	Total, AmountDue                         json.Number
	HasAttachments                           bool
	Contact                                  wireParty
	Payments                                 []wirePayment
	LineItems                                []struct {
		Description                      string
		Quantity, UnitAmount, LineAmount json.Number
	}
}

// wireCredit is a credit note, an overpayment or a prepayment.
type wireCredit struct {
	CreditNoteID, OverpaymentID, PrepaymentID string
	CreditNoteNumber, InvoiceNumber           string

	Type, Reference, Status, CurrencyCode string
	Date, DateString                      string
	Total, RemainingCredit                json.Number
	HasAttachments                        bool
	Contact                               wireParty
	Allocations                           []wireAllocation
}

type wireAllocation struct {
	AllocationID string
	Amount       json.Number
	Date         string
	IsDeleted    bool
	Invoice      struct{ InvoiceID string }

	StatusAttributeString string
	ValidationErrors      []validationError
}

type wirePayment struct {
	PaymentID, Reference, Status, UpdatedDateUTC string

	Amount  json.Number
	Invoice struct{ InvoiceID string }

	StatusAttributeString string
	ValidationErrors      []validationError
}

// parseInstant reads "/Date(1518685950940+0000)/", milliseconds since 1970 in UTC
// whatever the offset says, and false for anything else.
func parseInstant(text string) (time.Time, bool) {
	body, ok := strings.CutPrefix(text, "/Date(")
	if !ok {
		return time.Time{}, false
	}
	body, ok = strings.CutSuffix(body, ")/")
	if !ok {
		return time.Time{}, false
	}
	if at := strings.LastIndexAny(body, "+-"); at > 0 {
		if len(body)-at != 5 || strings.Trim(body[at+1:], "0123456789") != "" {
			return time.Time{}, false
		}
		body = body[:at]
	}
	milliseconds, err := strconv.ParseInt(body, 10, 64)
	if err != nil || milliseconds < -1<<43 || milliseconds > 1<<43 {
		return time.Time{}, false
	}
	return time.UnixMilli(milliseconds).UTC(), true
}

// parseDate reads a plain date from the two fields in which Xero gives it: as
// "2018-10-20T00:00:00", and as an instant that is midnight UTC of the date. Both
// empty is no date; false is something else.
func parseDate(text, instant string) (money.Date, bool) {
	if len(text) > 10 && (text[10] == 'T' || text[10] == ' ') {
		text = text[:10]
	}
	if text != "" {
		date, err := money.ParseDate(text)
		return date, err == nil
	}
	if instant == "" {
		return "", true
	}
	if at, ok := parseInstant(instant); ok {
		date := money.DateOf(at, time.UTC)
		_, err := money.ParseDate(string(date))
		return date, err == nil
	}
	return parseDate(instant, "")
}
