package stripefake

import (
	"fmt"
	"net/http"
	"time"
)

// How a payment method behaves.
const (
	GoodCard          = "card"                         // 4242: pays
	DecliningCard     = "card_declined"                // 0341: can be saved, then is declined
	PoorCard          = "card_insufficient_funds"      // 9995
	ExpiredCard       = "card_expired"                 // 0069
	AuthenticatedCard = "card_authentication_required" // 3155: pays while its owner is there, not without
	GoodBank          = "bank"                         // succeeds after Config.BankDelay
	FailingBank       = "bank_fails"                   // fails after it
)

// Method is a payment method: a card or a bank account.
type Method struct {
	ID, Type, Customer string
	Behaviour          string // one of the constants above
	Email              string
	Created            time.Time
	Metadata           map[string]string
	detached           bool
}

func last4(behaviour string) string {
	switch behaviour {
	case DecliningCard:
		return "0341"
	case PoorCard:
		return "9995"
	case ExpiredCard:
		return "0069"
	case AuthenticatedCard:
		return "3155"
	case GoodBank:
		return "6789"
	case FailingBank:
		return "1116"
	}
	return "4242"
}

// newMethod makes a method; bank methods take the debit of the currency.
func (f *Fake) newMethod(behaviour, currency, customer, email string) *Method {
	kind := "card"
	if behaviour == GoodBank || behaviour == FailingBank {
		kind = bankDebit(currency)
	}
	m := &Method{ID: f.id("pm"), Type: kind, Behaviour: behaviour, Customer: customer, Email: email, Created: f.now, Metadata: map[string]string{}}
	return f.methods.add(m.ID, m)
}

func (m *Method) fingerprint() string { return "Fp" + m.Type + last4(m.Behaviour) }

func viewBilling(m *Method) obj {
	billing := obj{"address": obj{"city": nil, "country": nil, "line1": nil, "line2": nil, "postal_code": nil, "state": nil},
		"email": nil, "name": nil, "phone": nil}
	if m != nil {
		billing["email"] = null(m.Email)
	}
	return billing
}

// viewMethodDetails is payment_method_details of a charge.
func viewMethodDetails(m *Method) obj {
	if m == nil {
		return nil
	}
	details := obj{"type": m.Type}
	switch m.Type {
	case "card":
		details["card"] = obj{"brand": "visa", "checks": obj{"address_line1_check": nil, "address_postal_code_check": nil, "cvc_check": "pass"},
			"country": "US", "exp_month": 12, "exp_year": m.Created.Year() + 3, "fingerprint": m.fingerprint(), "funding": "credit", "installments": nil,
			"last4": last4(m.Behaviour), "mandate": nil, "network": "visa", "three_d_secure": nil, "wallet": nil}
	case "us_bank_account":
		details[m.Type] = obj{"account_holder_type": "company", "account_type": "checking", "bank_name": "TEST BANK", "fingerprint": m.fingerprint(),
			"last4": last4(m.Behaviour), "mandate": "mandate_" + m.ID, "payment_reference": nil, "routing_number": "110000000"}
	default:
		details[m.Type] = obj{"fingerprint": m.fingerprint(), "last4": last4(m.Behaviour), "mandate": "mandate_" + m.ID}
	}
	return details
}

func (f *Fake) viewMethod(m *Method) obj {
	details := viewMethodDetails(m)
	inner, _ := details[m.Type].(obj)
	delete(inner, "mandate")
	if m.Type == "card" {
		delete(inner, "network")
		delete(inner, "three_d_secure")
		delete(inner, "installments")
		inner["generated_from"], inner["networks"] = nil, obj{"available": []string{"visa"}, "preferred": nil}
		inner["three_d_secure_usage"] = obj{"supported": true}
	}
	return obj{"id": m.ID, "object": "payment_method", "billing_details": viewBilling(m), m.Type: inner, "created": m.Created.Unix(),
		"customer": null(m.Customer), "livemode": f.cfg.Live, "metadata": m.Metadata, "type": m.Type}
}

func (f *Fake) getMethod(c *call) (obj, error) {
	if err := c.p.done(); err != nil {
		return nil, err
	}
	m := f.methods.get(c.ids[0])
	if m == nil {
		return nil, missing("PaymentMethod", c.ids[0], "id")
	}
	return f.viewMethod(m), nil
}

func (f *Fake) listMethods(c *call) (obj, error) {
	customer, kind := c.p.text("customer"), c.p.text("type")
	if len(c.ids) == 1 {
		customer = c.ids[0]
	} else if customer == "" {
		c.p.need("customer")
	}
	if customer != "" && f.customers.get(customer) == nil {
		return nil, missing("customer", customer, "customer")
	}
	return page(c, f.methods.order, func(m *Method) string { return m.ID }, func(m *Method) time.Time { return m.Created },
		func(m *Method) bool { return m.Customer == customer && (kind == "" || m.Type == kind) }, f.viewMethod)
}

// attachMethod also knows Stripe's test names, such as pm_card_visa.
func (f *Fake) attachMethod(c *call) (obj, error) {
	customer := c.p.need("customer")
	if err := c.p.done(); err != nil {
		return nil, err
	}
	if f.customers.get(customer) == nil {
		return nil, missing("customer", customer, "customer")
	}
	m := f.methods.get(c.ids[0])
	if m == nil {
		behaviour := map[string]string{"pm_card_visa": GoodCard, "pm_card_chargeCustomerFail": DecliningCard, "pm_card_authenticationRequired": AuthenticatedCard,
			"pm_usBankAccount_success": GoodBank, "pm_usBankAccount_insufficientFunds": FailingBank}[c.ids[0]]
		if behaviour == "" {
			return nil, missing("PaymentMethod", c.ids[0], "id")
		}
		m = f.newMethod(behaviour, f.platform.Currency, "", "")
	}
	if m.detached {
		return nil, refused("", "", "This PaymentMethod was previously used without being attached to a Customer or was detached from a Customer, and may not be used again.")
	}
	if m.Customer != "" && m.Customer != customer {
		return nil, refused("", "", "The payment method you provided has already been attached to a customer.")
	}
	m.Customer = customer
	f.emit("payment_method.attached", "", f.viewMethod(m), nil)
	return f.viewMethod(m), nil
}

func (f *Fake) detachMethod(c *call) (obj, error) {
	if err := c.p.done(); err != nil {
		return nil, err
	}
	m := f.methods.get(c.ids[0])
	if m == nil {
		return nil, missing("PaymentMethod", c.ids[0], "id")
	}
	if m.Customer == "" {
		return nil, refused("", "", "The payment method you provided is not attached to a customer so detachment is impossible.")
	}
	was := m.Customer
	m.Customer, m.detached = "", true
	f.emit("payment_method.detached", "", f.viewMethod(m), obj{"customer": was})
	return f.viewMethod(m), nil
}

// SaveMethod gives a customer a method that behaves as told, and returns its id.
func (f *Fake) SaveMethod(customer, behaviour string) (string, error) {
	var id string
	err := f.act(func() error {
		if f.customers.get(customer) == nil {
			return fmt.Errorf("stripefake: no customer %q", customer)
		}
		m := f.newMethod(behaviour, f.platform.Currency, customer, "")
		id = m.ID
		f.emit("payment_method.attached", "", f.viewMethod(m), nil)
		return nil
	})
	return id, err
}

// Methods lists all payment methods, oldest first.
func (f *Fake) Methods() []Method { return all(f, &f.methods) }

// decline is why a method does not pay; nil when it does.
func (m *Method) decline(offSession bool) *Problem {
	declined := func(code, decline, message string) *Problem {
		return &Problem{Status: http.StatusPaymentRequired, Type: "card_error", Code: code, DeclineCode: decline, Message: message, begun: true}
	}
	switch m.Behaviour {
	case DecliningCard:
		return declined("card_declined", "generic_decline", "Your card was declined.")
	case PoorCard:
		return declined("card_declined", "insufficient_funds", "Your card has insufficient funds.")
	case ExpiredCard:
		return declined("expired_card", "expired_card", "Your card has expired.")
	case AuthenticatedCard:
		if offSession {
			return declined("authentication_required", "authentication_required", "Your card was declined. This transaction requires authentication.")
		}
	}
	return nil
}
