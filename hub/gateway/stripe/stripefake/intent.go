package stripefake

import (
	"slices"
	"time"
)

// The states of intents, besides Succeeded.
const (
	RequiresMethod       = "requires_payment_method"
	RequiresConfirmation = "requires_confirmation"
	Processing           = "processing"
	Canceled             = "canceled"
)

// Intent is a PaymentIntent.
type Intent struct {
	ID, Status, Customer, Method string
	Currency                     string
	Amount, Received             int64
	Description                  string
	TransferGroup                string
	SetupFutureUsage             string
	LatestCharge                 string
	Session                      string
	Charges                      []string // every attempt, oldest first
	Types                        []string
	Metadata                     map[string]string
	Created, Canceled            time.Time
	cancelReason                 string
	lastError                    obj
}

func (f *Fake) newIntent(made Intent) *Intent {
	made.ID, made.Created, made.Status = f.id("pi"), f.now, RequiresMethod
	if made.Metadata == nil {
		made.Metadata = map[string]string{}
	}
	if made.Method != "" {
		made.Status = RequiresConfirmation
	}
	intent := f.intents.add(made.ID, &made)
	f.emit("payment_intent.created", "", f.viewIntent(intent), nil)
	return intent
}

// attempt tries to take the money; problem is why the method declines.
func (f *Fake) attempt(intent *Intent, m *Method, problem *Problem) {
	charge := f.newCharge(intent, m)
	if problem != nil {
		f.failCharge(charge, problem.Code, problem.DeclineCode, problem.Message)
		problem.Charge = charge.ID
		f.failIntent(intent, m, problem)
		return
	}
	intent.Method, intent.lastError = m.ID, nil
	if m.Type == "card" {
		f.succeed(charge)
		f.succeedIntent(intent)
		return
	}
	charge.Status, intent.Status = Pending, Processing
	f.emit("charge.pending", "", f.viewCharge(charge), nil)
	f.emit("payment_intent.processing", "", f.viewIntent(intent), nil)
	f.at(f.now.Add(f.cfg.BankDelay), func() { f.finishDebit(intent, charge, m) })
}

func (f *Fake) finishDebit(intent *Intent, charge *Charge, m *Method) {
	if m.Behaviour == FailingBank {
		problem := invalid("", "insufficient_funds", "The customer's account has insufficient funds to cover this payment.")
		problem.Type, problem.DeclineCode, problem.Charge = "invalid_request_error", "insufficient_funds", charge.ID
		f.failCharge(charge, problem.Code, problem.DeclineCode, problem.Message)
		f.failIntent(intent, m, problem)
	} else {
		f.succeed(charge)
		f.succeedIntent(intent)
	}
	f.asyncDone(intent)
}

func (f *Fake) succeedIntent(intent *Intent) {
	intent.Status, intent.Received = Succeeded, intent.Amount
	f.emit("payment_intent.succeeded", "", f.viewIntent(intent), nil)
}

func (f *Fake) failIntent(intent *Intent, m *Method, problem *Problem) {
	intent.Status, intent.Method = RequiresMethod, ""
	intent.lastError = obj{"type": problem.Type, "code": problem.Code, "message": problem.Message, "charge": problem.Charge,
		"doc_url": "https://stripe.com/docs/error-codes/" + dashed(problem.Code), "payment_method": f.viewMethod(m)}
	if problem.DeclineCode != "" {
		intent.lastError["decline_code"] = problem.DeclineCode
	}
	f.emit("payment_intent.payment_failed", "", f.viewIntent(intent), nil)
}

func (f *Fake) cancelIntent(intent *Intent, reason string) {
	intent.Status, intent.Canceled, intent.cancelReason = Canceled, f.now, reason
	f.emit("payment_intent.canceled", "", f.viewIntent(intent), nil)
}

func (f *Fake) viewIntent(i *Intent) obj {
	var lastError any
	if i.lastError != nil {
		lastError = i.lastError
	}
	return obj{"id": i.ID, "object": "payment_intent", "amount": i.Amount, "amount_capturable": 0, "amount_details": obj{"tip": obj{}},
		"amount_received": i.Received, "application": nil, "application_fee_amount": nil, "automatic_payment_methods": nil, "canceled_at": unix(i.Canceled),
		"cancellation_reason": null(i.cancelReason), "capture_method": "automatic", "client_secret": i.ID + "_secret_fake", "confirmation_method": "automatic",
		"created": i.Created.Unix(), "currency": i.Currency, "customer": null(i.Customer), "description": null(i.Description), "invoice": nil,
		"last_payment_error": lastError, "latest_charge": null(i.LatestCharge), "livemode": f.cfg.Live, "metadata": i.Metadata, "next_action": nil,
		"on_behalf_of": nil, "payment_method": null(i.Method), "payment_method_configuration_details": nil, "payment_method_options": obj{},
		"payment_method_types": texts(i.Types), "processing": nil, "receipt_email": nil, "review": nil, "setup_future_usage": null(i.SetupFutureUsage),
		"shipping": nil, "statement_descriptor": nil, "statement_descriptor_suffix": nil, "status": i.Status, "transfer_data": nil,
		"transfer_group": null(i.TransferGroup)}
}

func (f *Fake) createIntent(c *call) (obj, error) {
	c.p.need("amount")
	amount, _ := c.p.number("amount")
	made := Intent{Amount: amount, Currency: c.p.currency("currency"), Customer: c.p.text("customer"), Method: c.p.text("payment_method"),
		Description: c.p.text("description"), TransferGroup: c.p.text("transfer_group"), Metadata: c.p.metadata("metadata", nil),
		SetupFutureUsage: c.p.oneOf("setup_future_usage", "on_session", "off_session"), Types: c.p.list("payment_method_types")}
	confirm, offSession := c.p.flag("confirm"), c.p.flag("off_session")
	c.p.ignore("automatic_payment_methods", "receipt_email", "statement_descriptor", "statement_descriptor_suffix", "mandate", "confirmation_method",
		"error_on_requires_action", "payment_method_options", "return_url")
	if offSession && !confirm {
		c.p.fail(invalid("off_session", "", "off_session can only be used with confirm=true."))
	}
	if err := c.p.done(); err != nil {
		return nil, err
	}
	if problem := chargeable("amount", amount, made.Currency); problem != nil {
		return nil, problem
	}
	if len(made.Types) == 0 {
		made.Types = []string{"card"}
		if debit := bankDebit(made.Currency); debit != "" && c.p.text("automatic_payment_methods[enabled]") == "true" {
			made.Types = append(made.Types, debit)
		}
	}
	if problem := f.checkIntent(&made, confirm); problem != nil {
		return nil, problem
	}
	intent := f.newIntent(made)
	if !confirm {
		return f.viewIntent(intent), nil
	}
	return f.confirm(intent, offSession)
}

// checkIntent judges customer and method together.
func (f *Fake) checkIntent(made *Intent, confirm bool) *Problem {
	if customer := f.customers.get(made.Customer); made.Customer != "" && (customer == nil || customer.Deleted) {
		return missing("customer", made.Customer, "customer")
	}
	if made.Method == "" {
		if confirm {
			return invalid("payment_method", "payment_intent_unexpected_state", "You cannot confirm this PaymentIntent because it's missing a payment method. Update the PaymentIntent with a payment method and then confirm it again.")
		}
		return nil
	}
	m := f.methods.get(made.Method)
	switch {
	case m == nil:
		return missing("PaymentMethod", made.Method, "payment_method")
	case m.detached:
		return invalid("payment_method", "", "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared with a connected account without Customer attachment, or was detached from a Customer. It may not be used again. To use a PaymentMethod multiple times, you must attach it to a Customer first.")
	case m.Customer != "" && made.Customer == "":
		return invalid("payment_method", "", "The PaymentMethod %s belongs to a Customer. Please include the Customer in the `customer` parameter.", m.ID)
	case m.Customer != made.Customer:
		return invalid("payment_method", "", "The customer does not have a payment method with the ID %s. The payment method must be attached to the customer.", m.ID)
	case !slices.Contains(made.Types, m.Type):
		return invalid("payment_method", "payment_intent_incompatible_payment_method", "The PaymentMethod provided (%s) is not allowed for this PaymentIntent. Please attach a payment method of one of the following types: %v.", m.Type, made.Types)
	case m.Type != "card" && bankDebit(made.Currency) != m.Type:
		return invalid("currency", "payment_method_currency_mismatch", "The payment method %s cannot be used with the currency %s.", m.Type, made.Currency)
	}
	return nil
}

// confirm takes the money; a decline is answered 402 with the intent.
func (f *Fake) confirm(intent *Intent, offSession bool) (obj, error) {
	m := f.methods.get(intent.Method)
	problem := m.decline(offSession)
	f.attempt(intent, m, problem)
	if problem == nil {
		return f.viewIntent(intent), nil
	}
	problem.intent = f.viewIntent(intent)
	return nil, problem
}

func (f *Fake) confirmIntent(c *call) (obj, error) {
	intent := f.intents.get(c.ids[0])
	if intent == nil {
		return nil, missing("payment_intent", c.ids[0], "intent")
	}
	made := *intent
	if given := c.p.text("payment_method"); given != "" {
		made.Method = given
	}
	offSession := c.p.flag("off_session")
	c.p.ignore("mandate", "return_url", "payment_method_options", "error_on_requires_action")
	if err := c.p.done(); err != nil {
		return nil, err
	}
	if intent.Status != RequiresMethod && intent.Status != RequiresConfirmation {
		problem := refused("", "payment_intent_unexpected_state", "You cannot confirm this PaymentIntent because it has already succeeded or is %s.", intent.Status)
		problem.intent = f.viewIntent(intent)
		return nil, problem
	}
	if problem := f.checkIntent(&made, true); problem != nil {
		return nil, problem
	}
	intent.Method = made.Method
	return f.confirm(intent, offSession)
}

func (f *Fake) postCancelIntent(c *call) (obj, error) {
	reason := c.p.oneOf("cancellation_reason", "duplicate", "fraudulent", "requested_by_customer", "abandoned")
	if err := c.p.done(); err != nil {
		return nil, err
	}
	intent := f.intents.get(c.ids[0])
	if intent == nil {
		return nil, missing("payment_intent", c.ids[0], "intent")
	}
	if intent.Status != RequiresMethod && intent.Status != RequiresConfirmation {
		problem := refused("", "payment_intent_unexpected_state", "You cannot cancel this PaymentIntent because it has a status of %s. Only a PaymentIntent with one of the following statuses may be canceled: requires_payment_method, requires_capture, requires_confirmation, requires_action, processing.", intent.Status)
		problem.intent = f.viewIntent(intent)
		return nil, problem
	}
	f.cancelIntent(intent, reason)
	return f.viewIntent(intent), nil
}

func (f *Fake) getIntent(c *call) (obj, error) {
	if err := c.p.done(); err != nil {
		return nil, err
	}
	intent := f.intents.get(c.ids[0])
	if intent == nil {
		problem := missing("payment_intent", c.ids[0], "intent")
		problem.Status = 404
		return nil, problem
	}
	return f.viewIntent(intent), nil
}

func (f *Fake) listIntents(c *call) (obj, error) {
	customer := c.p.text("customer")
	return page(c, f.intents.order, func(i *Intent) string { return i.ID }, func(i *Intent) time.Time { return i.Created },
		func(i *Intent) bool { return customer == "" || i.Customer == customer }, f.viewIntent)
}

// Intents lists all PaymentIntents, oldest first.
func (f *Fake) Intents() []Intent { return all(f, &f.intents) }
