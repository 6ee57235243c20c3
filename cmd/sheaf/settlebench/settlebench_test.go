package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
)

// TestASmallRun holds that what is measured works, and is right when it is done.
func TestASmallRun(t *testing.T) {
	p, err := parse([]string{"-postgres=", "-clients=2", "-rounds=1", "-seconds=0.05"})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := p.run(t.Context(), &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if n := len(regexp.MustCompile(`(?m)^RATIO sqlite-(settle|nolook)/hand-(1x1|4x12)-2 [0-9.]+ - -$`).FindAllString(out.String(), -1)); n != 4 {
		t.Errorf("%d ratios in\n%s", n, out.String())
	}
}

func TestARatioSaysWhetherItsGoalIsMet(t *testing.T) {
	f := &figures{}
	for _, v := range []float64{90, 100, 500} {
		f.add("floor", v)
	}
	f.add("fast", 250)
	f.add("slow", 84.9)
	f.add("stalled", 0)
	for _, c := range []struct {
		r    ratio
		want string
	}{
		{ratio{"a", "fast", "floor", 2.5}, "RATIO a 2.50 2.50 met"},
		{ratio{"b", "slow", "floor", 0.85}, "RATIO b 0.85 0.85 missed"},
		{ratio{"c", "slow", "floor", 0}, "RATIO c 0.85 - -"},
		{ratio{"d", "slow", "nothing", 1}, ""},
		{ratio{"e", "slow", "stalled", 1}, "RATIO e - 1.00 missed"},
		{ratio{"f", "slow", "stalled", 0}, "RATIO f - - -"},
	} {
		if got := f.line(c.r); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestWrongFlags(t *testing.T) {
	for _, wrong := range []string{"-clients=0", "-clients=a", "-shapes=2x2", "-rounds=0", "-seconds=-1"} {
		if _, err := parse(strings.Fields(wrong)); err == nil {
			t.Errorf("%s was taken", wrong)
		}
	}
}
