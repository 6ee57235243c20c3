package intake

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// Connection is one configured connector of one vendor. Kinds that deliver whole
// snapshots are always read from the start and keep no Cursor.
type Connection struct {
	bun.BaseModel `bun:"table:connections,alias:cn"`
	ID            string    `bun:"id,pk"`
	VendorID      string    `bun:"vendor_id"`
	Kind          string    `bun:"kind"`
	Name          string    `bun:"name"`
	Settings      string    `bun:"settings"` // sealed
	Cursor        string    `bun:"cursor"`
	CreatedAt     time.Time `bun:"created_at"`
	UpdatedAt     time.Time `bun:"updated_at"`
	DisabledAt    time.Time `bun:"disabled_at,nullzero"`
	LastGoodAt    time.Time `bun:"last_good_at,nullzero"`
	LastError     string    `bun:"last_error"` // for the vendor's staff; empty: healthy
	NextSyncAt    time.Time `bun:"next_sync_at,nullzero"`
	Token         string    `bun:"token"`             // sealed; empty: nobody signed in
	WriteBack     WriteBack `bun:"write_back"`        // what becomes of payments
	StaleDays     int       `bun:"stale_days"`        // after so many without a good run, reminders for its invoices stop
	WholeAt       time.Time `bun:"whole_at,nullzero"` // when all of the books was last read
	Closing       string    `bun:"closing"`           // see Held
	ToldAt        time.Time `bun:"told_at,nullzero"`  // when the staff last heard that it fails
	LiveAt        time.Time `bun:"live_at,nullzero"`  // zero: nobody is reminded of its invoices yet
}

// StaleDays is how old books may be, unless the vendor says otherwise, for
// reminders to go out: one for what was paid is worse than none.
const StaleDays = 3

// Stale says whether its books were last read too long ago to ask for what they say.
func (c Connection) Stale(now time.Time) bool {
	since := c.LastGoodAt
	if since.IsZero() {
		since = c.CreatedAt
	}
	return now.Sub(since) > time.Duration(c.StaleDays)*24*time.Hour
}

// checkTimeout bounds the trial of a new connection.
const checkTimeout = 30 * time.Second

// made is what the audit log keeps of a new connection: the names of its
// settings, never what they hold.
type made struct {
	Kind     string   `json:"kind"`
	Name     string   `json:"name"`
	Settings []string `json:"settings"`
}

func sealContext(id string) string { return "connection:" + id }

// AddConnection tries settings against the vendor's books and keeps them,
// sealed. It is due at once. fault.Invalid says which setting is wrong.
func (s *Service) AddConnection(ctx context.Context, actor access.Actor, vendorID, kind, name string, settings map[string]string) (Connection, error) {
	if !store.ValidID(vendorID) {
		return Connection{}, noSuch("vendor")
	}
	known, ok := s.Connectors[kind]
	if !ok {
		return Connection{}, fault.At("kind", "There is no connector of the kind %q.", clip(kind))
	}
	if name = party.PlainText(name, 100); name == "" {
		name = known.Descriptor.Title
	}
	kept, err := known.checked(settings)
	if err != nil {
		return Connection{}, err
	}
	if err := known.try(ctx, kept, s.deps(vendorID)); err != nil {
		return Connection{}, err
	}
	now := s.now()
	connection := Connection{ID: store.NewID(), VendorID: vendorID, Kind: kind, Name: name, CreatedAt: now, UpdatedAt: now, NextSyncAt: now,
		WriteBack: TellOnly, StaleDays: StaleDays}
	if connection.Settings, err = s.sealSettings(connection.ID, kept); err != nil {
		return Connection{}, err
	}
	return connection, s.keep(ctx, actor, connection, kept)
}

func (s *Service) keep(ctx context.Context, actor access.Actor, connection Connection, settings map[string]string) error {
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		vendors, err := s.Party.Vendors(ctx, tx, []string{connection.VendorID})
		if err != nil {
			return err
		}
		if _, found := vendors[connection.VendorID]; !found {
			return noSuch("vendor")
		}
		active, err := activeConnections(ctx, tx, connection.VendorID)
		if err != nil {
			return err
		}
		if active >= MostConnections {
			return fault.New(fault.Conflict, "There are %d connections already, which is the most. Remove one first.", active)
		}
		if err := insertConnection(ctx, tx, connection); err != nil {
			return err
		}
		return s.Access.AuditTx(ctx, tx, actor, access.Change{Action: "connection.added", SubjectKind: "connection", SubjectID: connection.ID,
			VendorID: connection.VendorID, After: made{Kind: connection.Kind, Name: connection.Name, Settings: namesOf(settings)}})
	})
}

// checked keeps the settings that the kind asks for and finds what is missing
// or unknown.
func (k Kind) checked(settings map[string]string) (map[string]string, error) {
	const most = 4 << 10
	kept := map[string]string{}
	var problems []fault.Problem
	for _, field := range k.Descriptor.Fields {
		value := strings.TrimSpace(settings[field.Name])
		if value == "" && field.Required && len(field.Choices) > 0 {
			value = field.Choices[0].Value
		}
		switch {
		case value == "" && field.Required:
			problems = append(problems, fault.Problem{Pointer: field.Name, Message: field.Label + " is missing."})
		case len(value) > most:
			problems = append(problems, fault.Problem{Pointer: field.Name, Message: field.Label + " is too long."})
		case value != "" && len(field.Choices) > 0 && !slices.ContainsFunc(field.Choices, func(c connectors.Choice) bool { return c.Value == value }):
			problems = append(problems, fault.Problem{Pointer: field.Name, Message: field.Label + " is one of: " + choicesOf(field) + "."})
		case value != "":
			kept[field.Name] = value
		}
	}
	for name := range settings {
		if !slices.ContainsFunc(k.Descriptor.Fields, func(f connectors.Field) bool { return f.Name == name }) {
			problems = append(problems, fault.Problem{Pointer: clip(name), Message: k.Descriptor.Title + " has no such setting."})
		}
	}
	if len(problems) > 0 {
		slices.SortFunc(problems, func(a, b fault.Problem) int { return strings.Compare(a.Pointer, b.Pointer) })
		return nil, &fault.Error{Code: fault.Invalid, Message: "The connection was not made: some settings are missing or wrong.", Problems: problems}
	}
	return kept, nil
}

func choicesOf(field connectors.Field) string {
	values := make([]string, len(field.Choices))
	for i, choice := range field.Choices {
		values[i] = choice.Value
	}
	return strings.Join(values, ", ")
}

// try asks the books themselves.
func (k Kind) try(ctx context.Context, settings map[string]string, deps connectors.Deps) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	err := guarded(func() error {
		connector, err := k.New(settings, deps)
		if err != nil {
			return err
		}
		return connector.Check(ctx)
	})
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "Nothing was kept. %s", trialWords(err))
	}
	return nil
}

// ListConnections are a vendor's connections, the active ones first.
func (s *Service) ListConnections(ctx context.Context, vendorID string) ([]Connection, error) {
	var list []Connection
	err := s.DB.AsVendor(ctx, vendorID, func(ctx context.Context, tx bun.Tx) error {
		var err error
		list, err = listConnections(ctx, tx, vendorID)
		return err
	})
	return list, err
}

// DueConnections are the ids of connections to read now, the longest due first.
func (s *Service) DueConnections(ctx context.Context, limit int) ([]string, error) {
	return dueConnections(ctx, s.DB, s.now(), limit)
}

// RemoveConnection ends a connection for good and forgets its credentials; what
// it brought in stays.
func (s *Service) RemoveConnection(ctx context.Context, actor access.Actor, vendorID, connectionID string) error {
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		connection, err := s.lockOwn(ctx, tx, vendorID, connectionID)
		if err != nil {
			return err
		}
		before := made{Kind: connection.Kind, Name: connection.Name}
		now := s.now()
		connection.DisabledAt, connection.UpdatedAt, connection.NextSyncAt, connection.Settings, connection.Token = now, now, time.Time{}, "", ""
		if err := updateConnection(ctx, tx, connection); err != nil {
			return err
		}
		if err := s.listen(ctx, tx, connection); err != nil {
			return err
		}
		return s.Access.AuditTx(ctx, tx, actor, access.Change{Action: "connection.removed", SubjectKind: "connection", SubjectID: connection.ID,
			VendorID: vendorID, Before: before})
	})
}

// lockOwn reads and locks an active connection of a vendor.
func (s *Service) lockOwn(ctx context.Context, tx bun.IDB, vendorID, connectionID string) (Connection, error) {
	if !store.ValidID(connectionID) {
		return Connection{}, noSuch("connection")
	}
	connection, found, err := lockConnection(ctx, s.DB, tx, connectionID)
	if err == nil && (!found || connection.VendorID != vendorID || !connection.DisabledAt.IsZero()) {
		err = noSuch("connection")
	}
	return connection, err
}

// open makes the connector of a connection.
func (s *Service) open(connection Connection) (Kind, connectors.Connector, error) {
	kind, known := s.Connectors[connection.Kind]
	if !known {
		return Kind{}, nil, fmt.Errorf("this hub has no connector of the kind %q", connection.Kind)
	}
	settings, err := s.settingsOf(connection)
	if err != nil {
		return kind, nil, err
	}
	connector, err := kind.New(settings, s.depsOf(kind, connection))
	return kind, connector, err
}
