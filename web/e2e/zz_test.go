package e2e
import "testing"
func TestTown(t *testing.T) { newTown(t) }
