package intake_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/intake"
	"github.com/sheaf-hub/sheaf/hub/store"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

func TestAConnectionIsChangedByItsOwnVendorAlone(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		connection, actor := h.connect(h.north, "books"), access.SystemActor("test")
		for name, err := range map[string]error{
			"live": h.GoLive(t.Context(), actor, h.south.ID, connection.ID), "read": h.ReadNow(t.Context(), actor, h.south.ID, connection.ID),
			"days": h.SetStaleDays(t.Context(), actor, h.south.ID, connection.ID, 5), "settings": h.ChangeSettings(t.Context(), actor, h.south.ID, connection.ID, nil),
		} {
			if !fault.Is(err, fault.NotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, days := range []int{0, 31, -1} {
			if err := h.SetStaleDays(t.Context(), actor, h.north.ID, connection.ID, days); !fault.Is(err, fault.Invalid) {
				t.Errorf("%d days: %v", days, err)
			}
		}
		h.must(h.SetStaleDays(t.Context(), actor, h.north.ID, connection.ID, 5))
		h.must(h.GoLive(t.Context(), actor, h.north.ID, connection.ID))
		h.pull(connection)
		h.must(h.ReadNow(t.Context(), actor, h.north.ID, connection.ID))
		now := h.health(connection)
		if now.StaleDays != 5 || now.LiveAt.IsZero() || now.NextSyncAt.After(h.clock()) {
			t.Errorf("%+v", now)
		}
	})
}

func TestASettingIsOneOfItsChoices(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		made := map[string]string{}
		h.Connectors["choosy"] = intake.Kind{Descriptor: connectors.Descriptor{Kind: "choosy", Title: "Choosy", Fields: []connectors.Field{
			{Name: "size", Label: "Size", Required: true, Choices: []connectors.Choice{{Value: "small"}, {Value: "large"}}}, {Name: "colour", Label: "Colour", Choices: []connectors.Choice{{Value: "red"}}}}},
			New: func(settings map[string]string, _ connectors.Deps) (connectors.Connector, error) {
				made = settings
				return h.books, nil
			}}
		add := func(settings map[string]string) error {
			_, err := h.AddConnection(t.Context(), access.SystemActor("test"), h.north.ID, "choosy", "", settings)
			return err
		}
		h.must(add(nil))
		if made["size"] != "small" || made["colour"] != "" {
			t.Errorf("nothing was said, and %v is meant", made)
		}
		h.must(add(map[string]string{"size": "large", "colour": "red"}))
		if made["size"] != "large" {
			t.Errorf("%v", made)
		}
		if err := add(map[string]string{"size": "huge"}); !fault.Is(err, fault.Invalid) || !strings.Contains(fmt.Sprint(page(err)), "small, large") {
			t.Errorf("%v", err)
		}
	})
}

// page is what a form would show of an error.
func page(err error) []fault.Problem {
	var shown *fault.Error
	if errors.As(err, &shown) {
		return shown.Problems
	}
	return nil
}

func TestNewSettingsAreTriedAndSecretsStayUnlessGiven(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		connection, actor := h.connect(h.north, "books"), access.SystemActor("test")
		open := func() map[string]string {
			shown, err := h.OpenSettings(h.health(connection))
			h.must(err)
			return shown
		}
		if shown := open(); shown["url"] != "https://erp.north.example" || shown["password"] != "" {
			t.Errorf("%v", shown)
		}
		h.books.check = fmt.Errorf("%w: 401", connectors.ErrCredentials)
		if err := h.ChangeSettings(t.Context(), actor, h.north.ID, connection.ID, map[string]string{"url": "https://other.example"}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%v", err)
		}
		if open()["url"] != "https://erp.north.example" {
			t.Error("settings that do not work were kept")
		}
		h.books.check = nil
		h.must(h.ChangeSettings(t.Context(), actor, h.north.ID, connection.ID, map[string]string{"url": "https://other.example", "password": ""}))
		if shown := open(); shown["url"] != "https://other.example" {
			t.Errorf("%v", shown)
		}
		if err := h.ChangeSettings(t.Context(), actor, h.north.ID, connection.ID, map[string]string{"url": ""}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%v", err)
		}
		entries, _, err := h.Access.ListAudit(t.Context(), h.north.ID, store.PageRequest{})
		if err != nil || entries[0].Action != "connection.settings" || strings.Contains(fmt.Sprint(entries), "hush") || strings.Contains(fmt.Sprint(entries), "other.example") {
			t.Errorf("%v %v", entries, err)
		}
		if found, run, err := h.Connection(t.Context(), h.north.ID, connection.ID); err != nil || run != nil || found.ID != connection.ID {
			t.Errorf("%+v %+v %v", found, run, err)
		}
		if _, _, err := h.Connection(t.Context(), h.south.ID, connection.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("%v", err)
		}
		h.books.during = func() {
			if _, run, err := h.Connection(t.Context(), h.north.ID, connection.ID); err != nil || run == nil || run.State != intake.Running {
				t.Errorf("%+v %v", run, err)
			}
		}
		h.pull(connection)
	})
}
