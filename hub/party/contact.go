package party

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/mail"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// Defaults of a contact's digest: Tuesday at nine in its own zone.
const (
	DefaultWeekday = time.Tuesday
	DefaultHour    = 9
)

// Customer is a paying company: one contact, or several who joined as a team.
type Customer struct {
	bun.BaseModel `bun:"table:customers,alias:cu"`
	ID            string    `bun:"id,pk"`
	Name          string    `bun:"name"`
	CreatedAt     time.Time `bun:"created_at"`
}

// Contact is a mailbox at a paying company.
type Contact struct {
	bun.BaseModel  `bun:"table:contacts,alias:co"`
	ID             string       `bun:"id,pk"`
	CustomerID     string       `bun:"customer_id"`
	Email          string       `bun:"email"`
	Name           string       `bun:"name"`
	TimeZone       string       `bun:"time_zone"`
	DigestWeekday  time.Weekday `bun:"digest_weekday"`
	DigestHour     int          `bun:"digest_hour"`
	NextDigestAt   time.Time    `bun:"next_digest_at,nullzero"`
	UnsubscribedAt time.Time    `bun:"unsubscribed_at,nullzero"`
	BouncedAt      time.Time    `bun:"bounced_at,nullzero"`
	BounceReason   string       `bun:"bounce_reason"`
	CreatedAt      time.Time    `bun:"created_at"`
	UpdatedAt      time.Time    `bun:"updated_at"`
}

// Zone is the contact's time zone, UTC when its name is not known here.
func (c Contact) Zone() *time.Location {
	zone, err := time.LoadLocation(c.TimeZone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// DisplayName is the name, or the mailbox when nobody gave one.
func (c Contact) DisplayName() string {
	if c.Name != "" {
		return c.Name
	}
	return c.Email
}

// NextDigest is the first moment after an instant that is the contact's day and
// hour in its zone.
func (c Contact) NextDigest(after time.Time) time.Time {
	local := after.In(c.Zone())
	days := (int(c.DigestWeekday) - int(local.Weekday()) + 7) % 7
	for _, add := range []int{days, days + 7} {
		next := time.Date(local.Year(), local.Month(), local.Day()+add, c.DigestHour, 0, 0, 0, c.Zone())
		if next.Hour() == (c.DigestHour+23)%24 { // the clocks skip that hour: the one after it, not the one before
			next = next.Add(time.Hour)
		}
		if next.After(after) {
			return next.UTC()
		}
	}
	return after.AddDate(0, 0, 7).UTC()
}

// DigestPeriod is the contact's period that an instant falls in: the ISO week
// in its zone, "2026-W48".
func (c Contact) DigestPeriod(at time.Time) string {
	year, week := at.In(c.Zone()).ISOWeek()
	return fmt.Sprintf("%d-W%02d", year, week)
}

// Contact reads one; fault.NotFound when there is none.
func (s *Service) Contact(ctx context.Context, id string) (Contact, error) {
	return readContact(ctx, s.DB, "id", id)
}

// ContactTx is Contact inside the caller's transaction.
func (s *Service) ContactTx(ctx context.Context, tx bun.IDB, id string) (Contact, error) {
	return readContact(ctx, tx, "id", id)
}

// ContactByEmail finds a contact by its mailbox.
func (s *Service) ContactByEmail(ctx context.Context, email string) (Contact, error) {
	clean, err := mail.CleanAddress(email)
	if err != nil {
		return Contact{}, fault.New(fault.NotFound, "No vendor lists this address.")
	}
	return readContact(ctx, s.DB, "email", clean)
}

// Preferences are what a contact chooses for its digest.
type Preferences struct {
	Weekday      time.Weekday
	Hour         int
	TimeZone     string
	Unsubscribed bool
}

// ChangePreferencesTx changes them and sets the next digest accordingly.
func (s *Service) ChangePreferencesTx(ctx context.Context, tx bun.IDB, contactID string, want Preferences) (before, after Contact, err error) {
	if want.Weekday < time.Sunday || want.Weekday > time.Saturday {
		return before, after, fault.At("weekday", "Choose a day of the week.")
	}
	if want.Hour < 0 || want.Hour > 23 {
		return before, after, fault.At("hour", "Choose an hour from 0 to 23.")
	}
	if _, err := time.LoadLocation(want.TimeZone); err != nil || want.TimeZone == "" || want.TimeZone == "Local" {
		return before, after, fault.At("time_zone", "There is no time zone %q. Use an IANA name such as Europe/Berlin.", want.TimeZone)
	}
	if before, err = readContact(ctx, tx, "id", contactID); err != nil {
		return before, after, err
	}
	now := s.Now().UTC()
	after = before
	after.DigestWeekday, after.DigestHour, after.TimeZone = want.Weekday, want.Hour, want.TimeZone
	switch {
	case !want.Unsubscribed:
		after.UnsubscribedAt = time.Time{}
	case after.UnsubscribedAt.IsZero():
		after.UnsubscribedAt = now
	}
	after.NextDigestAt, after.UpdatedAt = after.NextDigest(now), now
	return before, after, updateContact(ctx, tx, after)
}

func zoneName(c Contact) string { return c.Zone().String() }

// RecordBounceTx remembers that the mailbox cannot be reached, with why.
func (s *Service) RecordBounceTx(ctx context.Context, tx bun.IDB, contactID, reason string) error {
	contact, err := readContact(ctx, tx, "id", contactID)
	if err != nil {
		return err
	}
	contact.BouncedAt, contact.BounceReason, contact.UpdatedAt = s.Now().UTC(), PlainText(reason, 300), s.Now().UTC()
	return updateContact(ctx, tx, contact)
}

// DueContactsTx locks up to limit contacts whose digest is due at an instant.
func (s *Service) DueContactsTx(ctx context.Context, tx bun.IDB, at time.Time, limit int64) ([]Contact, error) {
	return dueContacts(ctx, s.DB, tx, at, limit)
}

// SetNextDigestTx moves contacts on to their next digest.
func (s *Service) SetNextDigestTx(ctx context.Context, tx bun.IDB, contacts []Contact, after time.Time) error {
	for i := range contacts {
		contacts[i].NextDigestAt = contacts[i].NextDigest(after)
	}
	return setNextDigests(ctx, tx, contacts)
}

// Customers reads several at once, by id.
func (s *Service) Customers(ctx context.Context, db bun.IDB, ids []string) (map[string]Customer, error) {
	return readCustomers(ctx, db, ids)
}

// Team lists the contacts of a customer, oldest first.
func (s *Service) Team(ctx context.Context, customerID string) ([]Contact, error) {
	return teamOf(ctx, s.DB, customerID)
}

// newContacts makes contacts, each a customer of its own, for addresses that
// nobody listed before.
func (s *Service) newContacts(seen map[string]seenContact, zone string) ([]Contact, []Customer) {
	now := s.Now().UTC()
	contacts := make([]Contact, 0, len(seen))
	customers := make([]Customer, 0, len(seen))
	for _, email := range slices.Sorted(maps.Keys(seen)) { // in one order everywhere, so that two vendors do not lock each other out
		who := seen[email]
		customer := Customer{ID: store.NewID(), Name: who.customer, CreatedAt: now}
		contact := Contact{ID: store.NewID(), CustomerID: customer.ID, Email: email, Name: who.name, TimeZone: zone,
			DigestWeekday: DefaultWeekday, DigestHour: DefaultHour, CreatedAt: now, UpdatedAt: now}
		contact.NextDigestAt = contact.NextDigest(now)
		contacts, customers = append(contacts, contact), append(customers, customer)
	}
	return contacts, customers
}

type seenContact struct{ name, customer string }
