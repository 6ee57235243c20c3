package ui

// noticeRole: what was done or went wrong is announced at once, what is only
// worth knowing is a region to find.
func noticeRole(tone Tone) string {
	switch tone {
	case ToneGood:
		return "status"
	case ToneBad:
		return "alert"
	default:
		return "region"
	}
}
