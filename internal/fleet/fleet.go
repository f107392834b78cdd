// Package fleet runs a plan: it asks for each target, when its parents are
// there, whether it must be built, builds it with the engine or from packages,
// and keeps the result. What it builds with is behind two functions, so that
// it can be tested without an engine.
//
// A target that cannot be built does not end the run; its row says why. Run
// returns an error only for what is wrong with the run as a whole.
package fleet

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/graph"
	"github.com/plinth-build/plinth/internal/plan"
	"github.com/plinth-build/plinth/internal/sched"
	"github.com/plinth-build/plinth/internal/store"
)

// Job is one target to build.
type Job struct {
	Step    plan.Step
	Parents map[string]store.Result // target → its result
	Log     io.Writer               // the target's full log
	Say     func(string)            // tells the user where the build is
}

// Builder makes images.
type Builder interface {
	// Dockerfile builds a target with a Dockerfile, Packages one from packages.
	// The image is in the store when they return. Errors are for the user.
	Dockerfile(ctx context.Context, job Job) (store.Image, error)
	Packages(ctx context.Context, job Job) (store.Image, error)
}

// StepError is a failed build of which it is known what the failed step
// printed; for other errors the end of the log is shown.
type StepError struct {
	Err  error
	Tail []string // the last lines of the step, without line ends
}

// Error implements error.
func (e *StepError) Error() string { return e.Err.Error() }

// Unwrap gives Err.
func (e *StepError) Unwrap() error { return e.Err }

// Options steer a run.
type Options struct {
	Jobs   int
	Policy sched.Policy
	LogDir string // a file for each built target is made here
	// Durations is the file that remembers how long targets took, so that the
	// longest chains are started first. It need not be there.
	Durations string
	Now       func() time.Time
}

// tailLines is how much of a failed target's log is shown.
const tailLines = 12

// Run builds what must be built of targets, which are prepared, in topological
// order, and hold their ancestors. It returns one row a target in that order.
func Run(ctx context.Context, targets []*graph.Target, planner *plan.Planner, st *store.Store, builder Builder, opts Options, progress Progress) ([]Row, error) {
	if err := os.MkdirAll(opts.LogDir, 0o755); err != nil {
		return nil, diag.Errorf(diag.Position{}, "cannot make the folder for logs: %w", err)
	}
	r := &runner{targets: targets, planner: planner, store: st, builder: builder, opts: opts, progress: progress,
		rows: make([]Row, len(targets)), results: map[string]store.Result{}, building: map[string]chan struct{}{}}
	number := map[*graph.Target]int{}
	deps := make([][]int, len(targets))
	for i, t := range targets {
		number[t] = i
		r.rows[i] = Row{Target: t.Name, Status: NotStarted}
		for _, e := range t.Parents {
			deps[i] = append(deps[i], number[e.Target])
		}
	}
	progress.Planned(Outlook{Targets: len(targets), Jobs: opts.Jobs, Expect: r.expect})
	learned := loadDurations(opts.Durations)
	outcomes := sched.Run(ctx, deps, sched.Options{
		Jobs: opts.Jobs, Policy: opts.Policy, Priority: sched.RemainingPath(deps, learned.of(targets)),
	}, r.target)
	learned.learn(r.rows).save(opts.Durations)
	for i, o := range outcomes {
		row := &r.rows[i]
		switch o.State {
		case sched.Blocked:
			row.Status, row.Cause = Blocked, targets[o.Cause].Name
			progress.Ended(*row)
		case sched.Cancelled:
			row.Status = Cancelled
			progress.Ended(*row)
		case sched.NotStarted, sched.Done, sched.Failed:
		}
	}
	return r.rows, explain(r.store.SetRefs(r.refs()), r.store.Dir())
}

type runner struct {
	targets  []*graph.Target
	planner  *plan.Planner
	store    *store.Store
	builder  Builder
	opts     Options
	progress Progress
	rows     []Row // each written by the goroutine of its target

	mu       sync.Mutex
	results  map[string]store.Result  // by target
	building map[string]chan struct{} // id → closed when its build ends
}

// target is the work of one node.
func (r *runner) target(ctx context.Context, i int) error {
	t, row := r.targets[i], &r.rows[i]
	parents := map[string]store.Result{}
	contents := map[string]string{}
	r.mu.Lock()
	for _, e := range t.Parents {
		parents[e.Target.Name] = r.results[e.Target.Name]
		contents[e.Target.Name] = r.results[e.Target.Name].Content
	}
	r.mu.Unlock()
	step := r.planner.Decide(t, contents)
	if step.Action == plan.Build {
		// two targets with equal inputs are one image: the second one waits and reuses
		release, err := r.claim(ctx, step.ID)
		if err != nil {
			return err
		}
		defer release()
		step = r.planner.Decide(t, contents)
	}
	if step.Action == plan.Reuse {
		return r.reuse(row, step)
	}
	row.Reasons = step.Reasons
	r.progress.Started(t.Name, step.Reasons)
	began := r.opts.Now()
	err := r.build(ctx, row, step, parents, began)
	row.Took = r.opts.Now().Sub(began)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		row.Status, row.Err = Failed, explain(err, r.store.Dir())
		row.Tail = lastLines(err, row.Log)
		r.progress.Ended(*row)
		return err
	}
	row.Status = Built
	r.progress.Ended(*row)
	return nil
}

// claim waits until no other target builds the same id.
func (r *runner) claim(ctx context.Context, id string) (release func(), err error) {
	for {
		r.mu.Lock()
		busy, ok := r.building[id]
		if !ok {
			done := make(chan struct{})
			r.building[id] = done
			r.mu.Unlock()
			return func() {
				r.mu.Lock()
				delete(r.building, id)
				r.mu.Unlock()
				close(done)
			}, nil
		}
		r.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (r *runner) reuse(row *Row, step plan.Step) error {
	row.Status, row.Digest, row.Size = Reused, step.Result.Manifest.Digest.String(), step.Result.Size
	r.setResult(row.Target, step.Result)
	_ = r.store.Used(step.ID, r.opts.Now()) // without it the result looks older than it is
	var last plan.Snapshot
	if !r.store.LoadTarget(row.Target, &last) || last.ID != step.ID {
		// reused from another target or an older state: the next diff starts from here
		step.Reasons = last.Why
		if err := r.store.SaveTarget(row.Target, r.planner.Snapshot(step, last, step.Result, step.Result.Built, last.Took)); err != nil {
			row.Status, row.Err = Failed, explain(err, r.store.Dir())
			return err
		}
	}
	r.progress.Ended(*row)
	return nil
}

func (r *runner) build(ctx context.Context, row *Row, step plan.Step, parents map[string]store.Result, began time.Time) error {
	t := step.Target
	damaged := slices.ContainsFunc(step.Reasons, func(r plan.Reason) bool { return r.Kind == plan.Damaged })
	if err := r.forget(step, damaged); err != nil { // its blobs would be taken for good ones
		return err
	}
	path := filepath.Join(r.opts.LogDir, strings.ReplaceAll(t.Name, "/", "%")+".log")
	log, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("cannot write the log of %s: %w", t.Name, err)
	}
	defer log.Close()
	row.Log = path
	fmt.Fprintf(log, "# %s: %s\n", t.Name, plan.Summary(step.Reasons))
	job := Job{Step: step, Parents: parents, Log: log, Say: func(s string) { r.progress.Step(t.Name, s) }}
	var image store.Image
	if t.Packages != nil {
		image, err = r.builder.Packages(ctx, job)
	} else {
		image, err = r.builder.Dockerfile(ctx, job)
	}
	if err != nil {
		fmt.Fprintf(log, "# failed: %v\n", err)
		return err
	}
	if err := r.planner.Unchanged(t); err != nil {
		return err
	}
	if err := r.forget(step, !damaged); err != nil { // an intact one is kept until there is a better one
		return err
	}
	result, err := r.store.Record(step.ID, t.Name, image, r.opts.Now())
	if err != nil {
		return err
	}
	var last plan.Snapshot
	row.Same = r.store.LoadTarget(t.Name, &last) && last.Content == result.Content
	row.Digest, row.Size = result.Manifest.Digest.String(), result.Size
	r.setResult(t.Name, result)
	now := r.opts.Now()
	return r.store.SaveTarget(t.Name, r.planner.Snapshot(step, last, result, now, now.Sub(began)))
}

// forget drops the stored result of a step that is built all the same, when now is the time.
func (r *runner) forget(step plan.Step, now bool) error {
	if !now || step.Result.ID == "" {
		return nil
	}
	if err := r.store.Forget(step.Result); err != nil {
		return fmt.Errorf("cannot drop the old result of %s: %w", step.Target.Name, err)
	}
	return nil
}

func (r *runner) setResult(name string, result store.Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.results[name] = result
}

// refs are the manifests by the names of their targets.
func (r *runner) refs() map[string]ocispec.Descriptor {
	out := make(map[string]ocispec.Descriptor, len(r.results))
	for name, result := range r.results {
		out[name] = result.Manifest
	}
	return out
}

// DiskFull says whether err is about a disk without room. Programs that a
// build runs say it in words only.
func DiskFull(err error) bool {
	return err != nil && (errors.Is(err, syscall.ENOSPC) || strings.Contains(err.Error(), syscall.ENOSPC.Error()))
}

// explain adds what to do about errors that any part of a build can meet.
func explain(err error, dir string) error {
	if !DiskFull(err) {
		return err
	}
	var l diag.List
	for _, e := range diag.Flatten(err) {
		if DiskFull(e) {
			e.Hints = []string{fmt.Sprintf("make room on the disk that holds %s, or move the state with --state-dir; what is finished is kept", filepath.Dir(dir))}
		}
		l.Add(e)
	}
	return l.Err()
}

// lastLines is what to show of a failed target's log.
func lastLines(err error, log string) []string {
	var step *StepError
	if errors.As(err, &step) {
		return step.Tail[max(0, len(step.Tail)-tailLines):]
	}
	return tail(log)
}

// tail is the end of a log file, without plinth's own lines.
func tail(path string) []string {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	var lines []string
	scanner := bufio.NewScanner(f)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		if line := strings.TrimRight(scanner.Text(), " \r"); line != "" && !strings.HasPrefix(line, "# ") {
			lines = append(lines, line)
			if len(lines) > 2*tailLines {
				lines = slices.Delete(lines, 0, tailLines)
			}
		}
	}
	return lines[max(0, len(lines)-tailLines):]
}
