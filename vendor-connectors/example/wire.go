package example

import (
	"encoding/json"
	"time"
)

// What goes over the wire. These structs are private: nobody but this package may
// come to depend on how the ledger writes things. Amounts are json.Number, so that
// money.Parse sees every digit; a float64 would have rounded them already.

type wireToken struct {
	AccessToken string `json:"access_token"`
	ExpiresIn   int64  `json:"expires_in"` // seconds
}

// wireList is a page of any list. Records stay as they came: one that cannot be read
// must not take the others with it.
type wireList struct {
	Now     time.Time         `json:"now"`    // the ledger's clock
	Newest  time.Time         `json:"newest"` // the last change in the whole list
	Count   int64             `json:"count"`  // records in the whole list
	Records []json.RawMessage `json:"records"`
	More    bool              `json:"more"`
}

// wireHead is what every record has.
type wireHead struct {
	ID        string    `json:"id"`
	ChangedAt time.Time `json:"changed_at"`
	Deleted   bool      `json:"deleted"`
}

type wireAccount struct {
	Name     string `json:"name"`
	Terms    string `json:"terms"`
	Currency string `json:"currency"`
	Contacts []struct {
		Email string `json:"email"`
		Name  string `json:"name"`
	} `json:"contacts"`
}

// wireDue is an invoice or a credit.
type wireDue struct {
	Number  string `json:"number"`
	Account struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"account"`
	IssuedOn string      `json:"issued_on"`
	DueOn    string      `json:"due_on"`
	Currency string      `json:"currency"`
	Total    json.Number `json:"total"`
	Open     json.Number `json:"open"`
	State    string      `json:"state"` // open, paid or cancelled
	Papers   []struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"papers"`
	Payments []struct {
		Reference string `json:"reference"`
	} `json:"payments"`
}

type wirePaper struct {
	Name        string `json:"name"`
	ContentType string `json:"content_type"`
	Content     []byte `json:"content"` // base64
}

// wirePayment is one line of a payment, as it is sent and as it comes back.
type wirePayment struct {
	ID        string      `json:"id,omitempty"`
	BookedAt  time.Time   `json:"booked_at,omitzero"`
	Reference string      `json:"reference"`
	Account   string      `json:"account,omitempty"` // where the money goes; empty when it comes from a credit
	Date      string      `json:"date"`
	Currency  string      `json:"currency"`
	Invoice   string      `json:"invoice"`
	Credit    string      `json:"credit,omitempty"`
	Amount    json.Number `json:"amount"`
	Discount  json.Number `json:"discount,omitempty"` // settles more of the invoice without money
	Fee       json.Number `json:"fee,omitempty"`      // part of the amount that does not pay the invoice
}

type wirePayments struct {
	Records []wirePayment `json:"records"`
}
