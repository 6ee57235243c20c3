package invoiceninja

import (
	"encoding/json"
	"strconv"
	"time"
)

// What Invoice Ninja's transformers give (app/Transformers).
type envelope[T any] struct {
	Data []T `json:"data"`
	Meta struct {
		Pagination struct {
			Total int64 `json:"total"`
			Pages int   `json:"total_pages"`
		} `json:"pagination"`
	} `json:"meta"`
}

type single[T any] struct {
	Data T `json:"data"`
}

// stamp is a Unix time; lists have it as a number, some versions as text.
type stamp json.Number

func (s *stamp) UnmarshalJSON(data []byte) error {
	var number json.Number
	if err := json.Unmarshal(data, &number); err != nil {
		return nil // a date in another form is no reason to refuse the record
	}
	*s = stamp(number)
	return nil
}

func (s stamp) time() time.Time {
	seconds, err := strconv.ParseInt(string(s), 10, 64)
	if err != nil || seconds <= 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

type wireClient struct {
	ID          string          `json:"id"`
	Name        string          `json:"name"`
	DisplayName string          `json:"display_name"`
	Settings    json.RawMessage `json:"settings"` // an object, or an empty list when nothing is set
	Group       string          `json:"group_settings_id"`
	IsDeleted   bool            `json:"is_deleted"`
	Contacts    []wireContact   `json:"contacts"`
}

type wireContact struct {
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	Email     string `json:"email"`
	Phone     string `json:"phone"`
	SendEmail bool   `json:"send_email"`
	IsPrimary bool   `json:"is_primary"`
	Archived  stamp  `json:"archived_at"`
	Deleted   stamp  `json:"deleted_at"`
}

// wireDue is an invoice or a credit: both are written alike.
type wireDue struct {
	ID          string           `json:"id"`
	Number      string           `json:"number"`
	ClientID    string           `json:"client_id"`
	Client      *wireClient      `json:"client"`
	StatusID    string           `json:"status_id"`
	IsDeleted   bool             `json:"is_deleted"`
	Date        string           `json:"date"`
	DueDate     string           `json:"due_date"`
	Amount      json.Number      `json:"amount"`
	Balance     json.Number      `json:"balance"`
	Order       string           `json:"po_number"`
	Notes       string           `json:"public_notes"`
	Items       json.RawMessage  `json:"line_items"`
	Invitations []wireInvitation `json:"invitations"`
	Documents   []wireDocument   `json:"documents"`
	Payments    []wirePayment    `json:"payments"`
}

type wireItem struct {
	Product  string      `json:"product_key"`
	Notes    string      `json:"notes"`
	Quantity json.Number `json:"quantity"`
	Cost     json.Number `json:"cost"`
	Total    json.Number `json:"line_total"`
}

type wireInvitation struct {
	Key string `json:"key"`
}

type wireDocument struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	IsPublic bool   `json:"is_public"`
}

type wirePayment struct {
	ID        string `json:"id"`
	Reference string `json:"transaction_reference"`
	StatusID  string `json:"status_id"`
	IsDeleted bool   `json:"is_deleted"`
	Created   stamp  `json:"created_at"`
}

// The states of an invoice (app/Models/Invoice.php), a credit (Credit.php) and a
// payment (Payment.php).
const (
	invoiceDraft, invoiceSent, invoicePartial, invoicePaid, invoiceCancelled, invoiceReversed = "1", "2", "3", "4", "5", "6"

	creditDraft, creditApplied = "1", "4"

	paymentCancelled, paymentFailed, paymentRefunded = "2", "3", "6"
)

// stands says that a payment counts in the books.
func (p wirePayment) stands() bool {
	return !p.IsDeleted && p.StatusID != paymentCancelled && p.StatusID != paymentFailed && p.StatusID != paymentRefunded
}

// currencySetting is the currency in some settings, "" when they name none.
func currencySetting(settings json.RawMessage) string {
	var named struct {
		Currency json.Number `json:"currency_id"`
	}
	if json.Unmarshal(settings, &named) != nil {
		return ""
	}
	return named.Currency.String()
}
