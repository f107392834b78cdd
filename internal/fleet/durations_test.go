package fleet

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/plinth-build/plinth/internal/graph"
)

func TestDurationsAreKept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cache", "durations")
	d := loadDurations(file)
	targets := []*graph.Target{{Name: "a"}, {Name: "b"}, {Name: "new"}}
	if got := d.of(targets); !slices.Equal(got, []int64{1e9, 1e9, 1e9}) {
		t.Errorf("nothing known: %v", got)
	}
	d.learn([]Row{{Target: "r", Status: Reused, Took: 5}, {Target: "f", Status: Failed, Took: 5}}).save(file)
	if _, err := os.Stat(file); err == nil {
		t.Error("nothing was learned, but something was written")
	}
	d.learn([]Row{{Target: "a", Status: Built, Took: 3 * time.Second}, {Target: "b", Status: Built}, {Target: "c", Status: Built, Took: 9}}).save(file)
	again := loadDurations(file)
	if want := map[string]time.Duration{"a": 3 * time.Second, "b": 0, "c": 9}; !maps.Equal(again.took, want) {
		t.Errorf("got %v, want %v", again.took, want)
	}
	if got := again.of(targets); !slices.Equal(got, []int64{3e9, 1, 9}) {
		t.Errorf("got %v", got)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(file), "*")); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	for _, content := range []string{"", "null", `{"a":"x"}`} {
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := loadDurations(file).of(targets[:1]); got[0] != 1e9 {
			t.Errorf("%q: %v", content, got)
		}
	}
	loadDurations("").learn([]Row{{Target: "a", Status: Built, Took: 1}}).save("")
}

func TestLongestChainIsStartedFirst(t *testing.T) {
	w := newWorld(t, map[string]string{"a": "FROM scratch\nUSER a", "b": "FROM scratch\nUSER b", "z": "FROM scratch", "z2": "FROM z"})
	w.opts.Durations = filepath.Join(t.TempDir(), "durations")
	w.run()
	if got, want := w.fake.built, []string{"z", "a", "b", "z2"}; !slices.Equal(got, want) {
		t.Errorf("first run: %v, want %v", got, want)
	}
	if err := os.WriteFile(w.opts.Durations, []byte(`{"a":10,"b":50,"z":30,"z2":15}`), 0o644); err != nil {
		t.Fatal(err)
	}
	w.noCache = map[string]bool{"a": true, "b": true, "z": true, "z2": true}
	w.run()
	if got, want := w.fake.built, []string{"b", "z", "z2", "a"}; !slices.Equal(got, want) {
		t.Errorf("with durations: %v, want %v", got, want)
	}
	if got := loadDurations(w.opts.Durations).took; len(got) != 4 || got["b"] == 50 {
		t.Errorf("what was learned: %v", got)
	}
}
