package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

// catchingUp is one way in which the hub brings itself up to date with the gateway.
type catchingUp struct {
	name string
	run  func(ctx context.Context) (looked int, err error)
}

// catchUps lists them in the order that helps: what the gateway's list tells may
// fail now and is then tried again, and a payment that is still open after that
// is looked at by itself.
func (a *app) catchUps() []catchingUp {
	return []catchingUp{
		{"messages of the gateway that never arrived", a.payment.CatchUp},
		{"messages that could not be followed when they came", a.payment.FollowHints},
		{"payments that are open", a.payment.Reconcile},
		{"vendors' accounts at the gateway", a.payment.RefreshAccounts},
	}
}

func reconcileCommand(settings *settings) *cobra.Command {
	return &cobra.Command{
		Use: "reconcile", Short: "Ask the payment gateway what the hub may have missed, and book it; exit 1 when something failed", Args: cobra.NoArgs,
		Long: "Asks the payment gateway what the hub may have missed, and books it: what the server does by itself every few seconds and every hour, done\n" +
			"now. It may run beside a server, and again: what is known already changes nothing. Exit 1 when something could not be brought up to date.",
		RunE: func(cmd *cobra.Command, _ []string) error { return reconcile(cmd, settings) },
	}
}

func reconcile(cmd *cobra.Command, settings *settings) error {
	a, err := openApp(cmd.Context(), settings, cmd.ErrOrStderr(), systemClock)
	if err != nil {
		return err
	}
	defer a.close()
	table := tabwriter.NewWriter(cmd.OutOrStdout(), 2, 4, 2, ' ', 0)
	var failures []error
	for _, step := range a.catchUps() {
		looked, err := step.run(cmd.Context())
		word := "ok"
		if err != nil { // one that fails holds up no other
			word = "FAILED"
			failures = append(failures, fmt.Errorf("%s: %w", step.name, plain(err)))
		}
		_, _ = fmt.Fprintf(table, "%s\t%d\t%s\n", word, looked, step.name)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	return errors.Join(failures...)
}
