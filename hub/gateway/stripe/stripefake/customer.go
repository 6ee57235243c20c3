package stripefake

import "time"

// Customer is a payer whom the platform keeps.
type Customer struct {
	ID, Email, Name, Description string
	DefaultMethod                string
	Created                      time.Time
	Metadata                     map[string]string
	Deleted                      bool
}

func (f *Fake) viewCustomer(cu *Customer) obj {
	if cu.Deleted {
		return obj{"id": cu.ID, "object": "customer", "deleted": true}
	}
	return obj{"id": cu.ID, "object": "customer", "address": nil, "balance": 0, "created": cu.Created.Unix(), "currency": nil, "default_source": nil,
		"delinquent": false, "description": null(cu.Description), "discount": nil, "email": null(cu.Email), "invoice_prefix": cu.ID[len(cu.ID)-7:],
		"invoice_settings": obj{"custom_fields": nil, "default_payment_method": null(cu.DefaultMethod), "footer": nil, "rendering_options": nil},
		"livemode":         f.cfg.Live, "metadata": cu.Metadata, "name": null(cu.Name), "next_invoice_sequence": 1, "phone": nil,
		"preferred_locales": []string{}, "shipping": nil, "tax_exempt": "none", "test_clock": nil}
}

func (f *Fake) newCustomer(email, name string) *Customer {
	cu := &Customer{ID: f.id("cus"), Email: email, Name: name, Created: f.now, Metadata: map[string]string{}}
	return f.customers.add(cu.ID, cu)
}

func (f *Fake) createCustomer(c *call) (obj, error) {
	email, name, description := c.p.text("email"), c.p.text("name"), c.p.text("description")
	metadata := c.p.metadata("metadata", nil)
	c.p.ignore("phone", "address", "preferred_locales", "tax_exempt")
	if err := c.p.done(); err != nil {
		return nil, err
	}
	cu := f.newCustomer(email, name)
	cu.Description, cu.Metadata = description, metadata
	f.emit("customer.created", "", f.viewCustomer(cu), nil)
	return f.viewCustomer(cu), nil
}

func (f *Fake) getCustomer(c *call) (obj, error) {
	if err := c.p.done(); err != nil {
		return nil, err
	}
	cu := f.customers.get(c.ids[0])
	if cu == nil {
		return nil, missing("customer", c.ids[0], "id")
	}
	return f.viewCustomer(cu), nil
}

func (f *Fake) updateCustomer(c *call) (obj, error) {
	cu := f.customers.get(c.ids[0])
	if cu == nil || cu.Deleted {
		return nil, missing("customer", c.ids[0], "id")
	}
	changed := *cu
	for key, field := range map[string]*string{"email": &changed.Email, "name": &changed.Name, "description": &changed.Description,
		"invoice_settings[default_payment_method]": &changed.DefaultMethod} {
		if c.p.has(key) {
			*field = c.p.text(key)
		}
	}
	changed.Metadata = c.p.metadata("metadata", cu.Metadata)
	c.p.ignore("phone", "address", "preferred_locales", "tax_exempt")
	if err := c.p.done(); err != nil {
		return nil, err
	}
	if id := changed.DefaultMethod; id != "" && (f.methods.get(id) == nil || f.methods.get(id).Customer != cu.ID) {
		return nil, missing("PaymentMethod", id, "invoice_settings[default_payment_method]")
	}
	*cu = changed
	f.emit("customer.updated", "", f.viewCustomer(cu), nil)
	return f.viewCustomer(cu), nil
}

// deleteCustomer also detaches the customer's methods.
func (f *Fake) deleteCustomer(c *call) (obj, error) {
	if err := c.p.done(); err != nil {
		return nil, err
	}
	cu := f.customers.get(c.ids[0])
	if cu == nil || cu.Deleted {
		return nil, missing("customer", c.ids[0], "id")
	}
	f.emit("customer.deleted", "", f.viewCustomer(cu), nil)
	cu.Deleted = true
	for _, m := range f.methods.order {
		if m.Customer == cu.ID {
			m.Customer, m.detached = "", true
		}
	}
	return f.viewCustomer(cu), nil
}

func (f *Fake) listCustomers(c *call) (obj, error) {
	email := c.p.text("email")
	return page(c, f.customers.order, func(cu *Customer) string { return cu.ID }, func(cu *Customer) time.Time { return cu.Created },
		func(cu *Customer) bool { return !cu.Deleted && (email == "" || cu.Email == email) }, f.viewCustomer)
}

// Customers lists all customers, oldest first.
func (f *Fake) Customers() []Customer { return all(f, &f.customers) }
