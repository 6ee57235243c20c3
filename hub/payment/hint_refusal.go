package payment

// HintRefusal is why a message that claims to come from the gateway is not
// believed. The words are for logs and metrics; nothing was changed.
type HintRefusal string

// The refusals, told apart because they mean different things to who is alerted.
const (
	HintUnsigned   HintRefusal = "unsigned"      // no signature, or one that cannot be read
	HintForged     HintRefusal = "forged"        // signed with a secret that is not ours
	HintStale      HintRefusal = "stale"         // signed rightly, too long ago or in the future: sent again by somebody
	HintVersion    HintRefusal = "wrong version" // of another API version than the hub speaks
	HintMode       HintRefusal = "wrong mode"    // live where the key is for tests, or the reverse
	HintUnreadable HintRefusal = "unreadable"    // signed, but not what the gateway sends
)

// Error implements error.
func (r HintRefusal) Error() string { return "the message is not believed: " + string(r) }
