package tryton

import connectors "github.com/sheaf-hub/sheaf/vendor-connectors"

// WithPages lets a connector read small pages.
func WithPages(connector connectors.Connector, size int) connectors.Connector {
	connector.(*Client).pageSize = size
	return connector
}
