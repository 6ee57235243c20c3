package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

// mostSyncs bounds how many connections one call brings up to date.
const mostSyncs = 1000

func syncCommand(settings *settings) *cobra.Command {
	return &cobra.Command{
		Use: "sync [CONNECTION]", Short: "Pull from one connection, or from every one that is due", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := openApp(cmd.Context(), settings, cmd.ErrOrStderr(), systemClock)
			if err != nil {
				return err
			}
			defer a.close()
			ids := args
			if len(ids) == 0 {
				if ids, err = a.intake.DueConnections(cmd.Context(), mostSyncs); err != nil {
					return err
				}
			}
			if len(ids) == 0 {
				cmd.Println("no connection is due")
			}
			var failures []error
			for _, id := range ids {
				run, err := a.intake.Sync(cmd.Context(), id)
				if err != nil {
					failures = append(failures, fmt.Errorf("connection %s: %w", id, plain(err)))
					continue
				}
				cmd.Printf("%s: created %d, updated %d, unchanged %d, rejected %d\n", id, run.Created, run.Updated, run.Unchanged, run.Rejected)
			}
			return errors.Join(failures...)
		},
	}
}
