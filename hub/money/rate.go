package money

import (
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// ErrRate is answered for what is not a percentage written like 2 or 1.5.
var ErrRate = errors.New("not a percentage")

// Rate is a part of an amount in basis points: 200 is 2 %.
type Rate int64

// perWhole is how many basis points are all of an amount.
const perWhole = 10_000

// ParseRate reads a percentage with at most two decimals ("2", "1.5", "0.25",
// with or without a percent sign) between 0 and 100; ErrRate otherwise.
func ParseRate(percent string) (Rate, error) {
	text := strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(percent), "%"))
	points, err := parseMinor(text, 2)
	if err != nil || points < 0 || points > perWhole || strings.HasPrefix(text, "-") {
		return 0, fmt.Errorf("%w: %q; write it like 2 or 1.5", ErrRate, clip(percent))
	}
	return Rate(points), nil
}

// Percent writes the rate as people do, without the sign: "2", "1.5", "0.25".
func (r Rate) Percent() string {
	whole, rest := strconv.FormatInt(int64(r)/100, 10), int64(r)%100
	if rest == 0 {
		return whole
	}
	return strings.TrimRight(fmt.Sprintf("%s.%02d", whole, rest), "0")
}

// String is "2 %", with a no-break space.
func (r Rate) String() string { return r.Percent() + "\u00a0%" }

// Of is the rate's part of some minor units (zero or more), in whole minor
// units: exact, then rounded half up. It never exceeds minor while the rate is
// at most 100 %.
func (r Rate) Of(minor int64) int64 {
	if r <= 0 || minor <= 0 {
		return 0
	}
	high, low := bits.Mul64(uint64(minor), uint64(r))
	low, carry := bits.Add64(low, perWhole/2, 0)
	quotient, _ := bits.Div64(high+carry, low, perWhole)
	return int64(quotient)
}
