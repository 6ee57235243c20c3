package api

import (
	"math"
	"strconv"
	"sync"
	"time"
)

// Limiter is a token bucket per key, in this process's memory.
type Limiter struct {
	rate  float64 // tokens per second
	burst float64
	most  int // keys remembered
	mu    sync.Mutex
	keys  map[string]bucket
}

type bucket struct {
	tokens float64
	at     time.Time
}

// NewLimiter lets each key make burst calls at once and perSecond on average.
func NewLimiter(perSecond, burst int) *Limiter {
	return &Limiter{rate: float64(perSecond), burst: float64(burst), most: 10_000, keys: map[string]bucket{}}
}

// take spends one call of a key; more than zero is how long to wait instead.
func (l *Limiter) take(key string, now time.Time) time.Duration {
	if l == nil {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	known, ok := l.keys[key]
	if !ok {
		if len(l.keys) >= l.most {
			l.forget(now)
		}
		known = bucket{tokens: l.burst, at: now}
	}
	if passed := now.Sub(known.at).Seconds(); passed > 0 {
		known.tokens, known.at = math.Min(l.burst, known.tokens+passed*l.rate), now
	}
	if known.tokens < 1 {
		l.keys[key] = known
		return time.Duration((1 - known.tokens) / l.rate * float64(time.Second))
	}
	known.tokens--
	l.keys[key] = known
	return 0
}

// forget drops the buckets that are full again, and all of them when every one
// is in use: a short generosity, never a growing memory.
func (l *Limiter) forget(now time.Time) {
	for key, known := range l.keys {
		if known.tokens+now.Sub(known.at).Seconds()*l.rate >= l.burst {
			delete(l.keys, key)
		}
	}
	if len(l.keys) >= l.most {
		clear(l.keys)
	}
}

// seconds rounds up, as Retry-After wants it.
func seconds(wait time.Duration) string {
	return strconv.Itoa(max(1, int(math.Ceil(wait.Seconds()))))
}
