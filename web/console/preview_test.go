package console_test

import (
	"flag"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sheaf-hub/sheaf/web/ui/uitest"
)

var (
	scheme = flag.String("scheme", "light", "colours of the pictures: light or dark")
	only   = flag.String("only", "", "take pictures of pages whose name holds this")
)

func TestPagesAreWellMade(t *testing.T) {
	for _, p := range append(previews(), returnPreviews()...) {
		t.Run(p.Name, func(t *testing.T) { uitest.Check(t, uitest.Render(t, p.Body)) })
	}
}

func TestPictures(t *testing.T) {
	var chosen []uitest.Page
	for _, p := range append(previews(), returnPreviews()...) {
		if strings.Contains(p.Name, *only) {
			chosen = append(chosen, p)
		}
	}
	uitest.Shots(t, filepath.Join("..", "e2e", "shots"), *scheme, chosen)
}
