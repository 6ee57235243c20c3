package operator

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/reminder"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// Status is one chip.
type Status struct {
	Tone ui.Tone
	Text string
}

func vendorStatus(s party.VendorStatus) Status {
	switch s {
	case party.VendorApproved:
		return Status{ui.ToneGood, "Approved"}
	case party.VendorSuspended:
		return Status{ui.ToneBad, "Suspended"}
	}
	return Status{ui.ToneWarn, "Pending"}
}

func vendorStatuses() []ui.Option {
	return []ui.Option{{Value: "", Label: "Any status"}, {Value: "pending", Label: "Pending"}, {Value: "approved", Label: "Approved"}, {Value: "suspended", Label: "Suspended"}}
}

// stateStatus is the chip of a state of any effect on the outside.
func stateStatus(state string) Status {
	text := sentence(state)
	switch state {
	case "done", "settled", "approved":
		return Status{ui.ToneGood, text}
	case "failed", "dead", "charged_back", "suspended":
		return Status{ui.ToneBad, text}
	case "unknown", "refunded":
		return Status{ui.ToneWarn, text}
	case "skipped", "cancelled", "expired":
		return Status{ui.ToneNeutral, text}
	}
	return Status{ui.ToneInfo, text}
}

func digestStates() []ui.Option {
	var options []ui.Option
	for _, state := range reminder.States() {
		options = append(options, ui.Option{Value: string(state), Label: sentence(string(state))})
	}
	return options
}

func transferStates() []ui.Option {
	return []ui.Option{{Value: "failed", Label: "Failed"}, {Value: "unknown", Label: "Unknown"}, {Value: "pending", Label: "Pending"},
		{Value: "sending", Label: "Sending"}, {Value: "done", Label: "Done"}}
}

// sentence makes a word of the code fit for people: "key.revoked" → "Key revoked".
func sentence(code string) string {
	text := strings.NewReplacer(".", " ", "_", " ").Replace(code)
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

func known(value string, options []ui.Option) string {
	for _, option := range options {
		if option.Value == value {
			return value
		}
	}
	return ""
}

func indented(text string) string {
	var out bytes.Buffer
	if json.Indent(&out, []byte(text), "", "  ") != nil {
		return text
	}
	return out.String()
}
