package stripefake

import (
	"math/rand/v2"
	"net/url"
	"sync"
	"time"
)

// Request is what a fault can look at before it decides.
type Request struct {
	Method, Path, Account, Key string
	Form                       url.Values
}

// Fate is what becomes of one request. The zero Fate is a good answer.
type Fate struct {
	LoseRequest bool          // the connection breaks and nothing was done
	LoseAnswer  bool          // it was done, and the connection breaks
	ErrorBefore bool          // 500, and nothing was done
	ErrorAfter  bool          // it was done, then 500; the key keeps the 500
	TooMany     bool          // 429, and nothing was done
	Slow        time.Duration // the answer takes so long; its key is in use meanwhile
	SlowBefore  bool          // wait before the work instead of after it
}

// EventFate is what becomes of one event on its way to one endpoint.
type EventFate struct {
	Drop  bool // never delivered
	Extra int  // more copies
	Delay time.Duration
}

// Faults make the fake as bad as the network. Its functions may be called from
// several requests at once; Event and Shuffle are called under the fake's lock
// and must not call it.
type Faults struct {
	Request func(Request) Fate
	Event   func(Event) EventFate
	Shuffle func(n int, swap func(i, j int))
}

// SetFaults changes the faults, while the fake runs.
func (f *Fake) SetFaults(faults Faults) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = faults
}

// Rates are chances between 0 and 1.
type Rates struct {
	LoseRequest, LoseAnswer, ErrorBefore, ErrorAfter, TooMany float64
	Drop, Duplicate, Late                                     float64
	LateBy                                                    time.Duration // the most; 0: three days
	Shuffle                                                   bool
}

// RandomFaults draws every fate from a seeded source: the same seed and the
// same requests in the same order meet the same faults.
func RandomFaults(seed uint64, rates Rates) Faults {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, 0xfa17))
	if rates.LateBy <= 0 {
		rates.LateBy = 3 * 24 * time.Hour
	}
	faults := Faults{
		Request: func(Request) Fate {
			mu.Lock()
			defer mu.Unlock()
			hit := func(rate float64) bool { return random.Float64() < rate }
			return Fate{LoseRequest: hit(rates.LoseRequest), LoseAnswer: hit(rates.LoseAnswer), ErrorBefore: hit(rates.ErrorBefore),
				ErrorAfter: hit(rates.ErrorAfter), TooMany: hit(rates.TooMany)}
		},
		Event: func(Event) EventFate {
			mu.Lock()
			defer mu.Unlock()
			var fate EventFate
			fate.Drop = random.Float64() < rates.Drop
			if random.Float64() < rates.Duplicate {
				fate.Extra = 1
			}
			if random.Float64() < rates.Late {
				fate.Delay = time.Duration(random.Int64N(int64(rates.LateBy)))
			}
			return fate
		},
	}
	if rates.Shuffle {
		faults.Shuffle = func(n int, swap func(i, j int)) {
			mu.Lock()
			defer mu.Unlock()
			random.Shuffle(n, swap)
		}
	}
	return faults
}
