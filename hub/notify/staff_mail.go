package notify

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/sheaf-hub/sheaf/hub/mail"
	"github.com/sheaf-hub/sheaf/hub/mail/letter"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/party"
)

// StaffEvents are what a vendor's staff hear of by mail unless they choose otherwise.
func StaffEvents() []string {
	return []string{outbox.PaymentSettled, outbox.PaymentFailed, outbox.PaymentChargedBack, outbox.CaseOpened, outbox.CaseMessage, outbox.AccountContactBounced, outbox.ConnectionFailing}
}

// eventData is the union of what events say, as far as a mail repeats it. Every
// field is the vendor's own: events are built for one vendor alone.
type eventData struct {
	ID         string         `json:"id"`
	Reference  string         `json:"reference"`
	Currency   money.Currency `json:"currency"`
	Amount     string         `json:"amount"`
	Unapplied  string         `json:"unapplied"`
	Method     string         `json:"method"`
	Account    string         `json:"account"`
	Kind       string         `json:"kind"`
	Reason     string         `json:"reason"`
	PromisedOn money.Date     `json:"promised_on"`
	Email      string         `json:"email"`
	Text       string         `json:"text"`
	Author     string         `json:"author"`
	Invoice    *eventInvoice  `json:"invoice"`
	Invoices   []eventInvoice `json:"invoices"`
	Message    *eventMessage  `json:"message"`
	Messages   []eventMessage `json:"messages"`

	Refund        string     `json:"refund_amount"`
	ChargedBack   string     `json:"charged_back"`
	ChargebackID  string     `json:"chargeback_id"`
	ChargebackFee string     `json:"chargeback_fee"`
	EvidenceDue   *time.Time `json:"evidence_due_at"`
}

type eventInvoice struct {
	Number   string `json:"number"`
	Account  string `json:"account"`
	Amount   string `json:"amount"`
	Discount string `json:"discount"`
	LateFee  string `json:"late_fee"`
	Credit   *struct {
		Number string `json:"number"`
	} `json:"credit"`
}

type eventMessage struct {
	Author string `json:"author"`
	Text   string `json:"text"`
}

func (s *Service) mail(ctx context.Context, parcel outbox.Parcel) outbox.Outcome {
	message, err := s.staffMessage(ctx, parcel)
	if err != nil {
		return outbox.Outcome{State: outbox.Dead, Answer: "The mail cannot be written: " + err.Error()}
	}
	failure := s.Sender.Send(ctx, message)
	switch {
	case failure == nil:
		return outbox.Outcome{State: outbox.Done, Status: 250}
	case errors.Is(failure, mail.ErrRejected):
		return outbox.Outcome{State: outbox.Dead, Status: 550, Answer: failure.Error()}
	}
	return s.retry(parcel.Delivery, outbox.Outcome{Answer: failure.Error()}, 0)
}

func (s *Service) staffMessage(ctx context.Context, parcel outbox.Parcel) (mail.Message, error) {
	vendor, err := s.Party.Vendor(ctx, parcel.Event.VendorID)
	if err != nil {
		return mail.Message{}, err
	}
	var data eventData
	if err := json.Unmarshal([]byte(parcel.Event.Data), &data); err != nil {
		return mail.Message{}, err
	}
	rendered, err := s.Letters.VendorEvent(s.letter(vendor, parcel.Event, data))
	if err != nil {
		return mail.Message{}, err
	}
	return mail.Message{MessageID: parcel.Delivery.ID + "@" + domainOf(s.From.Email), From: s.From, To: mail.Address{Name: vendor.Name, Email: parcel.Endpoint.Target},
		Subject: rendered.Subject, Text: rendered.Text, HTML: rendered.HTML, Date: s.Now().UTC(), AutoReply: true}, nil
}

func (s *Service) letter(vendor party.Vendor, event outbox.Event, data eventData) letter.VendorEvent {
	out := letter.VendorEvent{Today: money.DateOf(s.Now(), zoneOf(vendor)), Vendor: vendor.Name, Type: event.Type, Account: data.Account,
		Reference: data.Reference, Amount: parsed(data.Amount, data.Currency), URL: s.PublicURL + "/vendor", Footer: s.Footer}
	for _, invoice := range data.Invoices {
		line := letter.VendorLine{Invoice: invoice.Number, Amount: parsed(invoice.Amount, data.Currency)}
		if invoice.Credit != nil {
			line.Note = "by credit " + invoice.Credit.Number
		}
		line.Note = strings.Join(append(nonEmpty(line.Note), incentiveWords(invoice, data.Currency)...), ", ")
		if out.Account == "" {
			out.Account = invoice.Account
		}
		out.Lines = append(out.Lines, line)
	}
	if data.Invoice != nil {
		out.Lines = append(out.Lines, letter.VendorLine{Invoice: data.Invoice.Number, Amount: parsed(data.Amount, data.Currency)})
	}
	if event.Type == outbox.PaymentChargedBack { // networks write "product_not_received"
		data.Reason = strings.ReplaceAll(data.Reason, "_", " ")
	}
	out.Facts, out.Message = append(facts(data), returnFacts(event.Type, data, zoneOf(vendor))...), words(data)
	switch event.Type {
	case outbox.CaseOpened, outbox.CaseMessage, outbox.CaseResolved:
		out.URL = s.PublicURL + "/vendor/cases"
	case outbox.PaymentSettled, outbox.PaymentFailed, outbox.PaymentProcessing, outbox.CreditApplied:
		out.URL = s.PublicURL + "/vendor/payments"
	case outbox.PaymentRefunded:
		out.URL = s.PublicURL + "/vendor/payments/" + data.ID
		if data.Refund != "" {
			out.Amount = parsed(data.Refund, data.Currency)
		}
	case outbox.PaymentChargedBack:
		out.URL = s.PublicURL + "/vendor/chargebacks"
		if data.ChargebackID != "" {
			out.URL, out.Amount = out.URL+"/"+data.ChargebackID, parsed(data.ChargedBack, data.Currency)
		}
	case outbox.AccountContactBounced:
		out.URL = s.PublicURL + "/vendor/unreachable"
	}
	return out
}

// incentiveWords say what of an invoice's amount is a late fee, and what was
// taken off beside it.
func incentiveWords(invoice eventInvoice, currency money.Currency) []string {
	var words []string
	if discount := parsed(invoice.Discount, currency); discount.Positive() {
		words = append(words, "and a discount of "+discount.String())
	}
	if fee := parsed(invoice.LateFee, currency); fee.Positive() {
		words = append(words, "with a late fee of "+fee.String())
	}
	return words
}

func nonEmpty(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}

func facts(data eventData) []letter.Fact {
	var out []letter.Fact
	add := func(label, value string) {
		if value != "" {
			out = append(out, letter.Fact{Label: label, Value: value})
		}
	}
	add("Reason", data.Reason)
	add("Promised for", string(data.PromisedOn))
	add("Paid by", data.Method)
	add("Address", data.Email)
	if unapplied := parsed(data.Unapplied, data.Currency); unapplied.Positive() {
		add("More than was open", unapplied.String())
	}
	return out
}

// returnFacts are what more there is to know of money that goes back.
func returnFacts(kind string, data eventData, zone *time.Location) []letter.Fact {
	var out []letter.Fact
	if kind == outbox.PaymentRefunded && data.Refund != "" {
		out = append(out, letter.Fact{Label: "Of a payment of", Value: parsed(data.Amount, data.Currency).String()})
	}
	if fee := parsed(data.ChargebackFee, data.Currency); fee.Positive() {
		out = append(out, letter.Fact{Label: "Fee, borne by you", Value: fee.String()})
	}
	if data.EvidenceDue != nil {
		out = append(out, letter.Fact{Label: "Deadline", Value: data.EvidenceDue.In(zone).Format("Monday, 2 January 2006, 15:04 MST")})
	}
	return out
}

func words(data eventData) string {
	switch {
	case data.Text != "":
		return data.Text
	case data.Message != nil:
		return data.Message.Text
	case len(data.Messages) > 0:
		return data.Messages[len(data.Messages)-1].Text
	}
	return ""
}

func parsed(decimal string, currency money.Currency) money.Amount {
	amount, err := money.Parse(decimal, currency)
	if err != nil {
		return money.Amount{}
	}
	return amount
}

func zoneOf(vendor party.Vendor) *time.Location {
	zone, err := time.LoadLocation(vendor.TimeZone)
	if err != nil {
		return time.UTC
	}
	return zone
}

func domainOf(address string) string {
	_, domain, found := strings.Cut(address, "@")
	if !found {
		return "localhost"
	}
	return domain
}
