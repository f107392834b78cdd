package prune

import (
	"slices"
	"strings"
	"testing"
	"time"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// ago is an item that was last used so long ago.
func ago(name string, need Need, d time.Duration) *Item {
	return &Item{Kind: Images, Name: name, Need: need, Used: now.Add(-d)}
}

func chosenNames(items []*Item) string {
	var out []string
	for _, it := range items {
		out = append(out, it.Name)
	}
	return strings.Join(out, " ")
}

func choose(t *testing.T, items []*Item, p Policy, size int64, want string) {
	t.Helper()
	p.Now = now
	if got := chosenNames(Choose(items, p, size)); got != want {
		t.Errorf("chosen %q, want %q", got, want)
	}
}

func TestChooseByNeed(t *testing.T) {
	kept := ago("kept", Loose, time.Hour)
	kept.Kept = true
	items := []*Item{ago("current", Current, time.Hour), ago("spare", Spare, time.Hour), ago("young", Loose, 0), ago("old", Loose, time.Hour), kept}
	choose(t, items, Policy{}, 0, "old young")
	choose(t, items, Policy{All: true}, 0, "old young spare")
	if len(items) != 5 || items[0].Name != "current" {
		t.Error("the list was changed")
	}
}

func TestChooseByAge(t *testing.T) {
	items := []*Item{
		ago("loose", Loose, time.Minute), ago("just", Current, time.Hour), ago("nearly", Current, time.Hour-1),
		ago("spare", Spare, 2*time.Hour), {Name: "unknown"},
	}
	hour, zero := time.Hour, time.Duration(0)
	choose(t, items, Policy{OlderThan: &hour}, 0, "unknown spare just")
	choose(t, items, Policy{OlderThan: &zero}, 0, "unknown loose spare just nearly")
}

func TestChooseBySize(t *testing.T) {
	items := []*Item{ago("new", Current, 1), ago("old", Current, 3), ago("middle", Spare, 2), ago("loose", Loose, 0)}
	for _, it := range items {
		it.Size = 10
	}
	for keep, want := range map[int64]string{50: "", 49: "loose", 40: "loose", 39: "loose old", 21: "loose old middle", 20: "loose old middle", 0: "loose old middle new"} {
		choose(t, items, Policy{KeepSize: &keep}, 50, want)
	}
	two, keep := time.Duration(2), int64(29)
	choose(t, items, Policy{OlderThan: &two, KeepSize: &keep}, 50, "old middle loose")
	choose(t, items, Policy{KeepSize: &keep}, 29, "")
}

// What something stands on is as young as that, and goes after it.
func TestChooseStacks(t *testing.T) {
	entry := func(id string, d time.Duration, parents ...string) *Item {
		return &Item{Kind: Engine, Name: id, ID: id, Need: Spare, Used: now.Add(-d), Parents: parents}
	}
	items := []*Item{
		entry("a-base", 9*time.Hour), entry("step", 5*time.Hour, "a-base"), entry("top", time.Hour, "step"),
		entry("side", 8*time.Hour, "a-base", "nowhere"), entry("alone", 7*time.Hour),
	}
	two := 2 * time.Hour
	choose(t, items, Policy{OlderThan: &two}, 0, "side alone")
	choose(t, items, Policy{All: true}, 0, "side alone top step a-base")
	slices.Reverse(items)
	choose(t, items, Policy{All: true}, 0, "side alone top step a-base")
	// a circle, which nobody should write, ends too
	choose(t, []*Item{entry("x", 0, "y"), entry("y", 0, "x"), entry("z", 0, "z")}, Policy{All: true}, 0, "z x y")
}

func TestParseAge(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"7d": 168 * time.Hour, "2w": 336 * time.Hour, "36h": 36 * time.Hour, "1d12h": 36 * time.Hour, "1.5h": 90 * time.Minute,
		"0s": 0, "1h30m": 90 * time.Minute, "1w1d1h1m1s1ms1us1ns": 193*time.Hour + time.Minute + time.Second + time.Millisecond + time.Microsecond + 1, "3µs": 3000,
	} {
		if got, err := ParseAge(text); err != nil || got != want {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "7", "d", "-1d", "+1d", "7 d", "7days", "soon", "1.2.3h", "0", "7D"} {
		if got, err := ParseAge(text); err == nil || err.Error() != "write it as 7d, 36h or 2w" {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	if _, err := ParseAge("99999w"); err == nil || err.Error() != "nothing is that old" {
		t.Errorf("got %v", err)
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "17": 17, "20GB": 20e9, "500mb": 500e6, "1.5kB": 1500, "3B": 3, "2TB": 2e12,
		"1KiB": 1 << 10, "2MiB": 2 << 20, "3gib": 3 << 30, "1 TiB": 1 << 40,
	} {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "GB", "20G", "-1GB", "1GB2MB", "1,5GB", "1e3"} {
		if got, err := ParseSize(text); err == nil || !strings.HasPrefix(err.Error(), "write it as 20GB") {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	if _, err := ParseSize("9999999999TB"); err == nil || err.Error() != "no disk is that large" {
		t.Errorf("got %v", err)
	}
}

func TestFlagValues(t *testing.T) {
	var a Age
	var z Size
	if a.String() != "" || z.String() != "" || a.Set("x") == nil || z.Set("x") == nil || a.Value != nil || z.Value != nil {
		t.Errorf("%v %v", a, z)
	}
	if a.Set("2d") != nil || *a.Value != 48*time.Hour || a.String() != "48h0m0s" || a.Type() != "AGE" {
		t.Errorf("%v", a)
	}
	if z.Set("2kB") != nil || *z.Value != 2000 || z.String() != "2000B" || z.Type() != "SIZE" {
		t.Errorf("%v", z)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"7d", "1w12h", "20GB", "1.5GiB", "0", "..h", "9e9"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := ParseAge(s); err == nil {
			if d < 0 {
				t.Errorf("%q is %v", s, d)
			}
			var a Age
			if a.Set(s) != nil || a.Set(a.String()) != nil {
				t.Errorf("%q does not come back from %q", s, a.String())
			}
		}
		if n, err := ParseSize(s); err == nil && n < 0 {
			t.Errorf("%q is %d", s, n)
		}
	})
}
