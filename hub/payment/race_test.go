//go:build race

package payment_test

// How many worlds the simulations play under the race detector, which makes each
// ten times as slow; each world is one goroutine, and the plain run plays them all.
const (
	simulatedWorlds = 4
	moneyWorlds     = 6
)
