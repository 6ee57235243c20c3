// Command sheaf is the hub: one binary for the server, the workers and the
// operator's commands.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // contacts' zones are known also where the system has no zone files

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := root().ExecuteContext(ctx)
	stop()
	if err == nil {
		return
	}
	var quiet *exitError
	if errors.As(err, &quiet) {
		os.Exit(quiet.code)
	}
	fmt.Fprintln(os.Stderr, "sheaf: "+err.Error())
	os.Exit(1)
}

// exitError ends the process with a code after the command has said why itself.
type exitError struct{ code int }

func (e *exitError) Error() string { return fmt.Sprintf("exit %d", e.code) }

func root() *cobra.Command {
	settings := &settings{}
	command := &cobra.Command{
		Use:           "sheaf",
		Short:         "One reminder and one page for the open invoices of many vendors",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	settings.flags(command.PersistentFlags())
	command.AddCommand(demoCommand(settings), serveCommand(settings), workCommand(settings), migrateCommand(settings), vendorCommand(settings),
		operatorCommand(settings), importCommand(settings), connectionCommand(settings), syncCommand(settings), digestCommand(settings), ledgerCommand(settings), reconcileCommand(settings),
		verifyCommand(settings), doctorCommand(settings), versionCommand())
	return command
}
