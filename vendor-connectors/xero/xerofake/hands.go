package xerofake

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
)

// ErrRefused is what the hands below answer to what Xero would not let a person do.
var ErrRefused = errors.New("xerofake: Xero does not let you")

// PutContact makes a contact, or changes the one of this name, and gives its id.
func (f *Fake) PutContact(c Contact) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, one := range f.contacts {
		if one.Name == c.Name {
			one.Contact, one.updated = c, f.tick()
			return one.id
		}
	}
	return f.addContact(c).id
}

func (f *Fake) addContact(c Contact) *contact {
	made := &contact{Contact: c, id: f.id(), updated: f.tick()}
	f.contacts = append(f.contacts, made)
	return made
}

// named is the contact of a name, made when it is new.
func (f *Fake) named(name string) *contact {
	for _, one := range f.contacts {
		if one.Name == name {
			return one
		}
	}
	return f.addContact(Contact{Name: name, Email: "ap@" + strings.ToLower(strings.ReplaceAll(name, " ", "-")) + ".example"})
}

// AddInvoice approves a sales invoice of a contact, due in thirty days.
func (f *Fake) AddInvoice(contact string, total money.Amount) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.add("Invoices", contact, total, false)
}

// AddBill approves a supplier's invoice, which is none of the hub's business.
func (f *Fake) AddBill(contact string, total money.Amount) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.add("Invoices", contact, total, true)
}

// AddCredit approves a credit of a kind: CreditNote, Overpayment or Prepayment.
func (f *Fake) AddCredit(kind, contact string, total money.Amount) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.add(kind, contact, total, false)
}

func (f *Fake) add(kind, name string, total money.Amount, bill bool) string {
	made := &document{kind: kind, id: f.id(), status: "AUTHORISED", contact: f.named(name), total: total, open: total, bill: bill}
	made.updated = f.tick()
	made.issued = money.DateOf(made.updated, time.UTC)
	if kind == "Invoices" {
		made.due = made.issued.AddDays(30)
		made.number = fmt.Sprintf("INV-%04d", len(f.invoices)+1)
		f.invoices = append(f.invoices, made)
		return made.id
	}
	if kind != Overpayment {
		made.number = fmt.Sprintf("CN-%04d", len(f.credits)+1)
	}
	f.credits = append(f.credits, made)
	return made.id
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
	found.updated = f.tick()
	return nil
}

// Redate gives an open invoice another due date.
func (f *Fake) Redate(id string, due money.Date) error {
	return f.change(id, func(d *document) error {
		if d.status != "AUTHORISED" {
			return fmt.Errorf("%w: the invoice is %s", ErrRefused, d.status)
		}
		d.due = due
		return nil
	})
}

// Backdate lets the last change of a document have been earlier: Xero shows some
// changes only after it shows later ones.
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

// SetReference is what the vendor writes into the field of that name.
func (f *Fake) SetReference(id, reference string) error {
	return f.change(id, func(d *document) error { d.reference = reference; return nil })
}

// Void cancels a document on which nothing was paid.
func (f *Fake) Void(id string) error { return f.close(id, "VOIDED") }

// Delete marks a document as deleted: Xero keeps it under that status.
func (f *Fake) Delete(id string) error { return f.close(id, "DELETED") }

func (f *Fake) close(id, status string) error {
	return f.change(id, func(d *document) error {
		if d.open.Minor != d.total.Minor || d.status != "AUTHORISED" {
			return fmt.Errorf("%w: something was paid on it", ErrRefused)
		}
		d.status, d.open.Minor = status, 0
		return nil
	})
}

// Receive books a payment by hand.
func (f *Fake) Receive(id string, amount money.Amount, reference string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	made := &payment{id: f.id(), reference: reference, status: "AUTHORISED", invoice: f.document("Invoices", id), account: f.accounts[0]}
	if wrong := f.judge(made, f.now().Format(time.DateOnly), number(amount)); wrong != "" {
		return fmt.Errorf("%w: %s", ErrRefused, wrong)
	}
	f.bookPayment(made)
	return nil
}

// Attach puts a file on a document; online ones are shown to the customer.
func (f *Fake) Attach(id, name, kind string, online bool, content []byte) error {
	return f.change(id, func(d *document) error {
		f.files[d.id] = append(f.files[d.id], file{id: f.id(), name: name, kind: kind, online: online, content: content})
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

// Booking is one payment or allocation on an invoice.
type Booking struct {
	Reference string // of a payment
	Credit    string // the id of the credit of an allocation
	Account   string // the code of a payment's account
	Amount    money.Amount
}

// Bookings are what stands against an invoice.
func (f *Fake) Bookings(invoice string) []Booking {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []Booking
	for _, one := range f.payments {
		if one.invoice.id == invoice && one.status != "DELETED" {
			list = append(list, Booking{Reference: one.reference, Account: one.account.Code, Amount: one.amount})
		}
	}
	for _, credit := range f.credits {
		for _, one := range credit.allocated {
			if one.invoice.id == invoice {
				list = append(list, Booking{Credit: credit.id, Amount: one.amount})
			}
		}
	}
	return list
}

// History is the notes on a document, oldest first.
func (f *Fake) History(id string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []string
	for _, one := range f.history[id] {
		list = append(list, one.text)
	}
	return list
}

// Misbehave lets the next calls of the API go wrong, one after the other.
func (f *Fake) Misbehave(troubles ...Trouble) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.troubles = append(f.troubles, troubles...)
}

// Skew sets Xero's clock off from Config.Now.
func (f *Fake) Skew(by time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.skew = by
}

// Calls is how many calls of the API came so far.
func (f *Fake) Calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

// Event is one thing that a webhook tells.
type Event struct{ Category, Type, ID string }

// Webhook makes the body and the signature of a call of a webhook. Without events it is
// Xero's question whether its calls are wanted.
func (f *Fake) Webhook(events ...Event) (body []byte, signature string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := []obj{}
	for _, event := range events {
		list = append(list, obj{"resourceUrl": "https://api.xero.com" + prefix + "/" + event.ID, "resourceId": event.ID, "eventDateUtc": f.now().Format("2006-01-02T15:04:05.000"),
			"eventType": event.Type, "eventCategory": event.Category, "tenantId": f.tenant, "tenantType": "ORGANISATION"})
	}
	body, err = json.Marshal(obj{"events": list, "firstEventSequence": min(1, len(list)), "lastEventSequence": len(list), "entropy": f.secret()})
	if err != nil {
		return nil, "", fmt.Errorf("encode a webhook: %w", err)
	}
	sum := hmac.New(sha256.New, []byte(f.cfg.WebhookKey))
	sum.Write(body)
	return body, base64.StdEncoding.EncodeToString(sum.Sum(nil)), nil
}
