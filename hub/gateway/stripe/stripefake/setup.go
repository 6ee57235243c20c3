package stripefake

import "time"

// Setup is a SetupIntent: the saving of a method for later.
type Setup struct {
	ID, Status, Customer, Method string
	Description                  string
	Types                        []string
	Metadata                     map[string]string
	Created                      time.Time
	lastError                    obj
}

func (f *Fake) newSetup(customer, description string, metadata map[string]string, types []string) *Setup {
	setup := &Setup{ID: f.id("seti"), Status: RequiresMethod, Customer: customer, Description: description, Types: types, Metadata: metadata, Created: f.now}
	f.setups.add(setup.ID, setup)
	f.emit("setup_intent.created", "", f.viewSetup(setup), nil)
	return setup
}

// paySetup saves a method on the page of a session.
func (f *Fake) paySetup(s *Session, m *Method, declines bool) (string, error) {
	setup := f.setups.get(s.Setup)
	if declines {
		problem := m.decline(false)
		setup.lastError = obj{"type": problem.Type, "code": problem.Code, "decline_code": problem.DeclineCode, "message": problem.Message,
			"payment_method": f.viewMethod(m)}
		f.emit("setup_intent.setup_failed", "", f.viewSetup(setup), nil)
		s.notice = problem.Message
		return "", ErrDeclined
	}
	if s.Email == "" && s.Customer == "" {
		s.finisher = "payer@stripe.example"
	}
	m.Customer = s.Customer
	setup.Status, setup.Method, setup.lastError = Succeeded, m.ID, nil
	s.Status = Complete
	if m.Customer != "" {
		f.emit("payment_method.attached", "", f.viewMethod(m), nil)
	}
	f.emit("setup_intent.succeeded", "", f.viewSetup(setup), nil)
	f.emit("checkout.session.completed", "", f.viewSession(s), nil)
	return s.address(s.SuccessURL), nil
}

func (f *Fake) viewSetup(s *Setup) obj {
	var lastError any
	if s.lastError != nil {
		lastError = s.lastError
	}
	return obj{"id": s.ID, "object": "setup_intent", "application": nil, "automatic_payment_methods": nil, "cancellation_reason": nil,
		"client_secret": s.ID + "_secret_fake", "created": s.Created.Unix(), "customer": null(s.Customer), "description": null(s.Description),
		"flow_directions": nil, "last_setup_error": lastError, "latest_attempt": nil, "livemode": f.cfg.Live, "mandate": nil, "metadata": s.Metadata,
		"next_action": nil, "on_behalf_of": nil, "payment_method": null(s.Method), "payment_method_configuration_details": nil,
		"payment_method_options": obj{}, "payment_method_types": texts(s.Types), "single_use_mandate": nil, "status": s.Status, "usage": "off_session"}
}

func (f *Fake) getSetup(c *call) (obj, error) {
	if err := c.p.done(); err != nil {
		return nil, err
	}
	setup := f.setups.get(c.ids[0])
	if setup == nil {
		return nil, missing("setupintent", c.ids[0], "id")
	}
	return f.viewSetup(setup), nil
}
