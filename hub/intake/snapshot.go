package intake

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// What Connection.Closing holds: "" or one of these with the number of invoices
// that closing would take.
const (
	markHeld      = "held:"
	markConfirmed = "confirmed:"
)

// Held is how many invoices wait to be closed until the vendor confirms; 0 when
// nothing waits.
func (c Connection) Held() int { return marked(c.Closing, markHeld) }

func marked(cursor, mark string) int {
	text, found := strings.CutPrefix(cursor, mark)
	n, err := strconv.Atoi(text)
	if !found || err != nil || n < 0 {
		return 0
	}
	return n
}

// closing is the audit log's line on a confirmed closing.
type closing struct {
	Invoices int `json:"invoices"`
}

// ConfirmSnapshot is the vendor's yes to closing what its books no longer hold,
// after Sync has held it. The connection is due at once; the next run closes up
// to as many invoices as the vendor was told of. fault.Conflict when nothing
// waits.
func (s *Service) ConfirmSnapshot(ctx context.Context, actor access.Actor, vendorID, connectionID string) error {
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		connection, err := s.lockOwn(ctx, tx, vendorID, connectionID)
		if err != nil {
			return err
		}
		waiting := connection.Held()
		if waiting == 0 {
			return fault.New(fault.Conflict, "Nothing waits for your yes here.")
		}
		now := s.now()
		connection.Closing, connection.UpdatedAt, connection.NextSyncAt = markConfirmed+strconv.Itoa(waiting), now, now
		connection.LastError = ""
		if err := updateConnection(ctx, tx, connection); err != nil {
			return err
		}
		return s.Access.AuditTx(ctx, tx, actor, access.Change{Action: "connection.snapshot_confirmed", SubjectKind: "connection",
			SubjectID: connection.ID, VendorID: vendorID, After: closing{Invoices: waiting}})
	})
}

// missing is what the hub holds open and a whole snapshot did not name.
type missing struct {
	open     int // invoices that the books said were open before
	invoices []connectors.Invoice
	credits  []connectors.Credit
}

// closeMissing closes what these books brought before and, read as a whole, did not
// name again, unless that is more than half of what is open and the vendor has not
// said yes. What was pushed, came in a file or from other books is left alone.
func (s *Service) closeMissing(ctx context.Context, connection *Connection, run *run) (string, error) {
	gone, err := s.findMissing(ctx, run)
	if err != nil {
		return "", fmt.Errorf("%w: %w", errStore, err)
	}
	many := len(gone.invoices)
	if many*2 > gone.open && many > marked(connection.Closing, markConfirmed) {
		connection.Closing = markHeld + strconv.Itoa(many)
		return fmt.Sprintf("Held: %d of your %d open invoices are missing from your books' last answer. If they are really settled, confirm it and they will be closed; "+
			"if not, look at what your books export.", many, gone.open), nil
	}
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		result, err := s.storeTx(ctx, tx, run.vendor, run.convert(connectors.Page{Invoices: gone.invoices, Credits: gone.credits}))
		if err != nil {
			return err
		}
		if len(result.Rejected) > 0 {
			return fmt.Errorf("close what is missing: %d rejected, the first: %+v", len(result.Rejected), result.Rejected[0])
		}
		next := run.sync
		next.count(result, 0)
		if err := updateSync(ctx, tx, next); err != nil {
			return err
		}
		run.sync = next
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("%w: %w", errStore, err)
	}
	connection.Closing = ""
	return "", nil
}

// findMissing compares what is owed with what the run saw. What changed after
// the run began came from elsewhere and stays.
func (s *Service) findMissing(ctx context.Context, run *run) (missing, error) {
	var gone missing
	for after := ""; ; {
		list, err := owedInvoices(ctx, s.DB, run.vendor.ID, run.sync.ConnectionID, after, billing.MostRecords)
		if err != nil {
			return gone, err
		}
		for _, item := range list {
			gone.open++
			if !run.seen[kindInvoice][item.ExternalID] && item.SourceAt.Before(run.sync.StartedAt) {
				gone.invoices = append(gone.invoices, closedInvoice(item, connectors.StatusPaid))
			}
		}
		if len(list) < billing.MostRecords {
			break
		}
		after = list[len(list)-1].ID
	}
	for after := ""; ; {
		list, err := owedCredits(ctx, s.DB, run.vendor.ID, run.sync.ConnectionID, after, billing.MostRecords)
		if err != nil {
			return gone, err
		}
		for _, item := range list {
			if !run.seen[kindCredit][item.ExternalID] && item.SourceAt.Before(run.sync.StartedAt) {
				gone.credits = append(gone.credits, closedCredit(item, connectors.StatusPaid))
			}
		}
		if len(list) < billing.MostRecords {
			return gone, nil
		}
		after = list[len(list)-1].ID
	}
}

// goneRecords are what the books deleted, as they would name it were they to say
// that it is void. What these books did not bring is nothing to them.
func (s *Service) goneRecords(ctx context.Context, run *run, ids []string) (missing, error) {
	var gone missing
	for from := 0; from < len(ids); from += billing.MostRecords {
		some := ids[from:min(from+billing.MostRecords, len(ids))]
		invoices, err := invoicesNamed(ctx, s.DB, run.vendor.ID, run.sync.ConnectionID, some)
		if err != nil {
			return gone, err
		}
		for _, item := range invoices {
			gone.invoices = append(gone.invoices, closedInvoice(item, connectors.StatusVoid))
		}
		credits, err := creditsNamed(ctx, s.DB, run.vendor.ID, run.sync.ConnectionID, some)
		if err != nil {
			return gone, err
		}
		for _, item := range credits {
			gone.credits = append(gone.credits, closedCredit(item, connectors.StatusVoid))
		}
	}
	return gone, nil
}

// closedInvoice is the invoice as the books would name it, were they to say
// that nothing is open any more.
func closedInvoice(item billing.Item, status connectors.Status) connectors.Invoice {
	closed := connectors.Invoice{ExternalID: item.ExternalID, Number: item.Number, Account: item.AccountExternalID, IssuedOn: item.IssuedOn,
		Terms: item.Terms, Total: money.New(item.Total, item.Currency), Open: money.New(0, item.Currency), PurchaseOrder: item.PurchaseOrder,
		Note: item.Note, Status: status}
	if item.DueNote == billing.DueGiven {
		closed.DueOn = item.DueOn
	}
	for _, line := range item.Lines {
		closed.Lines = append(closed.Lines, connectors.Line(line))
	}
	return closed
}

func closedCredit(item billing.CreditItem, status connectors.Status) connectors.Credit {
	return connectors.Credit{ExternalID: item.ExternalID, Number: item.Number, Account: item.AccountExternalID, IssuedOn: item.IssuedOn,
		Total: money.New(item.Total, item.Currency), Open: money.New(0, item.Currency), Note: item.Note, Status: status}
}
