package build

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	solvererrs "github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
	"github.com/opencontainers/go-digest"
	fstypes "github.com/tonistiigi/fsutil/types"
	"golang.org/x/sync/errgroup"

	"github.com/plinth-build/plinth/internal/diag"
)

// frontEnd stands between BuildKit's Dockerfile front end and the engine. It
// answers what we know better: the configs of images, the Dockerfile and its
// ignore file, none of which needs to go to the engine and back.
type frontEnd struct {
	gateway.Client
	request Request
	names   *names
	opts    map[string]string
	temp    []string // the temporary paths
	layers  []bool   // see moveTemps
	// baseConfig is the config of the image that the target stands on, once it is known
	baseConfig []byte

	mu       sync.Mutex
	warnings []Warning
	commands map[string][]string // of RUN steps by digest, for errors
}

func (f *frontEnd) BuildOpts() gateway.BuildOpts {
	o := f.Client.BuildOpts()
	o.Opts = f.opts
	return o
}

// Inputs gives the front end an empty context where there is no folder.
func (f *frontEnd) Inputs(context.Context) (map[string]llb.State, error) {
	if f.request.ContextDir != "" {
		return nil, nil
	}
	// a state without any step cannot be sent to the engine
	empty := llb.Scratch().File(llb.Mkdir("/.empty", 0o755), llb.WithCustomName("[internal] empty context"))
	return map[string]llb.State{contextName: empty}, nil
}

// ResolveImageConfig answers from the store for parents, asks the registry for
// upstreams by digest, and refuses everything else.
func (f *frontEnd) ResolveImageConfig(ctx context.Context, ref string, opt sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	if opt.ImageOpt == nil {
		return "", "", nil, unknownReference(f.request, f.names, ref)
	}
	entry := f.names.lookup(ref, opt.ImageOpt.Platform)
	if entry == nil {
		return "", "", nil, unknownReference(f.request, f.names, ref)
	}
	if entry.image.Manifest != "" {
		return ref, entry.image.Manifest, entry.config, nil
	}
	resolved, dgst, config, err := f.Client.ResolveImageConfig(ctx, entry.upstream, opt)
	if err != nil {
		return "", "", nil, &pullError{ref: entry.upstream, err: err}
	}
	return resolved, dgst, config, nil
}

// ResolveSourceMetadata is how newer front ends ask the same. Ours asks it of
// git and http sources only; images go through ResolveImageConfig.
func (f *frontEnd) ResolveSourceMetadata(ctx context.Context, op *pb.SourceOp, opt sourceresolver.Opt) (*sourceresolver.MetaResponse, error) {
	if ref, ok := strings.CutPrefix(op.GetIdentifier(), "docker-image://"); ok {
		return nil, unknownReference(f.request, f.names, ref)
	}
	return f.Client.ResolveSourceMetadata(ctx, op, opt)
}

// Solve answers for the Dockerfile and .dockerignore, and passes everything else
// on after the passes over the graph of steps.
func (f *frontEnd) Solve(ctx context.Context, req gateway.SolveRequest) (*gateway.Result, error) {
	if files, ok := f.localFiles(req.Definition); ok {
		res := gateway.NewResult()
		res.SetRef(files)
		return res, nil
	}
	if req.Definition == nil {
		return f.Client.Solve(ctx, req)
	}
	g, err := readGraph(req.Definition)
	if err != nil {
		return nil, err
	}
	f.names.redirect(g)
	g.placeSources()
	var unused []fileSystem
	if len(f.temp) > 0 {
		if f.layers, unused, err = moveTemps(g, f.temp); err != nil {
			return nil, err
		}
	}
	if req.Definition, err = g.definition(g.result); err != nil {
		return nil, err
	}
	f.noteCommands(req.Definition)
	if err := f.request.checkMounts(g.steps); err != nil {
		return nil, err
	}
	return f.solveAll(ctx, g, req, unused)
}

// solveAll solves the request, and evaluates the other outputs beside it, so that
// the engine has them in its cache.
func (f *frontEnd) solveAll(ctx context.Context, g *graph, req gateway.SolveRequest, others []fileSystem) (*gateway.Result, error) {
	if len(others) == 0 {
		return f.Client.Solve(ctx, req)
	}
	var res *gateway.Result
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() (err error) {
		req.Evaluate = true
		res, err = f.Client.Solve(ctx, req)
		return err
	})
	for _, o := range others {
		def, err := g.definition(o)
		if err != nil {
			return nil, errors.Join(err, all.Wait())
		}
		all.Go(func() error {
			_, err := f.Client.Solve(ctx, gateway.SolveRequest{Definition: def, Evaluate: true})
			return err
		})
	}
	return res, all.Wait()
}

// noteCommands remembers what the RUN steps run.
func (f *frontEnd) noteCommands(def *pb.Definition) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.commands == nil {
		f.commands = map[string][]string{}
	}
	for _, data := range def.Def {
		var op pb.Op
		if op.Unmarshal(data) == nil && op.GetExec() != nil {
			f.commands[digest.FromBytes(data).String()] = op.GetExec().GetMeta().GetArgs()
		}
	}
}

// command gives the arguments of the RUN step that an error of the engine is
// about, nil when it is about none.
func (f *frontEnd) command(err error) []string {
	var vertex *solvererrs.VertexError
	if !errors.As(err, &vertex) {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.commands[vertex.Digest]
}

// localFiles recognises the front end's requests for single files: the source
// "dockerfile", and contexts restricted to .dockerignore.
func (f *frontEnd) localFiles(def *pb.Definition) (memoryFiles, bool) {
	if def == nil || len(def.Def) != 2 { // a source, and the mark for the end
		return nil, false
	}
	var op pb.Op
	if err := op.UnmarshalVT(def.Def[0]); err != nil || op.GetSource() == nil {
		return nil, false
	}
	source := op.GetSource()
	name, _ := strings.CutPrefix(source.Identifier, "local://")
	files, dir := memoryFiles{}, f.request.ContextDir
	if name == "dockerfile" {
		files[f.request.DockerfilePath] = f.request.Dockerfile
		files.addIgnoreFile(dir, path.Base(f.request.DockerfilePath)+".dockerignore", f.request.DockerfilePath+".dockerignore")
		return files, true
	}
	if c, ok := f.request.Contexts[strings.TrimPrefix(name, localPrefix)]; ok && strings.HasPrefix(name, localPrefix) {
		dir = c.Dir
	} else if name != contextName {
		return nil, false
	}
	var paths []string
	if json.Unmarshal([]byte(source.Attrs[pb.AttrFollowPaths]), &paths) != nil || len(paths) != 1 || paths[0] != ".dockerignore" {
		return nil, false
	}
	files.addIgnoreFile(dir, ".dockerignore", ".dockerignore")
	return files, true
}

// addIgnoreFile reads name from a folder under the name the front end uses.
func (m memoryFiles) addIgnoreFile(dir, name, as string) {
	if dir == "" {
		return
	}
	if data, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
		m[as] = data
	}
}

// Warn collects the front end's remarks.
func (f *frontEnd) Warn(_ context.Context, _ digest.Digest, msg string, opts gateway.WarnOpts) error {
	w := Warning{Text: msg, URL: opts.URL, Pos: diag.Position{File: f.request.DockerfilePath}}
	if len(opts.Range) > 0 {
		w.Pos.Line = int(opts.Range[0].GetStart().GetLine())
	}
	// the front end writes "Rule: text (line 3)"
	if rule, text, ok := strings.Cut(msg, ": "); ok && !strings.Contains(rule, " ") {
		w.Rule, w.Text = rule, text
	}
	if i := strings.LastIndex(w.Text, " (line "); i >= 0 && strings.HasSuffix(w.Text, ")") {
		w.Text = w.Text[:i]
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.warnings = append(f.warnings, w)
	return nil
}

func (f *frontEnd) takeWarnings() []Warning {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.warnings
}

// memoryFiles is a result of the engine that was never in the engine.
type memoryFiles map[string][]byte

func (m memoryFiles) ToState() (llb.State, error)    { return llb.Scratch(), nil }
func (m memoryFiles) Evaluate(context.Context) error { return nil }

func (m memoryFiles) ReadFile(_ context.Context, req gateway.ReadRequest) ([]byte, error) {
	data, ok := m[req.Filename]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: req.Filename, Err: fs.ErrNotExist}
	}
	if r := req.Range; r != nil {
		data = data[min(r.Offset, len(data)):]
		data = data[:min(r.Length, len(data))]
	}
	return bytes.Clone(data), nil
}

func (m memoryFiles) StatFile(_ context.Context, req gateway.StatRequest) (*fstypes.Stat, error) {
	data, ok := m[req.Path]
	if !ok {
		return nil, &fs.PathError{Op: "stat", Path: req.Path, Err: fs.ErrNotExist}
	}
	return &fstypes.Stat{Path: req.Path, Mode: 0o644, Size: int64(len(data))}, nil
}

func (m memoryFiles) ReadDir(context.Context, gateway.ReadDirRequest) ([]*fstypes.Stat, error) {
	list := make([]*fstypes.Stat, 0, len(m))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		list = append(list, &fstypes.Stat{Path: name, Mode: 0o644, Size: int64(len(m[name]))})
	}
	return list, nil
}

const epochArg = "SOURCE_DATE_EPOCH"

// declaresArg says whether an ARG of the Dockerfile has the name. The epoch is
// passed to those that ask for it only: the front end puts a given epoch into
// the cache keys of steps, and each commit would build everything anew.
func declaresArg(dockerfile []byte, name string) bool {
	parsed, err := parser.Parse(bytes.NewReader(dockerfile))
	if err != nil {
		return false // the front end reports it
	}
	for _, node := range parsed.AST.Children {
		if !strings.EqualFold(node.Value, "arg") {
			continue
		}
		for arg := node.Next; arg != nil; arg = arg.Next {
			if key, _, _ := strings.Cut(arg.Value, "="); key == name {
				return true
			}
		}
	}
	return false
}
