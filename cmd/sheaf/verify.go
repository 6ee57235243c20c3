package main

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

// invariant is one promise that `sheaf verify` holds the database against.
type invariant struct {
	name  string
	check func(ctx context.Context) (checked int, broken []string, err error)
}

func (a *app) invariants() []invariant {
	return []invariant{
		{"ledger: every transaction sums to zero, the hash chain is whole", a.ledger.Check},
		{"payments: captured = allocations + unapplied = shares; one transfer per share, each done or shown; plans charged once, and as promised; a receipt for each; no transfer in two payouts", a.payment.Check},
		{"billing: 0 ≤ open ≤ total, and open is what its applications say", a.billing.Check},
		{"outbox: every event has its deliveries, each final or with a next attempt", a.outbox.Check},
		{"digests: one per contact and period, none after an unsubscription or bounce", a.reminder.Check},
		{"vendors: no event bears an id of another vendor", a.notify.Check},
	}
}

func verifyCommand(settings *settings) *cobra.Command {
	return &cobra.Command{
		Use: "verify", Short: "Hold the database against every invariant; exit 1 when one is broken", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return verify(cmd, settings) },
	}
}

func verify(cmd *cobra.Command, settings *settings) error {
	a, err := openApp(cmd.Context(), settings, cmd.ErrOrStderr(), systemClock)
	if err != nil {
		return err
	}
	defer a.close()
	table := tabwriter.NewWriter(cmd.OutOrStdout(), 2, 4, 2, ' ', 0)
	bad := false
	for _, invariant := range a.invariants() {
		checked, broken, err := invariant.check(cmd.Context())
		if err != nil {
			return fmt.Errorf("check %s: %w", invariant.name, err)
		}
		word := "ok"
		if len(broken) > 0 {
			word, bad = "BROKEN", true
		}
		_, _ = fmt.Fprintf(table, "%s\t%d\t%s\n", word, checked, invariant.name)
		for _, line := range broken {
			_, _ = fmt.Fprintf(table, "\t\t  %s\n", line)
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if bad {
		return &exitError{code: 1}
	}
	return nil
}
