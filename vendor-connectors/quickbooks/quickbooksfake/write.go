package quickbooksfake

import (
	"encoding/json"
	"fmt"

	"github.com/sheaf-hub/sheaf/hub/money"
)

const (
	mostNumber = 21
	mostNote   = 4000
)

// wireRef is how a body names a record.
type wireRef struct {
	Value string `json:"value"`
	Name  string `json:"name"`
}

type wirePayment struct {
	CustomerRef, CurrencyRef, DepositToAccountRef wireRef

	TotalAmt                            json.Number
	TxnDate, PaymentRefNum, PrivateNote string
	Line                                []struct {
		Amount    json.Number
		LinkedTxn []struct{ TxnID, TxnType string }
	}
}

// postPayment books a payment, all of it or nothing.
func (f *Fake) postPayment(body []byte) answer {
	var wire wirePayment
	if err := decode(body, &wire); err != nil {
		return f.invalid("2010", "Request has invalid or unsupported property", "Property Name: "+err.Error())
	}
	made := &payment{number: wire.PaymentRefNum, note: wire.PrivateNote, date: wire.TxnDate, customer: f.customer(wire.CustomerRef.Value)}
	if made.customer == nil {
		return f.invalid("2500", "Invalid Reference Id", "Invalid Reference Id : Names element id "+wire.CustomerRef.Value+" not found")
	}
	if wrong := f.judge(made, wire); wrong != nil {
		return *wrong
	}
	f.settle(made)
	return f.fine(obj{"Payment": made.shape()})
}

// judge checks a payment and fills it in. It answers what is wrong, or nil.
func (f *Fake) judge(made *payment, wire wirePayment) *answer {
	refuse := func(code, message, detail string, values ...any) *answer {
		a := f.invalid(code, message, fmt.Sprintf(detail, values...))
		return &a
	}
	const business = "A business validation error has occurred while processing your request"
	if len([]rune(made.number)) > mostNumber || len([]rune(made.note)) > mostNote {
		return refuse("2050", "String length is either shorter or longer than supported by specification", "PaymentRefNum has at most 21 characters, PrivateNote 4,000")
	}
	if _, err := money.ParseDate(made.date); err != nil {
		return refuse("2030", "Invalid Date", "TxnDate: %s", err)
	}
	currency := made.customer.Currency
	if wire.CurrencyRef.Value != string(currency) {
		return refuse("6000", business, "Business Validation Error: the currency of the transaction is not the customer's, %s", currency)
	}
	total, err := money.Parse(wire.TotalAmt.String(), currency)
	if err != nil || total.Minor < 0 {
		return refuse("2030", "Invalid Number", "TotalAmt: %q", wire.TotalAmt)
	}
	if id := wire.DepositToAccountRef.Value; id != "" {
		made.account = f.accountByID(id)
		if made.account == nil || made.account.kind != "Bank" && made.account.kind != "Other Current Asset" {
			return refuse("6000", business, "Business Validation Error: Select a bank or other current asset account to deposit to")
		}
	}
	brought := total.Minor
	for _, line := range wire.Line {
		if len(line.LinkedTxn) != 1 {
			return refuse("2020", "Required param missing, need to supply the required value for the API", "Line.LinkedTxn")
		}
		one, why := f.link(made.customer, line.LinkedTxn[0].TxnType, line.LinkedTxn[0].TxnID, line.Amount)
		if why != "" {
			return refuse("6000", business, "Business Validation Error: %s", why)
		}
		made.lines = append(made.lines, one)
		if one.document != nil && one.document.kind == invoiceEntity {
			brought -= one.amount.Minor
		} else {
			brought += one.amount.Minor
		}
	}
	if brought < 0 {
		return refuse("6000", business, "Business Validation Error: You can't apply more than the amount of the payment and the credits")
	}
	made.total, made.unapplied = total, money.New(brought, currency)
	return nil
}

// link finds what a line of a payment pays or uses; why says what is wrong.
func (f *Fake) link(of *customer, kind, id string, amount json.Number) (one applied, why string) {
	open := f.zero(of.Currency)
	switch kind {
	case invoiceEntity, creditEntity:
		one.document = f.document(kind, id)
		if one.document == nil || one.document.customer != of {
			return one, "the " + kind + " " + id + " is not of this customer"
		}
		open = one.document.open
	case journalEntity:
		for _, entry := range f.journals {
			if entry.key() == id && entry.customer == of {
				one.journal, open = entry, entry.open
			}
		}
		if one.journal == nil {
			return one, "the journal entry " + id + " is not of this customer"
		}
	default:
		return one, "a payment cannot be linked to " + kind
	}
	parsed, err := money.Parse(amount.String(), of.Currency)
	if err != nil || !parsed.Positive() {
		return one, fmt.Sprintf("%q is not an amount", amount)
	}
	if parsed.Minor > open.Minor {
		return one, fmt.Sprintf("the amount %s is greater than the open balance %s of %s %s", parsed.Decimal(), open.Decimal(), kind, id)
	}
	one.amount = parsed
	return one, ""
}

// settle books a payment that was judged.
func (f *Fake) settle(made *payment) {
	made.record = f.record()
	f.payments = append(f.payments, made)
	for _, one := range made.lines {
		if one.journal != nil {
			one.journal.open.Minor -= one.amount.Minor
			f.touch(&one.journal.record)
			continue
		}
		one.document.open.Minor -= one.amount.Minor
		one.document.links = append(one.document.links, made)
		f.touch(&one.document.record)
	}
}

type wireJournal struct {
	DocNumber, PrivateNote, TxnDate string

	CurrencyRef wireRef
	Line        []struct {
		Description, DetailType string

		Amount                 json.Number
		JournalEntryLineDetail struct {
			PostingType string
			AccountRef  wireRef
			Entity      struct {
				Type      string
				EntityRef wireRef
			}
		}
	}
}

// postJournal books a journal entry of two lines, one of which is a customer's credit.
func (f *Fake) postJournal(body []byte) answer {
	var wire wireJournal
	if err := decode(body, &wire); err != nil {
		return f.invalid("2010", "Request has invalid or unsupported property", "Property Name: "+err.Error())
	}
	if len(wire.Line) != 2 || wire.Line[0].Amount != wire.Line[1].Amount || wire.Line[0].JournalEntryLineDetail.PostingType == wire.Line[1].JournalEntryLineDetail.PostingType {
		return f.invalid("6000", "A business validation error has occurred while processing your request", "Business Validation Error: Please balance debits and credits")
	}
	if len([]rune(wire.DocNumber)) > mostNumber {
		return f.invalid("2050", "String length is either shorter or longer than supported by specification", "DocNumber has at most 21 characters")
	}
	made := &journal{number: wire.DocNumber, note: wire.PrivateNote, date: wire.TxnDate}
	for _, line := range wire.Line {
		detail := line.JournalEntryLineDetail
		account, entity := f.accountByID(detail.AccountRef.Value), f.customer(detail.Entity.EntityRef.Value)
		if account == nil || account.inactive {
			return f.missing("accounts")
		}
		if account.kind == "Accounts Receivable" && (entity == nil || account.currency != entity.Currency || wire.CurrencyRef.Value != string(entity.Currency) || detail.PostingType != "Credit") {
			return f.invalid("6000", "A business validation error has occurred while processing your request", "Business Validation Error: When you use Accounts Receivable, you must choose a customer in the Name field")
		}
		made.lines = append(made.lines, journalLine{posting: detail.PostingType, description: line.Description, account: account, entity: entity})
		if entity != nil {
			made.customer = entity
		}
	}
	if made.customer == nil {
		return f.invalid("6000", "A business validation error has occurred while processing your request", "Business Validation Error: the fake books journal entries of customers alone")
	}
	amount, err := money.Parse(wire.Line[0].Amount.String(), made.customer.Currency)
	if err != nil || !amount.Positive() {
		return f.invalid("2030", "Invalid Number", "Amount")
	}
	made.record, made.amount, made.open = f.record(), amount, amount
	f.journals = append(f.journals, made)
	return f.fine(obj{"JournalEntry": made.shape()})
}

func (f *Fake) customer(id string) *customer {
	for _, one := range f.customers {
		if one.key() == id {
			return one
		}
	}
	return nil
}

func (f *Fake) accountByID(id string) *account {
	for _, one := range f.accounts {
		if one.key() == id {
			return one
		}
	}
	return nil
}
