package party_test

import (
	"context"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/party"
)

func at(text string) time.Time {
	moment, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return moment
}

func TestNextDigest(t *testing.T) {
	for _, c := range []struct {
		zone    string
		weekday time.Weekday
		hour    int
		after   string
		want    string
	}{
		{"UTC", time.Tuesday, 9, "2026-11-22T09:00:00Z", "2026-11-24T09:00:00Z"},
		{"UTC", time.Tuesday, 9, "2026-11-24T08:59:59Z", "2026-11-24T09:00:00Z"},
		{"UTC", time.Tuesday, 9, "2026-11-24T09:00:00Z", "2026-12-01T09:00:00Z"}, // after, not at
		{"UTC", time.Sunday, 0, "2026-11-22T00:00:01Z", "2026-11-29T00:00:00Z"},
		{"Europe/Berlin", time.Tuesday, 9, "2026-03-24T09:00:00Z", "2026-03-31T07:00:00Z"}, // summer time began on the 29th
		{"Europe/Berlin", time.Tuesday, 9, "2026-10-20T08:00:00Z", "2026-10-27T08:00:00Z"}, // and ended on the 25th
		{"America/New_York", time.Monday, 23, "2026-11-24T03:59:00Z", "2026-11-24T04:00:00Z"},
		{"America/New_York", time.Monday, 23, "2026-11-24T04:00:00Z", "2026-12-01T04:00:00Z"},
		{"Pacific/Kiritimati", time.Monday, 1, "2026-11-22T10:59:00Z", "2026-11-22T11:00:00Z"}, // Monday there, Sunday here
		{"Pacific/Auckland", time.Saturday, 0, "2026-11-22T09:00:00Z", "2026-11-27T11:00:00Z"},
		{"Asia/Kathmandu", time.Sunday, 18, "2026-11-22T12:14:00Z", "2026-11-22T12:15:00Z"},
		{"Europe/Berlin", time.Sunday, 2, "2026-03-28T09:00:00Z", "2026-03-29T01:00:00Z"},    // 02:00 does not exist: 03:00 summer time
		{"America/New_York", time.Sunday, 2, "2026-03-07T09:00:00Z", "2026-03-08T07:00:00Z"}, // likewise
		{"Atlantic/Azores", time.Sunday, 0, "2026-03-28T09:00:00Z", "2026-03-29T01:00:00Z"},  // midnight does not exist: still on Sunday
		{"Atlantic/Azores", time.Sunday, 0, "2026-03-29T01:00:00Z", "2026-04-05T00:00:00Z"},
		{"America/New_York", time.Sunday, 1, "2026-11-01T04:00:00Z", "2026-11-01T05:00:00Z"}, // 01:00 comes twice: the first
		{"America/New_York", time.Sunday, 1, "2026-11-01T05:00:00Z", "2026-11-08T06:00:00Z"}, // and not the second
		{"No/Such", time.Tuesday, 9, "2026-11-22T09:00:00Z", "2026-11-24T09:00:00Z"},
	} {
		contact := party.Contact{TimeZone: c.zone, DigestWeekday: c.weekday, DigestHour: c.hour}
		if got := contact.NextDigest(at(c.after)); !got.Equal(at(c.want)) {
			t.Errorf("%s %s %d:00 after %s: %s, want %s", c.zone, c.weekday, c.hour, c.after, got.Format(time.RFC3339), c.want)
		}
	}
}

// TestDigestsComeWeekly walks a year in zones of every kind: a digest comes on
// the chosen day, about a week after the one before, and in a period of its own.
func TestDigestsComeWeekly(t *testing.T) {
	for _, zone := range []string{"UTC", "Europe/Berlin", "America/New_York", "Atlantic/Azores", "Australia/Lord_Howe", "America/Santiago", "Asia/Kathmandu", "Pacific/Kiritimati"} {
		for weekday := time.Sunday; weekday <= time.Saturday; weekday++ {
			for hour := range 24 {
				contact := party.Contact{TimeZone: zone, DigestWeekday: weekday, DigestHour: hour}
				now, periods := contact.NextDigest(at("2026-01-01T00:00:00Z")), map[string]bool{}
				for range 53 {
					period := contact.DigestPeriod(now)
					if periods[period] || now.In(contact.Zone()).Weekday() != weekday {
						t.Fatalf("%s %s %d:00: %s in %s", zone, weekday, hour, now.In(contact.Zone()), period)
					}
					periods[period] = true
					next := contact.NextDigest(now)
					if gap := next.Sub(now); gap < 166*time.Hour || gap > 170*time.Hour {
						t.Fatalf("%s %s %d:00: %s after %s", zone, weekday, hour, next, now)
					}
					now = next
				}
			}
		}
	}
}

func TestDigestPeriod(t *testing.T) {
	for _, c := range []struct{ zone, at, want string }{
		{"UTC", "2026-11-24T09:00:00Z", "2026-W48"},
		{"UTC", "2027-01-01T09:00:00Z", "2026-W53"}, // ISO weeks belong to the year of their Thursday
		{"UTC", "2024-12-30T09:00:00Z", "2025-W01"},
		{"Pacific/Auckland", "2026-11-22T12:00:00Z", "2026-W48"}, // Monday there
		{"America/New_York", "2026-11-23T02:00:00Z", "2026-W47"}, // Sunday there
	} {
		if got := (party.Contact{TimeZone: c.zone}).DigestPeriod(at(c.at)); got != c.want {
			t.Errorf("%s %s: %s, want %s", c.zone, c.at, got, c.want)
		}
	}
}

func (h *hall) prefer(contact party.Contact, want party.Preferences) (before, after party.Contact, err error) {
	err = h.inTx(func(ctx context.Context, tx bun.Tx) error {
		var err error
		before, after, err = h.ChangePreferencesTx(ctx, tx, contact.ID, want)
		return err
	})
	return before, after, err
}

func TestPreferences(t *testing.T) {
	each(t, func(t *testing.T, h *hall) {
		h.upsert(h.vendor("Northwind"), party.AccountRecord{ExternalID: "C-1", Name: "Acme", Contacts: listed(party.Payables, "ap@acme.example")})
		contact := h.contact("ap@acme.example")
		for pointer, want := range map[string]party.Preferences{
			"weekday":   {Weekday: 7, TimeZone: "UTC"},
			"hour":      {Hour: 24, TimeZone: "UTC"},
			"time_zone": {TimeZone: "Local"},
		} {
			_, _, err := h.prefer(contact, want)
			var wrong *fault.Error
			if !asFault(err, &wrong) || wrong.Pointer != pointer {
				t.Errorf("%s: %v", pointer, err)
			}
		}
		before, after, err := h.prefer(contact, party.Preferences{Weekday: time.Friday, Hour: 17, TimeZone: "America/New_York"})
		if err != nil || before.DigestWeekday != time.Tuesday || !after.NextDigestAt.Equal(at("2026-11-27T22:00:00Z")) {
			t.Fatal(after.NextDigestAt, err)
		}
		if now := h.contact("ap@acme.example"); !now.NextDigestAt.Equal(after.NextDigestAt) || now.TimeZone != "America/New_York" {
			t.Fatalf("%+v", now)
		}
		due := func(moment string) int {
			n := 0
			h.must(h.inTx(func(ctx context.Context, tx bun.Tx) error {
				contacts, err := h.DueContactsTx(ctx, tx, at(moment), 10)
				n = len(contacts)
				return err
			}))
			return n
		}
		if due("2026-11-27T21:59:59Z") != 0 || due("2026-11-27T22:00:00Z") != 1 {
			t.Fatal("not due when it is due")
		}
		h.must(h.inTx(func(ctx context.Context, tx bun.Tx) error {
			return h.SetNextDigestTx(ctx, tx, []party.Contact{h.contactTx(ctx, tx, contact.ID)}, at("2026-11-27T22:00:00Z"))
		}))
		if due("2026-11-27T22:00:00Z") != 0 || due("2026-12-04T22:00:00Z") != 1 {
			t.Fatal("not moved on by a week")
		}
		for range 2 {
			_, _, err := h.prefer(contact, party.Preferences{Weekday: time.Friday, Hour: 17, TimeZone: "UTC", Unsubscribed: true})
			h.must(err)
			h.pass(time.Hour)
		}
		if now := h.contact("ap@acme.example"); !now.UnsubscribedAt.Equal(at("2026-11-22T09:00:00Z")) || due("2026-12-04T22:00:00Z") != 0 {
			t.Fatalf("%+v", now)
		}
		_, after, err = h.prefer(contact, party.Preferences{Weekday: time.Friday, Hour: 17, TimeZone: "UTC"})
		if err != nil || !after.UnsubscribedAt.IsZero() {
			t.Fatal(after, err)
		}
		h.must(h.inTx(func(ctx context.Context, tx bun.Tx) error {
			return h.RecordBounceTx(ctx, tx, contact.ID, "550 no such user")
		}))
		if now := h.contact("ap@acme.example"); now.BounceReason != "550 no such user" || due("2027-01-01T00:00:00Z") != 0 {
			t.Fatalf("%+v", now)
		}
	})
}

func (h *hall) contactTx(ctx context.Context, tx bun.Tx, id string) party.Contact {
	h.t.Helper()
	contact, err := h.ContactTx(ctx, tx, id)
	h.must(err)
	return contact
}

func TestPlainText(t *testing.T) {
	for _, c := range []struct {
		text        string
		limit       int
		line, lines string
	}{
		{"  Acme \t Ltd \n", 20, "Acme Ltd", "Acme Ltd"},
		{"a\r\nb\n\n\n\nc", 20, "a b c", "a\nb\n\nc"},
		{"evil\u202egpj.exe\u2066\u200b\x00\x1b[31m", 40, "evilgpj.exe[31m", "evilgpj.exe[31m"},
		{"äöü€", 2, "äö", "äö"},
		{"a\xffb", 9, "a\uFFFDb", "a\uFFFDb"},
		{"", 5, "", ""},
	} {
		if got := party.PlainText(c.text, c.limit); got != c.line {
			t.Errorf("%q: %q", c.text, got)
		}
		if got := party.PlainLines(c.text, c.limit); got != c.lines {
			t.Errorf("%q: %q", c.text, got)
		}
	}
}
