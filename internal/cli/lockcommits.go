package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"time"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/git"
	"github.com/plinth-build/plinth/internal/graph"
	"github.com/plinth-build/plinth/internal/lock"
	"github.com/plinth-build/plinth/internal/wholefile"
)

// What plinth.lock pins for a target is an input of that target alone, although
// the file is one for all. So its versions in git are read, from the newest back
// to where each target's part was last changed. What was found is kept with the
// commit that was checked out.

// lockMemory is what the cache file holds.
type lockMemory struct {
	Head  string               `json:"head"`
	Parts map[string]lockEntry `json:"parts"` // by target; all that have one in the lock of that commit
}

type lockEntry struct {
	Part    string `json:"part"` // see lockPart
	Hash    string `json:"hash"`
	Time    int64  `json:"time"` // seconds since 1970
	Unknown bool   `json:"unknown,omitempty"`
}

// lockPart identifies what the lock pins for a target, "" when that is nothing.
func lockPart(f *lock.File, t *graph.Target) string {
	part := struct {
		Set       *lock.Set
		Debs      []string
		Upstreams map[string]lock.Upstream
	}{Upstreams: map[string]lock.Upstream{}}
	if set, ok := f.Sets[t.Name]; ok && t.Packages != nil {
		part.Set = &set
		for _, d := range f.SetDebs(t.Name) {
			part.Debs = append(part.Debs, d.SHA256)
		}
	}
	for _, up := range t.Upstreams {
		if pinned, ok := f.Upstreams[up.Ref.Normalised()]; ok {
			part.Upstreams[up.Ref.Normalised()] = pinned
		}
	}
	if part.Set == nil && len(part.Upstreams) == 0 {
		return ""
	}
	data, err := json.Marshal(part)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// lockCommits finds the commits that last changed what the lock pins for each
// target. A lock that git does not have says nothing.
func lockCommits(ctx context.Context, repo *git.Repo, cacheFile string, now *lock.File, targets []*graph.Target) (map[string]git.Commit, error) {
	memory := loadLockMemory(cacheFile)
	if !memory.knows(repo.Head(), now, targets) {
		var err error
		if memory, err = findLockCommits(ctx, repo, targets); err != nil {
			return nil, diag.Errorf(diag.Position{}, "cannot find the last commits of %s: %w", lock.FileName, err)
		}
		if data, err := json.Marshal(memory); err == nil {
			_ = wholefile.Bytes(cacheFile, data) // without it the next run takes longer
		}
	}
	out := map[string]git.Commit{}
	for _, t := range targets {
		entry, ok := memory.Parts[t.Name]
		if !ok {
			continue
		}
		out[t.Name] = git.Commit{
			Hash: entry.Hash, Time: time.Unix(entry.Time, 0).UTC(), Unknown: entry.Unknown, Dirty: entry.Part != lockPart(now, t),
		}
	}
	return out, nil
}

// knows says whether the memory is of the commit that is checked out and has
// all targets that the lock has something for.
func (m lockMemory) knows(head string, now *lock.File, targets []*graph.Target) bool {
	if m.Head == "" || m.Head != head {
		return false
	}
	return !slices.ContainsFunc(targets, func(t *graph.Target) bool {
		_, ok := m.Parts[t.Name]
		return !ok && lockPart(now, t) != ""
	})
}

func loadLockMemory(file string) lockMemory {
	var m lockMemory
	data, err := os.ReadFile(file)
	if err != nil || json.Unmarshal(data, &m) != nil {
		return lockMemory{}
	}
	return m
}

// findLockCommits reads the lock's versions until every target's part is seen to change.
func findLockCommits(ctx context.Context, repo *git.Repo, targets []*graph.Target) (lockMemory, error) {
	m := lockMemory{Head: repo.Head(), Parts: map[string]lockEntry{}}
	open := map[string]*graph.Target{}
	first := true
	err := repo.Versions(ctx, lock.FileName, func(at git.Commit, data []byte) bool {
		f, err := lock.Parse(data)
		if err != nil {
			f = lock.New() // of another version, or removed
		}
		if first {
			first = false
			for _, t := range targets {
				part := lockPart(f, t)
				m.Parts[t.Name] = lockEntry{Part: part}
				if part != "" { // otherwise it is not committed yet
					open[t.Name] = t
				}
			}
		}
		for name, t := range open {
			entry := m.Parts[name]
			if lockPart(f, t) != entry.Part {
				delete(open, name)
				continue
			}
			entry.Hash, entry.Time, entry.Unknown = at.Hash, at.Time.Unix(), at.Unknown
			m.Parts[name] = entry
		}
		return len(open) > 0
	})
	for _, t := range targets {
		if m.Parts[t.Name].Part == "" && t.Packages == nil && len(t.Upstreams) == 0 {
			delete(m.Parts, t.Name) // the lock is not about it
		}
	}
	return m, err
}
