package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// progress is a bar on a terminal, and a line per tenth elsewhere.
type progress struct {
	out      io.Writer
	what     string
	terminal bool
	tenth    int64
	drawn    bool
}

func newProgress(out io.Writer, what string) *progress {
	p := &progress{out: out, what: what, tenth: -1}
	if file, ok := out.(*os.File); ok {
		info, err := file.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return p
}

// set draws done of total; a total of 0 is not known.
func (p *progress) set(done, total int64) {
	if total > 0 && done > total {
		done = total
	}
	if p.terminal {
		p.drawn = true
		if total == 0 {
			_, _ = fmt.Fprintf(p.out, "\r%s %d ", p.what, done)
			return
		}
		const width = 30
		full := int(done * width / total)
		_, _ = fmt.Fprintf(p.out, "\r%s [%s%s] %3d%% ", p.what, strings.Repeat("#", full), strings.Repeat(".", width-full), done*100/total)
		return
	}
	if total == 0 {
		return
	}
	if tenth := done * 10 / total; tenth != p.tenth {
		p.tenth = tenth
		_, _ = fmt.Fprintf(p.out, "%s %d%%\n", p.what, tenth*10)
	}
}

func (p *progress) end() {
	if p.drawn {
		_, _ = fmt.Fprintln(p.out)
	}
}
