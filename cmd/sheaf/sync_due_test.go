package main

import (
	"context"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/intake"
	"github.com/sheaf-hub/sheaf/hub/party"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// waitingBooks is a connector whose books answer when they are let to.
type waitingBooks struct {
	begun chan<- string
	until <-chan struct{}
	name  string
}

func (w waitingBooks) Describe() connectors.Descriptor {
	return connectors.Descriptor{Kind: w.name, Title: w.name}
}
func (w waitingBooks) Check(context.Context) error { return nil }
func (w waitingBooks) Fetch(context.Context, string) (connectors.Document, error) {
	return connectors.Document{}, connectors.ErrGone
}

func (w waitingBooks) Pull(ctx context.Context, _ string, _ func(connectors.Page) error) error {
	w.begun <- w.name
	select {
	case <-w.until:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestASlowConnectionHoldsUpNoOther(t *testing.T) {
	a := openFolder(t, t.TempDir())
	defer a.close()
	begun, slow, quick := make(chan string, 10), make(chan struct{}), make(chan struct{})
	close(quick)
	for name, until := range map[string]chan struct{}{"slow": slow, "quick": quick} {
		a.intake.Connectors[name] = intake.Kind{Descriptor: connectors.Descriptor{Kind: name, Title: name},
			New: func(map[string]string, connectors.Deps) (connectors.Connector, error) {
				return waitingBooks{begun, until, name}, nil
			}}
	}
	added, err := a.enroll(t.Context(), access.SystemActor("test"), party.Profile{Name: "North", Email: "ar@north.example"}, party.VendorApproved)
	if err != nil {
		t.Fatal(err)
	}
	connect := func(kind string) {
		if _, err := a.intake.AddConnection(t.Context(), access.SystemActor("test"), added.Vendor.ID, kind, "", nil); err != nil {
			t.Fatal(err)
		}
	}
	reads := func(want string) {
		t.Helper()
		select {
		case got := <-begun:
			if got != want {
				t.Fatalf("%s is read, want %s", got, want)
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("%s is not read", want)
		}
	}
	connect("slow")
	ended := make(chan int, 1)
	go func() {
		n, err := a.syncDue(t.Context())
		if err != nil {
			t.Error(err)
		}
		ended <- n
	}()
	reads("slow")
	connect("quick") // comes due while the other is read
	reads("quick")
	select {
	case <-ended:
		t.Fatal("it ended before the slow one")
	default:
	}
	close(slow)
	if n := <-ended; n != 2 {
		t.Errorf("%d connections were read", n)
	}
	if n, err := a.syncDue(t.Context()); n != 0 || err != nil {
		t.Errorf("nothing is due, and %d were read: %v", n, err)
	}
}
