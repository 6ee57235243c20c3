//go:build !race

package payment_test

const simulatedWorlds = 200
