package party_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/store/storetest"
)

// hall is the room on a fresh database with a clock moved by hand.
type hall struct {
	*party.Service
	t   *testing.T
	mu  sync.Mutex
	now time.Time
}

func each(t *testing.T, run func(t *testing.T, h *hall)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		sealer, err := store.NewSealer(store.NewSealKey())
		if err != nil {
			t.Fatal(err)
		}
		h := &hall{t: t, now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
		h.Service = &party.Service{DB: db, Sealer: sealer, Now: h.clock}
		run(t, h)
	})
}

func (h *hall) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *hall) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

func (h *hall) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *hall) inTx(work func(ctx context.Context, tx bun.Tx) error) error {
	return h.DB.InTx(context.Background(), work)
}

func (h *hall) vendor(name string) party.Vendor {
	h.t.Helper()
	var vendor party.Vendor
	h.must(h.inTx(func(ctx context.Context, tx bun.Tx) error {
		var err error
		vendor, err = h.AddVendorTx(ctx, tx, party.Profile{Name: name, Email: "ar@vendor.example", TimeZone: "Europe/Berlin"}, party.VendorApproved, "whsec_x")
		return err
	}))
	return vendor
}

func (h *hall) upsert(vendor party.Vendor, records ...party.AccountRecord) party.Counts {
	h.t.Helper()
	var counts party.Counts
	h.must(h.inTx(func(ctx context.Context, tx bun.Tx) error {
		var err error
		counts, err = h.UpsertAccountsTx(ctx, tx, vendor, records)
		return err
	}))
	return counts
}

func listed(role party.Role, emails ...string) []party.ContactRecord {
	var list []party.ContactRecord
	for _, email := range emails {
		list = append(list, party.ContactRecord{Email: email, Name: "Ann", Role: role})
	}
	return list
}

func (h *hall) account(vendor party.Vendor, id string) party.Account {
	h.t.Helper()
	found, err := h.AccountsByExternalIDTx(context.Background(), h.DB, vendor.ID, []string{id})
	h.must(err)
	if len(found) != 1 {
		h.t.Fatalf("no account %s", id)
	}
	return found[id]
}

func (h *hall) contact(email string) party.Contact {
	h.t.Helper()
	contact, err := h.ContactByEmail(context.Background(), email)
	h.must(err)
	return contact
}

func (h *hall) count(table, where string, arguments ...any) int {
	h.t.Helper()
	n := 0
	h.must(h.DB.NewRaw("SELECT count(*) FROM "+table+" WHERE "+where, arguments...).Scan(context.Background(), &n))
	return n
}

func TestVendors(t *testing.T) {
	each(t, func(t *testing.T, h *hall) {
		vendor := h.vendor("Northwind \u202eFreight")
		if vendor.Name != "Northwind Freight" || vendor.Email != "ar@vendor.example" {
			t.Fatalf("%+v", vendor)
		}
		read, err := h.Vendor(t.Context(), vendor.ID)
		if err != nil || read.TimeZone != "Europe/Berlin" {
			t.Fatal(read, err)
		}
		if secret, err := h.Secret(read); err != nil || secret != "whsec_x" || read.WebhookSecret == "whsec_x" {
			t.Fatal(secret, err)
		}
		for pointer, profile := range map[string]party.Profile{
			"name":      {Name: "\u200b", Email: "ar@vendor.example"},
			"email":     {Name: "N", Email: "nobody"},
			"time_zone": {Name: "N", Email: "ar@vendor.example", TimeZone: "Mars/Olympus"},
		} {
			err := h.inTx(func(ctx context.Context, tx bun.Tx) error {
				_, _, err := h.ChangeProfileTx(ctx, tx, vendor.ID, profile)
				return err
			})
			var wrong *fault.Error
			if !fault.Is(err, fault.Invalid) || !asFault(err, &wrong) || wrong.Pointer != pointer {
				t.Errorf("%s: %v", pointer, err)
			}
		}
		suspend := func(reason string) error {
			return h.inTx(func(ctx context.Context, tx bun.Tx) error {
				before, after, err := h.SetVendorStatusTx(ctx, tx, vendor.ID, party.VendorSuspended, reason)
				if err == nil && (before.Status != party.VendorApproved || after.Status != party.VendorSuspended) {
					t.Errorf("%+v %+v", before, after)
				}
				return err
			})
		}
		if err := suspend(" "); !fault.Is(err, fault.Invalid) {
			t.Fatal("suspended without a reason", err)
		}
		h.must(suspend("complaints"))
		if list, _, err := h.ListVendors(t.Context(), party.VendorSuspended, store.PageRequest{}); err != nil || len(list) != 1 || list[0].StatusReason != "complaints" {
			t.Fatal(list, err)
		}
		if _, err := h.Vendor(t.Context(), store.NewID()); !fault.Is(err, fault.NotFound) {
			t.Fatal(err)
		}
	})
}

func TestWhatAContactSaysOfAVendor(t *testing.T) {
	each(t, func(t *testing.T, h *hall) {
		vendor := h.vendor("Northwind")
		h.upsert(vendor, party.AccountRecord{ExternalID: "C-1", Name: "Acme", Contacts: listed(party.Payables, "ann@acme.example", "bob@acme.example")})
		other := h.vendor("Brightwell")
		h.upsert(other, party.AccountRecord{ExternalID: "K-1", Name: "Acme", Contacts: listed(party.Payables, "bob@acme.example")})
		ann, bob := h.contact("ann@acme.example"), h.contact("bob@acme.example")
		state := func(contact party.Contact) party.VendorState {
			states, err := h.VendorStates(t.Context(), h.DB, h.contact(contact.Email))
			h.must(err)
			return states[vendor.ID]
		}
		decide := func(contact party.Contact, want int, word party.VendorState) {
			h.must(h.inTx(func(ctx context.Context, tx bun.Tx) error {
				changed, err := h.DecideVendorsTx(ctx, tx, contact.ID, []string{vendor.ID, store.NewID()}, word)
				if len(changed) != want {
					t.Errorf("%d changed, want %d", len(changed), want)
				}
				return err
			}))
		}
		if state(ann) != party.VendorNew || state(bob) != party.VendorNew || ann.CustomerID == bob.CustomerID {
			t.Fatal("two mailboxes began as one, or a vendor as known")
		}
		decide(ann, 1, party.VendorMine)
		decide(ann, 0, party.VendorMine)
		if state(ann) != party.VendorMine || state(bob) != party.VendorNew {
			t.Fatal("one contact's word counts for a stranger")
		}
		// they join as a team
		_, err := h.DB.ExecContext(t.Context(), `UPDATE contacts SET customer_id = ? WHERE id = ?`, ann.CustomerID, bob.ID)
		h.must(err)
		if team, err := h.Team(t.Context(), ann.CustomerID); err != nil || len(team) != 2 {
			t.Fatal(team, err)
		}
		if state(bob) != party.VendorMine {
			t.Fatal("one member's yes is the team's")
		}
		decide(bob, 1, party.VendorNotMine)
		if state(bob) != party.VendorNotMine || state(ann) != party.VendorMine {
			t.Fatal("a contact's own word does not stand above the team's")
		}
		decide(ann, 1, party.VendorNew)
		if state(ann) != party.VendorNew {
			t.Fatal("a colleague's no speaks for this contact:", state(ann))
		}
		// what the team sees is what any of them sees
		ids, err := h.VisibleAccountIDs(t.Context(), h.DB, ann.CustomerID)
		if err != nil || len(ids) != 2 {
			t.Fatal(ids, err)
		}
		h.must(h.Sees(t.Context(), h.DB, ann.CustomerID, h.account(other, "K-1").ID))
		if err := h.Sees(t.Context(), h.DB, store.NewID(), h.account(other, "K-1").ID); !fault.Is(err, fault.NotFound) {
			t.Fatal(err)
		}
	})
}
