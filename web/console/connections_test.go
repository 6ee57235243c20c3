package console_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sheaf-hub/sheaf/hub/intake"
	"github.com/sheaf-hub/sheaf/hub/store"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// shelf is a connector of a vendor's books, with one password that is right.
type shelf struct{ password string }

func (s shelf) Describe() connectors.Descriptor {
	return connectors.Descriptor{Kind: "shelf", Title: "Paper Shelf", Summary: "Books on a shelf.", WriteBack: true, Unproven: true, Fields: []connectors.Field{
		{Name: "url", Label: "Address", Required: true}, {Name: "password", Label: "Password", Required: true, Sealed: true}, {Name: connectors.ClearingAccount, Label: "Clearing account"},
		{Name: "size", Label: "Size", Choices: []connectors.Choice{{Value: "small", Label: "Small books"}}}}}
}

func (s shelf) Check(context.Context) error {
	if s.password != "right" {
		return fmt.Errorf("%w: try the other one", connectors.ErrCredentials)
	}
	return nil
}

func (s shelf) Pull(_ context.Context, cursor string, sink func(connectors.Page) error) error {
	if cursor != "" {
		return nil
	}
	return sink(connectors.Page{Cursor: "1", Done: 1, Total: 1})
}

func (s shelf) Fetch(context.Context, string) (connectors.Document, error) {
	return connectors.Document{}, connectors.ErrGone
}

func (s shelf) RecordPayment(context.Context, connectors.Payment) (connectors.Recorded, error) {
	return connectors.Recorded{}, errors.New("the shelf is locked")
}

func withShelf(t *testing.T) *desk {
	d := newDesk(t)
	d.Intake.Connectors = map[string]intake.Kind{
		"shelf": {Descriptor: shelf{}.Describe(), New: func(settings map[string]string, _ connectors.Deps) (connectors.Connector, error) {
			return shelf{settings["password"]}, nil
		}},
		"cloud": {Descriptor: connectors.Descriptor{Kind: "cloud", Title: "Cloud", SignIn: true}},
	}
	return d
}

func TestAVendorConnectsItsBooksAndGoesLive(t *testing.T) {
	d := withShelf(t)
	d.member.Get("/vendor/connections/new").Want(t, 200, "Paper Shelf", "Not proven", "books payments").Without(t, "Cloud")
	d.member.Get("/vendor/connections/new?q=shel").Want(t, 200, "Paper Shelf")
	d.member.Get("/vendor/connections/new?q=%00nothing").Want(t, 200, "No such system")
	d.member.Get("/vendor/connections/new/cloud").Want(t, 404)
	d.member.Get("/vendor/connections/new/shelf").Want(t, 200, "Only an owner").Without(t, `name="set-url"`)
	d.owner.Get("/vendor/connections/new/shelf").Want(t, 200, `name="set-url"`, `type="password"`, "Small books", "Book it for us", "clearing account")
	d.member.Post("/vendor/connections/new/shelf", "set-url", "x").Want(t, 403)
	d.owner.Post("/vendor/connections/new/shelf", "set-password", "hush").Want(t, 422, `href="#set-url"`, "Address is missing").Without(t, "hush")
	d.owner.Post("/vendor/connections/new/shelf", "set-url", "https://shelf.example", "set-password", "wrong").Want(t, 422, "refused the credentials", "try the other one", "https://shelf.example").Without(t, "wrong")
	d.owner.Post("/vendor/connections/new/shelf", "set-url", "https://shelf.example", "set-password", "right", "write_back", "clearing").Want(t, 422, `href="#set-clearing_account"`)
	d.owner.Post("/vendor/connections/new/shelf", "set-url", "https://shelf.example", "set-password", "right", "set-size", "vast").Want(t, 422, `href="#set-size"`, "one of: small")
	answer := d.owner.Post("/vendor/connections/new/shelf", "set-url", "https://shelf.example", "set-password", "right", "set-clearing_account", "1999", "write_back", "clearing", "name", "Head office")
	list, err := d.Intake.ListConnections(t.Context(), d.North.ID)
	d.Must(err)
	connection := list[0]
	path := "/vendor/connections/" + connection.ID
	answer.Leads(t, path)
	if connection.WriteBack != intake.Clearing || !connection.LiveAt.IsZero() {
		t.Fatalf("%+v", connection)
	}
	d.member.Get(path).Want(t, 200, "Head office", "Paper Shelf", "Not read yet", "As soon as your books were read", "Only an owner changes it")
	_, err = d.Intake.Sync(t.Context(), connection.ID)
	d.Must(err)
	d.member.Get(path).Want(t, 200, "Only an owner goes live").Without(t, "Go live</button>")
	d.member.Post(path+"/starts").Want(t, 403)
	d.owner.Get(path).Want(t, 200, "Go live", "Last read well", "What was not taken").Without(t, "right\"")
	d.owner.Post(path+"/starts").Leads(t, path)
	d.owner.Get(path).Want(t, 200, "You are live", "Live since").Without(t, "Before you go live")
	d.audited(t, "connection.live", 1)
	d.member.Get("/vendor/imports").Want(t, 200, path, "Head office")
	for _, other := range []string{"", "/syncs", "/starts", "/write-back", "/limits", "/settings", "/removals"} {
		if other == "" {
			d.south.Get(path).Want(t, 404)
			continue
		}
		d.south.Post(path+other, "write_back", "tell", "stale_days", "5", "set-url", "x").Want(t, 404)
	}
	d.owner.Get("/vendor/connections/"+store.NewID()).Want(t, 404)
	d.owner.Get("/vendor/connections/nonsense").Want(t, 404)
}

func TestAConnectionIsChangedAndRemoved(t *testing.T) {
	d := withShelf(t)
	d.owner.Post("/vendor/connections/new/shelf", "set-url", "https://shelf.example", "set-password", "right", "write_back", "book")
	list, err := d.Intake.ListConnections(t.Context(), d.North.ID)
	d.Must(err)
	path := "/vendor/connections/" + list[0].ID
	d.member.Post(path+"/syncs").Leads(t, path)
	for _, typed := range []string{"0", "31", "x", ""} {
		d.owner.Post(path+"/limits", "stale_days", typed).Want(t, 422, `href="#stale_days"`, "1 to 30")
	}
	d.owner.Post(path+"/limits", "stale_days", " 7 ").Leads(t, path)
	d.owner.Post(path+"/write-back", "write_back", "never").Leads(t, path)
	d.owner.Get(path).Want(t, 200, "Nothing was changed", `value="7"`)
	d.owner.Post(path+"/write-back", "write_back", "tell").Leads(t, path)
	d.owner.Post(path+"/settings", "set-url", "https://new.example", "set-password", "wrong").Want(t, 422, "refused the credentials", "https://new.example").Without(t, "wrong")
	d.owner.Post(path+"/settings", "set-url", "https://new.example", "set-password", "").Leads(t, path)
	d.owner.Get(path).Want(t, 200, "https://new.example", "The new settings work")
	d.owner.Post(path+"/removals").Leads(t, path)
	d.owner.Get(path).Want(t, 200, "Removed").Without(t, "Remove Paper Shelf", "Read now")
	for action, want := range map[string]int{"connection.added": 1, "connection.write_back": 2, "connection.settings": 1, "connection.stale_days": 1, "connection.removed": 1} {
		d.audited(t, action, want)
	}
	if page := d.owner.Get("/vendor/audit"); strings.Contains(page.Body, "right") {
		t.Error("the audit log shows the password")
	}
}
