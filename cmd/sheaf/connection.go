package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/intake"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

func connectionCommand(settings *settings) *cobra.Command {
	command := &cobra.Command{Use: "connection", Short: "Connections to vendors' books"}
	command.AddCommand(addConnectionCommand(settings), listConnectionsCommand(settings), removeConnectionCommand(settings), connectionKindsCommand())
	return command
}

// wanted is a connection as it is asked for on the command line.
type wanted struct {
	name, writeBack string
	fields          map[string]string
}

func addConnectionCommand(settings *settings) *cobra.Command {
	var w wanted
	add := &cobra.Command{
		Use: "add VENDOR KIND --set name=value …", Short: "Connect a vendor's books, after trying them; its id is printed", Args: cobra.ExactArgs(2),
		Long: "Connect a vendor's books, after trying them; the connection's id is printed. What each kind asks for is listed by `sheaf connection kinds`. " +
			"A value that begins with @ is read from that file, so that a password need not stand on the command line.",
		RunE: func(cmd *cobra.Command, args []string) error {
			return addConnection(cmd, settings, args[0], args[1], w)
		},
	}
	flags := add.Flags()
	flags.StringToStringVar(&w.fields, "set", nil, "one setting, name=value; may be given again")
	flags.StringVar(&w.name, "name", "", "what to call it; empty: as its kind is called")
	flags.StringVar(&w.writeBack, "write-back", "", "what becomes of payments: book, clearing or tell; empty: book where the kind can")
	return add
}

func addConnection(cmd *cobra.Command, settings *settings, vendorID, kind string, w wanted) error {
	fields, err := fromFiles(w.fields)
	if err != nil {
		return err
	}
	return withApp(cmd, settings, func(ctx context.Context, a *app) error {
		actor := access.SystemActor("command line")
		connection, err := a.intake.AddConnection(ctx, actor, vendorID, kind, w.name, fields)
		if err != nil {
			return err
		}
		if err := a.intake.GoLive(ctx, actor, vendorID, connection.ID); err != nil {
			return err
		}
		choice := intake.WriteBack(w.writeBack)
		if choice == "" && a.intake.Connectors[kind].Descriptor.WriteBack {
			choice = intake.Book
		}
		if choice != "" {
			if err := a.intake.SetWriteBack(ctx, actor, vendorID, connection.ID, choice); err != nil {
				_, printed := fmt.Fprintln(cmd.OutOrStdout(), connection.ID)
				return errors.Join(fmt.Errorf("the connection was made, and only tells of payments: %w", plain(err)), printed)
			}
		}
		_, err = fmt.Fprintln(cmd.OutOrStdout(), connection.ID)
		return err
	})
}

// withApp runs a command's work on an open app, and gives its error in words.
func withApp(cmd *cobra.Command, settings *settings, work func(ctx context.Context, a *app) error) error {
	a, err := openApp(cmd.Context(), settings, cmd.ErrOrStderr(), systemClock)
	if err != nil {
		return err
	}
	defer a.close()
	return plain(work(cmd.Context(), a))
}

func listConnectionsCommand(settings *settings) *cobra.Command {
	return &cobra.Command{
		Use: "list VENDOR", Short: "A vendor's connections and how they are", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withApp(cmd, settings, func(ctx context.Context, a *app) error {
				list, err := a.intake.ListConnections(ctx, args[0])
				if err != nil {
					return err
				}
				out := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
				for _, connection := range list {
					fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\n", connection.ID, connection.Kind, connection.Name, connection.WriteBack, connectionHealth(connection))
				}
				return out.Flush()
			})
		},
	}
}

func connectionHealth(connection intake.Connection) string {
	const form = "2006-01-02 15:04 MST"
	switch {
	case !connection.DisabledAt.IsZero():
		return "removed on " + connection.DisabledAt.UTC().Format(form)
	case connection.LastError != "":
		return connection.LastError + " Next try at " + connection.NextSyncAt.UTC().Format(form) + "."
	case connection.LastGoodAt.IsZero():
		return "not read yet"
	}
	return "read at " + connection.LastGoodAt.UTC().Format(form)
}

func removeConnectionCommand(settings *settings) *cobra.Command {
	return &cobra.Command{
		Use: "remove VENDOR CONNECTION", Short: "End a connection for good; what it brought in stays", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withApp(cmd, settings, func(ctx context.Context, a *app) error {
				return a.intake.RemoveConnection(ctx, access.SystemActor("command line"), args[0], args[1])
			})
		},
	}
}

func connectionKindsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "kinds", Short: "The kinds of books that can be connected, and what each asks for", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out, kinds := cmd.OutOrStdout(), connectorKinds("")
			for _, name := range slices.Sorted(maps.Keys(kinds)) {
				d := kinds[name].Descriptor
				fmt.Fprintf(out, "%s  %s. %s\n", d.Kind, d.Title, d.Summary)
				if d.Unproven {
					fmt.Fprintln(out, "    not proven against a live server yet")
				}
				for _, field := range d.Fields {
					fmt.Fprintf(out, "    --set %s=…  %s\n", field.Name, asked(field))
				}
			}
			return nil
		},
	}
}

// asked is what a setting is, and what it may be.
func asked(field connectors.Field) string {
	text := field.Label
	if field.Required && len(field.Choices) == 0 {
		text += ", needed"
	}
	for i, choice := range field.Choices {
		text += map[bool]string{true: ": ", false: "; "}[i == 0] + choice.Value + " (" + choice.Label + ")"
	}
	return text
}

// fromFiles reads the values that name a file.
func fromFiles(fields map[string]string) (map[string]string, error) {
	read := make(map[string]string, len(fields))
	for name, value := range fields {
		if file, named := strings.CutPrefix(value, "@"); named {
			content, err := readSmall(file)
			if err != nil {
				return nil, fmt.Errorf("the setting %s: %w", name, err)
			}
			value = strings.TrimRight(content, "\r\n")
		}
		read[name] = value
	}
	return read, nil
}

// readSmall reads a file of at most 64 KiB.
func readSmall(name string) (string, error) {
	const most = 64 << 10
	file, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, most+1))
	if err == nil && len(content) > most {
		err = fmt.Errorf("%s is larger than 64 KiB", name)
	}
	return string(content), err
}
