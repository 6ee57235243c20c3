package quickbooksfake

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
)

// ErrRefused is what the hands below answer to what QuickBooks would not let a person do.
var ErrRefused = errors.New("quickbooksfake: QuickBooks does not let you")

// PutCustomer makes a customer, or changes the one of this name, and gives its id.
func (f *Fake) PutCustomer(c Customer) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c.Currency == "" {
		c.Currency = f.cfg.Home
	}
	for _, one := range f.customers {
		if one.Name == c.Name {
			c.Currency = one.Currency // it never changes
			one.Customer = c
			f.touch(&one.record)
			return one.key()
		}
	}
	return f.addCustomer(c).key()
}

func (f *Fake) addCustomer(c Customer) *customer {
	made := &customer{Customer: c, record: f.record()}
	f.customers = append(f.customers, made)
	f.receivables(c.Currency)
	return made
}

// named is the customer of a name, made when it is new.
func (f *Fake) named(name string, currency money.Currency) (*customer, error) {
	for _, one := range f.customers {
		if one.Name == name {
			if one.Currency != currency {
				return nil, fmt.Errorf("%w: %s is a customer in %s", ErrRefused, name, one.Currency)
			}
			return one, nil
		}
	}
	return f.addCustomer(Customer{Name: name, Email: "ap@" + strings.ToLower(strings.ReplaceAll(name, " ", "-")) + ".example", Currency: currency, Terms: "Net 30"}), nil
}

// AddInvoice saves an invoice of a customer, due in thirty days, and gives its id.
func (f *Fake) AddInvoice(customer string, total money.Amount) (string, error) {
	return f.add(invoiceEntity, customer, total)
}

// AddCredit saves a credit memo.
func (f *Fake) AddCredit(customer string, total money.Amount) (string, error) {
	return f.add(creditEntity, customer, total)
}

func (f *Fake) add(kind, name string, total money.Amount) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	owner, err := f.named(name, total.Currency)
	if err != nil {
		return "", err
	}
	made := &document{kind: kind, customer: owner, total: total, open: total, record: f.record()}
	made.issued = money.DateOf(made.made, time.UTC)
	made.due = made.issued.AddDays(30)
	made.number = fmt.Sprint(1000 + len(f.documents) + 1)
	f.documents = append(f.documents, made)
	return made.key(), nil
}

// change runs a change of a document and gives it a new time.
func (f *Fake) change(id string, do func(*document) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	found := f.document("", id)
	if found == nil {
		return fmt.Errorf("%w: there is no document %s", ErrRefused, id)
	}
	if err := do(found); err != nil {
		return err
	}
	f.touch(&found.record)
	return nil
}

// Redate gives an invoice another due date.
func (f *Fake) Redate(id string, due money.Date) error {
	return f.change(id, func(d *document) error { d.due = due; return nil })
}

// Address says where an invoice is sent, and its purchase order.
func (f *Fake) Address(id, to, copies, purchaseOrder string) error {
	return f.change(id, func(d *document) error {
		d.billEmail, d.billEmailCc, d.purchaseOrder = to, copies, purchaseOrder
		return nil
	})
}

// Void makes the amounts of a document zero and says so in its note.
func (f *Fake) Void(id string) error {
	return f.change(id, func(d *document) error {
		if d.open.Minor != d.total.Minor {
			return fmt.Errorf("%w: something was paid on it", ErrRefused)
		}
		d.total.Minor, d.open.Minor, d.note = 0, 0, "Voided"
		return nil
	})
}

// Delete removes a document. Change data capture tells it for thirty days.
func (f *Fake) Delete(id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	found := f.document("", id)
	if found == nil || found.open.Minor != found.total.Minor {
		return fmt.Errorf("%w: it is not there, or something was paid on it", ErrRefused)
	}
	f.documents = slices.DeleteFunc(f.documents, func(d *document) bool { return d == found })
	f.deleted = append(f.deleted, deletion{entity: found.kind, id: found.id, at: f.now().Truncate(time.Second)})
	return nil
}

// Receive books a payment by hand, and gives its id.
func (f *Fake) Receive(id string, amount money.Amount, number string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	found := f.document(invoiceEntity, id)
	if found == nil {
		return "", fmt.Errorf("%w: there is no invoice %s", ErrRefused, id)
	}
	one, why := f.link(found.customer, invoiceEntity, id, json.Number(amount.Decimal()))
	if why != "" {
		return "", fmt.Errorf("%w: %s", ErrRefused, why)
	}
	made := &payment{customer: found.customer, number: number, date: f.now().Format(time.DateOnly), total: amount, unapplied: f.zero(amount.Currency), lines: []applied{one}}
	f.settle(made)
	return made.key(), nil
}

// DeletePayment takes a payment back: what it paid is open again.
func (f *Fake) DeletePayment(id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := slices.IndexFunc(f.payments, func(p *payment) bool { return p.key() == id })
	if at < 0 {
		return fmt.Errorf("%w: there is no payment %s", ErrRefused, id)
	}
	gone := f.payments[at]
	for _, one := range gone.lines {
		if one.document == nil {
			one.journal.open.Minor += one.amount.Minor
			continue
		}
		one.document.open.Minor += one.amount.Minor
		one.document.links = slices.DeleteFunc(one.document.links, func(p *payment) bool { return p == gone })
		f.touch(&one.document.record)
	}
	f.payments = slices.Delete(f.payments, at, at+1)
	f.deleted = append(f.deleted, deletion{entity: paymentEntity, id: gone.id, at: f.now().Truncate(time.Second)})
	return nil
}

// SetPaymentNote is what the vendor writes over the note of a payment.
func (f *Fake) SetPaymentNote(id, note string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, one := range f.payments {
		if one.key() == id {
			one.note = note
			f.touch(&one.record)
			return nil
		}
	}
	return fmt.Errorf("%w: there is no payment %s", ErrRefused, id)
}

// Backdate lets the last change of a document have been earlier: some changes show
// only after later ones do.
func (f *Fake) Backdate(id string, by time.Duration) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	found := f.document("", id)
	if found == nil {
		return fmt.Errorf("%w: there is no document %s", ErrRefused, id)
	}
	found.updated = found.updated.Add(-by)
	return nil
}

// Attach puts a file on an invoice; sent ones go to the customer with it.
func (f *Fake) Attach(id, name, kind string, sent bool, content []byte) error {
	return f.change(id, func(d *document) error {
		f.files = append(f.files, &file{record: f.record(), invoice: d, name: name, kind: kind, sent: sent, content: content})
		return nil
	})
}

// Open is what a document has open; false when there is none.
func (f *Fake) Open(id string) (money.Amount, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if found := f.document("", id); found != nil {
		return found.open, true
	}
	return money.Amount{}, false
}

// Booking is what one payment brings to an invoice.
type Booking struct {
	Payment, Number, Note string
	Account               string // the name of the account that it is deposited to
	Total                 money.Amount
	Amount                money.Amount // for this invoice
}

// Bookings are what was paid on an invoice.
func (f *Fake) Bookings(invoice string) []Booking {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []Booking
	for _, payment := range f.payments {
		for _, one := range payment.lines {
			if one.document != nil && one.document.key() == invoice {
				booking := Booking{Payment: payment.key(), Number: payment.number, Note: payment.note, Total: payment.total, Amount: one.amount}
				if payment.account != nil {
					booking.Account = payment.account.name
				}
				list = append(list, booking)
			}
		}
	}
	return list
}

// Journals is how many journal entries there are, and how much of them no payment uses.
func (f *Fake) Journals() (count int, unused int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, one := range f.journals {
		unused += one.open.Minor
	}
	return len(f.journals), unused
}

// FailWithin lets the next calls be answered with 200 and a fault of the system.
func (f *Fake) FailWithin(calls int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faulty = calls
}

// Skew sets QuickBooks' clock off from Config.Now.
func (f *Fake) Skew(by time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.skew = by
}

// Event is one thing that a webhook tells.
type Event struct{ Entity, ID, Operation string }

// Webhook makes the body and the signature of a call of a webhook, in the shape since
// 2026.
func (f *Fake) Webhook(events ...Event) (body []byte, signature string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := []obj{}
	for _, event := range events {
		list = append(list, obj{"specversion": "1.0", "id": f.secret(), "source": "intuit." + f.secret(), "type": "qbo." + strings.ToLower(event.Entity) + "." + strings.ToLower(event.Operation) + ".v1",
			"datacontenttype": "application/json", "time": f.now().UTC().Format(time.RFC3339Nano), "intuitentityid": event.ID, "intuitaccountid": f.cfg.Company, "data": obj{}})
	}
	body, err = json.Marshal(list)
	if err != nil {
		return nil, "", fmt.Errorf("encode a webhook: %w", err)
	}
	return body, f.sign(body), nil
}

// WebhookBefore is Webhook in the shape before 2026.
func (f *Fake) WebhookBefore(events ...Event) (body []byte, signature string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := []obj{}
	for _, event := range events {
		list = append(list, obj{"name": event.Entity, "id": event.ID, "operation": event.Operation, "lastUpdated": f.now().UTC().Format("2006-01-02T15:04:05-0700")})
	}
	body, err = json.Marshal(obj{"eventNotifications": []obj{{"realmId": f.cfg.Company, "dataChangeEvent": obj{"entities": list}}}})
	if err != nil {
		return nil, "", fmt.Errorf("encode a webhook: %w", err)
	}
	return body, f.sign(body), nil
}

func (f *Fake) sign(body []byte) string {
	sum := hmac.New(sha256.New, []byte(f.cfg.VerifierToken))
	sum.Write(body)
	return base64.StdEncoding.EncodeToString(sum.Sum(nil))
}
