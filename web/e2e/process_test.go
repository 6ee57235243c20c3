package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestMain removes the binary that the tests share.
func TestMain(m *testing.M) {
	code := m.Run()
	if built.folder != "" {
		_ = os.RemoveAll(built.folder)
	}
	os.Exit(code)
}

// built is the binary under test: one build serves every test of a run.
var built struct {
	once         sync.Once
	folder, path string
	err          error
}

// binary builds cmd/sheaf at its first use; E2E_BINARY names one to use instead.
func binary(t testing.TB) string {
	t.Helper()
	built.once.Do(func() {
		if built.path = os.Getenv("E2E_BINARY"); built.path != "" {
			return
		}
		if built.folder, built.err = os.MkdirTemp("", "sheaf-e2e-"); built.err != nil {
			return
		}
		built.path = filepath.Join(built.folder, "sheaf")
		command := exec.Command("go", "build", "-o", built.path, "./cmd/sheaf")
		command.Dir = filepath.Join("..", "..")
		command.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := command.CombinedOutput(); err != nil {
			built.err = fmt.Errorf("%w\n%s", err, out)
		}
	})
	if built.err != nil {
		t.Fatalf("building the binary: %v", built.err)
	}
	return built.path
}

// output collects what a process writes.
type output struct {
	mutex sync.Mutex
	bytes bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.bytes.Write(p)
}

func (o *output) String() string {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.bytes.String()
}

// process is one running sheaf, or one server that it needs.
type process struct {
	command *exec.Cmd
	out     output
	ended   chan struct{}
	err     error // of Wait; read it after ended is closed
}

// launch starts a program with exactly this environment beside the machine's
// own, and ends it with the test.
func launch(t testing.TB, env []string, name string, arguments ...string) *process {
	t.Helper()
	p, err := begin(env, name, arguments...)
	if err != nil {
		t.Fatalf("starting %s: %v", name, err)
	}
	t.Cleanup(p.kill)
	return p
}

// begin is launch for what is no test's own goroutine; the caller ends it.
func begin(env []string, name string, arguments ...string) (*process, error) {
	p := &process{command: exec.Command(name, arguments...), ended: make(chan struct{})}
	p.command.Env = append(cleanEnvironment(), env...)
	p.command.Stdout, p.command.Stderr = &p.out, &p.out
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.err = p.command.Wait()
		close(p.ended)
	}()
	return p, nil
}

// cleanEnvironment is the machine's, without settings that would reach the
// process by accident.
func cleanEnvironment() []string {
	var kept []string
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		upper := strings.ToUpper(name)
		if !strings.HasPrefix(upper, "SHEAF_") && !strings.HasPrefix(upper, "STRIPE_") && !strings.HasSuffix(upper, "_PROXY") {
			kept = append(kept, entry)
		}
	}
	return kept
}

// kill is kill -9, and waits for the end.
func (p *process) kill() {
	_ = p.command.Process.Kill()
	<-p.ended
}

// stop asks politely and says how the process ended.
func (p *process) stop(t testing.TB) error {
	t.Helper()
	_ = p.command.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
		return p.err
	case <-time.After(60 * time.Second):
		p.kill()
		return errors.New("it did not stop within a minute of SIGTERM")
	}
}

func (p *process) running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// said waits until the process writes a text.
func (p *process) said(text string, most time.Duration) error {
	deadline := time.Now().Add(most)
	for time.Now().Before(deadline) {
		if strings.Contains(p.out.String(), text) {
			return nil
		}
		if !p.running() {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	return fmt.Errorf("it did not say %q:\n%s", text, tail(p.out.String(), 2000))
}

// ran is how a command ended.
type ran struct {
	stdout, stderr string
	code           int // -1: by a signal
}

// command runs the binary to its end, within a minute.
func command(t testing.TB, env []string, arguments ...string) ran {
	t.Helper()
	name := binary(t) // building it takes its own time, not the command's
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, arguments...)
	cmd.Env = append(cleanEnvironment(), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("sheaf %s: %v", strings.Join(arguments, " "), err)
	}
	return ran{stdout: stdout.String(), stderr: stderr.String(), code: cmd.ProcessState.ExitCode()}
}

// freePort finds a port that nobody listens on, below those that the kernel
// hands out by itself, so that it is still free after a restart.
func freePort(t testing.TB) int {
	t.Helper()
	for range 50 {
		port := 10000 + rand.IntN(20000)
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			_ = listener.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

func tail(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return "…" + text[len(text)-most:]
}

// within tries again and again until it works or time is over.
func within(most time.Duration, try func() error) error {
	deadline := time.Now().Add(most)
	for {
		err := try()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
}
