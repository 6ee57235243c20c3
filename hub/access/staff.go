package access

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// Roles of staff.
const (
	RoleOwner    = "owner"    // of a vendor: may invite and disable staff
	RoleMember   = "member"   // of a vendor
	RoleOperator = "operator" // of the hub itself
)

// MostStaff bounds how many active staff one vendor may have.
const MostStaff = 200

// Staff is one person working for one vendor, or for the operator (VendorID
// empty). Who works for two vendors has two rows with one address.
type Staff struct {
	bun.BaseModel `bun:"table:staff,alias:st" json:"-"`
	ID            string    `bun:"id,pk" json:"id"`
	VendorID      string    `bun:"vendor_id,nullzero" json:"vendor_id,omitempty"`
	Email         string    `bun:"email" json:"email"`
	Name          string    `bun:"name" json:"name"`
	Role          string    `bun:"role" json:"role"`
	CreatedAt     time.Time `bun:"created_at" json:"-"`
	DisabledAt    time.Time `bun:"disabled_at,nullzero" json:"-"`
	VendorName    string    `bun:"vendor_name,scanonly" json:"-"` // where a list crosses vendors
}

// NewStaff is somebody to add. Role is RoleOwner or RoleMember.
type NewStaff struct {
	VendorID string
	Email    string
	Name     string
	Role     string
}

// AddStaffTx adds staff to a vendor, or lets one that was disabled come back
// with the given name and role. fault.Conflict when the address is active there
// already. The caller has judged whether actor may.
func (s *Service) AddStaffTx(ctx context.Context, tx bun.IDB, fresh NewStaff, actor Actor) (Staff, error) {
	email, err := cleanEmail(fresh.Email)
	if err != nil {
		return Staff{}, err
	}
	if fresh.Role != RoleOwner && fresh.Role != RoleMember {
		return Staff{}, fault.At("role", "Choose owner or member.")
	}
	if !store.ValidID(fresh.VendorID) {
		return Staff{}, noSuch("vendor")
	}
	active, err := countActiveStaff(ctx, tx, fresh.VendorID)
	if err != nil {
		return Staff{}, err
	}
	if active >= MostStaff {
		return Staff{}, fault.New(fault.Conflict, "There are %d people already, which is the most. Remove somebody first.", active)
	}
	staff, added, err := putStaff(ctx, tx, Staff{ID: store.NewID(), VendorID: fresh.VendorID, Email: email,
		Name: plain(fresh.Name, 100), Role: fresh.Role, CreatedAt: s.now()})
	if err != nil {
		return Staff{}, err
	}
	if !added {
		return Staff{}, fault.New(fault.Conflict, "%s is on the list already.", email)
	}
	return staff, s.auditStaff(ctx, tx, actor, "staff.added", nil, &staff)
}

func (s *Service) auditStaff(ctx context.Context, tx bun.IDB, actor Actor, action string, before, after *Staff) error {
	change := Change{Action: action, SubjectKind: "staff"}
	if before != nil {
		change.SubjectID, change.VendorID, change.Before = before.ID, before.VendorID, before
	}
	if after != nil {
		change.SubjectID, change.VendorID, change.After = after.ID, after.VendorID, after
	}
	return s.AuditTx(ctx, tx, actor, change)
}

// InviteStaff adds staff and mails a sign-in link. Owners, operators and the
// system may; fault.Forbidden for others. When the link has expired, the person
// asks for another one on the sign-in page.
func (s *Service) InviteStaff(ctx context.Context, vendorID, email, name, role string, actor Actor) (Staff, error) {
	address, err := cleanEmail(email)
	if err != nil {
		return Staff{}, err
	}
	fresh, message, err := s.newLink(KindStaff, address, "/vendor")
	if err != nil {
		return Staff{}, err
	}
	var staff Staff
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := mayManage(ctx, tx, actor, vendorID); err != nil {
			return err
		}
		if staff, err = s.AddStaffTx(ctx, tx, NewStaff{VendorID: vendorID, Email: address, Name: name, Role: role}, actor); err != nil {
			return err
		}
		return s.sendLink(ctx, tx, fresh, message, true)
	})
	return staff, err
}

// mayManage says whether the actor may change a vendor's staff.
func mayManage(ctx context.Context, tx bun.IDB, actor Actor, vendorID string) error {
	if actor.Kind == KindOperator || actor.Kind == KindSystem {
		return nil
	}
	if !actor.ofVendor(vendorID) {
		return noSuch("vendor")
	}
	owner, err := isActiveOwner(ctx, tx, vendorID, actor.ID)
	if err != nil {
		return err
	}
	if !owner {
		return fault.New(fault.Forbidden, "Only an owner may do this. Ask an owner of your company's account.")
	}
	return nil
}

// DisableStaff takes somebody's access back and ends the sessions. vendorID empty
// is the operator's own staff. The last active owner (or operator) stays:
// fault.Conflict. One that is disabled stays so.
func (s *Service) DisableStaff(ctx context.Context, vendorID, staffID string, actor Actor) error {
	if !store.ValidID(staffID) || (vendorID != "" && !store.ValidID(vendorID)) {
		return noSuch("member of staff")
	}
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := mayManage(ctx, tx, actor, vendorID); err != nil {
			return err
		}
		leaders, err := lockLeaders(ctx, s.DB, tx, vendorID)
		if err != nil {
			return err
		}
		staff, found, err := readStaff(ctx, tx, vendorID, staffID)
		switch {
		case err != nil:
			return err
		case !found:
			return noSuch("member of staff")
		case !staff.DisabledAt.IsZero():
			return nil
		case len(leaders) == 1 && leaders[0] == staffID:
			return fault.New(fault.Conflict, "%s is the last %s. Make somebody else one first.", nameOr(staff.Name, staff.Email), staff.Role)
		}
		if err := markStaffDisabled(ctx, tx, staffID, s.now()); err != nil {
			return err
		}
		if err := revokeStaffSessions(ctx, tx, staffID, s.now()); err != nil {
			return err
		}
		return s.auditStaff(ctx, tx, actor, "staff.disabled", &staff, nil)
	})
}

// ListStaff is a vendor's staff, disabled ones too, in the order they were added.
func (s *Service) ListStaff(ctx context.Context, vendorID string, page store.PageRequest) ([]Staff, string, error) {
	var staffs []Staff
	var next string
	err := s.DB.AsVendor(ctx, vendorID, func(ctx context.Context, tx bun.Tx) error {
		var err error
		staffs, next, err = listStaff(ctx, tx, vendorID, page)
		return err
	})
	return staffs, next, err
}

// ListOperators is the hub's own staff.
func (s *Service) ListOperators(ctx context.Context, page store.PageRequest) ([]Staff, string, error) {
	return listStaff(ctx, s.DB, "", page)
}

// EnsureOperator makes sure that the address may sign in as operator: the
// configuration says so, and it may say so at every start.
func (s *Service) EnsureOperator(ctx context.Context, email string) (Staff, error) {
	address, err := cleanEmail(email)
	if err != nil {
		return Staff{}, err
	}
	var staff Staff
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var added bool
		staff, added, err = putStaff(ctx, tx, Staff{ID: store.NewID(), Email: address, Role: RoleOperator, CreatedAt: s.now()})
		if err != nil || !added {
			return err
		}
		return s.auditStaff(ctx, tx, SystemActor("configuration"), "staff.added", nil, &staff)
	})
	return staff, err
}
