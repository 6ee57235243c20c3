package stripefake

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The states of a Checkout Session.
const (
	Open     = "open"
	Complete = "complete"
	Expired  = "expired"
)

// Line is what the payer reads: one position of a Checkout Session.
type Line struct {
	Name, Description string
	Unit, Quantity    int64
}

// Session is one hosted checkout.
type Session struct {
	ID, Mode, Status     string // mode payment or setup
	PaymentStatus        string // unpaid, paid, no_payment_required
	Customer, Email      string
	ClientReference      string
	Currency             string
	Total                int64
	Lines                []Line
	Types                []string // of payment methods
	SuccessURL           string
	CancelURL            string
	Intent, Setup        string
	Metadata             map[string]string
	Created, Expires     time.Time
	intentMetadata       map[string]string
	intentDescription    string
	intentFuture         string // setup_future_usage
	intentGroup          string
	customerCreation     string
	finisher             string // the address typed on the page
	notice               string // what the page says of the last decline
	lineIDs, lineProduct []string
}

func (f *Fake) createSession(c *call) (obj, error) {
	s := &Session{Status: Open, PaymentStatus: "unpaid", Created: f.now}
	s.Mode = c.p.oneOf("mode", "payment", "setup", "subscription")
	s.SuccessURL, s.CancelURL = c.p.need("success_url"), c.p.text("cancel_url")
	s.Customer, s.Email, s.ClientReference = c.p.text("customer"), c.p.text("customer_email"), c.p.text("client_reference_id")
	s.Metadata = c.p.metadata("metadata", nil)
	s.customerCreation = c.p.oneOf("customer_creation", "always", "if_required")
	s.Types = c.p.list("payment_method_types")
	c.p.ignore("locale", "submit_type", "billing_address_collection", "payment_method_options", "customer_update", "custom_text", "consent_collection", "ui_mode", "payment_method_configuration")
	s.readExpiry(c.p, f.now)
	switch s.Mode {
	case "payment":
		s.readLines(c.p)
		s.readIntentData(c.p)
	case "setup":
		s.PaymentStatus = "no_payment_required"
		s.intentMetadata = c.p.metadata("setup_intent_data[metadata]", nil)
		s.intentDescription = c.p.text("setup_intent_data[description]")
		s.Currency = strings.ToLower(c.p.text("currency"))
		if s.Currency == "" && len(s.Types) == 0 {
			c.p.fail(invalid("currency", "parameter_missing", "You must provide `currency` or `payment_method_types` when creating a Checkout Session in `setup` mode."))
		}
	case "":
		c.p.fail(invalid("mode", "parameter_missing", "Missing required param: mode."))
	default:
		c.p.fail(invalid("mode", "", "stripefake knows no subscriptions"))
	}
	s.readTypes(c.p)
	if err := f.checkSession(c, s); err != nil {
		return nil, err
	}
	f.openSession(s)
	return f.viewSession(s), nil
}

// openSession makes the session and plans its end.
func (f *Fake) openSession(s *Session) {
	mode := "test"
	if f.cfg.Live {
		mode = "live"
	}
	f.serial++
	s.ID = "cs_" + mode + "_" + f.word(40)
	for range s.Lines {
		s.lineIDs, s.lineProduct = append(s.lineIDs, f.id("li")), append(s.lineProduct, f.id("prod"))
	}
	f.sessions.add(s.ID, s)
	if s.Mode == "setup" {
		setup := f.newSetup(s.Customer, s.intentDescription, s.intentMetadata, s.Types)
		s.Setup = setup.ID
	}
	f.at(s.Expires, func() {
		if s.Status == Open {
			f.expireSession(s)
		}
	})
}

func (s *Session) readExpiry(p *params, now time.Time) {
	at, given := p.moment("expires_at")
	switch {
	case !given:
		s.Expires = now.Add(24 * time.Hour)
		return
	case at.Before(now.Truncate(time.Second).Add(30 * time.Minute)):
		p.fail(invalid("expires_at", "", "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation."))
	case at.After(now.Add(24 * time.Hour)):
		p.fail(invalid("expires_at", "", "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation."))
	}
	s.Expires = at
}

func (s *Session) readLines(p *params) {
	for i := 0; ; i++ {
		at := "line_items[" + strconv.Itoa(i) + "]"
		if !p.below(at) {
			break
		}
		data := at + "[price_data]"
		currency := p.currency(data + "[currency]")
		if s.Currency == "" {
			s.Currency = currency
		} else if currency != s.Currency {
			p.fail(invalid("line_items", "", "All line items must have the same currency: %s and %s were given.", s.Currency, currency))
		}
		line := Line{Name: p.need(data + "[product_data][name]"), Description: p.text(data + "[product_data][description]")}
		p.need(data + "[unit_amount]")
		p.need(at + "[quantity]")
		line.Unit, _ = p.number(data + "[unit_amount]")
		line.Quantity, _ = p.number(at + "[quantity]")
		p.metadata(data+"[product_data][metadata]", nil)
		switch {
		case line.Unit < 0:
			p.fail(invalid(data+"[unit_amount]", "parameter_invalid_integer", "This value must be greater than or equal to 0."))
		case line.Unit > most:
			p.fail(invalid(data+"[unit_amount]", "parameter_invalid_integer", "This value must be less than or equal to %d.", most))
		case line.Quantity < 1 || line.Quantity > 999_999:
			p.fail(invalid(at+"[quantity]", "parameter_invalid_integer", "Invalid quantity: %d", line.Quantity))
		default:
			s.Total += line.Unit * line.Quantity
		}
		s.Lines = append(s.Lines, line)
	}
	switch {
	case len(s.Lines) == 0:
		p.fail(invalid("line_items", "parameter_missing", "You must provide `line_items` in `payment` mode."))
	case len(s.Lines) > 100:
		p.fail(invalid("line_items", "", "The maximum number of line items is 100."))
	}
}

func (s *Session) readIntentData(p *params) {
	s.intentMetadata = p.metadata("payment_intent_data[metadata]", nil)
	s.intentDescription = p.text("payment_intent_data[description]")
	s.intentFuture = p.oneOf("payment_intent_data[setup_future_usage]", "on_session", "off_session")
	s.intentGroup = p.text("payment_intent_data[transfer_group]")
	p.ignore("payment_intent_data[receipt_email]", "payment_intent_data[statement_descriptor]", "payment_intent_data[statement_descriptor_suffix]")
}

// readTypes fills in the dynamic methods, or checks the given ones.
func (s *Session) readTypes(p *params) {
	debit := bankDebit(s.Currency)
	if len(s.Types) == 0 {
		s.Types = []string{"card"}
		if debit != "" {
			s.Types = append(s.Types, debit)
		}
		return
	}
	for i, kind := range s.Types {
		param := "payment_method_types[" + strconv.Itoa(i) + "]"
		switch kind {
		case "card", debit:
		case "us_bank_account", "sepa_debit", "bacs_debit", "acss_debit", "au_becs_debit":
			if s.Mode == "payment" {
				p.fail(invalid("payment_method_types", "", "The payment method `%s` cannot be used with the currency `%s`.", kind, s.Currency))
			}
		default:
			p.fail(invalid(param, "", "Invalid payment_method_types[%d]: must be one of card, us_bank_account, sepa_debit, bacs_debit, acss_debit, or au_becs_debit", i))
		}
	}
}

func (f *Fake) checkSession(c *call, s *Session) error {
	if s.Customer != "" && s.Email != "" {
		c.p.fail(invalid("customer", "", "You may only specify one of these parameters: customer, customer_email."))
	}
	if s.Email != "" && !strings.Contains(s.Email, "@") {
		c.p.fail(invalid("customer_email", "email_invalid", "Invalid email address: %s", s.Email))
	}
	if len(s.ClientReference) > 200 {
		c.p.fail(invalid("client_reference_id", "", "Invalid string: must be at most 200 characters"))
	}
	for param, address := range map[string]string{"success_url": s.SuccessURL, "cancel_url": s.CancelURL} {
		if address != "" && !strings.HasPrefix(address, "https://") && !strings.HasPrefix(address, "http://") {
			c.p.fail(invalid(param, "url_invalid", "Not a valid URL"))
		}
	}
	if err := c.p.done(); err != nil {
		return err
	}
	if s.Mode == "payment" {
		if problem := chargeable("", s.Total, s.Currency); problem != nil {
			if problem.Code == "amount_too_small" {
				problem.Message = "The Checkout Session's total amount due must add up to at least " + spoken(minimum(s.Currency), s.Currency)
			}
			return problem
		}
	}
	if s.Customer != "" {
		if customer := f.customers.get(s.Customer); customer == nil || customer.Deleted {
			return missing("customer", s.Customer, "customer")
		}
	}
	return nil
}

func (f *Fake) viewSession(s *Session) obj {
	found := obj{"id": s.ID, "object": "checkout.session", "after_expiration": nil, "allow_promotion_codes": nil, "amount_subtotal": nil, "amount_total": nil,
		"automatic_tax": obj{"enabled": false, "liability": nil, "status": nil}, "billing_address_collection": nil, "cancel_url": null(s.CancelURL),
		"client_reference_id": null(s.ClientReference), "client_secret": nil, "consent": nil, "consent_collection": nil, "created": s.Created.Unix(),
		"currency": null(s.Currency), "currency_conversion": nil, "custom_fields": []obj{},
		"custom_text": obj{"after_submit": nil, "shipping_address": nil, "submit": nil, "terms_of_service_acceptance": nil},
		"customer":    null(s.Customer), "customer_creation": null(s.customerCreation), "customer_details": nil, "customer_email": null(s.Email),
		"expires_at": s.Expires.Unix(), "invoice": nil, "invoice_creation": nil, "livemode": f.cfg.Live, "locale": nil, "metadata": s.Metadata, "mode": s.Mode,
		"payment_intent": null(s.Intent), "payment_link": nil, "payment_method_collection": "if_required", "payment_method_configuration_details": nil,
		"payment_method_options": obj{}, "payment_method_types": s.Types, "payment_status": s.PaymentStatus, "phone_number_collection": obj{"enabled": false},
		"recovered_from": nil, "setup_intent": null(s.Setup), "shipping_address_collection": nil, "shipping_cost": nil, "shipping_details": nil,
		"shipping_options": []obj{}, "status": s.Status, "submit_type": nil, "subscription": nil, "success_url": s.SuccessURL, "total_details": nil,
		"ui_mode": "hosted", "url": nil}
	if s.Mode == "payment" {
		found["amount_subtotal"], found["amount_total"] = s.Total, s.Total
		found["total_details"] = obj{"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0}
	}
	if s.Status == Open {
		found["url"] = f.cfg.PublicBase + "/c/pay/" + s.ID
	}
	if email := f.emailOf(s); email != "" {
		found["customer_details"] = obj{"address": nil, "email": email, "name": nil, "phone": nil, "tax_exempt": "none", "tax_ids": nil}
	}
	return found
}

func (f *Fake) emailOf(s *Session) string {
	if s.Email != "" {
		return s.Email
	}
	if customer := f.customers.get(s.Customer); customer != nil {
		return customer.Email
	}
	return s.finisher
}

func (f *Fake) viewLines(s *Session) obj {
	data := make([]obj, len(s.Lines))
	for i, line := range s.Lines {
		total := line.Unit * line.Quantity
		data[i] = obj{"id": s.lineIDs[i], "object": "item", "amount_discount": 0, "amount_subtotal": total, "amount_tax": 0, "amount_total": total,
			"currency": s.Currency, "description": line.Name, "quantity": line.Quantity,
			"price": obj{"id": "price_" + s.lineIDs[i], "object": "price", "active": false, "billing_scheme": "per_unit", "created": s.Created.Unix(),
				"currency": s.Currency, "custom_unit_amount": nil, "livemode": f.cfg.Live, "lookup_key": nil, "metadata": obj{}, "nickname": nil,
				"product": s.lineProduct[i], "recurring": nil, "tax_behavior": "unspecified", "tiers_mode": nil, "transform_quantity": nil,
				"type": "one_time", "unit_amount": line.Unit, "unit_amount_decimal": itoa(line.Unit)}}
	}
	return list("/v1/checkout/sessions/"+s.ID+"/line_items", data)
}

func (f *Fake) getSession(c *call) (obj, error) {
	if err := c.p.done(); err != nil {
		return nil, err
	}
	s := f.sessions.get(c.ids[0])
	if s == nil {
		return nil, missing("checkout.session", c.ids[0], "id")
	}
	return f.viewSession(s), nil
}

func (f *Fake) getLines(c *call) (obj, error) {
	c.p.ignore("limit")
	if err := c.p.done(); err != nil {
		return nil, err
	}
	s := f.sessions.get(c.ids[0])
	if s == nil {
		return nil, missing("checkout.session", c.ids[0], "id")
	}
	return f.viewLines(s), nil
}

func (f *Fake) listSessions(c *call) (obj, error) {
	intent, customer := c.p.text("payment_intent"), c.p.text("customer")
	status := c.p.oneOf("status", Open, Complete, Expired)
	return page(c, f.sessions.order, func(s *Session) string { return s.ID }, func(s *Session) time.Time { return s.Created },
		func(s *Session) bool {
			return (intent == "" || s.Intent == intent) && (customer == "" || s.Customer == customer) && (status == "" || s.Status == status)
		}, f.viewSession)
}

func (f *Fake) postExpire(c *call) (obj, error) {
	if err := c.p.done(); err != nil {
		return nil, err
	}
	s := f.sessions.get(c.ids[0])
	if s == nil {
		return nil, missing("checkout.session", c.ids[0], "id")
	}
	if s.Status != Open {
		return nil, refused("", "", "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a status of `%s`.", s.Status)
	}
	f.expireSession(s)
	return f.viewSession(s), nil
}

// expireSession closes the page; an attempt that failed there is cancelled.
func (f *Fake) expireSession(s *Session) {
	s.Status = Expired
	if intent := f.intents.get(s.Intent); intent != nil && intent.Status == RequiresMethod {
		f.cancelIntent(intent, "")
	}
	if setup := f.setups.get(s.Setup); setup != nil && setup.Status == RequiresMethod {
		setup.Status = Canceled
		f.emit("setup_intent.canceled", "", f.viewSetup(setup), nil)
	}
	f.emit("checkout.session.expired", "", f.viewSession(s), nil)
}

// What a payer can do on the page of a session.
const (
	Succeed                   = "succeed"                     // card 4242
	SucceedThenDecline        = "succeed_then_decline"        // a card that, once saved, is declined
	SucceedThenAuthentication = "succeed_then_authentication" // a card that, once saved, asks for its owner
	Decline                   = "decline"                     // the session stays open
	Bank                      = "bank"                        // pays after Config.BankDelay
	BankFail                  = "bank_fail"                   // fails after it
	Abandon                   = "abandon"                     // goes back; the session stays open
)

// ErrClosed is a page that has ended, or was never there.
var ErrClosed = errors.New("stripefake: this page has ended")

// ErrDeclined is a card that was declined; the page stays open.
var ErrDeclined = errors.New("stripefake: the card was declined")

// Pay does what a payer does on the page of a session, and returns where the
// payer is sent. ErrClosed, ErrDeclined, or an error for an outcome that the
// session does not offer.
func (f *Fake) Pay(session, outcome string) (string, error) {
	var next string
	err := f.act(func() error {
		s := f.sessions.get(session)
		if s == nil || s.Status != Open {
			return ErrClosed
		}
		var err error
		next, err = f.pay(s, outcome)
		return err
	})
	return next, err
}

func (f *Fake) pay(s *Session, outcome string) (string, error) {
	behaviour, known := map[string]string{Succeed: GoodCard, SucceedThenDecline: DecliningCard, SucceedThenAuthentication: AuthenticatedCard,
		Decline: DecliningCard, Bank: GoodBank, BankFail: FailingBank, Abandon: ""}[outcome]
	if !known {
		return "", fmt.Errorf("stripefake: %q is no outcome", outcome)
	}
	if outcome == Abandon {
		return s.address(s.CancelURL), nil
	}
	currency := s.Currency
	if currency == "" {
		currency = f.platform.Currency
	}
	m := f.newMethod(behaviour, currency, "", f.emailOf(s))
	if !slices.Contains(s.Types, m.Type) {
		return "", fmt.Errorf("stripefake: this session offers %s, not %q", strings.Join(s.Types, " and "), m.Type)
	}
	declines := outcome == Decline
	if s.Mode == "setup" {
		return f.paySetup(s, m, declines)
	}
	return f.payIntent(s, m, declines)
}

func (f *Fake) payIntent(s *Session, m *Method, declines bool) (string, error) {
	intent := f.intents.get(s.Intent)
	if intent == nil {
		intent = f.newIntent(Intent{Amount: s.Total, Currency: s.Currency, Customer: s.Customer, Description: s.intentDescription,
			Metadata: s.intentMetadata, SetupFutureUsage: s.intentFuture, TransferGroup: s.intentGroup, Types: s.Types, Session: s.ID})
		s.Intent = intent.ID
	}
	var problem *Problem
	if declines {
		problem = m.decline(false)
	}
	f.attempt(intent, m, problem)
	if problem != nil {
		s.notice = problem.Message
		return "", ErrDeclined
	}
	f.keepCustomer(s, intent, m)
	s.Status = Complete
	if intent.Status == Succeeded {
		s.PaymentStatus = "paid"
	}
	f.emit("checkout.session.completed", "", f.viewSession(s), nil)
	return s.address(s.SuccessURL), nil
}

// keepCustomer makes the customer that a session was asked to make, and gives
// it the method when it may be used again.
func (f *Fake) keepCustomer(s *Session, intent *Intent, m *Method) {
	if s.Email == "" && s.Customer == "" {
		s.finisher = "payer@stripe.example"
	}
	if s.Customer == "" && (s.customerCreation == "always" || s.intentFuture != "") {
		customer := f.newCustomer(f.emailOf(s), "")
		s.Customer, intent.Customer = customer.ID, customer.ID
		f.emit("customer.created", "", f.viewCustomer(customer), nil)
	}
	if s.intentFuture != "" {
		m.Customer = s.Customer
		f.emit("payment_method.attached", "", f.viewMethod(m), nil)
	}
}

func (s *Session) address(url string) string {
	return strings.ReplaceAll(url, "{CHECKOUT_SESSION_ID}", s.ID)
}

// asyncDone tells of the end of a slow payment.
func (f *Fake) asyncDone(intent *Intent) {
	s := f.sessions.get(intent.Session)
	if s == nil {
		return
	}
	if intent.Status == Succeeded {
		s.PaymentStatus = "paid"
		f.emit("checkout.session.async_payment_succeeded", "", f.viewSession(s), nil)
		return
	}
	f.emit("checkout.session.async_payment_failed", "", f.viewSession(s), nil)
}

// Sessions lists all sessions, oldest first.
func (f *Fake) Sessions() []Session { return all(f, &f.sessions) }
