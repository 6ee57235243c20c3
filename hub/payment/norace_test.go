//go:build !race

package payment_test

// How many worlds the simulations play where nothing else is said; make test plays 2,000 of real money, make soak 100,000.
const (
	simulatedWorlds = 200
	moneyWorlds     = 240
)
