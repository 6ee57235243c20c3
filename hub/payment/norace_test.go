//go:build !race

package payment_test

// How many worlds the simulations play: 240 of real money in the ordinary run; make soak plays 100,000.
const (
	simulatedWorlds = 200
	moneyWorlds     = 240
)
