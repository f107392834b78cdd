package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/engine"
	"github.com/plinth-build/plinth/internal/fleet"
	"github.com/plinth-build/plinth/internal/graph"
	"github.com/plinth-build/plinth/internal/plan"
	"github.com/plinth-build/plinth/internal/prune"
	"github.com/plinth-build/plinth/internal/report"
	"github.com/plinth-build/plinth/internal/store"
)

// pruneFlags are the flags of plinth prune.
type pruneFlags struct {
	olderThan prune.Age
	keepSize  prune.Size
	all       bool
	dryRun    bool
}

func (a *app) pruneCommand() *cobra.Command {
	var flags pruneFlags
	cmd := &cobra.Command{
		Use:   "prune",
		Short: "Free space in the state folder",
		Long: `Free space in the state folder: remove the results and images of targets that
the catalog no longer has, results that newer ones have replaced, blobs of no
image, unpacked packages that plinth.lock does not name, and logs of targets that
are gone. The next plinth build does no more than it would have done before.

With --older-than, what was not built or used for that long goes, and nothing
else, whether it is needed or not. With --keep-size, as much goes as is above
that size: what nothing needs first, then the oldest. What is needed is built or
downloaded again when it is needed.`,
		Example: `  plinth prune
  plinth prune --dry-run            # what would go
  plinth prune --all                # the build cache too: all but the images
  plinth prune --older-than 2w
  plinth prune --keep-size 20GB`,
		Args: noArgs,
	}
	fl := cmd.Flags()
	fl.Var(&flags.olderThan, "older-than", "remove what was not built or used for this long, and nothing else: 7d, 36h, 2w")
	fl.Var(&flags.keepSize, "keep-size", "remove the oldest until the state is no bigger than this: 20GB, 500MiB")
	fl.BoolVar(&flags.all, "all", false, "remove everything but the images that the catalog's targets are now: the build cache, unpacked packages, package indexes and logs too")
	fl.BoolVarP(&flags.dryRun, "dry-run", "n", false, "only say what would be removed")
	f := formatFlag(cmd, "pretty", "json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		for _, other := range []string{"older-than", "keep-size"} {
			if flags.all && cmd.Flags().Changed(other) {
				return usage(cmd, "cannot use --all and --%s together", other)
			}
		}
		return a.prune(cmd.Context(), flags, f.value)
	}
	return cmd
}

func (a *app) prune(ctx context.Context, flags pruneFlags, format string) (err error) {
	s, err := a.session()
	if err != nil {
		return err
	}
	done := pruned{DryRun: flags.dryRun, Freed: []prune.Freed{}}
	if _, statErr := os.Stat(s.state); !errors.Is(statErr, fs.ErrNotExist) {
		done.Freed, done.Left, err = a.pruneState(ctx, s, flags)
	}
	if err != nil && len(done.Freed) == 0 {
		return err
	}
	return errors.Join(done.print(a.out, format, s.state), err)
}

// pruneState prunes the state folder, which is there. left is its size
// afterwards, nil when nobody asked for it.
func (a *app) pruneState(ctx context.Context, s *session, flags pruneFlags) (freed []prune.Freed, left *int64, err error) {
	held, err := store.Acquire(s.state, "plinth prune")
	if err != nil {
		return nil, nil, roomForLock(err, s.state)
	}
	defer func() { err = errors.Join(err, held.Release()) }()
	st, err := store.Open(s.storeDir())
	if err != nil {
		return nil, nil, err
	}
	if held.Stale {
		if err := sweep(ctx, s.state, st); err != nil {
			return nil, nil, err
		}
	}
	p := &pruner{app: a, session: s, store: st, flags: flags}
	if p.state, err = p.known(ctx); err != nil {
		return nil, nil, err
	}
	if flags.keepSize.Value == nil || flags.dryRun {
		freed, err = p.round(ctx)
		return freed, nil, err
	}
	return p.shrink(ctx, *flags.keepSize.Value)
}

// roomForLock adds what to do when the disk is so full that not even the lock
// can be written.
func roomForLock(err error, state string) error {
	if !fleet.DiskFull(err) {
		return err
	}
	var l diag.List
	for _, e := range diag.Flatten(err) {
		l.Add(e.Hint("make room for it by hand, a few kB are enough: rm -r %s", shown(filepath.Join(state, "logs"))))
	}
	return l.Err()
}

// shrink goes on until the state has at most so many bytes. What the engine
// frees is known only afterwards, so it may take several rounds.
func (p *pruner) shrink(ctx context.Context, keep int64) (freed []prune.Freed, left *int64, err error) {
	for {
		before, err := prune.Usage(p.session.state)
		if err != nil || before <= keep {
			return freed, &before, err
		}
		more, err := p.round(ctx)
		freed = addFreed(freed, more)
		if err != nil {
			return freed, nil, err
		}
		after, err := prune.Usage(p.session.state)
		if err == nil && after > keep && after >= before {
			err = diag.Errorf(diag.Position{}, "cannot make %s smaller than %s: nothing is left in it that can go", shown(p.session.state), report.Size(after)).
				Hint("ask for more than that with --keep-size")
		}
		if err != nil {
			return freed, &after, err
		}
	}
}

// pruner is one run of plinth prune, which holds the lock of the state folder.
type pruner struct {
	*app
	session *session
	store   *store.Store
	flags   pruneFlags
	state   prune.State
}

// known finds what the catalog needs.
func (p *pruner) known(ctx context.Context) (prune.State, error) {
	s := p.session
	out := prune.State{
		Store: p.store, Pool: poolDir(s.state), Indexes: filepath.Join(s.state, "cache", "indexes"), Logs: filepath.Join(s.state, "logs"), Lock: s.lock,
	}
	for _, t := range s.graph.Targets {
		out.Targets = append(out.Targets, t.Name)
		var last plan.Snapshot
		if p.store.LoadTarget(t.Name, &last) && last.ID != "" {
			out.IDs = append(out.IDs, last.ID)
		}
	}
	// what was built before the last time is needed when files were changed back
	planner, targets, err := s.planner(ctx, p.store, selection{}, p.now())
	if planner == nil {
		return out, err
	}
	if err != nil {
		targets = plannable(planner, targets) // a mistake in one image says nothing of the others
	}
	for _, step := range planner.Plan(targets) {
		if step.Result.ID != "" {
			out.IDs = append(out.IDs, step.Result.ID)
		}
	}
	return out, nil
}

// plannable are the targets without mistakes, on parents without mistakes.
func plannable(planner *plan.Planner, targets []*graph.Target) []*graph.Target {
	bad := map[*graph.Target]bool{}
	var out []*graph.Target
	for _, t := range targets {
		for _, e := range t.Parents {
			bad[t] = bad[t] || bad[e.Target]
		}
		if bad[t] = bad[t] || planner.Prepare([]*graph.Target{t}) != nil; !bad[t] {
			out = append(out, t)
		}
	}
	return out
}

// round chooses and removes once.
func (p *pruner) round(ctx context.Context) (freed []prune.Freed, err error) {
	items, err := p.state.Items()
	if err != nil {
		return nil, diag.Errorf(diag.Position{}, "cannot read the state folder: %w", err)
	}
	cache, err := p.openCache(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, cache.close()) }() //nolint:contextcheck // closing goes on when the run was interrupted
	items = append(items, cache.items...)
	policy := prune.Policy{Now: p.now(), All: p.flags.all, OlderThan: p.flags.olderThan.Value, KeepSize: p.flags.keepSize.Value}
	var size int64
	if policy.KeepSize != nil {
		if size, err = prune.Usage(p.session.state); err != nil {
			return nil, err
		}
	}
	chosen := prune.Choose(items, policy, size)
	hooks := prune.Hooks{}
	if !p.flags.dryRun {
		hooks = prune.Hooks{Refs: p.store.DropRefs, File: os.Remove, Engine: cache.remove}
	}
	return prune.Remove(ctx, items, chosen, hooks)
}

// engineCache is the engine's build cache, with the engine running if there is one.
type engineCache struct {
	engine  *engine.Engine
	options engine.Options
	items   []*prune.Item
	held    bool // some entries cannot go
}

// openCache starts the engine and lists its cache, if there is one and it may
// lose something.
func (p *pruner) openCache(ctx context.Context) (*engineCache, error) {
	c := &engineCache{options: engineOptions(p.session.state, 0)}
	c.options.LogFile = "" // its log may be among what goes
	if !p.flags.all && p.flags.olderThan.Value == nil && p.flags.keepSize.Value == nil || !engine.HasCache(c.options) {
		return c, nil
	}
	var err error
	if c.engine, err = engine.Start(ctx, c.options); err != nil {
		return nil, err
	}
	records, err := c.engine.Cache(ctx)
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	for _, r := range records {
		c.held = c.held || r.InUse
		c.items = append(c.items, &prune.Item{Kind: prune.Engine, Name: r.Description, Need: prune.Spare, Used: r.Used, ID: r.ID, Size: r.Size, Parents: r.Parents, Kept: r.InUse})
	}
	return c, nil
}

// remove removes entries. When none is to stay, the databases go with them.
func (c *engineCache) remove(ctx context.Context, ids []string) error {
	if len(ids) < len(c.items) || c.held {
		_, err := c.engine.Prune(ctx, ids)
		return err
	}
	if err := c.close(); err != nil {
		return err
	}
	return engine.Clear(c.options)
}

func (c *engineCache) close() error {
	if c.engine == nil {
		return nil
	}
	return c.engine.Close()
}

// addFreed adds what another round freed.
func addFreed(sum, more []prune.Freed) []prune.Freed {
	out := []prune.Freed{}
	for _, k := range prune.Kinds() {
		both := prune.Freed{Kind: k}
		for _, list := range [][]prune.Freed{sum, more} {
			for _, f := range list {
				if f.Kind == k {
					both.Bytes += f.Bytes
					both.Entries += f.Entries
				}
			}
		}
		if both.Entries > 0 || both.Bytes > 0 {
			out = append(out, both)
		}
	}
	return out
}

// pruned is what plinth prune says at its end.
type pruned struct {
	DryRun bool          `json:"dry_run"`
	Freed  []prune.Freed `json:"freed"`
	Bytes  int64         `json:"bytes"`          // of all kinds
	Left   *int64        `json:"left,omitempty"` // bytes in the state folder, with --keep-size
}

func (p pruned) print(w io.Writer, format, state string) error {
	for _, f := range p.Freed {
		p.Bytes += f.Bytes
	}
	if format == "json" {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(p)
	}
	if len(p.Freed) == 0 {
		_, err := fmt.Fprintf(w, "Nothing to remove in %s\n", shown(state))
		return err
	}
	header, verb := "FREED", "Freed"
	if p.DryRun {
		header, verb = "WOULD FREE", "Would free"
	}
	var rows [][]string
	for _, f := range p.Freed {
		what := fmt.Sprintf("%d entries", f.Entries)
		if f.Entries == 1 {
			what = "1 entry"
		}
		rows = append(rows, []string{string(f.Kind), report.Size(f.Bytes), what})
	}
	report.Table(w, []string{"KIND", header, "WHAT"}, rows, 1)
	line := fmt.Sprintf("%s %s in %s", verb, report.Size(p.Bytes), shown(state))
	if p.Left != nil {
		line += fmt.Sprintf(", which takes %s now", report.Size(*p.Left))
	}
	_, err := fmt.Fprintf(w, "\n%s\n", line)
	return err
}
