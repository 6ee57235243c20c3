package main

import (
	"fmt"
	"io"
	"slices"
)

// figures are what was measured, per second, by name, in the order of their
// first coming, and what they are held against.
type figures struct {
	names  []string
	values map[string][]float64
	ratios []ratio
}

// ratio compares two figures; goal 0: there is none.
type ratio struct {
	name, of, to string
	goal         float64
}

func (f *figures) add(name string, perSecond float64) {
	if f.values == nil {
		f.values = map[string][]float64{}
	}
	if f.values[name] == nil {
		f.names = append(f.names, name)
	}
	f.values[name] = append(f.values[name], perSecond)
}

// median is the middle value, or the mean of the two in the middle.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	half := len(sorted) / 2
	if len(sorted)%2 == 0 {
		return (sorted[half-1] + sorted[half]) / 2
	}
	return sorted[half]
}

// line is a ratio in the form that programs read: RATIO name value goal met|missed,
// with dashes where there is no goal. A goal that could not be measured, because
// the floor did nothing at all, is missed; a ratio that was not asked for is no line.
func (f *figures) line(r ratio) string {
	if len(f.values[r.of]) == 0 || len(f.values[r.to]) == 0 {
		return ""
	}
	base := median(f.values[r.to])
	switch {
	case base == 0 && r.goal == 0:
		return fmt.Sprintf("RATIO %s - - -", r.name)
	case base == 0:
		return fmt.Sprintf("RATIO %s - %.2f missed", r.name, r.goal)
	}
	value := median(f.values[r.of]) / base
	switch {
	case r.goal == 0:
		return fmt.Sprintf("RATIO %s %.2f - -", r.name, value)
	case value >= r.goal:
		return fmt.Sprintf("RATIO %s %.2f %.2f met", r.name, value, r.goal)
	}
	return fmt.Sprintf("RATIO %s %.2f %.2f missed", r.name, value, r.goal)
}

func (f *figures) print(out io.Writer) {
	for _, name := range f.names {
		values := f.values[name]
		fmt.Fprintf(out, "%-26s %8.0f /%8.0f /%8.0f per second\n", name, slices.Min(values), median(values), slices.Max(values))
	}
	for _, r := range f.ratios {
		if line := f.line(r); line != "" {
			fmt.Fprintln(out, line)
		}
	}
}
