package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/sheaf-hub/sheaf/hub/fault"
)

func operatorCommand(settings *settings) *cobra.Command {
	command := &cobra.Command{Use: "operator", Short: "The hub's own staff"}
	command.AddCommand(&cobra.Command{
		Use: "add EMAIL", Short: "Let somebody sign in at /operator", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := openApp(cmd.Context(), settings, cmd.ErrOrStderr(), systemClock)
			if err != nil {
				return err
			}
			defer a.close()
			staff, err := a.access.EnsureOperator(cmd.Context(), args[0])
			if err != nil {
				return plain(err)
			}
			cmd.Printf("%s may sign in at %s/operator.\n", staff.Email, a.config.PublicURL)
			return nil
		},
	})
	return command
}

// plain shows a fault's message alone: the code in front of it is for machines.
func plain(err error) error {
	var shown *fault.Error
	if errors.As(err, &shown) {
		text := shown.Message
		for _, problem := range shown.Problems {
			text += "\n  " + problem.Pointer + ": " + problem.Message
		}
		return errors.New(text)
	}
	return err
}
