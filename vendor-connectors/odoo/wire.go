package odoo

import (
	"encoding/json"
	"strconv"
	"time"
)

// Odoo writes false for a text, a date or a link that is empty.
type text string

func (v *text) UnmarshalJSON(data []byte) error {
	if string(data) == "false" || string(data) == "null" {
		*v = ""
		return nil
	}
	return json.Unmarshal(data, (*string)(v))
}

// link is a many2one: [id, name], or false.
type link struct {
	ID   int64
	Name string
}

func (v *link) UnmarshalJSON(data []byte) error {
	if string(data) == "false" || string(data) == "null" {
		*v = link{}
		return nil
	}
	pair := []any{&v.ID, (*text)(&v.Name)}
	return json.Unmarshal(data, &pair)
}

func (v link) id() string { return strconv.FormatInt(v.ID, 10) }

// stampLayout is how times are written, in UTC and without their microseconds.
const stampLayout = "2006-01-02 15:04:05"

type stamp text

func (v *stamp) UnmarshalJSON(data []byte) error { return (*text)(v).UnmarshalJSON(data) }

func (v stamp) time() time.Time {
	at, err := time.Parse(stampLayout, string(v))
	if err != nil {
		return time.Time{}
	}
	return at
}

type wireMove struct {
	ID           int64       `json:"id"`
	Name         text        `json:"name"`
	Type         string      `json:"move_type"`
	State        string      `json:"state"`
	PaymentState text        `json:"payment_state"`
	PostedBefore bool        `json:"posted_before"`
	Customer     link        `json:"commercial_partner_id"`
	Currency     link        `json:"currency_id"`
	Company      link        `json:"company_id"`
	Total        json.Number `json:"amount_total"`
	Residual     json.Number `json:"amount_residual"`
	Date         text        `json:"invoice_date"`
	Due          text        `json:"invoice_date_due"`
	Terms        link        `json:"invoice_payment_term_id"`
	Reference    text        `json:"ref"`
	Payments     []int64     `json:"matched_payment_ids"`
	Changed      stamp       `json:"write_date"`
}

func moveFields() []string {
	return []string{"id", "name", "move_type", "state", "payment_state", "posted_before", "commercial_partner_id", "currency_id", "company_id", "amount_total",
		"amount_residual", "invoice_date", "invoice_date_due", "invoice_payment_term_id", "ref", "matched_payment_ids", "write_date"}
}

// The states of account.move and its payment_state, and of account.payment.
const (
	moveDraft, movePosted, moveCancelled = "draft", "posted", "cancel"

	statePaid, stateInPayment, stateReversed, stateLegacy = "paid", "in_payment", "reversed", "invoicing_legacy"

	paymentDraft, paymentCancelled, paymentRejected = "draft", "canceled", "rejected"

	typeInvoice, typeCredit = "out_invoice", "out_refund"
)

type wireLine struct {
	Move     link        `json:"move_id"`
	Name     text        `json:"name"`
	Quantity json.Number `json:"quantity"`
	Price    json.Number `json:"price_unit"`
	Amount   json.Number `json:"price_subtotal"`
}

type wirePayment struct {
	ID         int64       `json:"id"`
	Memo       text        `json:"memo"`
	State      string      `json:"state"`
	Amount     json.Number `json:"amount"`
	Invoices   []int64     `json:"invoice_ids"`
	Reconciled []int64     `json:"reconciled_invoice_ids"`
	Created    stamp       `json:"create_date"`
}

type wireAttachment struct {
	ID     int64  `json:"id"`
	Name   text   `json:"name"`
	Record int64  `json:"res_id"`
	Type   text   `json:"mimetype"`
	Model  string `json:"res_model"`
	Field  text   `json:"res_field"`
}

type wirePartner struct {
	ID       int64 `json:"id"`
	Name     text  `json:"name"`
	Email    text  `json:"email"`
	Phone    text  `json:"phone"`
	Type     text  `json:"type"`
	Active   bool  `json:"active"`
	Customer link  `json:"commercial_partner_id"`
	Terms    link  `json:"property_payment_term_id"`
	Changed  stamp `json:"write_date"`
}

func partnerFields() []string {
	return []string{"id", "name", "email", "phone", "type", "active", "commercial_partner_id", "property_payment_term_id", "write_date"}
}
