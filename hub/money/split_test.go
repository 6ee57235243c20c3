package money_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/sheaf-hub/sheaf/hub/money"
)

func TestSplitByHand(t *testing.T) {
	for _, c := range []struct {
		total   int64
		weights []int64
		want    []int64
	}{
		{100, []int64{1, 1, 1}, []int64{34, 33, 33}},
		{101, []int64{1, 1, 1}, []int64{34, 34, 33}},
		{1, []int64{10, 90}, []int64{0, 1}},
		{10, []int64{0, 3, 3}, []int64{0, 5, 5}},
		{5, []int64{1, 2, 2}, []int64{1, 2, 2}},
		{7, []int64{5}, []int64{7}},
		{0, []int64{0, 0}, []int64{0, 0}},
		{0, nil, []int64{}},
		{math.MaxInt64, []int64{math.MaxInt64 - 1, 1}, []int64{math.MaxInt64 - 1, 1}},
	} {
		if got, err := money.Split(c.total, c.weights); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%d over %v: %v, %v", c.total, c.weights, got, err)
		}
	}
	for _, bad := range []struct {
		total   int64
		weights []int64
	}{{-1, []int64{1}}, {1, []int64{-1, 5}}, {1, []int64{0, 0}}, {1, nil}, {1, []int64{math.MaxInt64, 1}}} {
		if got, err := money.Split(bad.total, bad.weights); !errors.Is(err, money.ErrRange) || got != nil {
			t.Errorf("%d over %v: %v, %v", bad.total, bad.weights, got, err)
		}
	}
}

// randomSplit draws totals and weights of very different sizes, zeros and equals among them.
func randomSplit(random *rand.Rand) (int64, []int64) {
	weights := make([]int64, 1+random.IntN(40))
	for i := range weights {
		switch random.IntN(4) {
		case 0: // stays zero
		case 1:
			weights[i] = random.Int64N(4)
		case 2:
			weights[i] = random.Int64N(100_000)
		default:
			weights[i] = random.Int64N(money.MaxMinor)
		}
	}
	return random.Int64N([]int64{3, 1000, 1_000_000, money.MaxMinor * 40}[random.IntN(4)]), weights
}

func TestSplitHoldsForAnyInput(t *testing.T) {
	random := rand.New(rand.NewPCG(2026, 11))
	for range 20_000 {
		total, weights := randomSplit(random)
		checkSplit(t, total, weights)
	}
}

func checkSplit(t *testing.T, total int64, weights []int64) {
	t.Helper()
	given := slices.Clone(weights)
	parts, err := money.Split(total, weights)
	var sum int64
	for _, weight := range weights {
		sum += weight
	}
	if sum == 0 && total > 0 {
		if !errors.Is(err, money.ErrRange) {
			t.Fatalf("%d over nothing: %v, %v", total, parts, err)
		}
		return
	}
	if err != nil || len(parts) != len(weights) {
		t.Fatalf("%d over %v: %v, %v", total, weights, parts, err)
	}
	var exact int64
	for i, part := range parts {
		exact += part
		switch {
		case part < 0:
			t.Fatalf("%d over %v: part %d is %d", total, weights, i, part)
		case total <= sum && part > weights[i]:
			t.Fatalf("%d over %v: part %d is %d, more than its weight", total, weights, i, part)
		case weights[i] == 0 && part != 0:
			t.Fatalf("%d over %v: nothing got %d", total, weights, part)
		}
		for j := range i { // the larger weight never gets less, and equals differ by one unit at most, the earlier first
			if weights[i] == weights[j] && (parts[j] < part || parts[j] > part+1) {
				t.Fatalf("%d over %v: equals got %d and %d", total, weights, parts[j], part)
			}
			if (weights[j] > weights[i] && parts[j] < part) || (weights[j] < weights[i] && parts[j] > part) {
				t.Fatalf("%d over %v: %d got %d and %d got %d", total, weights, weights[j], parts[j], weights[i], part)
			}
		}
	}
	again, err := money.Split(total, weights)
	if exact != total || err != nil || !slices.Equal(again, parts) || !slices.Equal(given, weights) {
		t.Fatalf("%d over %v: sums to %d, again %v", total, weights, exact, again)
	}
}

func FuzzSplit(f *testing.F) {
	f.Add(int64(100), int64(1), int64(1), int64(1))
	f.Add(int64(math.MaxInt64), int64(math.MaxInt64), int64(0), int64(0))
	f.Fuzz(func(t *testing.T, total, a, b, c int64) {
		weights := []int64{a, b, c}
		if total < 0 || a < 0 || b < 0 || c < 0 || a+b < 0 || a+b+c < 0 {
			if _, err := money.Split(total, weights); !errors.Is(err, money.ErrRange) {
				t.Fatalf("%d over %v: %v", total, weights, err)
			}
			return
		}
		checkSplit(t, total, weights)
	})
}
