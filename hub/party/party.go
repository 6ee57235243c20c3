// Package party knows who there is: vendors, their accounts, the customers that
// pay and the contacts, known by their mailbox, who act for them.
//
// The mailbox is the key: a contact sees exactly the accounts whose vendor
// lists its address; the members of a team see what any of them sees.
package party

import (
	"time"

	"github.com/sheaf-hub/sheaf/hub/store"
)

// Service is the room's entrance.
type Service struct {
	DB     *store.DB
	Sealer *store.Sealer
	Now    func() time.Time
}
