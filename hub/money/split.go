package money

import (
	"fmt"
	"math/bits"
)

// Split divides total (minor units, zero or more) over weights (zero or more)
// in proportion, exactly: the parts sum to total, none is negative, and none
// exceeds its own weight while total does not exceed their sum. Odd minor units
// go to the largest weight first (the earliest of equals), one each, so that
// the same input always gives the same parts. All weights zero with a total
// left to split is ErrRange.
func Split(total int64, weights []int64) ([]int64, error) {
	sum, err := checkSplit(total, weights)
	if err != nil {
		return nil, err
	}
	parts := make([]int64, len(weights))
	if total == 0 {
		return parts, nil
	}
	left := total
	for i, weight := range weights {
		high, low := bits.Mul64(uint64(total), uint64(weight))
		quotient, _ := bits.Div64(high, low, uint64(sum))
		parts[i] = int64(quotient)
		left -= parts[i]
	}
	giveOdd(parts, weights, left)
	return parts, nil
}

func checkSplit(total int64, weights []int64) (int64, error) {
	if total < 0 {
		return 0, fmt.Errorf("%w: cannot split %d", ErrRange, total)
	}
	var sum int64
	for _, weight := range weights {
		if weight < 0 || sum+weight < sum {
			return 0, fmt.Errorf("%w: weight %d", ErrRange, weight)
		}
		sum += weight
	}
	if sum == 0 && total != 0 {
		return 0, fmt.Errorf("%w: nothing to split %d over", ErrRange, total)
	}
	return sum, nil
}

// giveOdd hands out what rounding down left, at most one unit a part, to the
// largest weights first.
func giveOdd(parts, weights []int64, left int64) {
	given := make([]bool, len(parts))
	for ; left > 0; left-- {
		best := -1
		for i, weight := range weights {
			if !given[i] && weight > 0 && (best < 0 || weight > weights[best]) {
				best = i
			}
		}
		if best < 0 {
			return
		}
		given[best] = true
		parts[best]++
	}
}
