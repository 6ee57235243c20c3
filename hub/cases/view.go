package cases

import (
	"time"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/money"
)

// Item is a case as a list shows it, with the names of what it is about.
// ContactName is who opened it, as the reader may know it; ContactEmail is set
// only for a vendor that lists that mailbox on the account.
type Item struct {
	Case              `bun:",extend"`
	InvoiceNumber     string `bun:"invoice_number"`
	InvoiceExternalID string `bun:"invoice_external_id"`
	AccountName       string `bun:"account_name"`
	AccountExternalID string `bun:"account_external_id"`
	VendorName        string `bun:"vendor_name"`
	ContactName       string `bun:"contact_name"`
	ContactEmail      string `bun:"contact_email"`
	Colleague         string `bun:"colleague"` // whom the account lists first
	Messages          int64  `bun:"messages"`
	LastSide          string `bun:"last_side"` // who wrote last
	LastText          string `bun:"last_text"`
}

// Value is what the case is about; without a currency's worth for a question.
func (c Case) Value() money.Amount { return money.New(c.Amount, c.Currency) }

// name finishes a row: a mailbox that the vendor does not list on the account
// is only somebody's colleague.
func (i *Item) name() {
	switch {
	case i.ContactName != "":
	case i.ContactEmail != "":
		i.ContactName = i.ContactEmail
	case i.Colleague != "":
		i.ContactName = "A colleague of " + i.Colleague
	default:
		i.ContactName = "A colleague"
	}
}

func itemOf(c Case, item billing.Item) Item {
	return Item{Case: c, InvoiceNumber: item.Number, InvoiceExternalID: item.ExternalID, AccountName: item.AccountName, AccountExternalID: item.AccountExternalID}
}

// View is a case as its vendor sees it, in events and in the API. Messages are
// all of them on a GET, and the one that it is about in an event.
type View struct {
	ID             string         `json:"id"`
	Kind           Kind           `json:"kind"`
	Status         Status         `json:"status"`
	Reason         string         `json:"reason,omitempty"`
	Amount         string         `json:"amount,omitempty"` // decimal, major units; none for a question
	Currency       money.Currency `json:"currency"`
	PromisedOn     money.Date     `json:"promised_on,omitempty"`
	Details        *DetailsView   `json:"details,omitempty"`
	Invoice        InvoiceView    `json:"invoice"`
	Account        string         `json:"account"` // external id
	Messages       []MessageView  `json:"messages,omitempty"`
	Files          []FileView     `json:"files,omitempty"`
	OpenedAt       time.Time      `json:"opened_at"`
	UpdatedAt      time.Time      `json:"updated_at"`
	AnsweredAt     *time.Time     `json:"answered_at,omitempty"`
	ResolvedAt     *time.Time     `json:"resolved_at,omitempty"`
	Resolution     string         `json:"resolution,omitempty"`
	ResolutionNote string         `json:"resolution_note,omitempty"`
}

// InvoiceView names an invoice by the vendor's own names.
type InvoiceView struct {
	ExternalID string `json:"external_id"`
	Number     string `json:"number"`
}

// DetailsView is what a plan or a notice has.
type DetailsView struct {
	Instalments []InstalmentView `json:"instalments,omitempty"`
	Method      string           `json:"method,omitempty"`
	Number      string           `json:"number,omitempty"`
	SentOn      money.Date       `json:"sent_on,omitempty"`
	Address     string           `json:"address,omitempty"`
}

// InstalmentView is one part of a plan.
type InstalmentView struct {
	On     money.Date `json:"on"`
	Amount string     `json:"amount"`
}

// MessageView is one message. Side is customer, vendor or hub.
type MessageView struct {
	ID     string    `json:"id"`
	Side   string    `json:"side"`
	Author string    `json:"author"`
	Text   string    `json:"text"`
	At     time.Time `json:"at"`
}

// FileView is a file of a case; its content is read by its id.
type FileView struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	ContentType string `json:"content_type"`
	Bytes       int    `json:"bytes"`
}

func (m Message) view() MessageView {
	return MessageView{ID: m.ID, Side: m.Side, Author: m.AuthorName, Text: m.Text, At: m.CreatedAt.UTC()}
}

// View is the case without its thread.
func (i Item) View() View {
	view := View{ID: i.ID, Kind: i.Kind, Status: i.Status, Reason: i.Reason, Currency: i.Currency, PromisedOn: i.PromisedOn,
		Invoice: InvoiceView{ExternalID: i.InvoiceExternalID, Number: i.InvoiceNumber}, Account: i.AccountExternalID,
		OpenedAt: i.CreatedAt.UTC(), UpdatedAt: i.UpdatedAt.UTC(), AnsweredAt: instant(i.AnsweredAt), ResolvedAt: instant(i.ResolvedAt),
		Resolution: i.Resolution, ResolutionNote: i.ResolutionNote}
	if i.Kind != Question {
		view.Amount = i.Value().Decimal()
	}
	if d := i.Details; d.Method != "" || len(d.Instalments) > 0 {
		view.Details = &DetailsView{Method: d.Method, Number: d.Number, SentOn: d.SentOn, Address: d.Address}
		for _, part := range d.Instalments {
			view.Details.Instalments = append(view.Details.Instalments, InstalmentView{On: part.On, Amount: money.New(part.Amount, i.Currency).Decimal()})
		}
	}
	return view
}

func instant(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	at = at.UTC()
	return &at
}

// Thread is a case with everything that was said and sent on it, oldest first.
type Thread struct {
	Item
	Said  []Message
	Files []billing.Document // without content
}

// View is the case with its thread, as its vendor sees it.
func (t Thread) View() View {
	view := t.Item.View()
	for _, message := range t.Said {
		view.Messages = append(view.Messages, message.view())
	}
	for _, file := range t.Files {
		view.Files = append(view.Files, FileView{ID: file.ID, Name: file.Name, ContentType: file.ContentType, Bytes: file.Bytes})
	}
	return view
}
