package fleet

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/plinth-build/plinth/internal/graph"
	"github.com/plinth-build/plinth/internal/wholefile"
)

// durations is how long targets took when they were built last. It decides the
// order in which targets are started and nothing else.
type durations struct {
	took    map[string]time.Duration
	changed bool
}

// unknownDuration is assumed of all targets when none was ever built.
const unknownDuration = time.Second

// loadDurations reads the file; one that cannot be read is as good as none.
func loadDurations(file string) *durations {
	d := &durations{took: map[string]time.Duration{}}
	data, err := os.ReadFile(file)
	if err != nil || json.Unmarshal(data, &d.took) != nil || d.took == nil {
		d.took = map[string]time.Duration{}
	}
	return d
}

// of gives the cost of each target in nanoseconds. One that was never built is
// taken for a middling one.
func (d *durations) of(targets []*graph.Target) []int64 {
	middling := unknownDuration
	if known := slices.Sorted(maps.Values(d.took)); len(known) > 0 {
		middling = known[len(known)/2]
	}
	out := make([]int64, len(targets))
	for i, t := range targets {
		took, ok := d.took[t.Name]
		if !ok {
			took = middling
		}
		out[i] = int64(max(took, 1))
	}
	return out
}

// learn takes over what was built.
func (d *durations) learn(rows []Row) *durations {
	for _, r := range rows {
		if r.Status == Built {
			d.took[r.Target], d.changed = r.Took, true
		}
	}
	return d
}

// save writes the file whole or not at all. That it could not be written costs
// the next run its order.
func (d *durations) save(file string) {
	if !d.changed || file == "" {
		return
	}
	data, err := json.Marshal(d.took)
	if err != nil || os.MkdirAll(filepath.Dir(file), 0o755) != nil {
		return
	}
	_ = wholefile.Bytes(file, data)
}
