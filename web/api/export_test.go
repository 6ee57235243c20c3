package api

import (
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/web/page"
)

// TypeOf is the type of the problem that a fault becomes.
func TypeOf(code fault.Code) string { return "/api/docs#" + word(page.Status(code)) }
