package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/party"
)

func vendorCommand(settings *settings) *cobra.Command {
	command := &cobra.Command{Use: "vendor", Short: "Vendors of this hub"}
	var profile party.Profile
	var asJSON, pending bool
	add := &cobra.Command{
		Use: "add NAME --email E", Short: "Add a vendor; its API key and webhook secret are shown once", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			profile.Name = args[0]
			status := party.VendorApproved
			if pending {
				status = party.VendorPending
			}
			return addVendor(cmd, settings, profile, status, asJSON)
		},
	}
	flags := add.Flags()
	flags.StringVar(&profile.Email, "email", "", "mail address of its receivables team, who may sign in")
	flags.StringVar(&profile.Phone, "phone", "", "phone number that its customers see")
	flags.StringVar(&profile.Website, "website", "", "website that its customers see")
	flags.StringVar(&profile.ContactName, "contact", "", "person whom its customers ask")
	flags.StringVar(&profile.TimeZone, "time-zone", "UTC", "IANA time zone, also of its customers until they choose their own")
	flags.BoolVar(&pending, "pending", false, "add it without approving it")
	flags.BoolVar(&asJSON, "json", false, "print one JSON object")
	_ = add.MarkFlagRequired("email")
	command.AddCommand(add)
	return command
}

// addedVendor is what `vendor add --json` prints.
type addedVendor struct {
	ID            string `json:"id"`
	Name          string `json:"name"`
	APIKey        string `json:"api_key"`
	WebhookSecret string `json:"webhook_secret"`
}

func addVendor(cmd *cobra.Command, settings *settings, profile party.Profile, status party.VendorStatus, asJSON bool) error {
	a, err := openApp(cmd.Context(), settings, cmd.ErrOrStderr(), systemClock)
	if err != nil {
		return err
	}
	defer a.close()
	added, err := a.enroll(cmd.Context(), access.SystemActor("command line"), profile, status)
	if err != nil {
		return plain(err)
	}
	if asJSON {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(addedVendor{ID: added.Vendor.ID, Name: added.Vendor.Name, APIKey: added.APIKey, WebhookSecret: added.WebhookSecret})
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is added.\n\nid              %s\nAPI key         %s\nwebhook secret  %s\n\nKey and secret are shown this once. %s may sign in at %s/vendor.\n",
		added.Vendor.Name, added.Vendor.ID, added.APIKey, added.WebhookSecret, added.Vendor.Email, a.config.PublicURL)
	return err
}
