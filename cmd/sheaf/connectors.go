package main

import (
	"github.com/sheaf-hub/sheaf/hub/intake"
	"github.com/sheaf-hub/sheaf/vendor-connectors/files"
)

// connectorKinds is the one list of all kinds of books that can be connected.
// Files given by hand come by `sheaf import`, pushed records by the vendor API:
// neither is a connection. Folders is where vendors' folders may be watched.
func connectorKinds(folders string) map[string]intake.Kind {
	return map[string]intake.Kind{
		"folder": {Descriptor: files.FolderDescriptor(), New: files.NewFolder(folders)},
		"sftp":   {Descriptor: files.SFTPDescriptor(), New: files.NewSFTP},
	}
}
