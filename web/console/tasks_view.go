package console

import (
	"time"

	"github.com/sheaf-hub/sheaf/web/ui"
)

// TasksView is /vendor/tasks.
type TasksView struct {
	Frame
	Rows  []TaskRow
	Pages ui.CursorPager
}

// TaskRow is one open task.
type TaskRow struct {
	ID    string
	Title string
	Text  string
	Made  time.Time
	URL   string // to what it is about; may be empty
	Link  string
}
