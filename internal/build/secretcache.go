package build

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/moby/buildkit/client"
)

// forgetTimeout is how long forget waits for the engine to let go of what the
// build used, which it does a little after the build has ended.
const forgetTimeout = 5 * time.Second

// runs gives the commands of all RUN steps of the build.
func (f *frontEnd) runs() (all [][]string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, args := range f.commands {
		all = append(all, args)
	}
	return all
}

// forget drops what commands left, and all that stands on it, from the engine's
// cache, and says how many records it could not drop because other builds use them
// or the engine would not. The engine knows its records by the words of the step
// that made them, so the same command of another target's goes too; that one
// only runs again.
func (b *Builder) forget(ctx context.Context, commands [][]string) int {
	ctx, cancel := context.WithTimeout(ctx, forgetTimeout)
	defer cancel()
	for wait := 10 * time.Millisecond; ; wait *= 2 {
		usage, err := b.engine.Client().DiskUsage(ctx)
		if err != nil {
			return 1
		}
		ids := recordsOf(usage, commands)
		if len(ids) == 0 {
			return 0
		}
		var filter []string
		for _, id := range ids {
			filter = append(filter, "id=="+strconv.Quote(id))
		}
		if err := b.engine.Client().Prune(ctx, nil, client.PruneAll, client.WithFilter(filter)); err != nil {
			return len(ids)
		}
		select {
		case <-ctx.Done():
			return len(ids)
		case <-time.After(wait):
		}
	}
}

// recordsOf finds the records that commands made, and those on top of them.
func recordsOf(usage []*client.UsageInfo, commands [][]string) []string {
	var made []string
	for _, args := range commands {
		made = append(made, " from exec "+strings.Join(args, " "))
	}
	taken := map[string]bool{}
	var ids []string
	for before := -1; before != len(ids); {
		before = len(ids)
		for _, u := range usage {
			isMade := slices.ContainsFunc(made, func(m string) bool {
				return strings.HasPrefix(u.Description, "mount ") && strings.HasSuffix(u.Description, m)
			})
			onTop := slices.ContainsFunc(u.Parents, func(p string) bool { return taken[p] })
			if !taken[u.ID] && (isMade || onTop) {
				taken[u.ID] = true
				ids = append(ids, u.ID)
			}
		}
	}
	return ids
}
