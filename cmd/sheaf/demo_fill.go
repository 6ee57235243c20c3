package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/mail"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/reminder"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// demoGuest is the contact whose page the demo shows.
const demoGuest = "ap@harbour-bakery.example"

// demoPast is how long before today the demo begins. The carried files hold
// nothing that is younger.
const demoPast = 8 * 24 * time.Hour

const demoZone = "Europe/Berlin"

// demoVendor is one invented vendor and its carried files.
type demoVendor struct {
	profile party.Profile
	folder  string
	bring   func(ctx context.Context, d *demo, files *carried, vendor party.Vendor) (brought, error)
	strange bool // the guest has not said yet that it is its vendor
}

// demoVendors begin with those whose records name people, as the first record
// of a mailbox gives it its name.
func demoVendors() []demoVendor {
	profile := func(name, email, phone, contact string) party.Profile {
		return party.Profile{Name: name, Email: email, Phone: phone, ContactName: contact, TimeZone: demoZone}
	}
	return []demoVendor{
		{profile: profile("Paperfold Packaging", "receivables@paperfold.example", "+49 30 23125001", "Ines Wolter"), folder: "paperfold", bring: bringPushed},
		{profile: profile("Millbrook Flour", "accounts@millbrook-flour.example", "+49 30 23125002", "Georg Maas"), folder: "millbrook-flour", bring: bringInvoices},
		{profile: profile("Brightpan Equipment", "ar@brightpan.example", "+49 30 23125003", "Helen Adeyemi"), folder: "brightpan", bring: bringInvoices},
		{profile: profile("Cloudcrate Software", "billing@cloudcrate.example", "+49 30 23125004", "Yuki Arendt"), folder: "cloudcrate", bring: bringPushed},
		{profile: profile("Sparkle Cleaning", "office@sparkle-cleaning.example", "+49 30 23125005", "Rosa Pohl"), folder: "sparkle", bring: bringPushed, strange: true},
		{profile: profile("Kestrel Freight", "billing@kestrel-freight.example", "+49 30 23125006", "Dirk Osman"), folder: "kestrel-freight", bring: bringTable},
	}
}

// brought counts what came in.
type brought struct{ created, unchanged int }

func (b brought) plus(more brought) brought {
	return brought{created: b.created + more.created, unchanged: b.unchanged + more.unchanged}
}

// fill makes the demo's data, unless an earlier start did.
func (d *demo) fill(ctx context.Context) error {
	vendors, _, err := d.app.party.ListVendors(ctx, "", store.PageRequest{Limit: store.MaxPage})
	if err != nil {
		return err
	}
	if len(vendors) == 0 {
		return d.begin(ctx)
	}
	known := map[string]bool{}
	for _, vendor := range vendors {
		known[vendor.Email] = true
	}
	for _, vendor := range demoVendors() {
		if !known[vendor.profile.Email] {
			return fmt.Errorf("the folder %s holds another hub's data, or a demo that was stopped while it began: name an empty folder with --data", d.settings.Data)
		}
	}
	// the reminder to the guest is the last thing that a first start makes
	_, err = d.guestReminder()
	if d.found = err == nil; errors.Is(err, mail.ErrNoMail) {
		return fmt.Errorf("the demo in %s was stopped while it began: delete that folder, or name another one with --data", d.settings.Data)
	}
	return err
}

// begin plays the demo from its first day to now.
func (d *demo) begin(ctx context.Context) error {
	bar := newProgress(d.problems, "bringing in six vendors")
	defer bar.end()
	started := systemClock()
	d.clock.hold(started.Add(-demoPast))
	zone, err := time.LoadLocation(demoZone)
	if err != nil {
		return err
	}
	files := &carried{today: money.DateOf(started, zone)}
	list := demoVendors()
	stage := &stage{app: d.app, stripe: d.stripe, vendors: map[string]demoPart{}, today: files.today}
	scenes := stage.scenes()
	done, total := 0, len(list)*4+len(scenes)+1
	step := func(weight int) {
		done += weight
		bar.set(int64(done), int64(total))
	}
	for _, one := range list {
		added, err := d.app.enroll(ctx, access.SystemActor("demo"), one.profile, party.VendorApproved)
		if err != nil {
			return err
		}
		came, err := one.bring(ctx, d, files, added.Vendor)
		if err != nil {
			return fmt.Errorf("%s: %w", one.profile.Name, err)
		}
		if d.stripe != nil {
			if err := d.stripe.onboard(ctx, d.app, added.Vendor, one.folder == demoUnready); err != nil {
				return fmt.Errorf("%s: %w", one.profile.Name, err)
			}
		}
		d.brought = d.brought.plus(came)
		stage.vendors[one.folder] = demoPart{vendor: added.Vendor, strange: one.strange}
		step(4)
	}
	for _, scene := range scenes {
		d.clock.hold(started.Add(-scene.ago))
		if err := scene.play(ctx); err != nil {
			return fmt.Errorf("play what happened %s ago: %w", scene.ago, err)
		}
		step(1)
	}
	d.clock.hold(time.Time{})
	if err := d.remind(ctx); err != nil {
		return err
	}
	step(1)
	return nil
}

// remind sends the reminders of this week.
func (d *demo) remind(ctx context.Context) error {
	counts, err := d.app.reminder.Run(ctx, nil)
	if err != nil {
		return err
	}
	if counts.By[reminder.Done] == 0 {
		return fmt.Errorf("no reminder was sent: %v", counts.By)
	}
	return nil
}
