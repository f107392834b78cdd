// Package plan decides which targets are built and says why. It is given the
// graph, the lock and a read view of the store, and changes nothing.
//
// A target's id is known once its parents' digests are, so planning happens
// twice: Plan walks the graph before a run and leaves open what depends on a
// parent that is going to be built; Decide is asked again for each target when
// its parents are there, and its answer is final. A parent counts by its
// digest: one that is built again and comes out the same stops the wave
// (early cut-off).
//
//	p := plan.New(graph, lock, store, cache, options)
//	err := p.Prepare(targets)          // scans contexts, checks the lock: all problems at once
//	steps := p.Plan(targets)           // what would happen
//	d := p.Decide(target, digests)     // what happens now
package plan

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/plinth-build/plinth/internal/buildctx"
	"github.com/plinth-build/plinth/internal/catalog"
	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/graph"
	"github.com/plinth-build/plinth/internal/lock"
	"github.com/plinth-build/plinth/internal/store"
)

// View is what planning needs of the store.
type View interface {
	// Lookup returns the result of an id; see store.Store.
	Lookup(id string) (store.Result, error)
	// LoadTarget reads the last snapshot of a target.
	LoadTarget(name string, v any) bool
}

// Options steer planning.
type Options struct {
	Now     time.Time
	Epoch   string          // SOURCE_DATE_EPOCH as the user gave it, seconds; "" if not
	NoCache map[string]bool // targets that are built whatever the store holds
	// Labels are labels of a target besides those of the catalog: what git knows of it. nil means none.
	Labels func(*graph.Target) map[string]string
	// Secrets and Agents are the names of build secrets and SSH agents that are given.
	Secrets, Agents []string
}

// Action is what happens to a target.
type Action string

// The actions of a plan.
const (
	Build   Action = "build"
	Reuse   Action = "reuse"
	Depends Action = "depends" // built unless the parents turn out the same
)

// Step is a target with its action. For a Depends step the ID is empty.
type Step struct {
	Target  *graph.Target
	Action  Action
	ID      string
	Result  store.Result // of a Reuse step; of a damaged result, so that it can be dropped
	Inputs  Inputs
	Reasons []Reason
}

// Planner holds what Prepare found out. Decide may be called from several
// goroutines after Prepare has returned.
type Planner struct {
	root     string
	lock     *lock.File
	view     View
	cache    *buildctx.StatCache
	opts     Options
	prepared map[*graph.Target]*prepared
}

type prepared struct {
	inputs  Inputs
	entries []buildctx.Entry
	debs    []string
}

// New makes a planner for a catalog at root.
func New(root string, lk *lock.File, view View, cache *buildctx.StatCache, opts Options) *Planner {
	return &Planner{root: root, lock: lk, view: view, cache: cache, opts: opts, prepared: map[*graph.Target]*prepared{}}
}

// Root is the catalog's folder.
func (p *Planner) Root() string { return p.root }

// Prepare reads what the targets are made of and checks that everything they
// name is locked. It returns all problems together.
func (p *Planner) Prepare(targets []*graph.Target) error {
	type outcome struct {
		prep *prepared
		err  error
	}
	outcomes := make([]outcome, len(targets))
	var wg sync.WaitGroup
	next := make(chan int)
	for range min(len(targets), 2*runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for i := range next {
				outcomes[i].prep, outcomes[i].err = p.prepare(targets[i])
			}
		})
	}
	for i := range targets {
		next <- i
	}
	close(next)
	wg.Wait()
	var problems diag.List
	for i, o := range outcomes {
		problems.AddErr(o.err)
		p.prepared[targets[i]] = o.prep
	}
	return problems.Err()
}

func (p *Planner) prepare(t *graph.Target) (*prepared, error) {
	prep := &prepared{inputs: Inputs{Code: codeVersion, Platform: t.Platform.String(), Labels: p.labels(t), Epoch: p.opts.Epoch}}
	if t.Packages != nil {
		return prep, p.preparePackages(t, prep)
	}
	var problems diag.List
	in := &prep.inputs
	text := sha256.Sum256(t.Dockerfile.Data)
	in.Dockerfile, in.Stage, in.Args = hex.EncodeToString(text[:]), t.Stage, t.Args
	in.Squash, in.Temp, in.Secrets = t.Squash, t.Temp, p.given(t)
	in.Window = Window(t.Refresh, p.opts.Now)
	for _, up := range t.Upstreams {
		locked, err := p.Upstream(t, up)
		problems.AddErr(err)
		if in.Upstreams == nil {
			in.Upstreams = map[string]string{}
		}
		in.Upstreams[up.Ref.Normalised()] = locked
	}
	scan, err := buildctx.Scan(p.root, t.ContextDir, filepath.Base(t.DockerfilePath), p.cache)
	problems.AddErr(err)
	in.Context, prep.entries = scan.Digest, scan.Entries
	for _, name := range slices.Sorted(maps.Keys(t.Contexts)) {
		dir := filepath.Join(p.root, filepath.FromSlash(t.Contexts[name].Dir))
		scan, err := buildctx.Scan(p.root, dir, "", p.cache)
		problems.AddErr(err)
		if in.Contexts == nil {
			in.Contexts = map[string]string{}
		}
		in.Contexts[name] = scan.Digest
		for _, e := range scan.Entries {
			e.Path = name + ":" + e.Path
			prep.entries = append(prep.entries, e)
		}
	}
	return prep, problems.Err()
}

// given are the secrets and agents that the target's steps ask for and get. An
// ONBUILD of what it stands on may ask too.
func (p *Planner) given(t *graph.Target) []string {
	var out []string
	for at := t; at != nil; {
		if at.Dockerfile == nil {
			break
		}
		secrets, agents := at.Dockerfile.Asked()
		for _, id := range secrets {
			if slices.Contains(p.opts.Secrets, id) {
				out = append(out, "secret "+id)
			}
		}
		for _, id := range agents {
			if slices.Contains(p.opts.Agents, id) {
				out = append(out, "ssh "+id)
			}
		}
		at = at.Base()
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// labels are all labels of a target but those that are known when it is built:
// those of the catalog go before those of git.
func (p *Planner) labels(t *graph.Target) map[string]string {
	if p.opts.Labels == nil {
		return t.Labels
	}
	out := p.opts.Labels(t)
	maps.Copy(out, t.Labels)
	return out
}

// Upstream returns the locked digest of an upstream for the target's platform.
func (p *Planner) Upstream(t *graph.Target, up graph.Upstream) (string, error) {
	if d := up.Ref.Digest(); d != "" {
		return d, nil
	}
	name := up.Ref.Normalised()
	locked, ok := p.lock.Upstreams[name]
	if !ok {
		e := diag.Errorf(up.Pos, "cannot build %s: upstream %s is not locked", t.Name, up.Ref.Familiar())
		if up.Suggestion != "" {
			e.Hint("did you mean your own image %s?", up.Suggestion)
		}
		return "", e.Hint("pin it with: plinth update%s", p.unlessEmpty(up.Ref.Familiar()))
	}
	platform := cmp.Or(up.Platform, t.Platform.String())
	d, ok := locked.Digests[platform]
	if !ok {
		return "", diag.Errorf(up.Pos, "cannot build %s: upstream %s has no image for %s", t.Name, up.Ref.Familiar(), platform).
			Hint("it has: %s", joinSorted(maps.Keys(locked.Digests)))
	}
	return d, nil
}

// unlessEmpty is the argument of plinth update that pins what: none when
// nothing is pinned yet, for then everything has to be.
func (p *Planner) unlessEmpty(what string) string {
	if len(p.lock.Upstreams)+len(p.lock.Sets) == 0 {
		return ""
	}
	return " " + what
}

func (p *Planner) preparePackages(t *graph.Target, prep *prepared) error {
	spec := t.Packages
	set, ok := p.lock.Sets[t.Name]
	request, exclude := Request(spec)
	parent := ""
	for _, e := range t.Parents {
		parent = e.Target.Name
	}
	switch {
	case !ok:
		return diag.Errorf(spec.Pos, "cannot build %s: its packages are not locked", t.Name).
			Hint("pin them with: plinth update%s", p.unlessEmpty(t.Name))
	case !set.Matches(spec.Debian, DebianArch(t), parent, request, exclude):
		return diag.Errorf(spec.Pos, "cannot build %s: its package list is not the one that was locked", t.Name).
			Hint("lock the new list with: plinth update %s", t.Name)
	}
	h := sha256.New()
	for _, d := range p.lock.SetDebs(t.Name) {
		fmt.Fprintf(h, "%s %s\n", d.Key(), d.SHA256)
	}
	in := packageInputs(spec)
	in.Debs, in.Epoch = hex.EncodeToString(h.Sum(nil)), set.Epoch
	if p.opts.Epoch != "" {
		in.Epoch = 0 // the user's takes its place
	}
	if spec.Mode == catalog.Full {
		for _, s := range p.lock.Sources[set.Release] {
			in.AptSources = append(in.AptSources, s.URI+" "+s.Suite+" "+s.Component)
		}
	}
	prep.debs, prep.inputs.Packages = set.Debs, in
	var problems diag.List
	for _, f := range spec.Files {
		content := sha256.Sum256([]byte(f.Content))
		sum := hex.EncodeToString(content[:])
		if f.Source != "" {
			var err error
			sum, err = buildctx.FileSum(p.root, filepath.Join(t.ContextDir, filepath.FromSlash(f.Source)), f.Pos, p.cache)
			problems.AddErr(err)
		}
		if in.Files == nil {
			in.Files = map[string]string{}
		}
		in.Files[path.Clean("/"+f.Path)] = fmt.Sprintf("%o %d:%d %s", f.Mode, f.UID, f.GID, sum)
	}
	return problems.Err()
}

// Decide says what happens to a prepared target whose parents have the given
// contents (target name → store.Result.Content).
func (p *Planner) Decide(t *graph.Target, contents map[string]string) Step {
	prep := p.prepared[t]
	in := prep.inputs
	if len(t.Parents) > 0 {
		in.Parents = map[string]string{}
		for _, e := range t.Parents {
			in.Parents[e.Target.Name] = contents[e.Target.Name]
		}
	}
	step := Step{Target: t, Action: Build, ID: in.ID(), Inputs: in}
	result, err := p.view.Lookup(step.ID)
	step.Result = result
	if p.opts.NoCache[t.Name] {
		step.Reasons = []Reason{{Forced, "", "asked for with --no-cache"}}
		return step
	}
	if err == nil && result.ID != "" {
		step.Action = Reuse
		return step
	}
	if errors.Is(err, store.ErrDamaged) {
		step.Reasons = []Reason{{Damaged, t.Name, err.Error()}}
		return step
	}
	var last Snapshot
	if !p.view.LoadTarget(t.Name, &last) {
		step.Reasons = []Reason{{First, t.Name, "never built here"}}
		return step
	}
	step.Reasons = compare(last, in, prep.entries, prep.debs)
	if len(step.Reasons) == 0 {
		step.Reasons = []Reason{{Unknown, t.Name, "its result is not in the store"}}
	}
	return step
}

// Plan says what a run would do with the prepared targets, which must be in
// topological order and hold their ancestors.
func (p *Planner) Plan(targets []*graph.Target) []Step {
	steps := make([]Step, 0, len(targets))
	contents := map[string]string{}
	for _, t := range targets {
		var open []string
		for _, e := range t.Parents {
			if contents[e.Target.Name] == "" {
				open = append(open, e.Target.Name)
			}
		}
		if len(open) > 0 {
			steps = append(steps, p.depends(t, contents, open))
			continue
		}
		step := p.Decide(t, contents)
		if step.Action == Reuse {
			contents[t.Name] = step.Result.Content
		}
		steps = append(steps, step)
	}
	return steps
}

// depends is the step of a target with parents that are going to be built. It
// is a plain Build when something else changed too.
func (p *Planner) depends(t *graph.Target, contents map[string]string, open []string) Step {
	step := p.Decide(t, contents) // with empty contents for the open parents: no id equals that one
	step.ID, step.Result = "", store.Result{}
	own := len(step.Reasons) > 0 && step.Reasons[0].Kind != Unknown
	if !own {
		step.Action, step.Reasons = Depends, nil
	}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(open))) {
		step.Reasons = append(step.Reasons, Reason{Parent, name, fmt.Sprintf("parent %s is going to be built", name)})
	}
	return step
}

// Snapshot is what to keep of a target that was just built or reused as step
// says, with the result. last is what was kept of it before, the zero Snapshot if nothing.
func (p *Planner) Snapshot(step Step, last Snapshot, result store.Result, now time.Time, took time.Duration) Snapshot {
	prep := p.prepared[step.Target]
	s := Snapshot{ID: step.ID, Digest: result.Manifest.Digest.String(), Content: result.Content, Inputs: step.Inputs, Entries: prep.entries, Debs: prep.debs,
		Why: step.Reasons, Built: now.UTC().Truncate(time.Second), Took: took}
	s.Moved = Move{s.Why, s.Built}
	if last.Content == result.Content {
		s.Moved = last.Moved
	}
	return s
}

// Request is what the resolver is asked for: the packages of the image, for a
// full image that stands on nothing also what Debian calls essential and
// required, without which dpkg cannot work. usr-is-merged says that /bin is
// /usr/bin already, as plinth lays it; without it Debian 12 takes usrmerge,
// which does the merging, and perl for it.
func Request(spec *catalog.Packages) (request, exclude []string) {
	for _, n := range spec.Names {
		request = append(request, n.Name)
	}
	if spec.Mode == catalog.Full && spec.From == "" {
		if !slices.Contains(request, "usrmerge") {
			request = append(request, "usr-is-merged")
		}
		request = append(request, "@essential", "@required")
	}
	for _, n := range spec.Exclude {
		exclude = append(exclude, n.Name)
	}
	return request, exclude
}

// DebianArch is Debian's name for the target's architecture.
func DebianArch(t *graph.Target) string { return t.Platform.Arch }

func joinSorted(seq func(func(string) bool)) string {
	out := ""
	for i, s := range slices.Sorted(seq) {
		if i > 0 {
			out += ", "
		}
		out += s
	}
	return out
}

// Unchanged checks that what a target was built from is still what Prepare
// read: an editor that saves in the middle of a build must not give its result
// the wrong id.
func (p *Planner) Unchanged(t *graph.Target) error {
	again, err := p.prepare(t)
	if err != nil {
		return err
	}
	was := p.prepared[t]
	now, before := again.inputs, was.inputs
	now.Window, before.Window = "", "" // the clock may go on
	reasons := compare(Snapshot{Inputs: before, Entries: was.entries, Debs: was.debs}, now, again.entries, again.debs)
	if t.Packages == nil {
		if text, err := os.ReadFile(filepath.Join(p.root, filepath.FromSlash(t.DockerfilePath))); err == nil && string(text) != string(t.Dockerfile.Data) {
			reasons = append([]Reason{{Dockerfile, "Dockerfile", "Dockerfile changed"}}, reasons...)
		}
	}
	if len(reasons) == 0 {
		return nil
	}
	return diag.Errorf(diag.Position{}, "cannot keep the result of %s: its files changed while it was being built: %s", t.Name, Summary(reasons)).
		Hint("build again")
}
