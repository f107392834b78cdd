package cli

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plinth-build/plinth/internal/build"
	"github.com/plinth-build/plinth/internal/catalog"
	"github.com/plinth-build/plinth/internal/debian/image"
	"github.com/plinth-build/plinth/internal/debian/pool"
	"github.com/plinth-build/plinth/internal/engine"
	"github.com/plinth-build/plinth/internal/fleet"
	"github.com/plinth-build/plinth/internal/graph"
	"github.com/plinth-build/plinth/internal/layer"
	"github.com/plinth-build/plinth/internal/lock"
	"github.com/plinth-build/plinth/internal/ociref"
	"github.com/plinth-build/plinth/internal/plan"
	"github.com/plinth-build/plinth/internal/report"
	"github.com/plinth-build/plinth/internal/store"
	"github.com/plinth-build/plinth/internal/update"
)

// builder is fleet.Builder over the real engine and the real package pool,
// both started when the first target needs them: a run that builds nothing
// starts neither.
type builder struct {
	state    string
	jobs     int
	registry string // of the catalog
	epoch    string // SOURCE_DATE_EPOCH, "" if the user gave none
	lock     *lock.File
	store    *store.Store
	plan     *plan.Planner
	given    given

	engineOnce sync.Once
	engine     *engine.Engine
	dockerfile *build.Builder
	engineErr  error

	poolOnce sync.Once
	pool     *pool.Pool
	poolErr  error
}

// engineOptions are those of the engine in a state folder.
func engineOptions(state string, jobs int) engine.Options {
	return engine.Options{Root: filepath.Join(state, "engine"), LogFile: filepath.Join(state, "logs", "engine.log"), Jobs: jobs}
}

func (b *builder) startEngine(ctx context.Context) (*build.Builder, error) {
	b.engineOnce.Do(func() {
		// the engine outlives the context of the target that starts it
		b.engine, b.engineErr = engine.Start(context.WithoutCancel(ctx), engineOptions(b.state, b.jobs))
		if b.engineErr == nil {
			b.dockerfile, b.engineErr = build.New(b.engine, b.store)
			if b.engineErr == nil {
				b.dockerfile.LayerIndex = layer.Cache(filepath.Join(b.state, "cache", "layers"))
			}
		}
	})
	return b.dockerfile, b.engineErr
}

func (b *builder) openPool() (*pool.Pool, error) {
	b.poolOnce.Do(func() {
		b.pool, b.poolErr = pool.Open(poolDir(b.state), pool.Options{Jobs: b.jobs})
	})
	return b.pool, b.poolErr
}

// close ends the engine if it was started.
func (b *builder) close() error {
	if b.engine == nil {
		return nil
	}
	return b.engine.Close()
}

// Dockerfile implements fleet.Builder.
func (b *builder) Dockerfile(ctx context.Context, job fleet.Job) (store.Image, error) {
	t := job.Step.Target
	named, epoch, err := b.named(t, job)
	if err != nil {
		return store.Image{}, err
	}
	labels, err := b.labels(t, job)
	if err != nil {
		return store.Image{}, err
	}
	front, err := b.startEngine(ctx)
	if err != nil {
		return store.Image{}, err
	}
	result, err := front.Build(ctx, build.Request{
		Target:         t.Name,
		DockerfilePath: t.Dockerfile.Path,
		Dockerfile:     t.Dockerfile.Data,
		ContextDir:     t.ContextDir,
		ContextDigest:  job.Step.Inputs.Context,
		Args:           t.Args,
		Labels:         labels,
		Annotations:    annotations(labels),
		Created:        created(labels),
		Contexts:       contexts(b.plan.Root(), job),
		Squash:         build.Squash(t.Squash),
		Secrets:        b.given.secrets,
		SSH:            b.given.agents,
		Platform:       t.Platform.String(),
		Stage:          t.Stage,
		Named:          named,
		Temp:           t.Temp,
		NoCache:        noCache(job.Step.Reasons),
		Epoch:          epoch,
		Log:            job.Log,
		Progress: func(e build.Event) {
			if e.State == build.StepStarted {
				if words := stepWords(e.Name); words != "" {
					job.Say(words)
				}
			}
		},
	})
	var failed *build.BuildError
	if errors.As(err, &failed) {
		return store.Image{}, &fleet.StepError{Err: err, Tail: failed.Tail}
	}
	return store.Image{Manifest: result.Manifest, Epoch: epoch}, err
}

// stepWords puts the engine's name of a step as a user would: its own chores
// are left out, and references are as people write them. The log has them in full.
func stepWords(name string) string {
	switch {
	case strings.HasPrefix(name, "[internal]"):
		return ""
	case strings.HasPrefix(name, "exporting "):
		return "writing the image"
	}
	before, ref, ok := strings.Cut(name, "] FROM ")
	if !ok {
		return name
	}
	ref, _, _ = strings.Cut(ref, "@")
	if parsed, err := ociref.Parse(ref); err == nil {
		ref = strings.TrimSuffix(parsed.Familiar(), ":latest")
	}
	return before + "] FROM " + ref
}

// noCache: a new refresh window builds afresh, and so does a target of --no-cache.
func noCache(reasons []plan.Reason) bool {
	return slices.ContainsFunc(reasons, func(r plan.Reason) bool { return r.Kind == plan.Refresh || r.Kind == plan.Forced })
}

// named lists the images that the Dockerfile may refer to, and finds the time
// to which its layers are clamped: SOURCE_DATE_EPOCH, otherwise that of the newest
// image below, so that it is neither the time of day nor 1970. It is not the
// time of the last commit: layers must not change with a comment.
func (b *builder) named(t *graph.Target, job fleet.Job) ([]build.NamedImage, int64, error) {
	var named []build.NamedImage
	epoch := int64(build.ContextTime) // no file is older
	for _, e := range t.Parents {
		parent := job.Parents[e.Target.Name]
		named = append(named, build.NamedImage{Text: e.Text, Manifest: parent.Manifest.Digest})
		epoch = max(epoch, parent.Epoch)
	}
	for _, up := range t.Upstreams {
		d, err := b.plan.Upstream(t, up)
		if err != nil {
			return nil, 0, err
		}
		pinned, err := up.Ref.WithDigest(d)
		if err != nil {
			return nil, 0, err
		}
		named = append(named, build.NamedImage{Text: up.Text, Platform: up.Platform, Upstream: pinned.Normalised()})
		epoch = max(epoch, b.lock.Upstreams[up.Ref.Normalised()].Created)
	}
	if b.epoch != "" {
		user, err := strconv.ParseInt(b.epoch, 10, 64)
		return named, user, err
	}
	return named, epoch, nil
}

// labels are all labels of a target, those of the plan and what its image is
// based on. Of the catalog's own, none is overwritten.
func (b *builder) labels(t *graph.Target, job fleet.Job) (map[string]string, error) {
	out := map[string]string{}
	for _, e := range t.Parents {
		if e.Base {
			out[ocispec.AnnotationBaseImageName] = b.registry + "/" + e.Target.Name
			out[ocispec.AnnotationBaseImageDigest] = job.Parents[e.Target.Name].Manifest.Digest.String()
		}
	}
	for _, up := range t.Upstreams {
		if up.Base {
			d, err := b.plan.Upstream(t, up)
			if err != nil {
				return nil, err
			}
			out[ocispec.AnnotationBaseImageName], out[ocispec.AnnotationBaseImageDigest] = up.Ref.Normalised(), d
		}
	}
	maps.Copy(out, job.Step.Inputs.Labels)
	return out, nil
}

// contexts are the named contexts of a target.
func contexts(root string, job fleet.Job) map[string]build.Context {
	out := map[string]build.Context{}
	for name, c := range job.Step.Target.Contexts {
		out[name] = build.Context{Dir: filepath.Join(root, filepath.FromSlash(c.Dir)), Digest: job.Step.Inputs.Contexts[name]}
	}
	return out
}

// created is the time that the label says, the zero time if there is none.
func created(labels map[string]string) time.Time {
	at, err := time.Parse(time.RFC3339, labels[ocispec.AnnotationCreated])
	if err != nil {
		return time.Time{}
	}
	return at.UTC()
}

// annotations are the labels that the image specification defines, for tools
// that read the manifest only.
func annotations(labels map[string]string) map[string]string {
	out := map[string]string{}
	for key, value := range labels {
		if strings.HasPrefix(key, "org.opencontainers.image.") {
			out[key] = value
		}
	}
	return out
}

// Packages implements fleet.Builder.
func (b *builder) Packages(ctx context.Context, job fleet.Job) (store.Image, error) {
	t := job.Step.Target
	packages, err := b.openPool()
	if err != nil {
		return store.Image{}, err
	}
	labels, err := b.labels(t, job)
	if err != nil {
		return store.Image{}, err
	}
	set := b.lock.Sets[t.Name]
	req := image.Request{Target: t.Name, Debs: b.lock.SetDebs(t.Name), Epoch: set.Epoch, Arch: set.Arch, Jobs: b.jobs, Spec: b.spec(t, set, labels), Created: created(labels)}
	if b.epoch != "" {
		if req.Epoch, err = strconv.ParseInt(b.epoch, 10, 64); err != nil {
			return store.Image{}, err
		}
	}
	for _, e := range t.Parents {
		below, err := update.Below(b.lock, e.Target)
		if err != nil {
			return store.Image{}, err
		}
		req.Parent = &image.Parent{Manifest: job.Parents[e.Target.Name].Manifest.Digest, Debs: below}
	}
	job.Say(report.Plural(len(req.Debs), "package"))
	result, err := image.Build(ctx, req, packages, b.store, job.Log)
	if err != nil && req.Spec.Mode == image.Distroless {
		// nothing runs that would print: the log only repeats the error
		return store.Image{}, &fleet.StepError{Err: err}
	}
	return store.Image{Manifest: result.Manifest, Epoch: req.Epoch}, err
}

func (b *builder) spec(t *graph.Target, set lock.Set, labels map[string]string) image.Spec {
	p := t.Packages
	s := image.Spec{
		Mode: image.Mode(p.Mode), Docs: p.Docs, Entrypoint: p.Entrypoint, Cmd: p.Cmd, User: p.User,
		WorkingDir: p.WorkingDir, ExposedPorts: p.ExposedPorts, StopSignal: p.StopSignal, Labels: labels, Annotations: annotations(labels),
	}
	for _, f := range p.Files {
		file := image.File{Path: f.Path, Data: []byte(f.Content), Mode: f.Mode, UID: f.UID, GID: f.GID}
		if f.Source != "" {
			file.HostPath, file.Data = filepath.Join(t.ContextDir, filepath.FromSlash(f.Source)), nil
		}
		s.Files = append(s.Files, file)
	}
	for _, u := range p.Users {
		s.Users = append(s.Users, image.User{Name: u.Name, UID: u.UID, GID: u.GID, Home: u.Home, Shell: u.Shell})
	}
	for _, g := range p.Groups {
		s.Groups = append(s.Groups, image.Group{Name: g.Name, GID: g.GID})
	}
	for _, e := range p.Env {
		s.Env = append(s.Env, e.Name+"="+e.Value)
	}
	if p.Mode == catalog.Full {
		s.AptSources = aptSources(b.lock.Sources[set.Release])
	}
	return s
}

// aptSources joins the locked sources into what apt's own configuration says:
// one entry an archive and list of components.
func aptSources(sources []lock.Source) []image.AptSource {
	type key struct{ uri, suite string }
	components := map[key][]string{}
	var order []key
	for _, s := range sources {
		k := key{s.URI, s.Suite}
		if components[k] == nil {
			order = append(order, k)
		}
		components[k] = append(components[k], s.Component)
	}
	var out []image.AptSource
	for _, k := range order {
		joined := false
		for i := range out {
			if out[i].URI == k.uri && slices.Equal(out[i].Components, components[k]) {
				out[i].Suites = append(out[i].Suites, k.suite)
				joined = true
			}
		}
		if !joined {
			out = append(out, image.AptSource{URI: k.uri, Suites: []string{k.suite}, Components: slices.Clone(components[k])})
		}
	}
	return out
}

// sweep removes what a killed run left: engine containers and mounts, and
// half-written files.
func sweep(ctx context.Context, state string, st *store.Store) error {
	_, err := engine.Sweep(ctx, engineOptions(state, 0))
	packages, poolErr := pool.Open(poolDir(state), pool.Options{})
	if poolErr == nil {
		poolErr = packages.Sweep()
	}
	return errors.Join(err, poolErr, st.Sweep())
}

// poolDir is the folder of the unpacked packages in a state folder.
func poolDir(state string) string { return filepath.Join(state, "debs") }
