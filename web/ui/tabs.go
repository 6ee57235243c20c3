package ui

// Tile is one figure that leads to what it counts. A tone other than neutral
// says that somebody should look.
type Tile struct {
	Figure string
	Label  string
	Hint   string // may be empty
	URL    string
	Tone   Tone // empty: neutral
}

func (t Tile) icon() string {
	if t.Tone == "" || t.Tone == ToneNeutral {
		return ""
	}
	return string(t.Tone)
}

func (t Tile) class() string {
	if t.Tone == "" {
		return "tile"
	}
	return "tile tile-" + string(t.Tone)
}

// CursorPager leads through a list by cursor. An empty URL: no such page.
type CursorPager struct {
	First   string // set on every page but the first
	Next    string
	Summary string // may be empty
}
