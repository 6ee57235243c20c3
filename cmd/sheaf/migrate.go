package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/migrations"
)

func migrateCommand(settings *settings) *cobra.Command {
	command := &cobra.Command{Use: "migrate", Short: "Bring the database up to date, or say how far it is"}
	command.AddCommand(
		&cobra.Command{Use: "up", Short: "Run every migration that has not run", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error { return migrateUp(cmd, settings) }},
		&cobra.Command{Use: "status", Short: "List migrations and when each ran", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error { return migrateStatus(cmd, settings) }})
	return command
}

func openDatabase(cmd *cobra.Command, settings *settings) (*store.DB, error) {
	config, err := settings.check()
	if err != nil {
		return nil, err
	}
	return store.Open(cmd.Context(), store.Config{URL: config.DatabaseURL, Folder: config.Data})
}

func migrateUp(cmd *cobra.Command, settings *settings) error {
	db, err := openDatabase(cmd, settings)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	ran, err := db.Migrate(cmd.Context(), migrations.Files, systemClock())
	for _, name := range ran {
		cmd.Println("ran", name)
	}
	if err == nil && len(ran) == 0 {
		cmd.Println("nothing to do: the database is up to date")
	}
	return err
}

func migrateStatus(cmd *cobra.Command, settings *settings) error {
	db, err := openDatabase(cmd, settings)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	list, err := db.Migrations(cmd.Context(), migrations.Files)
	if err != nil {
		return err
	}
	for _, migration := range list {
		when := "not yet"
		if !migration.AppliedAt.IsZero() {
			when = migration.AppliedAt.UTC().Format("2006-01-02 15:04:05 UTC")
		}
		if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%-36s %s\n", migration.Name, when); err != nil {
			return err
		}
	}
	return nil
}
