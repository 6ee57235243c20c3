package stripefake

import (
	"container/heap"
	"time"
)

// job is something that happens at a time of the fake's clock.
type job struct {
	at     time.Time
	serial int64 // keeps the order of those at one time
	run    func()
}

// schedule is a heap of jobs, the next one first.
type schedule []job

func (s schedule) Len() int { return len(s) }
func (s schedule) Less(i, j int) bool {
	if !s[i].at.Equal(s[j].at) {
		return s[i].at.Before(s[j].at)
	}
	return s[i].serial < s[j].serial
}
func (s schedule) Swap(i, j int) { s[i], s[j] = s[j], s[i] }

// Push and Pop serve container/heap.
func (s *schedule) Push(x any) { *s = append(*s, x.(job)) }

// Pop removes the last one.
func (s *schedule) Pop() any {
	last := (*s)[len(*s)-1]
	*s = (*s)[:len(*s)-1]
	return last
}

func (s *schedule) pop() job { return heap.Pop(s).(job) }

// at plans something.
func (f *Fake) at(when time.Time, run func()) {
	f.serial++
	heap.Push(&f.due, job{at: when, serial: f.serial, run: run})
}
