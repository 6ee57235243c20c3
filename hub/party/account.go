package party

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/mail"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// Role is why an account lists a mailbox.
type Role string

// Payables is asked to pay, Copy reads along, an Approver sees the page but is
// not reminded.
const (
	Payables Role = "payables"
	Approver Role = "approver"
	Copy     Role = "copy"
)

// Account is one vendor's record of one customer.
type Account struct {
	bun.BaseModel `bun:"table:accounts,alias:a"`
	ID            string         `bun:"id,pk"`
	CustomerID    string         `bun:"customer_id"`
	VendorID      string         `bun:"vendor_id"`
	ExternalID    string         `bun:"external_id"`
	Name          string         `bun:"name"`
	Terms         string         `bun:"terms"`
	Currency      money.Currency `bun:"currency"`
	CreditLimit   *int64         `bun:"credit_limit"` // minor units of Currency
	SourceHash    string         `bun:"source_hash"`
	CreatedAt     time.Time      `bun:"created_at"`
	UpdatedAt     time.Time      `bun:"updated_at"`
}

// accountContact is one listed mailbox.
type accountContact struct {
	bun.BaseModel `bun:"table:account_contacts,alias:ac"`
	AccountID     string `bun:"account_id,pk"`
	ContactID     string `bun:"contact_id,pk"`
	VendorID      string `bun:"vendor_id"`
	Role          Role   `bun:"role"`
	Position      int    `bun:"position"`
}

// unusableContact is an address that no mail can reach.
type unusableContact struct {
	bun.BaseModel `bun:"table:account_unusable_contacts,alias:auc"`
	AccountID     string `bun:"account_id,pk"`
	VendorID      string `bun:"vendor_id"`
	Email         string `bun:"email,pk"`
	Reason        string `bun:"reason"`
}

// AccountRecord is an account as the books say it.
type AccountRecord struct {
	ExternalID  string
	Name        string
	Terms       string
	Currency    money.Currency
	CreditLimit *int64
	Contacts    []ContactRecord
	// Seen marks a record that a document mentioned (an e-invoice's buyer): it
	// makes a new account, but never changes one that is there.
	Seen bool
}

// ContactRecord is a mailbox as the books list it.
type ContactRecord struct {
	Email, Name string
	Role        Role
}

func (r AccountRecord) hash() string {
	encoded, err := json.Marshal(r)
	if err != nil { // strings and numbers only
		panic(fmt.Sprintf("encode account: %v", err))
	}
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:16])
}

// Counts says what an upsert did.
type Counts struct{ Created, Updated, Unchanged int }

// UpsertAccountsTx brings accounts in by external id, in bulk, and says which
// records it created, changed or found unchanged. The records have distinct
// external ids and at most MostContacts contacts each; the caller checked their shape.
func (s *Service) UpsertAccountsTx(ctx context.Context, tx bun.IDB, vendor Vendor, records []AccountRecord) (Counts, error) {
	var counts Counts
	if len(records) == 0 {
		return counts, nil
	}
	ids := make([]string, len(records))
	for i, record := range records {
		ids[i] = record.ExternalID
	}
	existing, err := accountsByExternalID(ctx, s.DB, tx, vendor.ID, ids, true)
	if err != nil {
		return counts, err
	}
	var changed []AccountRecord
	for _, record := range records {
		account, known := existing[record.ExternalID]
		switch {
		case !known:
			counts.Created++
			changed = append(changed, record)
		case record.Seen || account.SourceHash == record.hash():
			counts.Unchanged++
		default:
			counts.Updated++
			changed = append(changed, record)
		}
	}
	return counts, s.writeAccounts(ctx, tx, vendor, changed, existing)
}

// writeAccounts resolves the mailboxes of all records, then writes accounts
// and lists in a few statements.
func (s *Service) writeAccounts(ctx context.Context, tx bun.IDB, vendor Vendor, records []AccountRecord, existing map[string]Account) error {
	if len(records) == 0 {
		return nil
	}
	contacts, err := s.resolveContacts(ctx, tx, vendor, records)
	if err != nil {
		return err
	}
	now := s.Now().UTC()
	batch := accountBatch{}
	byID := make(map[string]Contact, len(contacts))
	for _, contact := range contacts {
		byID[contact.ID] = contact
	}
	for _, record := range records {
		account, known := existing[record.ExternalID]
		if !known {
			account = Account{ID: store.NewID(), VendorID: vendor.ID, ExternalID: record.ExternalID, CreatedAt: now}
		}
		listed, unusable := listContacts(account, record, contacts)
		previous := account.CustomerID
		account.CustomerID = customerOf(record, listed, byID, account, &batch, now)
		if known && previous != account.CustomerID {
			batch.moved = append(batch.moved, account)
		}
		account.Name, account.Terms, account.Currency = PlainText(record.Name, 200), PlainText(record.Terms, 200), record.Currency
		account.CreditLimit, account.SourceHash, account.UpdatedAt = record.CreditLimit, record.hash(), now
		batch.accounts = append(batch.accounts, account)
		batch.listed, batch.unusable = append(batch.listed, listed...), append(batch.unusable, unusable...)
	}
	return writeAccountBatch(ctx, tx, vendor.ID, batch, now)
}

// accountBatch is what writeAccounts has to store.
type accountBatch struct {
	accounts  []Account
	moved     []Account // accounts that change their customer
	customers []Customer
	listed    []accountContact
	unusable  []unusableContact
}

// customerOf is the customer of the first listed payables mailbox, else of the
// first listed one, else the account's own (made when there is none).
func customerOf(record AccountRecord, listed []accountContact, byID map[string]Contact, account Account, batch *accountBatch, now time.Time) string {
	for _, entry := range listed {
		if entry.Role == Payables {
			return byID[entry.ContactID].CustomerID
		}
	}
	if len(listed) > 0 {
		return byID[listed[0].ContactID].CustomerID
	}
	if account.CustomerID != "" {
		return account.CustomerID
	}
	customer := Customer{ID: store.NewID(), Name: PlainText(record.Name, 200), CreatedAt: now}
	batch.customers = append(batch.customers, customer)
	return customer.ID
}

func (s *Service) resolveContacts(ctx context.Context, tx bun.IDB, vendor Vendor, records []AccountRecord) (map[string]Contact, error) {
	missing := map[string]seenContact{}
	var emails []string
	for _, record := range records {
		for _, contact := range record.Contacts {
			if email, err := mail.CleanAddress(contact.Email); err == nil {
				if _, seen := missing[email]; !seen {
					missing[email] = seenContact{name: PlainText(contact.Name, 120), customer: PlainText(record.Name, 200)}
					emails = append(emails, email)
				}
			}
		}
	}
	found, err := contactsByEmail(ctx, tx, emails)
	if err != nil {
		return nil, err
	}
	for email := range found {
		delete(missing, email)
	}
	if len(missing) == 0 {
		return found, nil
	}
	contacts, customers := s.newContacts(missing, vendor.TimeZone)
	if err := insertContacts(ctx, tx, contacts, customers); err != nil {
		return nil, err
	}
	return contactsByEmail(ctx, tx, emails)
}

func listContacts(account Account, record AccountRecord, contacts map[string]Contact) ([]accountContact, []unusableContact) {
	var listed []accountContact
	var unusable []unusableContact
	seen := map[string]bool{}
	for i, contact := range record.Contacts {
		email, err := mail.CleanAddress(contact.Email)
		if err != nil {
			raw := PlainText(contact.Email, 254)
			if raw != "" && !seen[raw] {
				seen[raw] = true
				unusable = append(unusable, unusableContact{AccountID: account.ID, VendorID: account.VendorID, Email: raw,
					Reason: "This is not an e-mail address that can be reached."})
			}
			continue
		}
		if seen[email] {
			continue
		}
		seen[email] = true
		role := contact.Role
		if role == "" {
			role = Payables
		}
		listed = append(listed, accountContact{AccountID: account.ID, ContactID: contacts[email].ID, VendorID: account.VendorID, Role: role, Position: i})
	}
	return listed, unusable
}

// AccountsByExternalIDTx reads a vendor's accounts.
func (s *Service) AccountsByExternalIDTx(ctx context.Context, tx bun.IDB, vendorID string, ids []string) (map[string]Account, error) {
	return accountsByExternalID(ctx, s.DB, tx, vendorID, ids, false)
}

// Account reads one account of a vendor.
func (s *Service) Account(ctx context.Context, vendorID, accountID string) (Account, error) {
	return readAccount(ctx, s.DB, vendorID, accountID)
}

// AccountContacts lists whom an account lists, in the vendor's order.
func (s *Service) AccountContacts(ctx context.Context, vendorID, accountID string) ([]ListedContact, error) {
	var list []ListedContact
	err := s.DB.AsVendor(ctx, vendorID, func(ctx context.Context, tx bun.Tx) error {
		var err error
		list, err = listedContacts(ctx, tx, vendorID, accountID)
		return err
	})
	return list, err
}

// ListedContact is a mailbox with its role on an account.
type ListedContact struct {
	Contact `bun:",extend"`
	Role    Role `bun:"role"`
}

// VisibleAccountIDs are the accounts that a customer sees: those that list any
// of its contacts. It is what scopes every query for a customer.
func (s *Service) VisibleAccountIDs(ctx context.Context, db bun.IDB, customerID string) ([]string, error) {
	return visibleAccountIDs(ctx, db, customerID)
}

// Sees says whether a customer sees an account; fault.NotFound when not.
func (s *Service) Sees(ctx context.Context, db bun.IDB, customerID, accountID string) error {
	sees, err := seesAccount(ctx, db, customerID, accountID)
	if err == nil && !sees {
		err = fault.New(fault.NotFound, "There is no such page.")
	}
	return err
}
