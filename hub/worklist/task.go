// Package worklist keeps what people have to do: tasks for a vendor's staff and
// for the hub's operator. A task is made by the change that causes it, in the
// same transaction, and once per cause.
package worklist

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// Service is the room's entrance.
type Service struct {
	DB     *store.DB
	Access *access.Service
	Now    func() time.Time
}

func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

// Kinds of tasks that this room makes itself.
const (
	KindOverpaid  = "overpaid"
	KindNotMine   = "not_mine"
	KindNotBooked = "not_booked"
)

// Task is one thing to do. VendorID empty: for the operator. There is one task
// per kind and subject, ever.
type Task struct {
	bun.BaseModel `bun:"table:tasks,alias:t"`
	ID            string    `bun:"id,pk"`
	VendorID      string    `bun:"vendor_id,nullzero"`
	CustomerID    string    `bun:"customer_id,nullzero"`
	Kind          string    `bun:"kind"`
	SubjectID     string    `bun:"subject_id"`
	Title         string    `bun:"title"`
	Text          string    `bun:"text"`
	CreatedAt     time.Time `bun:"created_at"`
	DoneAt        time.Time `bun:"done_at,nullzero"`
	DoneBy        string    `bun:"done_by"`
}

// AddTx adds a task with the change that causes it. One that was added before,
// open or done, is passed over. ID and CreatedAt are set here.
func (s *Service) AddTx(ctx context.Context, tx bun.IDB, task Task) error {
	if task.Kind == "" || task.SubjectID == "" || task.Title == "" {
		return fault.New(fault.Internal, "A task needs a kind, a subject and a title.")
	}
	task.ID, task.CreatedAt, task.DoneAt, task.DoneBy = store.NewID(), s.now(), time.Time{}, ""
	task.Title, task.Text = party.PlainText(task.Title, 200), party.PlainLines(task.Text, 2000)
	return insertTask(ctx, tx, task)
}

// List pages through a vendor's open tasks, newest first.
func (s *Service) List(ctx context.Context, vendorID string, page store.PageRequest) ([]Task, string, error) {
	var tasks []Task
	var next string
	err := s.DB.AsVendor(ctx, vendorID, func(ctx context.Context, tx bun.Tx) error {
		var err error
		tasks, next, err = listTasks(ctx, tx, vendorID, page)
		return err
	})
	return tasks, next, err
}

// ListOperator pages through the operator's open tasks, newest first.
func (s *Service) ListOperator(ctx context.Context, page store.PageRequest) ([]Task, string, error) {
	return listTasks(ctx, s.DB, "", page)
}

// Count is how many tasks are open for a vendor, or for the operator when
// vendorID is empty.
func (s *Service) Count(ctx context.Context, vendorID string) (int64, error) {
	return countTasks(ctx, s.DB, vendorID)
}

// Done ticks a task off; vendorID empty is the operator's list. Again changes
// nothing. fault.NotFound for a task of another list, and for an actor who has
// no business with this one.
func (s *Service) Done(ctx context.Context, actor access.Actor, vendorID, id string) error {
	if !mayTick(actor, vendorID) || !store.ValidID(id) || (vendorID != "" && !store.ValidID(vendorID)) {
		return noTask()
	}
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		task, found, err := lockTask(ctx, s.DB, tx, vendorID, id)
		if err != nil {
			return err
		}
		if !found {
			return noTask()
		}
		if !task.DoneAt.IsZero() {
			return nil
		}
		task.DoneAt, task.DoneBy = s.now(), party.PlainText(actor.Name, 200)
		if err := markDone(ctx, tx, task); err != nil {
			return err
		}
		return s.Access.AuditTx(ctx, tx, actor, access.Change{Action: "task.done", SubjectKind: "task", SubjectID: task.ID, VendorID: task.VendorID,
			CustomerID: task.CustomerID, After: struct {
				Kind  string `json:"kind"`
				Title string `json:"title"`
			}{task.Kind, task.Title}})
	})
}

func mayTick(actor access.Actor, vendorID string) bool {
	switch actor.Kind {
	case access.KindOperator, access.KindSystem:
		return true
	case access.KindStaff:
		return vendorID != "" && actor.VendorID == vendorID
	}
	return false
}

func noTask() error {
	return fault.New(fault.NotFound, "There is no such task, or it is not yours.")
}

// Overpaid makes a task for the vendor of a share with money that no invoice
// took. It is a payment.OverpaidTx.
func (s *Service) Overpaid(ctx context.Context, tx bun.IDB, share payment.Share) error {
	if share.Unapplied <= 0 {
		return nil
	}
	payers, err := accountsOfShare(ctx, tx, share)
	if err != nil {
		return err
	}
	amount := money.New(share.Unapplied, share.Currency).String()
	from := "A customer"
	if len(payers) > 0 {
		from = strings.Join(payers, ", ")
	}
	return s.AddTx(ctx, tx, Task{VendorID: share.VendorID, CustomerID: share.CustomerID, Kind: KindOverpaid, SubjectID: share.ID,
		Title: "Money that no invoice took: " + amount,
		Text: from + " paid " + money.New(share.Amount, share.Currency).String() + " under the reference " + share.Reference + ". " + amount +
			" of it is more than what was still open when it arrived. Ask the customer whether to set it against another invoice or to pay it back."})
}

// Payment adds a task of the payment room. It is a payment.TaskTx.
func (s *Service) Payment(ctx context.Context, tx bun.IDB, task payment.Task) error {
	return s.AddTx(ctx, tx, Task{VendorID: task.VendorID, CustomerID: task.CustomerID, Kind: task.Kind, SubjectID: task.SubjectID, Title: task.Title, Text: task.Text})
}

// NotBooked leaves a task about a payment that the hub could not write into the
// vendor's books.
func (s *Service) NotBooked(ctx context.Context, event outbox.Event, why string) error {
	var view payment.View
	if err := json.Unmarshal([]byte(event.Data), &view); err != nil {
		return fmt.Errorf("decode event %s: %w", event.ID, err)
	}
	numbers := make([]string, 0, len(view.Invoices))
	for _, line := range view.Invoices {
		numbers = append(numbers, line.Number)
	}
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		return s.AddTx(ctx, tx, Task{VendorID: event.VendorID, CustomerID: event.CustomerID, Kind: KindNotBooked, SubjectID: event.ID,
			Title: "Book payment " + view.Reference + " by hand: " + string(view.Currency) + " " + view.Amount,
			Text:  "It paid " + strings.Join(numbers, ", ") + ". " + why + " Until your books show it, the hub counts it as paid and asks for nothing."})
	})
}

// NotMineTx tells the operator that a contact does not know a vendor which
// lists it: a wrong address in the books, or a vendor that is not what it says.
func (s *Service) NotMineTx(ctx context.Context, tx bun.IDB, contact party.Contact, vendor party.Vendor) error {
	return s.AddTx(ctx, tx, Task{CustomerID: contact.CustomerID, Kind: KindNotMine, SubjectID: contact.ID + ":" + vendor.ID,
		Title: contact.Email + " says: " + vendor.Name + " is not one of our vendors",
		Text: "The contact is not reminded for " + vendor.Name + " any more. Find out whether the vendor has a wrong address in its books, " +
			"or sends invoices to people it does not deal with; suspend it in the second case."})
}
