// Package papertest reads PDFs back with another program.
package papertest

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Text is what pdftotext reads of a PDF, with plain spaces; a form feed ends
// each page. With SHEAF_SHOTS set the file is kept in that folder, to be looked at.
func Text(t testing.TB, file []byte) string {
	t.Helper()
	if folder := os.Getenv("SHEAF_SHOTS"); folder != "" {
		if err := os.WriteFile(filepath.Join(folder, strings.ReplaceAll(t.Name(), "/", "-")+".pdf"), file, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	reader, err := exec.LookPath("pdftotext")
	if err != nil {
		t.Fatal("no pdftotext; .ci/install brings it")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	command := exec.CommandContext(ctx, reader, "-layout", "-", "-")
	command.Stdin = bytes.NewReader(file)
	out, err := command.Output()
	if err != nil {
		t.Fatalf("pdftotext: %v", err)
	}
	return strings.ReplaceAll(string(out), "\u00a0", " ")
}
