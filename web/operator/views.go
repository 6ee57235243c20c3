package operator

import (
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// OverviewView is /operator.
type OverviewView struct {
	Page    ui.Page
	Decide  []ui.Tile // what needs somebody
	States  []StateRow
	Gateway string
}

// StateRow is how many of one thing are in each state.
type StateRow struct {
	Label string
	URL   string // may be empty
	Cells []StateCell
}

// StateCell is one state with its count.
type StateCell struct {
	Status Status
	Count  string
}

// VendorsView is /operator/vendors.
type VendorsView struct {
	Page   ui.Page
	Status string
	Rows   []VendorRow
	Pages  ui.CursorPager
}

// VendorRow is one vendor.
type VendorRow struct {
	URL    string
	Name   string
	Email  string
	Status Status
	Reason string
	Since  time.Time
}

// VendorView is /operator/vendors/ID. Field IDs for Page.Errors: reason, and
// those of FeeForm.
type VendorView struct {
	Page      ui.Page
	URL       string
	Name      string
	Status    Status
	Pending   bool
	Suspended bool
	Reason    string // why it is suspended
	NewReason string // kept after an error
	Facts     []ui.Fact
	Money     []MoneyRow
	Staff     []StaffRow
	Health    []HealthRow
	Fees      FeeForm

	NeedsAccount bool // the hub's gateway sends to vendors' accounts
	Account      Status
	AccountWhy   string
	AccountFacts []ui.Fact
	Waiting      []WaitingSum
}

// MoneyRow is what is open with a vendor in one currency.
type MoneyRow struct {
	Invoices int
	Open     money.Amount
	Overdue  money.Amount
}

// StaffRow is one person of a vendor.
type StaffRow struct {
	Name, Email, Role string
	Status            Status
}

// HealthRow is one connection of a vendor.
type HealthRow struct {
	Name   string
	Status Status
	Error  string
	Last   time.Time
}

// NewVendorView is /operator/vendors/new. Field IDs for Page.Errors: the
// form's names. Done: it was added, and shows once what is not shown again.
type NewVendorView struct {
	Page                         ui.Page
	Name, Email, Phone, TimeZone string
	Done                         bool
	VendorID                     string
	APIKey                       string
	WebhookSecret                string
}

// DigestsView is /operator/digests.
type DigestsView struct {
	Page   ui.Page
	State  string
	Tabs   []ui.NavItem
	Rows   []DigestRow
	Pages  ui.CursorPager
	Decide bool // the rows wait for a decision
}

// DigestRow is one digest.
type DigestRow struct {
	ID       string
	Email    string
	Period   string
	Subject  string
	State    Status
	Lines    string
	Attempts string
	Due      time.Time
	Sent     time.Time
	Answer   string
	Message  string // Message-ID, to look for at the mail server
	Decided  string // by whom
}

// DeadLettersView is /operator/dead-letters.
type DeadLettersView struct {
	Page       ui.Page
	Kind       string // deliveries, mails or receipts
	Deliveries []DeadDelivery
	Mails      []DeadMail
	Receipts   []DeadReceipt
	Pages      ui.CursorPager
}

// DeadDelivery is a delivery that no attempt is made for any more.
type DeadDelivery struct {
	ID       string
	VendorID string
	Vendor   string
	Type     string
	Target   string
	At       time.Time
	Attempts string
	Answer   string
}

// DeadMail is such a mail.
type DeadMail struct {
	ID       string
	Kind     string
	To       string
	Subject  string
	At       time.Time
	Attempts string
	Answer   string
	Expired  bool // it is worth nothing any more
}

// DeadReceipt is a receipt that could not be written, or had nobody to go to.
type DeadReceipt struct {
	ID       string
	Number   string // of the payment
	To       string
	At       time.Time
	Attempts string
	Answer   string
}

// TransfersView is /operator/transfers.
type TransfersView struct {
	Page  ui.Page
	State string
	Rows  []TransferRow
	Pages ui.CursorPager
}

// TransferRow is the sending of one share.
type TransferRow struct {
	ID       string
	Vendor   string
	Amount   money.Amount
	Netted   money.Amount // of Amount, kept for what the vendor owed
	Note     string       // "given back to the vendor", "waits for the vendor's account"
	State    Status
	Attempts string
	Next     time.Time
	Changed  time.Time
	Ref      string
	Answer   string
	Retry    bool
}

// TasksView is /operator/tasks.
type TasksView struct {
	Page  ui.Page
	Rows  []TaskRow
	Pages ui.CursorPager
}

// TaskRow is one open task of the operator.
type TaskRow struct {
	ID    string
	Title string
	Text  string
	Made  time.Time
}

// QueuesView is /operator/queues.
type QueuesView struct {
	Page      ui.Page
	Queues    []QueueRow
	Schedules []ScheduleRow
	Problem   string // why the queues could not be read; may be empty
}

// QueueRow is one queue, its figures as text.
type QueueRow struct {
	Name, Active, Pending, Scheduled, Retry, Archived string
	Processed, Failed, Latency                        string
}

// ScheduleRow is one row of the schedule.
type ScheduleRow struct {
	Name   string
	Last   time.Time
	Result string
	Next   time.Time
	Late   bool // it should have run by now
}

// AuditView is /operator/audit.
type AuditView struct {
	Page  ui.Page
	Rows  []AuditRow
	Pages ui.CursorPager
}

// AuditRow is one line of the log. Before and After are JSON, indented.
type AuditRow struct {
	At      time.Time
	Who     string
	WhoKind string
	What    string
	Vendor  string
	Before  string
	After   string
}

// SignInView is /operator/sign-in. Field IDs for Page.Errors: email.
type SignInView struct {
	Page    ui.Page
	Email   string
	Next    string
	Mailbox string
	Sent    bool // a link is on its way, if the address is known
	Minutes string
}

// SwitchView is /operator/switch.
type SwitchView struct {
	Page    ui.Page
	Email   string
	Choices []Choice
}

// Choice is one row of staff that the person may work as.
type Choice struct {
	ID      string
	Name    string
	Role    string
	Current bool
}

func (v VendorsView) clear() string {
	if v.Status != "" {
		return "/operator/vendors"
	}
	return ""
}

func deadTabs(kind string) []ui.NavItem {
	return []ui.NavItem{{Label: "Deliveries", URL: "/operator/dead-letters", Current: kind == "deliveries"},
		{Label: "Mails", URL: "/operator/dead-letters?kind=mails", Current: kind == "mails"},
		{Label: "Receipts", URL: "/operator/dead-letters?kind=receipts", Current: kind == "receipts"}}
}
