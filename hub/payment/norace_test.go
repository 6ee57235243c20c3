//go:build !race

package payment_test

// How many worlds the simulations play: 2,000 of real money in the ordinary run.
const (
	simulatedWorlds = 200
	moneyWorlds     = 2000
)
