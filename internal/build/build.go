// Package build turns one Dockerfile target into an image in the store.
//
//	b, err := build.New(engine, store)
//	result, err := b.Build(ctx, build.Request{Target: "debian12-java17", …})
//
// The Dockerfile front end runs in this process and the engine gets its graph
// of steps, so that an engine here and one elsewhere read a Dockerfile the same
// way. What stands in FROM, COPY --from and RUN --mount from= is looked up in
// the request alone: a parent is taken from the store by its digest, an upstream
// from its registry by its digest, and any other reference is an error before
// anything is asked of a registry.
//
// A parent is always what was published, never what the engine happens to have
// in its cache: a child's digest must not depend on how its parent came about.
// Equal requests give equal digests as far as their RUN steps do; that these
// are deterministic is not promised, and nothing here checks it.
package build

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"strconv"
	"time"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	"github.com/moby/buildkit/frontend/dockerfile/builder"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/identity"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/layer"
	"github.com/plinth-build/plinth/internal/secret"
	"github.com/plinth-build/plinth/internal/store"
)

// Engine is a BuildKit, in this process or on another machine.
type Engine interface {
	Client() *client.Client
}

// Store is where parents are and results go: an OCI layout.
type Store interface {
	// Content gives the layout's blobs. Writers of one content.Store don't disturb each other.
	Content() (content.Store, error)
	ReadBlob(digest.Digest) ([]byte, error)
	ReadManifest(digest.Digest) (ocispec.Manifest, error)
	ReadConfig(manifest digest.Digest) ([]byte, error)
	PutBytes(mediaType string, data []byte) (ocispec.Descriptor, error)
	Has(ocispec.Descriptor) bool
	// TempDir makes a folder on the file system of the blobs, which is the caller's to remove.
	TempDir() (string, error)
	BlobPath(digest.Digest) string
	LinkBlob(path string, desc ocispec.Descriptor) error
	NewBlob() (*store.BlobWriter, error)
}

// Request says what to build. Everything but Log and Progress decides the result.
type Request struct {
	// Target is the target's name, for messages.
	Target string
	// DockerfilePath is the Dockerfile's path as errors print it.
	DockerfilePath string
	// Dockerfile is the Dockerfile's content.
	Dockerfile []byte
	// ContextDir is the absolute path of the folder that COPY and ADD read.
	// In it, NAME.dockerignore (NAME being the last part of DockerfilePath) or
	// else .dockerignore says what they don't see. "" means an empty context.
	ContextDir string
	// ContextDigest stands for the context's content: it must differ whenever a
	// path, mode or byte that COPY can see differs. With it an unchanged context is
	// not sent to the engine twice. "" sends it afresh.
	ContextDigest string
	// Contexts are more folders that COPY --from, RUN --mount from= and FROM read, by
	// the name that they have there. A stage of the Dockerfile with the name goes before.
	Contexts map[string]Context
	// Args are the build args.
	Args map[string]string
	// Labels are added to the image config. Of the image below, those
	// org.opencontainers.image labels that say what it is (title, version, revision
	// and so on) are not inherited.
	Labels map[string]string
	// Annotations are those of the manifest.
	Annotations map[string]string
	// Created is when the image was made, as its config says; the zero time leaves
	// what follows from Epoch.
	Created time.Time
	// Platform is os/architecture[/variant]; "" means the engine's.
	Platform string
	// Stage is the stage to build; "" means the last one.
	Stage string
	// Named are all images that the Dockerfile may refer to.
	Named []NamedImage
	// Temp are absolute paths such as /tmp that all RUN steps of a stage share and
	// that no layer gets: RUN finds there what the RUN before left, and what COPY,
	// ADD and WORKDIR put there. Each is empty at the stage's first RUN, with mode 1777.
	Temp []string
	// Squash says which layers are folded into one; "" means SquashNone.
	Squash Squash
	// Secrets are what RUN --mount=type=secret may read. No value of them gets into
	// the image or the log: a build that puts one there fails.
	Secrets *secret.Set
	// SSH are the agents for RUN --mount=type=ssh, as secret.LoadAgents gives them.
	SSH []secret.Agent
	// NoCache runs every step again.
	NoCache bool
	// Epoch is SOURCE_DATE_EPOCH in seconds since 1970. Times in the image's own
	// layers, history and config are at most this.
	Epoch int64

	// Log gets the whole log as text. It is written by one goroutine at a time.
	Log io.Writer
	// Progress gets the steps as they begin and end, one call at a time.
	Progress func(Event)
}

// Context is a folder.
type Context struct {
	// Dir is its absolute path. In it .dockerignore says what the build doesn't see.
	Dir string
	// Digest stands for its content, as Request.ContextDigest does.
	Digest string
}

// Squash says which layers of an image are folded into one. In a folded layer
// there is nothing that a later layer replaced or removed.
type Squash string

// What can be folded.
const (
	// SquashNone leaves a layer for each instruction.
	SquashNone Squash = "none"
	// SquashOwn folds those that the image adds to the one it stands on, whose layers it goes on to share.
	SquashOwn Squash = "own"
	// SquashAll folds all, those of the base too.
	SquashAll Squash = "all"
)

// Result is a built image. All its blobs are in the store.
type Result struct {
	Manifest ocispec.Descriptor // without platform and annotations
	Size     int64              // of the compressed layers, parents' included, bytes
	Warnings []Warning          // in the order in which the front end gave them
}

// Warning is a remark of the Dockerfile front end.
type Warning struct {
	Pos  diag.Position
	Rule string // e.g. "FromAsCasing"
	Text string
	URL  string // where the rule is explained, may be ""
}

// Builder builds targets, several at once.
type Builder struct {
	// LayerIndex is a folder that remembers which paths the layers of images have,
	// so that folding what stands on them need not read them again; "" remembers nothing.
	LayerIndex layer.Cache

	engine  Engine
	store   Store
	content content.Store
}

// New makes a Builder over an engine and a store.
func New(e Engine, s Store) (*Builder, error) {
	blobs, err := s.Content()
	if err != nil {
		return nil, fmt.Errorf("cannot open the image store: %w", err)
	}
	return &Builder{engine: e, store: s, content: blobs}, nil
}

const (
	contextName = "context"
	storeName   = "plinth"
)

// Build builds the target. A build that failed gives a *BuildError with the
// place in the Dockerfile; a cancelled one gives the context's own error.
func (b *Builder) Build(ctx context.Context, r Request) (Result, error) {
	names, err := b.resolveNames(r)
	if err != nil {
		return Result{}, err
	}
	temp, err := checkTemp(r)
	if err != nil {
		return Result{}, err
	}
	guard := newGuard(r)
	out := newOutput(guard.watch(r.Log), r.Progress)
	out.secrets = r.Secrets
	exported, err := b.newExport(r)
	if err != nil {
		return Result{}, err
	}
	defer exported.close()
	if r.Contexts, err = r.contexts(); err != nil {
		return Result{}, err
	}
	opt, err := b.solveOpt(r, names, exported)
	if err != nil {
		return Result{}, err
	}
	front := &frontEnd{request: r, names: names, temp: temp}
	var frontErr error
	_, err = b.engine.Client().Build(ctx, opt, "plinth", func(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
		front.Client = c
		front.opts = r.frontEndOpts()
		res, err := builder.Build(ctx, front)
		if err == nil {
			err = front.finish(res)
		}
		frontErr = err
		return res, err
	}, out.start())
	out.wait()
	if ctx.Err() != nil {
		return Result{}, ctx.Err()
	}
	if frontErr != nil {
		// the same error as err, but with its types: it has not been through the wire
		err = frontErr
	}
	if err != nil {
		return Result{}, guard.failure(r, err, front, out)
	}
	manifest, size, err := b.commit(ctx, r, front.baseConfig, exported)
	if ctx.Err() != nil {
		return Result{}, ctx.Err()
	}
	if err != nil {
		return Result{}, guard.failure(r, err, front, out)
	}
	if err := b.search(ctx, guard, r, front, manifest); err != nil {
		return Result{}, err
	}
	return Result{Manifest: manifest, Size: size, Warnings: guard.warnings(front.takeWarnings())}, nil
}

// solveOpt says where the engine finds files and parents and where results go.
func (b *Builder) solveOpt(r Request, names *names, out *export) (client.SolveOpt, error) {
	attrs := map[string]string{
		"tar":                           "false",
		string(exptypes.OptKeyOCITypes): "true",
		// the layers are compressed here and get their times here: the engine would
		// compress each of them twice
		string(exptypes.OptKeyLayerCompression): "uncompressed",
		string(exptypes.OptKeySourceDateEpoch):  strconv.FormatInt(r.Epoch, 10),
		string(exptypes.OptKeyRewriteTimestamp): "false",
	}
	opt := client.SolveOpt{
		Exports:             []client.ExportEntry{{Type: client.ExporterOCI, OutputStore: out, Attrs: attrs}},
		OCIStores:           map[string]content.Store{storeName: b.content},
		SourcePolicy:        names.policy(),
		AllowedEntitlements: []string{"network.host"},
		Internal:            true, // no record in the engine's history
		SharedKey:           r.ContextDigest,
	}
	var err error
	if opt.Session, err = r.session(); err != nil {
		return opt, err
	}
	if opt.SharedKey == "" {
		opt.SharedKey = identity.NewID()
	}
	opt.LocalMounts, err = r.localMounts()
	return opt, err
}

// frontEndOpts are the front end's options, as buildx passes them.
func (r Request) frontEndOpts() map[string]string {
	opts := map[string]string{
		"filename": r.DockerfilePath,
		// with a command line set the front end does not look for a syntax line
		// and so never pulls another front end
		"cmdline": "plinth",
	}
	if r.Platform != "" {
		opts["platform"] = r.Platform
	}
	if r.Stage != "" {
		opts["target"] = r.Stage
	}
	if r.NoCache {
		opts["no-cache"] = ""
	}
	for name, c := range r.Contexts {
		opts["context:"+name] = "local:" + localPrefix + name
		opts["sharedkey:localdir:"+name] = cmp.Or(c.Digest, identity.NewID())
	}
	for k, v := range r.Labels {
		opts["label:"+k] = v
	}
	args := maps.Clone(r.Args)
	if args == nil {
		args = map[string]string{}
	}
	if _, given := args[epochArg]; !given && declaresArg(r.Dockerfile, epochArg) {
		args[epochArg] = strconv.FormatInt(r.Epoch, 10)
	}
	for k, v := range args {
		opts["build-arg:"+k] = v
	}
	return opts
}
