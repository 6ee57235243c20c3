package cases

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/party"
)

// How far what a customer says reaches, in days.
const (
	PromiseDays = 90  // the latest promise
	NoticeDays  = 14  // how long a notice holds the invoice
	PlanDays    = 366 // the last instalment
)

// Choice is a key of a fixed list with its words for people.
type Choice struct{ Key, Words string }

// Reasons of a dispute, in the order of the form.
func Reasons() []Choice {
	return []Choice{{"wrong_price", "The price is wrong"}, {"wrong_quantity", "The quantity is wrong"}, {"not_received", "Goods or service not received"},
		{"damaged", "Damaged or faulty"}, {"duplicate", "Duplicate of another invoice"}, {"already_paid", "Already paid"},
		{"not_ours", "Not our invoice"}, {"missing_purchase_order", "The purchase order is missing"}, {"other", "Something else"}}
}

// Methods of sending money outside the hub.
func Methods() []Choice {
	return []Choice{{"cheque", "Cheque"}, {"transfer", "Bank transfer"}, {"other", "Another way"}}
}

func wordsOf(list []Choice, key string) (string, bool) {
	i := slices.IndexFunc(list, func(c Choice) bool { return c.Key == key })
	if i < 0 {
		return "", false
	}
	return list[i].Words, true
}

// ReasonWords are a dispute's reason for people, empty when there is none.
func (c Case) ReasonWords() string {
	words, _ := wordsOf(Reasons(), c.Reason)
	return words
}

// Dispute is what a customer contests. Amount is decimal in the invoice's
// currency; empty: all that is open.
type Dispute struct {
	Reason, Amount, Note string
	File                 *billing.DocumentRecord
}

// Sent says that money is on its way outside the hub. On is a date; Amount as
// in Dispute; Method is a key of Methods.
type Sent struct {
	Method, Number, On, Amount, Address, Note string
}

// Part is one instalment as proposed: a date and a decimal amount.
type Part struct{ On, Amount string }

// Ask opens a question. It does not stop the chasing of the invoice.
func (s *Service) Ask(ctx context.Context, by Author, invoiceID, text string) (Case, error) {
	return s.open(ctx, by, Question, invoiceID, func(billing.Item) (draft, error) {
		text, err := written("text", text, true)
		return draft{text: text, history: "The customer asked a question."}, err
	})
}

// OpenDispute contests an invoice or a part of it. The invoice is not chased
// until the dispute is resolved or withdrawn. fault.Conflict when one is open.
func (s *Service) OpenDispute(ctx context.Context, by Author, invoiceID string, dispute Dispute) (Case, error) {
	return s.open(ctx, by, Disputed, invoiceID, func(item billing.Item) (draft, error) {
		words, known := wordsOf(Reasons(), dispute.Reason)
		if !known {
			return draft{}, fault.At("reason", "Choose what is wrong with the invoice.")
		}
		note, err := written("note", dispute.Note, false)
		if err != nil {
			return draft{}, err
		}
		if note == "" && dispute.Reason == "other" {
			return draft{}, fault.At("note", "Say what is wrong, so that the vendor can look into it.")
		}
		if item.Status != billing.Open {
			return draft{}, closed(item)
		}
		amount, err := amountOf(item, dispute.Amount, item.Open)
		if err != nil {
			return draft{}, err
		}
		summary := words + ": " + amount.String() + "."
		return draft{reason: dispute.Reason, amount: amount.Minor, text: orElse(note, summary), file: dispute.File, held: true,
			history: "The customer disputes " + amount.String() + ": " + words + "."}, nil
	})
}

// Promise says that the invoice will be paid by a date, from today to
// PromiseDays later in the contact's zone. It is not chased until that day is over.
func (s *Service) Promise(ctx context.Context, by Author, invoiceID, date, note string) (Case, error) {
	return s.open(ctx, by, Promised, invoiceID, func(item billing.Item) (draft, error) {
		today := by.today(s.Now())
		day, err := dayOf("date", date, today, today.AddDays(PromiseDays), today)
		if err != nil {
			return draft{}, err
		}
		note, err := written("note", note, false)
		if err != nil {
			return draft{}, err
		}
		amount, err := payable(item)
		if err != nil {
			return draft{}, err
		}
		summary := amount.String() + " will be paid by " + day.Human("") + "."
		return draft{amount: amount.Minor, promisedOn: day, text: orElse(note, summary), held: true, heldUntil: day.AddDays(1),
			history: "The customer promised: " + summary}, nil
	})
}

// SentNotice says that money was sent outside the hub. The invoice is not
// chased for NoticeDays.
func (s *Service) SentNotice(ctx context.Context, by Author, invoiceID string, sent Sent) (Case, error) {
	return s.open(ctx, by, Notice, invoiceID, func(item billing.Item) (draft, error) {
		today := by.today(s.Now())
		words, known := wordsOf(Methods(), sent.Method)
		if !known {
			return draft{}, fault.At("method", "Choose how you paid.")
		}
		day, err := dayOf("date", sent.On, today.AddDays(-365), today, today)
		if err != nil {
			return draft{}, err
		}
		note, err := written("note", sent.Note, false)
		if err != nil {
			return draft{}, err
		}
		if item.Status != billing.Open {
			return draft{}, closed(item)
		}
		amount, err := amountOf(item, sent.Amount, item.Open)
		if err != nil {
			return draft{}, err
		}
		details := Details{Method: sent.Method, Number: party.PlainText(sent.Number, 60), SentOn: day, Address: party.PlainLines(sent.Address, 500)}
		summary := words + " of " + amount.String() + ", sent on " + day.Human("")
		if details.Number != "" {
			summary += ", number " + details.Number
		}
		return draft{amount: amount.Minor, details: details, text: orElse(note, summary+"."), held: true, heldUntil: today.AddDays(NoticeDays),
			history: "The customer says that money is on its way: " + summary + "."}, nil
	})
}

// Plan proposes 2 to 12 instalments on ascending dates that sum to what is
// open. It needs the vendor's yes, and holds the invoice until there is an answer.
func (s *Service) Plan(ctx context.Context, by Author, invoiceID string, parts []Part, note string) (Case, error) {
	return s.open(ctx, by, Planned, invoiceID, func(item billing.Item) (draft, error) {
		note, err := written("note", note, false)
		if err != nil {
			return draft{}, err
		}
		amount, err := payable(item)
		if err != nil {
			return draft{}, err
		}
		instalments, err := instalmentsOf(parts, amount, by.today(s.Now()))
		if err != nil {
			return draft{}, err
		}
		last := instalments[len(instalments)-1].On
		summary := amount.String() + " in " + strconv.Itoa(len(instalments)) + " instalments, the last on " + last.Human("") + "."
		return draft{amount: amount.Minor, promisedOn: last, details: Details{Instalments: instalments}, text: orElse(note, summary), held: true,
			history: "The customer proposed a plan: " + summary}, nil
	})
}

func instalmentsOf(parts []Part, whole money.Amount, today money.Date) ([]Instalment, error) {
	if len(parts) < 2 || len(parts) > 12 {
		return nil, fault.At("instalments", "Propose 2 to 12 instalments.")
	}
	earliest, sum := today, int64(0)
	list := make([]Instalment, len(parts))
	for i, part := range parts {
		at := "instalments/" + strconv.Itoa(i)
		day, err := dayOf(at+"/on", part.On, earliest, today.AddDays(PlanDays), today)
		if err != nil {
			return nil, err
		}
		amount, err := parseAmount(at+"/amount", part.Amount, whole)
		if err != nil {
			return nil, err
		}
		list[i], earliest, sum = Instalment{On: day, Amount: amount.Minor}, day.AddDays(1), sum+amount.Minor
	}
	if sum != whole.Minor {
		return nil, fault.At("instalments", "The instalments come to %s, and %s is open. Make them equal.", money.New(sum, whole.Currency), whole)
	}
	return list, nil
}

// amountOf reads an amount up to most; empty is most.
func amountOf(item billing.Item, typed string, most int64) (money.Amount, error) {
	whole := money.New(most, item.Currency)
	if strings.TrimSpace(typed) == "" {
		return whole, nil
	}
	return parseAmount("amount", typed, whole)
}

func parseAmount(field, typed string, most money.Amount) (money.Amount, error) {
	amount, err := money.Parse(strings.TrimSpace(typed), most.Currency)
	switch {
	case errors.Is(err, money.ErrPrecision):
		return amount, fault.At(field, "%s has %d digits after the point. Write it like %s.", most.Currency, most.Currency.Digits(), most.Decimal())
	case err != nil:
		return amount, fault.At(field, "Write an amount in %s, such as %s.", most.Currency, most.Decimal())
	case !amount.Positive():
		return amount, fault.At(field, "Write an amount that is more than nothing.")
	case amount.Minor > most.Minor:
		return amount, fault.At(field, "%s is more than what is open: %s.", amount, most)
	}
	return amount, nil
}

func dayOf(field, typed string, earliest, latest, today money.Date) (money.Date, error) {
	day, err := money.ParseDate(strings.TrimSpace(typed))
	if err != nil {
		return "", fault.At(field, "Write a date like %s.", today)
	}
	if day < earliest || day > latest {
		return "", fault.At(field, "Choose a date from %s to %s.", earliest.Human(""), latest.Human(""))
	}
	return day, nil
}

// payable is what a promise or a plan is about: open less what is on its way.
func payable(item billing.Item) (money.Amount, error) {
	switch {
	case item.Status != billing.Open:
		return money.Amount{}, closed(item)
	case item.Payable() == 0:
		return money.Amount{}, fault.New(fault.Conflict, "A payment of this invoice is on its way already.")
	}
	return money.New(item.Payable(), item.Currency), nil
}

func closed(item billing.Item) error {
	if item.Status == billing.Void {
		return fault.New(fault.Conflict, "The vendor has cancelled this invoice: nothing is owed on it. Ask a question instead.")
	}
	return fault.New(fault.Conflict, "This invoice is paid: nothing is owed on it. Ask a question instead.")
}

func orElse(text, fallback string) string {
	if text == "" {
		return fallback
	}
	return text
}
