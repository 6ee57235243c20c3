package main

import (
	"github.com/sheaf-hub/sheaf/hub/intake"
	"github.com/sheaf-hub/sheaf/vendor-connectors/erpnext"
	"github.com/sheaf-hub/sheaf/vendor-connectors/files"
	"github.com/sheaf-hub/sheaf/vendor-connectors/invoiceninja"
	"github.com/sheaf-hub/sheaf/vendor-connectors/odoo"
	"github.com/sheaf-hub/sheaf/vendor-connectors/tryton"
)

// connectorKinds is the one list of all kinds of books that can be connected.
// Files given by hand come by `sheaf import`, pushed records by the vendor API: neither
// is a connection. Folders is where vendors' folders may be watched. Xero and
// QuickBooks stand in vendor-connectors and not here: they need people to sign in
// there, which the console cannot yet.
func connectorKinds(folders string) map[string]intake.Kind {
	return map[string]intake.Kind{
		"folder":       {Descriptor: files.FolderDescriptor(), New: files.NewFolder(folders)},
		"sftp":         {Descriptor: files.SFTPDescriptor(), New: files.NewSFTP},
		"erpnext":      {Descriptor: erpnext.Descriptor(), New: erpnext.New},
		"invoiceninja": {Descriptor: invoiceninja.Descriptor(), New: invoiceninja.New},
		"odoo":         {Descriptor: odoo.Descriptor(), New: odoo.New},
		tryton.Kind:    {Descriptor: tryton.Describe(), New: tryton.New},
	}
}
