package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/sheaf-hub/sheaf/hub/reminder"
)

func digestCommand(settings *settings) *cobra.Command {
	command := &cobra.Command{Use: "digest", Short: "Reminders: see one, or send what is due"}
	var contact, part string
	preview := &cobra.Command{
		Use: "preview --contact E", Short: "Render a contact's digest as it would go out now; nothing is sent", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return previewDigest(cmd, settings, contact, part) },
	}
	preview.Flags().StringVar(&contact, "contact", "", "mail address of the contact")
	preview.Flags().StringVar(&part, "part", "text", "text or html")
	_ = preview.MarkFlagRequired("contact")
	var at string
	run := &cobra.Command{
		Use: "run [--now RFC3339]", Short: "Plan what is due, send it, wait, and print the counts", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runDigests(cmd, settings, at) },
	}
	run.Flags().StringVar(&at, "now", "", "act as if it were this instant, such as 2026-11-24T09:00:00Z")
	command.AddCommand(preview, run)
	return command
}

func previewDigest(cmd *cobra.Command, settings *settings, contact, part string) error {
	if part != "text" && part != "html" {
		return fmt.Errorf("--part is %q; use text or html", part)
	}
	a, err := openApp(cmd.Context(), settings, cmd.ErrOrStderr(), systemClock)
	if err != nil {
		return err
	}
	defer a.close()
	rendered, err := a.reminder.Preview(cmd.Context(), contact)
	if err != nil {
		return plain(err)
	}
	body := "Subject: " + rendered.Subject + "\n\n" + rendered.Text
	if part == "html" {
		body = rendered.HTML
	}
	_, err = fmt.Fprintln(cmd.OutOrStdout(), body)
	return err
}

func runDigests(cmd *cobra.Command, settings *settings, at string) error {
	now := systemClock
	if at != "" {
		instant, err := time.Parse(time.RFC3339, at)
		if err != nil {
			return fmt.Errorf("--now is %q; write an instant like 2026-11-24T09:00:00Z", at)
		}
		offset := instant.Sub(systemClock())
		now = func() time.Time { return systemClock().Add(offset).Truncate(time.Microsecond) }
	}
	a, err := openApp(cmd.Context(), settings, cmd.ErrOrStderr(), now)
	if err != nil {
		return err
	}
	defer a.close()
	bar := newProgress(cmd.ErrOrStderr(), "digests")
	counts, err := a.reminder.Run(cmd.Context(), func(done int) { bar.set(int64(done), 0) })
	bar.end()
	if err != nil {
		return plain(err)
	}
	line := fmt.Sprintf("planned %d", counts.Planned)
	for _, state := range []reminder.State{reminder.Done, reminder.Skipped, reminder.Pending, reminder.Sending, reminder.Failed, reminder.Unknown} {
		name := string(state)
		switch state {
		case reminder.Done:
			name = "sent"
		case reminder.Pending:
			name = "deferred"
		}
		line += fmt.Sprintf(", %s %d", name, counts.By[state])
	}
	if _, err := fmt.Fprintln(cmd.OutOrStdout(), line); err != nil {
		return err
	}
	if counts.By[reminder.Failed]+counts.By[reminder.Unknown] > 0 {
		cmd.PrintErrln("Some digests failed or may have been sent: see /operator/digests.")
	}
	return nil
}
