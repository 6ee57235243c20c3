package api

import (
	"encoding/json"
	"time"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/outbox"
)

// invoiceView is an invoice as its vendor sees it: what its books said, and
// what was done with it here. Amounts are decimal, in major units.
type invoiceView struct {
	ExternalID string         `json:"external_id"`
	Number     string         `json:"number"`
	Account    string         `json:"account"`
	IssuedOn   *money.Date    `json:"issued_on"`
	DueOn      *money.Date    `json:"due_on"`
	Currency   money.Currency `json:"currency"`
	Total      string         `json:"total"`
	Open       string         `json:"open"`        // what the hub says is open now
	SourceOpen string         `json:"source_open"` // what the books said last
	Applied    string         `json:"applied"`     // here, and not in the books yet
	Held       string         `json:"held"`        // by payments on their way
	Status     billing.Status `json:"status"`
	Holds      []holdView     `json:"holds"`
	UpdatedAt  time.Time      `json:"updated_at"`
}

// holdView is why an invoice is not chased now.
type holdView struct {
	Kind   billing.HoldKind `json:"kind"`
	Amount string           `json:"amount"`
	EndsOn *money.Date      `json:"ends_on"`
}

func viewInvoice(item billing.Item, today money.Date) invoiceView {
	decimal := func(minor int64) string { return money.New(minor, item.Currency).Decimal() }
	view := invoiceView{ExternalID: item.ExternalID, Number: item.Number, Account: item.AccountExternalID, IssuedOn: date(item.IssuedOn),
		DueOn: date(item.DueOn), Currency: item.Currency, Total: decimal(item.Total), Open: decimal(item.Open), SourceOpen: decimal(item.SourceOpen),
		Applied: decimal(item.Applied), Held: decimal(item.Held), Status: item.Status, Holds: []holdView{}, UpdatedAt: item.UpdatedAt.UTC()}
	for _, hold := range item.Holds {
		if hold.Active(today) {
			view.Holds = append(view.Holds, holdView{Kind: hold.Kind, Amount: decimal(hold.Amount), EndsOn: date(hold.EndsOn)})
		}
	}
	return view
}

// creditView is a credit as its vendor sees it.
type creditView struct {
	ExternalID string         `json:"external_id"`
	Number     string         `json:"number"`
	Account    string         `json:"account"`
	IssuedOn   *money.Date    `json:"issued_on"`
	Currency   money.Currency `json:"currency"`
	Total      string         `json:"total"`
	Open       string         `json:"open"`
	SourceOpen string         `json:"source_open"`
	Applied    string         `json:"applied"`
	Held       string         `json:"held"`
	Status     billing.Status `json:"status"`
	UpdatedAt  time.Time      `json:"updated_at"`
}

func viewCredit(item billing.CreditItem) creditView {
	decimal := func(minor int64) string { return money.New(minor, item.Currency).Decimal() }
	return creditView{ExternalID: item.ExternalID, Number: item.Number, Account: item.AccountExternalID, IssuedOn: date(item.IssuedOn),
		Currency: item.Currency, Total: decimal(item.Total), Open: decimal(item.Open), SourceOpen: decimal(item.SourceOpen),
		Applied: decimal(item.Applied), Held: decimal(item.Held), Status: item.Status, UpdatedAt: item.UpdatedAt.UTC()}
}

func date(day money.Date) *money.Date {
	if day == "" {
		return nil
	}
	return &day
}

// eventView is the same as a webhook's body.
type eventView struct {
	ID        string          `json:"id"`
	Type      string          `json:"type"`
	Timestamp time.Time       `json:"timestamp"`
	Data      json.RawMessage `json:"data"`
}

func viewEvent(event outbox.Event) eventView {
	return eventView{ID: event.ID, Type: event.Type, Timestamp: event.CreatedAt.UTC(), Data: json.RawMessage(event.Data)}
}

// deliveryView is one line of the delivery log.
type deliveryView struct {
	ID            string     `json:"id"`
	EventID       string     `json:"event_id"`
	EventType     string     `json:"event_type"`
	EndpointID    string     `json:"endpoint_id"`
	Kind          string     `json:"kind"`
	Target        string     `json:"target"`
	State         string     `json:"state"`
	Attempts      int        `json:"attempts"`
	NextAttemptAt *time.Time `json:"next_attempt_at"`
	LastStatus    int        `json:"last_status"` // HTTP or SMTP; 0: no answer
	LastAnswer    string     `json:"last_answer"`
	CreatedAt     time.Time  `json:"created_at"`
	UpdatedAt     time.Time  `json:"updated_at"`
}

func viewDelivery(row outbox.Row) deliveryView {
	return deliveryView{ID: row.ID, EventID: row.EventID, EventType: row.EventType, EndpointID: row.EndpointID, Kind: row.Kind, Target: row.Target,
		State: row.State, Attempts: row.Attempts, NextAttemptAt: instant(row.NextAttemptAt), LastStatus: row.LastStatus, LastAnswer: row.LastAnswer,
		CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC()}
}

// endpointView is a webhook endpoint.
type endpointView struct {
	ID             string     `json:"id"`
	URL            string     `json:"url"`
	Events         []string   `json:"events"`
	Secret         string     `json:"secret,omitempty"` // when it is put, not in lists
	CreatedAt      time.Time  `json:"created_at"`
	DisabledAt     *time.Time `json:"disabled_at"`
	DisabledReason string     `json:"disabled_reason"`
}

func viewEndpoint(endpoint outbox.Endpoint) endpointView {
	return endpointView{ID: endpoint.ID, URL: endpoint.Target, Events: endpoint.Events, CreatedAt: endpoint.CreatedAt.UTC(),
		DisabledAt: instant(endpoint.DisabledAt), DisabledReason: endpoint.DisabledReason}
}
