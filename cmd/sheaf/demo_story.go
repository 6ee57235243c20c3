package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/cases"
	"github.com/sheaf-hub/sheaf/hub/gateway/sandbox"
	"github.com/sheaf-hub/sheaf/hub/gateway/stripe/stripefake"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// stage is where the past week is played, through the same calls that pages
// make.
type stage struct {
	app     *app
	stripe  *demoStripe         // nil: the sandbox
	vendors map[string]demoPart // by folder
	today   money.Date
}

type demoPart struct {
	vendor  party.Vendor
	strange bool
}

// scene is one thing that happened.
type scene struct {
	ago  time.Duration
	play func(ctx context.Context) error
}

// exchange is a question and its answer; without one, it still waits.
type exchange struct {
	contact, folder, number string
	ago, wait               time.Duration
	question, answer        string
}

const hour = time.Hour

// demoExchanges give each vendor but one the three answers that it takes
// before a page says how fast it usually is, and two vendors something to do.
func demoExchanges() []exchange {
	const lantern, copperleaf, seagull, maple, bluebell = "payables@lantern-hotels.example", "accounts@copperleaf.example", "hello@seagull-catering.example",
		"maple@maplestreet-deli.example", "team@bluebell-kinder.example"
	const tidewater, fernhill, quarry, oldmill, pinecone = "ap@tidewater-brewing.example", "finance@fernhill-clinic.example", "books@quarry-garden.example",
		"office@oldmill-canteen.example", "invoices@pinecone-schools.example"
	return []exchange{
		{lantern, "kestrel-freight", "KF-48238", 150 * hour, 3 * hour, "Which hotel was this delivery for?", "For the one at the square. The slip is signed by your night porter."},
		{tidewater, "kestrel-freight", "KF-48268", 120 * hour, 4 * hour, "Can this be split over two invoices?", "Yes, from next month on. This one has to stay as it is."},
		{copperleaf, "millbrook-flour", "MF-9070", 144 * hour, 2 * hour, "Do you have the batch numbers for this delivery?", "Batches 311 and 312, milled the same week."},
		{seagull, "millbrook-flour", "MF-9091", 100 * hour, hour, "Was the pallet deposit taken off?", "Deposits are on a paper of their own, which follows on the first."},
		{demoGuest, "millbrook-flour", "MF-9102", 70 * hour, 2 * hour, "Is this the second delivery of the same week?", "Yes: the first one went with MF-9088."},
		{oldmill, "brightpan", "BP-20319", 140 * hour, 7 * hour, "Please send the inspection's report.", "It is on its way to you by mail."},
		{pinecone, "brightpan", "BP-20350", 96 * hour, 6 * hour, "Which three sites were checked?", "North, Lake and the new one in Hill Road."},
		{demoGuest, "brightpan", "BP-20388", 60 * hour, 8 * hour, "Does the fitting come with a guarantee?", "Two years on the part, one on the work."},
		{maple, "paperfold", "PF-7757", 130 * hour, 20 * hour, "May we pay this one in two parts?", "Yes, half now and half at the end of the month."},
		{bluebell, "paperfold", "PF-7795", 90 * hour, 22 * hour, "We ordered two cases and not three.", "One was from the spring order. We add the slip."},
		{copperleaf, "paperfold", "PF-7790", 76 * hour, 18 * hour, "Can the cups be delivered earlier next time?", "From seven o'clock on; we made a note of it."},
		{tidewater, "cloudcrate", "CC-100936", 135 * hour, 40 * hour, "Is the closed till taken off here?", "It is the credit CC-CR-12. You can set it against this invoice."},
		{fernhill, "cloudcrate", "CC-100937", 125 * hour, 45 * hour, "Why four tills, when we use three?", "The fourth is the one at the pharmacy. Tell us if it should go."},
		{contact: pinecone, folder: "kestrel-freight", number: "KF-48259", ago: 5 * hour, question: "We paid half of this in advance. Is the rest due on the day printed?"},
		{contact: maple, folder: "paperfold", number: "PF-7801", ago: 3 * hour, question: "Our address changes next month. Where do we tell you?"},
		{quarry, "cloudcrate", "CC-100938", 110 * hour, 42 * hour, "Please put our order number on the next invoice.", "It will be on from next month."},
	}
}

// scenes are all scenes in the order in which they happened.
func (s *stage) scenes() []scene {
	scenes := []scene{
		{170 * hour, s.acceptVendors},
		{118 * hour, s.dispute},
		{112 * hour, s.answerDispute},
		{95 * hour, s.paySettled},
		{72 * hour, s.promise},
		{20 * hour, s.payBySlowDebit},
		{2 * hour, s.setIncentives},
	}
	for _, e := range demoExchanges() {
		scenes = append(scenes, scene{e.ago, func(ctx context.Context) error { return s.ask(ctx, e) }})
		if e.answer == "" {
			continue
		}
		scenes = append(scenes, scene{e.ago - e.wait, func(ctx context.Context) error {
			return s.answer(ctx, e.folder, e.contact, e.number, cases.Question, e.answer)
		}})
	}
	slices.SortStableFunc(scenes, func(a, b scene) int { return cmp.Compare(b.ago, a.ago) })
	return scenes
}

func (s *stage) author(ctx context.Context, email string) (cases.Author, error) {
	contact, err := s.app.party.ContactByEmail(ctx, email)
	if err != nil {
		return cases.Author{}, err
	}
	actor := access.Actor{Kind: access.KindContact, ID: contact.ID, Name: contact.DisplayName(), CustomerID: contact.CustomerID, ContactID: contact.ID}
	return cases.Author{Actor: actor, Contact: contact, Viewer: billing.Viewer{CustomerID: contact.CustomerID}}, nil
}

// staff is the owner at one vendor.
func (s *stage) staff(ctx context.Context, folder string) (access.Actor, error) {
	vendor := s.vendors[folder].vendor
	staffs, _, err := s.app.access.ListStaff(ctx, vendor.ID, store.PageRequest{Limit: 1})
	if err != nil || len(staffs) == 0 {
		return access.Actor{}, cmp.Or(err, fmt.Errorf("%s has no staff", vendor.Name))
	}
	return access.Actor{Kind: access.KindStaff, ID: staffs[0].ID, Name: staffs[0].Name, VendorID: vendor.ID}, nil
}

// invoice finds what an author sees by its number.
func (s *stage) invoice(ctx context.Context, by cases.Author, number string) (billing.Item, error) {
	items, _, err := s.app.billing.OpenItems(ctx, by.Viewer, s.today)
	if err != nil {
		return billing.Item{}, err
	}
	at := slices.IndexFunc(items, func(item billing.Item) bool { return item.Number == number })
	if at < 0 {
		return billing.Item{}, fmt.Errorf("%s has no open invoice %s", by.Contact.Email, number)
	}
	return items[at], nil
}

func (s *stage) ask(ctx context.Context, e exchange) error {
	by, err := s.author(ctx, e.contact)
	if err != nil {
		return err
	}
	item, err := s.invoice(ctx, by, e.number)
	if err != nil {
		return err
	}
	_, err = s.app.cases.Ask(ctx, by, item.ID, e.question)
	return err
}

// answer is the vendor's word on a contact's case about an invoice.
func (s *stage) answer(ctx context.Context, folder, contact, number string, kind cases.Kind, text string) error {
	by, err := s.author(ctx, contact)
	if err != nil {
		return err
	}
	item, err := s.invoice(ctx, by, number)
	if err != nil {
		return err
	}
	staff, err := s.staff(ctx, folder)
	if err != nil {
		return err
	}
	threads, err := s.app.cases.CasesOfInvoice(ctx, by.Viewer, item.ID)
	if err != nil {
		return err
	}
	for _, thread := range threads {
		if thread.Kind == kind && thread.Status == cases.Open {
			_, err := s.app.cases.Answer(ctx, staff, s.vendors[folder].vendor.ID, thread.ID, text)
			return err
		}
	}
	return fmt.Errorf("there is no open %s about %s", kind.Words(), number)
}

// acceptVendors is "these are all mine" of the guest and some others; of the
// guest's vendors one is left out.
func (s *stage) acceptVendors(ctx context.Context) error {
	for _, email := range []string{demoGuest, "payables@lantern-hotels.example", "ap@tidewater-brewing.example", "accounts@copperleaf.example", "hello@seagull-catering.example"} {
		by, err := s.author(ctx, email)
		if err != nil {
			return err
		}
		if err := s.accept(ctx, by); err != nil {
			return err
		}
	}
	return nil
}

// setIncentives: one vendor gives 2 % for paying within ten days of an invoice's
// date, one gives 1 % for paying by bank debit.
func (s *stage) setIncentives(ctx context.Context) error {
	for folder, in := range map[string]payment.Incentives{
		"kestrel-freight": {EarlyRate: 200, EarlyDays: 10, FromTerms: true},
		"brightpan":       {DebitRate: 100, DebitMost: money.Amounts{"USD": 2000, "EUR": 2000}},
	} {
		actor, err := s.staff(ctx, folder)
		if err != nil {
			return err
		}
		if err := s.app.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
			before, after, err := s.app.payment.SetIncentivesTx(ctx, tx, actor.VendorID, in)
			if err != nil {
				return err
			}
			return s.app.access.AuditTx(ctx, tx, actor, access.Change{Action: "vendor.incentives_changed", SubjectKind: "vendor", SubjectID: actor.VendorID,
				VendorID: actor.VendorID, Before: before.Log(), After: after.Log()})
		}); err != nil {
			return err
		}
	}
	return nil
}

func (s *stage) accept(ctx context.Context, by cases.Author) error {
	states, err := s.app.party.VendorStates(ctx, s.app.db, by.Contact)
	if err != nil {
		return err
	}
	var ids []string
	for _, part := range s.vendors {
		if _, listed := states[part.vendor.ID]; listed && !part.strange {
			ids = append(ids, part.vendor.ID)
		}
	}
	return s.app.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		changed, err := s.app.party.DecideVendorsTx(ctx, tx, by.Contact.ID, ids, party.VendorMine)
		if err != nil {
			return err
		}
		for _, id := range changed {
			if err := s.app.access.AuditTx(ctx, tx, by.Actor, access.Change{Action: "vendor.mine", SubjectKind: "vendor", SubjectID: id,
				CustomerID: by.Contact.CustomerID, After: party.VendorMine}); err != nil {
				return err
			}
		}
		return nil
	})
}

const disputed = "KF-48217"

func (s *stage) dispute(ctx context.Context) error {
	by, err := s.author(ctx, demoGuest)
	if err != nil {
		return err
	}
	item, err := s.invoice(ctx, by, disputed)
	if err != nil {
		return err
	}
	_, err = s.app.cases.OpenDispute(ctx, by, item.ID, cases.Dispute{Reason: "wrong_quantity", Amount: "124.00",
		Note: "Three pallets are billed. Two came that day; the driver's slip says so."})
	return err
}

func (s *stage) answerDispute(ctx context.Context) error {
	return s.answer(ctx, "kestrel-freight", demoGuest, disputed, cases.Disputed,
		"Thank you for the slip. We have asked the depot where the third pallet went, and come back to you this week.")
}

func (s *stage) promise(ctx context.Context) error {
	by, err := s.author(ctx, demoGuest)
	if err != nil {
		return err
	}
	item, err := s.invoice(ctx, by, "PF-7702")
	if err != nil {
		return err
	}
	_, err = s.app.cases.Promise(ctx, by, item.ID, string(s.today.AddDays(9)), "It goes with our pay run of that day.")
	return err
}

// paySettled pays two vendors in one checkout.
func (s *stage) paySettled(ctx context.Context) error {
	return s.pay(ctx, sandbox.Succeed, "MF-9041", "KF-48211")
}

// payBySlowDebit starts a bank debit that is still on its way for some days.
func (s *stage) payBySlowDebit(ctx context.Context) error {
	if s.stripe != nil {
		return s.pay(ctx, stripefake.Bank, "BP-20344")
	}
	usual := s.app.sandbox.Delay
	defer func() { s.app.sandbox.Delay = usual }()
	s.app.sandbox.Delay = 4 * 24 * hour
	return s.pay(ctx, sandbox.Process, "BP-20344")
}

func (s *stage) pay(ctx context.Context, outcome string, numbers ...string) error {
	by, err := s.author(ctx, demoGuest)
	if err != nil {
		return err
	}
	payer := payment.Payer{Contact: by.Contact, Viewer: by.Viewer}
	var selection payment.Selection
	for _, number := range numbers {
		item, err := s.invoice(ctx, by, number)
		if err != nil {
			return err
		}
		selection.Invoices = append(selection.Invoices, payment.Wish{InvoiceID: item.ID})
	}
	quote, err := s.app.payment.Quote(ctx, payer, selection)
	if err != nil {
		return err
	}
	for _, part := range quote.Currencies {
		started, err := s.app.payment.Start(ctx, payer, quote.ID, quote.Hash, part.Currency)
		if err != nil {
			return err
		}
		if err := s.decide(ctx, started.Payment.GatewayRef, outcome); err != nil {
			return err
		}
	}
	return nil
}

// decide presses a button on the gateway's page, and tells the hub.
func (s *stage) decide(ctx context.Context, ref, outcome string) error {
	if s.stripe != nil {
		if _, err := s.stripe.fake.Pay(ref, outcome); err != nil {
			return err
		}
		return s.app.payment.Refresh(ctx, ref) // its message comes when the server is up, and changes nothing then
	}
	event, err := s.app.sandbox.Decide(ctx, ref, outcome)
	if err != nil {
		return err
	}
	return s.app.payment.Notify(ctx, payment.Hint{EventID: event, Type: "checkout.decided", Subject: payment.SubjectPayment, Ref: ref})
}
