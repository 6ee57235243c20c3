package standardwebhooks

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Attempts is how often one delivery is tried, the first time included.
const Attempts = 10

// maxRetryAfter bounds what a receiver can ask for: longer than the longest
// step of the schedule would let it park a delivery for good.
const maxRetryAfter = 24 * time.Hour

// Schedule returns the example schedule of the specification: how long each
// attempt waits after the one before it. The first is immediate, the last
// begins 75 h 35 min 5 s after it.
func Schedule() [Attempts]time.Duration {
	return [Attempts]time.Duration{
		0,
		5 * time.Second,
		5 * time.Minute,
		30 * time.Minute,
		2 * time.Hour,
		5 * time.Hour,
		10 * time.Hour,
		14 * time.Hour,
		20 * time.Hour,
		24 * time.Hour,
	}
}

// Wait returns how long to wait after that many failed attempts (0 before the
// first), and false when the delivery has had all its attempts. Up to a tenth
// is added by random, so that deliveries that failed together do not come back
// together; nothing is taken away, so that no step is shorter than promised.
func Wait(failed int, random rand.Source) (time.Duration, bool) {
	schedule := Schedule()
	if failed < 0 || failed >= len(schedule) {
		return 0, false
	}
	step := schedule[failed]
	jitter := uint64(step / 10)
	if jitter == 0 {
		return step, true
	}
	return step + time.Duration(random.Uint64()%(jitter+1)), true
}

// RetryAfter reads a Retry-After header, seconds or a date, as the time to
// wait from now: 0 when it is absent, malformed or past, a day at most.
func RetryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	var wait time.Duration
	if seconds, err := strconv.ParseUint(value, 10, 63); err == nil {
		wait = time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), maxRetryAfter)
}
