package console

import (
	"strconv"
	"time"

	"github.com/sheaf-hub/sheaf/web/ui"
)

// DeliveriesView is /vendor/deliveries.
type DeliveriesView struct {
	Frame
	State string
	Type  string
	Rows  []DeliveryRow
	Pages ui.CursorPager
}

// DeliveryRow is one line of the log.
type DeliveryRow struct {
	URL      string
	Type     string
	Kind     string // "Webhook", "Mail", "Your books"
	Target   string
	At       time.Time
	State    Status
	Attempts string
	Answer   string
	Next     time.Time // zero: none is planned
}

// DeliveryView is /vendor/deliveries/ID.
type DeliveryView struct {
	Frame
	URL       string
	Type      string
	Target    string
	State     Status
	Done      bool
	MayReplay bool
	WhyNot    string
	Attempts  []AttemptRow
	Facts     []ui.Fact
	Body      string // JSON, indented
}

// AttemptRow is one try.
type AttemptRow struct {
	Number string
	At     time.Time
	Took   string
	Status string
	Answer string
}

// WebhooksView is /vendor/webhooks. Field IDs for Page.Errors: url, events.
type WebhooksView struct {
	Frame
	Rows     []EndpointRow
	URL      string // kept after an error
	Events   []Check
	Secret   string // shown on the answer to a form alone
	SecretOf string
}

// EndpointRow is one endpoint.
type EndpointRow struct {
	ID     string
	Target string
	Events string
	Added  time.Time
	Active bool
	State  Status
	Reason string // why it is disabled
}

// Check is one box of several.
type Check struct {
	Value, Label string
	Checked      bool
}

func (v DeliveriesView) clear() string {
	if v.State != "" || v.Type != "" {
		return "/vendor/deliveries"
	}
	return ""
}

func (v DeliveriesView) empty() ui.EmptyState {
	if v.clear() != "" {
		return ui.EmptyState{Title: "No delivery matches", Action: "Show all deliveries", URL: "/vendor/deliveries"}
	}
	return ui.EmptyState{Title: "Nothing was told yet", Text: "As soon as a customer pays or writes, the event is on its way to your endpoints.", Action: "Webhook endpoints", URL: "/vendor/webhooks"}
}

func (v DeliveryView) replayText() string {
	if v.Done {
		return "Send again"
	}
	return "Send now"
}

// eventID: the first box bears the name of the field, so that the summary's
// link finds it.
func eventID(i int) string {
	if i == 0 {
		return "events"
	}
	return "events-" + strconv.Itoa(i)
}
