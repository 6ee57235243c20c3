package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// WriteBack is what becomes of payments in a connection's books.
type WriteBack string

// What a vendor can choose.
const (
	Book     WriteBack = "book"     // booked where the vendor said
	Clearing WriteBack = "clearing" // put in the clearing account, for the vendor to match with its bank
	TellOnly WriteBack = "tell"     // only told of, by mail and webhook
)

// written is the audit log's line on a change of it.
type written struct {
	WriteBack WriteBack `json:"write_back"`
}

// SetWriteBack says what becomes of payments from now on. Booking is a delivery of
// each payment's event to the connection, like one to a webhook.
func (s *Service) SetWriteBack(ctx context.Context, actor access.Actor, vendorID, connectionID string, choice WriteBack) error {
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		connection, err := s.lockOwn(ctx, tx, vendorID, connectionID)
		if err != nil || connection.WriteBack == choice {
			return err
		}
		if err := s.mayWrite(connection, choice); err != nil {
			return err
		}
		before := written{connection.WriteBack}
		connection.WriteBack, connection.UpdatedAt = choice, s.now()
		if err := updateConnection(ctx, tx, connection); err != nil {
			return err
		}
		if err := s.listen(ctx, tx, connection); err != nil {
			return err
		}
		return s.Access.AuditTx(ctx, tx, actor, access.Change{Action: "connection.write_back", SubjectKind: "connection", SubjectID: connection.ID,
			VendorID: vendorID, Before: before, After: written{choice}})
	})
}

func (s *Service) mayWrite(connection Connection, choice WriteBack) error {
	descriptor := s.Connectors[connection.Kind].Descriptor
	switch choice {
	case TellOnly:
		return nil
	case Book, Clearing:
		if !descriptor.WriteBack {
			return fault.At("write_back", "The hub cannot write payments into %s. It tells you of each one, and you book it.", descriptor.Title)
		}
		if choice == Book {
			return nil
		}
		settings, err := s.settingsOf(connection)
		if err == nil && settings[connectors.ClearingAccount] == "" {
			err = fault.At("write_back", "No clearing account is set. Set one where it is said how this connects, where %s has such, or choose to have payments booked, or only to be told.", descriptor.Title)
		}
		return err
	}
	return fault.At("write_back", "%q is not a choice. Write book, clearing or tell.", clip(string(choice)))
}

// listen lets the connection hear of payments, or no longer.
func (s *Service) listen(ctx context.Context, tx bun.IDB, connection Connection) error {
	if connection.WriteBack == TellOnly || !connection.DisabledAt.IsZero() {
		return s.Outbox.DisableTargetTx(ctx, tx, connection.VendorID, outbox.Books, connection.ID, "Payments are not written into these books any more.")
	}
	_, _, err := s.Outbox.PutEndpointTx(ctx, tx, connection.VendorID, outbox.Books, connection.ID, []string{outbox.PaymentSettled})
	return err
}

// Book writes a settled payment into a connection's books, as far as its invoices
// came from there. It may be called any number of times: the books know it by its
// reference. The text says what was done. Errors are those of package connectors,
// or of the hub's database.
func (s *Service) Book(ctx context.Context, connectionID string, event outbox.Event) (string, error) {
	connection, found, err := readConnection(ctx, s.DB, connectionID)
	if err != nil {
		return "", err
	}
	if !found || !connection.DisabledAt.IsZero() || connection.WriteBack == TellOnly {
		return "These books are no longer written to; book it by hand.", nil
	}
	var view payment.View
	if err := json.Unmarshal([]byte(event.Data), &view); err != nil {
		return "", fmt.Errorf("decode event %s: %w", event.ID, err)
	}
	payments, err := s.paymentsFor(ctx, connection, view)
	if err != nil {
		return "", err
	}
	if len(payments) == 0 {
		return "None of its invoices came from these books.", nil
	}
	_, connector, err := s.open(connection)
	if err != nil {
		return "", err
	}
	recorder, can := connector.(connectors.PaymentRecorder)
	if !can {
		return "", fmt.Errorf("%w: this kind of connection cannot write payments", connectors.ErrRefused)
	}
	var booked []string
	for _, one := range payments {
		err := guarded(func() error {
			recorded, err := recorder.RecordPayment(ctx, one)
			booked = append(booked, recorded.ExternalID)
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return "Booked as " + clip(strings.Join(booked, ", ")) + ".", nil
}

// paymentsFor are what the books are to hold of a payment: one for each of the
// customer's accounts that it pays on, since books keep payments by account. The
// first has the payment's reference, each other one a number behind it.
func (s *Service) paymentsFor(ctx context.Context, connection Connection, view payment.View) ([]connectors.Payment, error) {
	ids := make([]string, 0, len(view.Invoices))
	for _, line := range view.Invoices {
		ids = append(ids, line.ExternalID)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	items, err := invoicesNamed(ctx, s.DB, connection.VendorID, connection.ID, ids)
	if err != nil {
		return nil, err
	}
	accounts := map[string]string{} // of invoices that are in these books
	for _, item := range items {
		accounts[item.ExternalID] = item.AccountExternalID
	}
	var payments []connectors.Payment
	place := map[string]int{}
	for _, line := range view.Invoices {
		account, here := accounts[line.ExternalID]
		if !here {
			continue
		}
		at, known := place[account]
		if !known {
			at, place[account] = len(payments), len(payments)
			payments = append(payments, connectors.Payment{Reference: numbered(view.Reference, at), Account: account, Date: settledOn(view),
				Currency: string(view.Currency), Method: view.Method, Clearing: connection.WriteBack == Clearing})
		}
		payments[at].Lines = append(payments[at].Lines, paymentLine(line))
	}
	return payments, nil
}

func paymentLine(line payment.InvoiceView) connectors.PaymentLine {
	out := connectors.PaymentLine{Invoice: line.ExternalID, Amount: line.Amount, Discount: unlessZero(line.Discount), LateFee: unlessZero(line.LateFee)}
	if line.Credit != nil {
		out.Credit = line.Credit.ExternalID
	}
	return out
}

func unlessZero(amount string) string {
	if strings.Trim(amount, "0.") == "" {
		return ""
	}
	return amount
}

// settledOn is the day of the settlement in UTC: one day for everybody who books it.
func settledOn(view payment.View) string {
	at := view.CreatedAt
	if view.SettledAt != nil {
		at = *view.SettledAt
	}
	return at.UTC().Format("2006-01-02")
}

func numbered(reference string, at int) string {
	if at == 0 {
		return reference
	}
	return fmt.Sprintf("%s/%d", reference, at+1)
}

// ours are references as payments have them: the books may list one with the number
// that numbered gave it.
func ours(references []string) []string {
	var out []string
	for _, reference := range references {
		bare, _, _ := strings.Cut(reference, "/")
		if !slices.Contains(out, bare) {
			out = append(out, bare)
		}
	}
	return out
}

// Stale says which of these connections' invoices must not be asked for: their books
// were not read for longer than their vendor allows, or it has not gone live yet.
func (s *Service) Stale(ctx context.Context, connectionIDs []string) (map[string]bool, error) {
	stale := map[string]bool{}
	now := s.now()
	for from := 0; from < len(connectionIDs); from += store.MaxPage {
		list, err := staleConnections(ctx, s.DB, connectionIDs[from:min(from+store.MaxPage, len(connectionIDs))], now)
		if err != nil {
			return nil, err
		}
		for _, connection := range list {
			if connection.LiveAt.IsZero() || connection.Stale(now) {
				stale[connection.ID] = true
			}
		}
	}
	return stale, nil
}

// RetryWords says in words for the vendor's staff why a payment was not booked, and
// whether trying again may help.
func RetryWords(err error) (words string, again bool) {
	words, _ = wordsOf(err)
	switch {
	case errors.Is(err, connectors.ErrUnknown):
		return detailed("The books gave no answer, so it may be booked or not. The hub looks before it tries again.", err), true
	case errors.Is(err, connectors.ErrRefused), errors.Is(err, connectors.ErrGone):
		return detailed("The books refused this payment. Book it by hand.", err), false
	}
	return words, true
}
