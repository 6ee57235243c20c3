package party

import (
	"context"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/mail"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// VendorStatus says what a vendor may do.
type VendorStatus string

// A pending vendor may bring in its books but nobody is reminded; a suspended
// one is neither shown, reminded nor paid.
const (
	VendorPending   VendorStatus = "pending"
	VendorApproved  VendorStatus = "approved"
	VendorSuspended VendorStatus = "suspended"
)

// Vendor is a company that is owed money and is connected to the hub.
type Vendor struct {
	bun.BaseModel `bun:"table:vendors,alias:v"`
	ID            string       `bun:"id,pk"`
	Name          string       `bun:"name"`
	Email         string       `bun:"email"`        // where its receivables team is asked
	Phone         string       `bun:"phone"`        // as it wants it shown
	Website       string       `bun:"website"`      // shown as text, never as a link in mail
	ContactName   string       `bun:"contact_name"` // whom to ask
	TimeZone      string       `bun:"time_zone"`    // IANA name
	Status        VendorStatus `bun:"status"`
	StatusReason  string       `bun:"status_reason"`
	WebhookSecret string       `bun:"webhook_secret"` // sealed
	CreatedAt     time.Time    `bun:"created_at"`
	UpdatedAt     time.Time    `bun:"updated_at"`
}

// Profile is what a vendor says of itself.
type Profile struct {
	Name, Email, Phone, Website, ContactName, TimeZone string
}

func (p Profile) checked() (Profile, error) {
	p.Name = PlainText(p.Name, 120)
	if p.Name == "" {
		return p, fault.At("name", "Give the vendor's name.")
	}
	email, err := mail.CleanAddress(p.Email)
	if err != nil {
		return p, fault.At("email", "%q is not an e-mail address that can be reached. Write it like billing@vendor.example.", p.Email)
	}
	p.Email = email
	p.Phone, p.Website, p.ContactName = PlainText(p.Phone, 40), PlainText(p.Website, 200), PlainText(p.ContactName, 120)
	if p.TimeZone == "" {
		p.TimeZone = "UTC"
	}
	if _, err := time.LoadLocation(p.TimeZone); err != nil || strings.EqualFold(p.TimeZone, "local") {
		return p, fault.At("time_zone", "There is no time zone %q. Use an IANA name such as Europe/Berlin.", p.TimeZone)
	}
	return p, nil
}

func secretContext(vendorID string) string { return "vendor:" + vendorID }

// AddVendorTx adds a vendor and the secret that signs its webhooks, which is
// returned in the clear.
func (s *Service) AddVendorTx(ctx context.Context, tx bun.IDB, profile Profile, status VendorStatus, webhookSecret string) (Vendor, error) {
	profile, err := profile.checked()
	if err != nil {
		return Vendor{}, err
	}
	now := s.Now().UTC()
	vendor := Vendor{ID: store.NewID(), Status: status, CreatedAt: now, UpdatedAt: now}
	vendor.apply(profile)
	if vendor.WebhookSecret, err = s.Sealer.Seal(webhookSecret, secretContext(vendor.ID)); err != nil {
		return Vendor{}, err
	}
	return vendor, insertVendor(ctx, tx, vendor)
}

func (v *Vendor) apply(p Profile) {
	v.Name, v.Email, v.Phone, v.Website, v.ContactName, v.TimeZone = p.Name, p.Email, p.Phone, p.Website, p.ContactName, p.TimeZone
}

// Profile is the vendor's own description.
func (v Vendor) Profile() Profile {
	return Profile{Name: v.Name, Email: v.Email, Phone: v.Phone, Website: v.Website, ContactName: v.ContactName, TimeZone: v.TimeZone}
}

// Secret opens the secret that new webhook endpoints begin with.
func (s *Service) Secret(vendor Vendor) (string, error) {
	return s.Sealer.Open(vendor.WebhookSecret, secretContext(vendor.ID))
}

// Vendor reads one vendor; fault.NotFound when there is none.
func (s *Service) Vendor(ctx context.Context, id string) (Vendor, error) {
	return readVendor(ctx, s.DB, id)
}

// Vendors reads several at once, by id.
func (s *Service) Vendors(ctx context.Context, db bun.IDB, ids []string) (map[string]Vendor, error) {
	return readVendors(ctx, db, ids)
}

// FindVendor reads one vendor by its id or by its name in any case; fault.NotFound
// when there is none, fault.Conflict when several have the name.
func (s *Service) FindVendor(ctx context.Context, nameOrID string) (Vendor, error) {
	if store.ValidID(nameOrID) {
		return readVendor(ctx, s.DB, nameOrID)
	}
	list, err := vendorsNamed(ctx, s.DB, strings.TrimSpace(nameOrID), 2)
	switch {
	case err != nil:
		return Vendor{}, err
	case len(list) == 0:
		return Vendor{}, fault.New(fault.NotFound, "There is no vendor called %q.", PlainText(nameOrID, 120))
	case len(list) > 1:
		return Vendor{}, fault.New(fault.Conflict, "Several vendors are called %q: use the id of one.", list[0].Name)
	}
	return list[0], nil
}

// LockBooksTx lets one writer at a time bring in a vendor's books: two that bring
// the same new record would break each other.
func (s *Service) LockBooksTx(ctx context.Context, tx bun.IDB, vendorID string) error {
	return lockBooks(ctx, s.DB, tx, vendorID)
}

// ListVendors pages through all vendors, newest first: for the operator.
func (s *Service) ListVendors(ctx context.Context, status VendorStatus, page store.PageRequest) ([]Vendor, string, error) {
	return listVendors(ctx, s.DB, status, page)
}

// ChangeProfileTx changes what a vendor says of itself and returns it before and after.
func (s *Service) ChangeProfileTx(ctx context.Context, tx bun.IDB, vendorID string, profile Profile) (before, after Vendor, err error) {
	profile, err = profile.checked()
	if err != nil {
		return Vendor{}, Vendor{}, err
	}
	if before, err = readVendor(ctx, tx, vendorID); err != nil {
		return Vendor{}, Vendor{}, err
	}
	after = before
	after.apply(profile)
	after.UpdatedAt = s.Now().UTC()
	return before, after, updateVendor(ctx, tx, after)
}

// SetVendorStatusTx approves or suspends a vendor; a suspension needs a reason.
func (s *Service) SetVendorStatusTx(ctx context.Context, tx bun.IDB, vendorID string, status VendorStatus, reason string) (before, after Vendor, err error) {
	reason = PlainText(reason, 500)
	if status == VendorSuspended && reason == "" {
		return Vendor{}, Vendor{}, fault.At("reason", "Say why the vendor is suspended; its staff will read it.")
	}
	if before, err = readVendor(ctx, tx, vendorID); err != nil {
		return Vendor{}, Vendor{}, err
	}
	after = before
	after.Status, after.StatusReason, after.UpdatedAt = status, reason, s.Now().UTC()
	return before, after, updateVendor(ctx, tx, after)
}
