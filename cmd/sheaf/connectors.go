package main

import (
	"github.com/sheaf-hub/sheaf/hub/intake"
	"github.com/sheaf-hub/sheaf/vendor-connectors/erpnext"
	"github.com/sheaf-hub/sheaf/vendor-connectors/invoiceninja"
	"github.com/sheaf-hub/sheaf/vendor-connectors/odoo"
	"github.com/sheaf-hub/sheaf/vendor-connectors/tryton"
)

// connectorKinds is the one list of all kinds of books that can be connected.
// Files come by `sheaf import`, pushed records by the vendor API: neither is a
// connection. Xero stands in vendor-connectors and not here: it needs people to sign
// in there, which the console cannot yet.
func connectorKinds() map[string]intake.Kind {
	return map[string]intake.Kind{
		"erpnext":      {Descriptor: erpnext.Descriptor(), New: erpnext.New},
		"invoiceninja": {Descriptor: invoiceninja.Descriptor(), New: invoiceninja.New},
		"odoo":         {Descriptor: odoo.Descriptor(), New: odoo.New},
		tryton.Kind:    {Descriptor: tryton.Describe(), New: tryton.New},
	}
}
