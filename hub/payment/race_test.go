//go:build race

package payment_test

// simulatedWorlds under the race detector, which makes each ten times as slow;
// the simulation is one goroutine, and the plain run plays them all.
const simulatedWorlds = 10
