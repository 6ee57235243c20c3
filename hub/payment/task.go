package payment

import (
	"context"

	"github.com/uptrace/bun"
)

// Task is something that a person has to do about money. VendorID empty: the
// operator. There is one task per kind and subject, ever.
type Task struct {
	VendorID   string
	CustomerID string
	Kind       string
	SubjectID  string
	Title      string
	Text       string
}

// TaskTx adds a task inside the change that causes it.
type TaskTx func(ctx context.Context, tx bun.IDB, task Task) error

func (s *Service) task(ctx context.Context, tx bun.IDB, task Task) error {
	if s.AddTask == nil {
		return nil
	}
	return s.AddTask(ctx, tx, task)
}
