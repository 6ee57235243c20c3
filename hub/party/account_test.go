package party_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
)

func asFault(err error, target **fault.Error) bool { return errors.As(err, target) }

func TestVendorsShareAMailbox(t *testing.T) {
	each(t, func(t *testing.T, h *hall) {
		one, two := h.vendor("Northwind"), h.vendor("Brightwell")
		counts := h.upsert(one, party.AccountRecord{ExternalID: "C-1", Name: "Acme Ltd", Currency: "EUR", Terms: "Net 30", Contacts: listed(party.Payables, " AP@Acme.example ")},
			party.AccountRecord{ExternalID: "C-2", Name: "Acme West", Contacts: listed(party.Payables, "ap@acme.example")})
		if counts != (party.Counts{Created: 2}) {
			t.Fatalf("%+v", counts)
		}
		h.upsert(two, party.AccountRecord{ExternalID: "K-9", Name: "ACME", Contacts: listed(party.Copy, "ap@acme.example")})
		contact := h.contact("ap@acme.example")
		if contact.TimeZone != "Europe/Berlin" || contact.DigestWeekday != time.Tuesday || contact.DigestHour != 9 || contact.NextDigestAt.IsZero() || contact.Name != "Ann" {
			t.Fatalf("%+v", contact)
		}
		for _, account := range []party.Account{h.account(one, "C-1"), h.account(one, "C-2"), h.account(two, "K-9")} {
			if account.CustomerID != contact.CustomerID {
				t.Fatalf("%s belongs to another customer", account.Name)
			}
		}
		if h.count("contacts", "TRUE") != 1 || h.count("customers", "TRUE") != 1 || h.count("contact_vendors", "state = 'new'") != 2 {
			t.Fatal("one mailbox is not one contact")
		}
		if _, err := h.ContactByEmail(t.Context(), "nobody@acme.example"); !fault.Is(err, fault.NotFound) {
			t.Fatal(err)
		}
		if _, err := h.Account(t.Context(), two.ID, h.account(one, "C-1").ID); !fault.Is(err, fault.NotFound) {
			t.Fatal("a vendor read another's account", err)
		}
	})
}

func TestARepeatedAccountIsNotWritten(t *testing.T) {
	each(t, func(t *testing.T, h *hall) {
		vendor := h.vendor("Northwind")
		limit := int64(500000)
		record := party.AccountRecord{ExternalID: "C-1", Name: "Acme", Currency: "EUR", CreditLimit: &limit, Contacts: listed(party.Payables, "ap@acme.example")}
		h.upsert(vendor, record)
		before := h.account(vendor, "C-1")
		h.pass(time.Hour)
		if counts := h.upsert(vendor, record); counts != (party.Counts{Unchanged: 1}) || !h.account(vendor, "C-1").UpdatedAt.Equal(before.UpdatedAt) || *before.CreditLimit != limit {
			t.Fatalf("%+v", counts)
		}
		// what a document mentioned never changes what the vendor said
		if counts := h.upsert(vendor, party.AccountRecord{ExternalID: "C-1", Name: "ACME (from a PDF)", Seen: true}); counts != (party.Counts{Unchanged: 1}) || h.account(vendor, "C-1").Name != "Acme" {
			t.Fatalf("%+v", counts)
		}
		record.Name = "Acme Ltd"
		if counts := h.upsert(vendor, record); counts != (party.Counts{Updated: 1}) || h.account(vendor, "C-1").Name != "Acme Ltd" || h.account(vendor, "C-1").ID != before.ID {
			t.Fatalf("%+v", counts)
		}
		if counts := h.upsert(vendor); counts != (party.Counts{}) {
			t.Fatalf("%+v", counts)
		}
	})
}

func TestRolesDecideTheCustomer(t *testing.T) {
	each(t, func(t *testing.T, h *hall) {
		vendor := h.vendor("Northwind")
		mixed := append(listed(party.Approver, "boss@acme.example"), append(listed(party.Copy, "cc@acme.example"), listed(party.Payables, "ap@acme.example")...)...)
		h.upsert(vendor,
			party.AccountRecord{ExternalID: "MIXED", Name: "Acme", Contacts: mixed},
			party.AccountRecord{ExternalID: "NOPAY", Name: "Acme", Contacts: mixed[:2]},
			party.AccountRecord{ExternalID: "NOROLE", Name: "Acme", Contacts: []party.ContactRecord{{Email: "cc@acme.example", Role: party.Copy}, {Email: "any@acme.example"}}},
			party.AccountRecord{ExternalID: "NOBODY", Name: "Silent Ltd"})
		for id, email := range map[string]string{"MIXED": "ap@acme.example", "NOPAY": "boss@acme.example", "NOROLE": "any@acme.example"} {
			if h.account(vendor, id).CustomerID != h.contact(email).CustomerID {
				t.Errorf("%s is not the customer of %s", id, email)
			}
		}
		contacts, err := h.AccountContacts(t.Context(), vendor.ID, h.account(vendor, "MIXED").ID)
		if err != nil || len(contacts) != 3 || contacts[0].Role != party.Approver || contacts[0].Email != "boss@acme.example" || contacts[2].Role != party.Payables {
			t.Fatalf("%+v, %v", contacts, err)
		}
		silent := h.account(vendor, "NOBODY")
		if silent.CustomerID == "" || h.count("customers", "id = ? AND name = 'Silent Ltd'", silent.CustomerID) != 1 {
			t.Fatalf("%+v", silent)
		}
		h.upsert(vendor, party.AccountRecord{ExternalID: "NOBODY", Name: "Silent & Sons"}) // it keeps the customer that it has
		if h.account(vendor, "NOBODY").CustomerID != silent.CustomerID {
			t.Fatal("an account without a mailbox lost its customer")
		}
	})
}

func TestUnusableAddressesAreKeptWithWhy(t *testing.T) {
	each(t, func(t *testing.T, h *hall) {
		vendor := h.vendor("Northwind")
		record := party.AccountRecord{ExternalID: "C-1", Name: "Acme", Contacts: listed(party.Payables, "acme.example", "ap@acme", "acme.example", "", "ap@acme.example", "AP@acme.example", "a b@acme.example")}
		h.upsert(vendor, record)
		account := h.account(vendor, "C-1")
		if n := h.count("account_unusable_contacts", "account_id = ? AND reason <> ''", account.ID); n != 3 {
			t.Fatalf("%d unusable", n)
		}
		if n := h.count("account_contacts", "account_id = ?", account.ID); n != 1 {
			t.Fatalf("%d listed", n)
		}
		record.Contacts = record.Contacts[4:5]
		h.upsert(vendor, record)
		if n := h.count("account_unusable_contacts", "TRUE"); n != 0 {
			t.Fatal("a mended address is still shown as broken")
		}
	})
}

func TestAChangedListMovesTheCustomer(t *testing.T) {
	each(t, func(t *testing.T, h *hall) {
		vendor := h.vendor("Northwind")
		h.upsert(vendor, party.AccountRecord{ExternalID: "C-1", Name: "Acme", Contacts: listed(party.Payables, "old@acme.example")},
			party.AccountRecord{ExternalID: "C-2", Name: "Other", Contacts: listed(party.Payables, "other@other.example")})
		account, former := h.account(vendor, "C-1"), h.contact("old@acme.example").CustomerID
		rows := h.belongings(vendor, account)
		bystander := h.belongings(vendor, h.account(vendor, "C-2"))
		h.upsert(vendor, party.AccountRecord{ExternalID: "C-1", Name: "Acme", Contacts: listed(party.Payables, "new@acme.example")})
		customer := h.contact("new@acme.example").CustomerID
		if h.account(vendor, "C-1").CustomerID != customer || customer == former {
			t.Fatal("the account did not move")
		}
		for _, row := range rows {
			if h.count(row.table, "id = ? AND customer_id = ?", row.id, customer) != 1 {
				t.Errorf("%s stayed with the former customer", row.table)
			}
		}
		for _, row := range bystander {
			if h.count(row.table, "id = ? AND customer_id = ?", row.id, h.contact("other@other.example").CustomerID) != 1 {
				t.Errorf("%s of another account moved along", row.table)
			}
		}
		if ids, err := h.VisibleAccountIDs(t.Context(), h.DB, former); err != nil || len(ids) != 0 {
			t.Fatal("who is no longer listed still sees the account", ids, err)
		}
	})
}

type belonging struct{ table, id string }

// belongings are one row of every kind that follows an account.
func (h *hall) belongings(vendor party.Vendor, account party.Account) []belonging {
	h.t.Helper()
	var list []belonging
	add := func(table, columns string, values ...any) string {
		h.t.Helper()
		id := store.NewID()
		marks := "?, ?, ?"
		for range values {
			marks += ", ?"
		}
		_, err := h.DB.ExecContext(context.Background(), "INSERT INTO "+table+" (id, customer_id, vendor_id, "+columns+") VALUES ("+marks+")",
			append([]any{id, account.CustomerID, vendor.ID}, values...)...)
		h.must(err)
		list = append(list, belonging{table, id})
		return id
	}
	now := h.clock()
	invoice := add("invoices", "account_id, external_id, number, due_note, terms, currency, total, source_open, applied, held, open, status, purchase_order, note, lines, source_hash, source_at, created_at, updated_at",
		account.ID, account.ID, "1", "", "", "EUR", 100, 100, 0, 0, 100, "open", "", "", "[]", "", now, now, now)
	credit := add("credits", "account_id, external_id, number, currency, total, source_open, applied, held, open, status, note, source_hash, source_at, created_at, updated_at",
		account.ID, account.ID, "1", "EUR", 100, 100, 0, 0, 100, "open", "", "", now, now, now)
	contact := h.contact(map[string]string{"C-1": "old@acme.example", "C-2": "other@other.example"}[account.ExternalID])
	kase := add("cases", "account_id, invoice_id, contact_id, kind, status, reason, amount, currency, details, resolution, resolution_note, created_at, updated_at",
		account.ID, invoice, contact.ID, "question", "open", "", 0, "EUR", "", "", "", now, now)
	for column, owner := range map[string]string{"invoice_id": invoice, "credit_id": credit, "case_id": kase} {
		add("documents", column+", name, content_type, bytes, sha256, content, held, created_at", owner, "x", "text/plain", 0, "", []byte{}, "", now)
	}
	add("messages", "case_id, author_side, author_id, author_name, text, created_at", kase, "customer", "", "", "", now)
	add("applications", "invoice_id, payment_id, amount, currency, reference, created_at", invoice, store.NewID(), 1, "EUR", "SH", now)
	add("holds", "invoice_id, kind, amount, created_at", invoice, "manual", 0, now)
	add("invoice_history", "invoice_id, at, kind, text", invoice, now, "x", "x")
	return list
}

// statements counts what is sent to the database.
type statements struct {
	mu sync.Mutex
	n  int
}

func (s *statements) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

func (s *statements) AfterQuery(context.Context, *bun.QueryEvent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
}

func TestAThousandAccountsAreAFewStatements(t *testing.T) {
	each(t, func(t *testing.T, h *hall) {
		vendor := h.vendor("Northwind")
		counter := &statements{}
		h.DB.DB = h.DB.WithQueryHook(counter)
		records := make([]party.AccountRecord, 1000)
		for i := range records {
			records[i] = party.AccountRecord{ExternalID: fmt.Sprintf("C-%d", i), Name: fmt.Sprintf("Customer %d", i), Contacts: listed(party.Payables, fmt.Sprintf("ap%d@acme.example", i/2))}
		}
		if counts := h.upsert(vendor, records...); counts.Created != 1000 || h.count("contacts", "TRUE") != 500 || counter.n > 20 {
			t.Fatalf("%+v in %d statements", counts, counter.n)
		}
		counter.n = 0
		if counts := h.upsert(vendor, records...); counts.Unchanged != 1000 || counter.n > 4 {
			t.Fatalf("%+v in %d statements", counts, counter.n)
		}
		for i := range records { // all of them move to other customers
			records[i].Contacts = listed(party.Payables, fmt.Sprintf("new%d@acme.example", i))
		}
		counter.n = 0
		if counts := h.upsert(vendor, records...); counts.Updated != 1000 || counter.n > 30 {
			t.Fatalf("%+v in %d statements", counts, counter.n)
		}
	})
}

func TestVendorsNameTheSameNewMailboxAtOnce(t *testing.T) {
	each(t, func(t *testing.T, h *hall) {
		var vendors sync.WaitGroup
		errs := make([]error, 6)
		for i := range errs {
			vendor := h.vendor(fmt.Sprintf("Vendor %d", i))
			emails := []string{"a@acme.example", "b@acme.example", "c@acme.example", "d@acme.example"}
			if i%2 == 1 {
				slices.Reverse(emails)
			}
			vendors.Go(func() {
				errs[i] = h.inTx(func(ctx context.Context, tx bun.Tx) error {
					_, err := h.UpsertAccountsTx(ctx, tx, vendor, []party.AccountRecord{{ExternalID: "C-1", Name: "Acme", Contacts: listed(party.Payables, emails...)}})
					return err
				})
			})
		}
		vendors.Wait()
		if err := errors.Join(errs...); err != nil || h.count("contacts", "TRUE") != 4 || h.count("account_contacts", "TRUE") != 24 {
			t.Fatal(err)
		}
	})
}
