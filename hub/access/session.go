package access

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// How long a session lasts. A remembered one starts again each time it is seen.
const (
	SessionLasts       = 12 * time.Hour
	ContactRemembered  = 90 * 24 * time.Hour
	StaffRemembered    = 14 * 24 * time.Hour
	sessionSeenEvery   = 5 * time.Minute
	mostDeviceRunes    = 120
	sessionEndedAnswer = "You are signed out. Sign in again to go on."
)

// Session is one signed-in browser.
type Session struct {
	ID           string
	Actor        Actor
	Email        string
	Role         string // of staff: RoleOwner, RoleMember or RoleOperator; empty for a contact
	VendorName   string // of vendor staff
	VendorStatus string // of vendor staff: pending, approved or suspended
	Device       string
	Remembered   bool
	CreatedAt    time.Time
	SeenAt       time.Time
	ExpiresAt    time.Time
	Next         string  // from ConsumeLink alone: the path to go to; may be empty
	Staffs       []Staff // from ConsumeLink and SwitchStaff alone: all that the person may work as
}

// Kind is KindContact or KindStaff.
func (s Session) Kind() string {
	if s.Actor.ContactID != "" {
		return KindContact
	}
	return KindStaff
}

// sessionRow is one row; its token is never kept, only the hash.
type sessionRow struct {
	bun.BaseModel `bun:"table:sessions,alias:s"`
	ID            string    `bun:"id,pk"`
	TokenHash     string    `bun:"token_hash"`
	ContactID     string    `bun:"contact_id,nullzero"`
	StaffID       string    `bun:"staff_id,nullzero"`
	Device        string    `bun:"device"`
	Remembered    bool      `bun:"remembered"`
	CreatedAt     time.Time `bun:"created_at"`
	SeenAt        time.Time `bun:"seen_at"`
	ExpiresAt     time.Time `bun:"expires_at"`
	RevokedAt     time.Time `bun:"revoked_at,nullzero"`
}

// sessionView is a session with the person that it belongs to.
type sessionView struct {
	sessionRow      `bun:",extend"`
	ContactEmail    string    `bun:"contact_email"`
	ContactName     string    `bun:"contact_name"`
	CustomerID      string    `bun:"customer_id"`
	StaffEmail      string    `bun:"staff_email"`
	StaffName       string    `bun:"staff_name"`
	StaffRole       string    `bun:"staff_role"`
	StaffDisabledAt time.Time `bun:"staff_disabled_at"`
	VendorID        string    `bun:"vendor_id"`
	VendorName      string    `bun:"vendor_name"`
	VendorStatus    string    `bun:"vendor_status"`
}

func (v sessionView) session() Session {
	session := Session{ID: v.ID, Device: v.Device, Remembered: v.Remembered, CreatedAt: v.CreatedAt, SeenAt: v.SeenAt, ExpiresAt: v.ExpiresAt}
	if v.ContactID != "" {
		session.Email = v.ContactEmail
		session.Actor = Actor{Kind: KindContact, ID: v.ContactID, Name: nameOr(v.ContactName, v.ContactEmail), CustomerID: v.CustomerID, ContactID: v.ContactID}
		return session
	}
	session.Email, session.Role, session.VendorName, session.VendorStatus = v.StaffEmail, v.StaffRole, v.VendorName, v.VendorStatus
	session.Actor = Actor{Kind: KindStaff, ID: v.StaffID, Name: nameOr(v.StaffName, v.StaffEmail), VendorID: v.VendorID}
	if v.StaffRole == RoleOperator {
		session.Actor.Kind = KindOperator
	}
	return session
}

func nameOr(name, email string) string {
	if name == "" {
		return email
	}
	return name
}

func lasts(kind string, remembered bool) time.Duration {
	switch {
	case !remembered:
		return SessionLasts
	case kind == KindContact:
		return ContactRemembered
	default:
		return StaffRemembered
	}
}

// openSession makes the session that a used link stands for.
func (s *Service) openSession(ctx context.Context, tx bun.IDB, used link, device string, remember bool) (Session, string, error) {
	now, token := s.now(), store.NewToken()
	row := sessionRow{ID: store.NewID(), TokenHash: store.HashToken(token), Device: plain(device, mostDeviceRunes), Remembered: remember,
		CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(lasts(used.Kind, remember))}
	var staffs []Staff
	var err error
	if used.Kind == KindContact {
		row.ContactID, err = contactByEmail(ctx, tx, used.Email)
	} else if staffs, err = activeStaffs(ctx, tx, used.Email); len(staffs) > 0 {
		row.StaffID = staffs[0].ID
	}
	if err != nil {
		return Session{}, "", err
	}
	if row.ContactID == "" && row.StaffID == "" {
		return Session{}, "", fault.New(fault.Gone, "This address may not sign in any more. Ask whoever invited you.")
	}
	if err := insertSession(ctx, tx, row); err != nil {
		return Session{}, "", err
	}
	view, _, err := readSession(ctx, tx, row.TokenHash)
	if err != nil {
		return Session{}, "", err
	}
	session := view.session()
	session.Next, session.Staffs = used.Next, staffs
	return session, token, s.auditSession(ctx, tx, session.Actor, "session.opened", session.ID, session.Device)
}

func (s *Service) auditSession(ctx context.Context, tx bun.IDB, actor Actor, action, sessionID, device string) error {
	return s.AuditTx(ctx, tx, actor, Change{Action: action, SubjectKind: "session", SubjectID: sessionID,
		VendorID: actor.VendorID, CustomerID: actor.CustomerID, After: struct {
			Device string `json:"device,omitempty"`
		}{device}})
}

// Session is the session of a token, by one query. fault.Unauthenticated when it
// is unknown, ended, expired, or its staff was disabled. It notes that it was
// seen, at most every five minutes, and then starts a remembered one's time again.
func (s *Service) Session(ctx context.Context, token string) (Session, error) {
	if token == "" || len(token) > mostToken {
		return Session{}, fault.New(fault.Unauthenticated, "Sign in to go on.")
	}
	view, found, err := readSession(ctx, s.DB, store.HashToken(token))
	if err != nil {
		return Session{}, err
	}
	now := s.now()
	switch {
	case !found || !view.RevokedAt.IsZero():
		return Session{}, fault.New(fault.Unauthenticated, sessionEndedAnswer)
	case !view.ExpiresAt.After(now):
		return Session{}, fault.New(fault.Unauthenticated, "You were signed out because you had been away for long. Sign in again to go on.")
	case !view.StaffDisabledAt.IsZero():
		return Session{}, fault.New(fault.Unauthenticated, "Your access has been taken back. Ask an owner of your company's account.")
	}
	session := view.session()
	if now.Sub(session.SeenAt) >= sessionSeenEvery {
		session.SeenAt = now
		if session.Remembered {
			session.ExpiresAt = now.Add(lasts(session.Kind(), true))
		}
		return session, touchSession(ctx, s.DB, session.ID, session.SeenAt, session.ExpiresAt, now.Add(-sessionSeenEvery))
	}
	return session, nil
}

// SignOut ends the session of a token; one that is unknown or ended stays so.
func (s *Service) SignOut(ctx context.Context, token string) error {
	if token == "" || len(token) > mostToken {
		return nil
	}
	return revokeToken(ctx, s.DB, store.HashToken(token), s.now())
}

// SignOutEverywhere ends all sessions of a contact, or of a member of staff in
// all its roles, this one too. fault.Forbidden for an actor that has no sessions.
func (s *Service) SignOutEverywhere(ctx context.Context, actor Actor) error {
	if !actor.signsIn() {
		return fault.New(fault.Forbidden, "Sign in first: this link signs nobody out.")
	}
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := revokeSessions(ctx, tx, actor, "", s.now()); err != nil {
			return err
		}
		return s.auditSession(ctx, tx, actor, "session.all_ended", actor.ID, "")
	})
}

// EndSession ends one of the actor's own sessions; fault.NotFound otherwise.
func (s *Service) EndSession(ctx context.Context, actor Actor, sessionID string) error {
	if !actor.signsIn() || !store.ValidID(sessionID) {
		return noSuch("session")
	}
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		return revokeSessions(ctx, tx, actor, sessionID, s.now())
	})
}

// ListSessions are the actor's own sessions that are still open, newest first.
func (s *Service) ListSessions(ctx context.Context, actor Actor, page store.PageRequest) ([]Session, string, error) {
	if !actor.signsIn() {
		return nil, "", fault.New(fault.Forbidden, "Sign in to see where you are signed in.")
	}
	views, next, err := listSessions(ctx, s.DB, actor, s.now(), page)
	if err != nil {
		return nil, "", err
	}
	sessions := make([]Session, len(views))
	for i, view := range views {
		sessions[i] = view.session()
	}
	return sessions, next, nil
}

func (a Actor) signsIn() bool {
	return a.Kind == KindContact || a.Kind == KindStaff || a.Kind == KindOperator
}

// SwitchStaff lets the session of one person go on as another of its own staff
// rows: the same address, not disabled. fault.NotFound otherwise.
func (s *Service) SwitchStaff(ctx context.Context, session Session, staffID string) (Session, error) {
	var switched Session
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if session.Kind() != KindStaff || !store.ValidID(staffID) {
			return noSuch("vendor for you")
		}
		moved, err := moveSession(ctx, tx, session.ID, session.Email, staffID, s.now())
		if err != nil {
			return err
		}
		if !moved {
			return noSuch("vendor for you")
		}
		view, err := readSessionByID(ctx, tx, session.ID)
		if err != nil {
			return err
		}
		switched = view.session()
		if switched.Staffs, err = activeStaffs(ctx, tx, session.Email); err != nil {
			return err
		}
		return s.auditSession(ctx, tx, switched.Actor, "session.switched", session.ID, session.Device)
	})
	return switched, err
}

// Staffs are all that the person of a staff session may work as, in the order
// of vendor names, the operator's row first.
func (s *Service) Staffs(ctx context.Context, session Session) ([]Staff, error) {
	if session.Kind() != KindStaff {
		return nil, nil
	}
	return activeStaffs(ctx, s.DB, session.Email)
}
