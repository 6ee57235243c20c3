package intake

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/fault"
)

// Connection is a vendor's connection, with its run that goes on just now, if any;
// fault.NotFound for another vendor's.
func (s *Service) Connection(ctx context.Context, vendorID, connectionID string) (Connection, *Sync, error) {
	list, err := s.ListConnections(ctx, vendorID)
	if err != nil {
		return Connection{}, nil, err
	}
	at := slices.IndexFunc(list, func(c Connection) bool { return c.ID == connectionID })
	if at < 0 {
		return Connection{}, nil, noSuch("connection")
	}
	run, found, err := runningSync(ctx, s.DB, connectionID)
	if err != nil || !found {
		return list[at], nil, err
	}
	return list[at], &run, nil
}

// change changes an active connection of a vendor, with a line in the audit log.
func (s *Service) change(ctx context.Context, actor access.Actor, vendorID, connectionID, action string, change func(*Connection) (before, after any, err error)) error {
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		connection, err := s.lockOwn(ctx, tx, vendorID, connectionID)
		if err != nil {
			return err
		}
		before, after, err := change(&connection)
		if err != nil {
			return err
		}
		connection.UpdatedAt = s.now()
		if err := updateConnection(ctx, tx, connection); err != nil {
			return err
		}
		return s.Access.AuditTx(ctx, tx, actor, access.Change{Action: action, SubjectKind: "connection", SubjectID: connection.ID, VendorID: vendorID, Before: before, After: after})
	})
}

// GoLive lets a connection's invoices be reminded of from now on. Again changes nothing.
func (s *Service) GoLive(ctx context.Context, actor access.Actor, vendorID, connectionID string) error {
	return s.change(ctx, actor, vendorID, connectionID, "connection.live", func(c *Connection) (any, any, error) {
		if c.LiveAt.IsZero() {
			c.LiveAt = s.now()
		}
		return nil, nil, nil
	})
}

// ReadNow makes a connection due at once.
func (s *Service) ReadNow(ctx context.Context, actor access.Actor, vendorID, connectionID string) error {
	return s.change(ctx, actor, vendorID, connectionID, "connection.read_asked", func(c *Connection) (any, any, error) {
		c.NextSyncAt = s.now()
		return nil, nil, nil
	})
}

// staleness is the audit log's line on a change of it.
type staleness struct {
	StaleDays int `json:"stale_days"`
}

// SetStaleDays says how many days old the books may be for reminders to go out.
func (s *Service) SetStaleDays(ctx context.Context, actor access.Actor, vendorID, connectionID string, days int) error {
	const most = 30
	if days < 1 || days > most {
		return fault.At("stale_days", "Give a number of days from 1 to %d.", most)
	}
	return s.change(ctx, actor, vendorID, connectionID, "connection.stale_days", func(c *Connection) (any, any, error) {
		before := staleness{c.StaleDays}
		c.StaleDays = days
		return before, staleness{days}, nil
	})
}

// ChangeSettings tries other settings and keeps them; a sealed one that is empty
// stays as it is. The connection is due at once.
func (s *Service) ChangeSettings(ctx context.Context, actor access.Actor, vendorID, connectionID string, settings map[string]string) error {
	connection, _, err := s.Connection(ctx, vendorID, connectionID)
	if err != nil {
		return err
	}
	if !connection.DisabledAt.IsZero() {
		return noSuch("connection")
	}
	kind, known := s.Connectors[connection.Kind]
	if !known {
		return fault.At("kind", "There is no connector of the kind %q any more.", clip(connection.Kind))
	}
	old, err := s.settingsOf(connection)
	if err != nil {
		return err
	}
	merged := map[string]string{}
	for name, value := range settings {
		merged[name] = value
	}
	for _, field := range kind.Descriptor.Fields {
		if field.Sealed && merged[field.Name] == "" && old[field.Name] != "" {
			merged[field.Name] = old[field.Name]
		}
	}
	kept, err := kind.checked(merged)
	if err != nil {
		return err
	}
	if err := kind.try(ctx, kept, s.depsOf(kind, connection)); err != nil {
		return err
	}
	sealed, err := s.sealSettings(connection.ID, kept)
	if err != nil {
		return err
	}
	return s.change(ctx, actor, vendorID, connectionID, "connection.settings", func(c *Connection) (any, any, error) {
		c.Settings, c.NextSyncAt = sealed, s.now()
		return nil, made{Kind: c.Kind, Name: c.Name, Settings: namesOf(kept)}, nil
	})
}

// OpenSettings are a connection's settings that are no secrets, for its form.
func (s *Service) OpenSettings(connection Connection) (map[string]string, error) {
	all, err := s.settingsOf(connection)
	if err != nil {
		return nil, err
	}
	shown := map[string]string{}
	for _, field := range s.Connectors[connection.Kind].Descriptor.Fields {
		if !field.Sealed {
			shown[field.Name] = all[field.Name]
		}
	}
	return shown, nil
}

func (s *Service) settingsOf(connection Connection) (map[string]string, error) {
	if connection.Settings == "" {
		return map[string]string{}, nil
	}
	plain, err := s.Sealer.Open(connection.Settings, sealContext(connection.ID))
	if err != nil {
		return nil, err
	}
	var settings map[string]string
	if err := json.Unmarshal([]byte(plain), &settings); err != nil {
		return nil, fmt.Errorf("decode settings: %w", err)
	}
	return settings, nil
}

func (s *Service) sealSettings(connectionID string, settings map[string]string) (string, error) {
	encoded, err := json.Marshal(settings)
	if err != nil {
		return "", fmt.Errorf("encode settings: %w", err)
	}
	return s.Sealer.Seal(string(encoded), sealContext(connectionID))
}

func namesOf(settings map[string]string) []string {
	names := make([]string, 0, len(settings))
	for name := range settings {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
