package main

import (
	"github.com/sheaf-hub/sheaf/hub/intake"
	"github.com/sheaf-hub/sheaf/vendor-connectors/tryton"
)

// connectorKinds is the one list of all kinds of books that can be connected.
// Files come by `sheaf import`, pushed records by the vendor API: neither is a
// connection.
func connectorKinds() map[string]intake.Kind {
	return map[string]intake.Kind{
		tryton.Kind: {Descriptor: tryton.Describe(), New: tryton.New},
	}
}
