package build

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/secrets"
	"github.com/moby/buildkit/session/secrets/secretsprovider"
	"github.com/moby/buildkit/session/sshforward/sshprovider"
	"github.com/moby/buildkit/solver/pb"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/secret"
)

// Secrets. RUN steps get them through the session. The log is masked step by
// step, before it is cut into lines; names and errors are masked as wholes.
// When the image is there it is searched, and thrown away when a value is in it:
// the blobs that have it leave the store, and what the RUN steps of this build left
// leaves the engine's cache, where it would otherwise be found again by a build
// with another value of the secret, or with none, that would see nothing wrong.
//
// What is known to be missing: what an earlier stage keeps for itself is in the engine's
// cache, which only root can read. And a process that is killed between the
// export and the search leaves blobs in the store that no image refers to.

// guard keeps the values of one build's secrets to itself.
type guard struct {
	secrets *secret.Set
	started time.Time
	log     *secret.Scanner
}

func newGuard(r Request) *guard {
	return &guard{secrets: r.Secrets, started: time.Now(), log: r.Secrets.Scanner()}
}

// watch looks for values in what goes into the log, which should have been masked.
func (g *guard) watch(log io.Writer) io.Writer {
	if log == nil || g.secrets.Empty() {
		return log
	}
	return io.MultiWriter(log, g.log)
}

// session is what the engine asks for secrets and agents.
func (r Request) session() ([]session.Attachable, error) {
	all := []session.Attachable{credentials{}, secretsprovider.NewSecretProvider(secretStore{r.Secrets})}
	if len(r.SSH) == 0 {
		return all, nil
	}
	var agents []sshprovider.AgentConfig
	for _, a := range r.SSH {
		agents = append(agents, sshprovider.AgentConfig{ID: a.ID, Paths: a.Paths})
	}
	ssh, err := sshprovider.NewSSHAgentProvider(agents)
	if err != nil {
		return nil, diag.Errorf(diag.Position{File: r.DockerfilePath}, "cannot build %s: cannot use the SSH agent: %w", r.Target, err)
	}
	return append(all, ssh), nil
}

// secretStore answers the engine.
type secretStore struct{ set *secret.Set }

// GetSecret implements secrets.SecretStore.
func (s secretStore) GetSecret(_ context.Context, id string) ([]byte, error) {
	value, ok := s.set.Get(id)
	if !ok {
		return nil, secrets.ErrNotFound
	}
	return value, nil
}

// mount is a secret or an agent that a RUN step asks for.
type mount struct {
	kind string // secret or ssh
	id   string
	line int
}

// ungivenError says that a RUN needs what was not given.
type ungivenError struct{ mounts []mount }

func (e *ungivenError) Error() string {
	m := e.mounts[0]
	if m.kind == "ssh" {
		return fmt.Sprintf("RUN needs the SSH agent %s, which was not given", m.id)
	}
	return fmt.Sprintf("RUN needs the secret %s, which was not given", m.id)
}

func (e *ungivenError) diagnose(r Request) *diag.Error {
	d := diag.Errorf(diag.Position{File: r.DockerfilePath, Line: e.mounts[0].line}, "cannot build %s: %w", r.Target, e)
	for _, m := range e.mounts {
		if m.kind == "ssh" {
			d = d.Hint("--ssh %s lets it ask the agent in $SSH_AUTH_SOCK, --ssh %s=KEYFILE gives it a key", m.id, m.id)
		} else {
			d = d.Hint("--secret id=%s,src=FILE or --secret id=%s,env=VARIABLE", m.id, m.id)
		}
	}
	return d
}

// checkMounts looks for RUN steps that need what is not there, before the first one runs.
func (r Request) checkMounts(steps []*vertex) error {
	var missing []mount
	for _, s := range steps {
		need := func(kind, id string, optional, given bool) {
			m := mount{kind, id, s.line()}
			same := func(o mount) bool { return o.kind == kind && o.id == id }
			if !optional && !given && !slices.ContainsFunc(missing, same) {
				missing = append(missing, m)
			}
		}
		exec := s.op.GetExec()
		for _, m := range exec.GetMounts() {
			switch m.MountType {
			case pb.MountType_SECRET:
				need("secret", m.SecretOpt.GetID(), m.SecretOpt.GetOptional(), r.Secrets.Has(m.SecretOpt.GetID()))
			case pb.MountType_SSH:
				given := func(a secret.Agent) bool { return a.ID == cmp.Or(m.SSHOpt.GetID(), secret.DefaultAgent) }
				need("ssh", cmp.Or(m.SSHOpt.GetID(), secret.DefaultAgent), m.SSHOpt.GetOptional(), slices.ContainsFunc(r.SSH, given))
			}
		}
		for _, e := range exec.GetSecretenv() {
			need("secret", e.ID, e.Optional, r.Secrets.Has(e.ID))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.SortStableFunc(missing, func(a, b mount) int { return cmp.Compare(a.line, b.line) })
	return &ungivenError{missing}
}

// failure is the function of that name, without values in what it says.
func (g *guard) failure(r Request, err error, front *frontEnd, out *output) error {
	var ungiven *ungivenError
	if errors.As(err, &ungiven) {
		return &BuildError{Err: ungiven.diagnose(r)}
	}
	err = failure(r, err, front, out)
	var b *BuildError
	if g.secrets.Empty() || !errors.As(err, &b) {
		return err
	}
	e := *b.Err
	e.Msg = g.secrets.Mask(e.Msg)
	e.Hints = nil
	for _, h := range b.Err.Hints {
		e.Hints = append(e.Hints, g.secrets.Mask(h))
	}
	if e.Err != nil && g.secrets.Mask(e.Err.Error()) != e.Err.Error() {
		// the cause goes, because its text is in reach of whoever unwraps it
		masked := errors.New(g.secrets.Mask(e.Err.Error()))
		if e.Err = masked; errors.Is(b.Err, syscall.ENOSPC) {
			e.Err = syscall.ENOSPC
		}
	}
	return &BuildError{Err: &e, Tail: b.Tail, ExitCode: b.ExitCode}
}

// warnings are the front end's, which quote the Dockerfile.
func (g *guard) warnings(all []Warning) []Warning {
	for i := range all {
		all[i].Text = g.secrets.Mask(all[i].Text)
	}
	return all
}

// finding is a value in the image.
type finding struct {
	secret.Finding
	place string // "layer 2", "config", "log"
	made  string // the instruction that made the layer, "" if that is not known
}

func (f finding) String() string {
	what := "the secret " + f.ID
	if f.Part {
		what = "a part of the secret " + f.ID
	}
	if strings.HasPrefix(f.place, "layer ") {
		return fmt.Sprintf("%s is in %s (%s, %s)", what, f.Where, f.place, f.Encoding)
	}
	if f.Where == "" {
		return fmt.Sprintf("%s is in its %s (%s)", what, f.place, f.Encoding)
	}
	return fmt.Sprintf("%s is in its %s (%s, %s)", what, f.place, f.Where, f.Encoding)
}

// search looks for values in an image that was built just now: its own layers, its
// config and manifest, and the log. When one is there it gives a *BuildError, and the blobs
// that hold it are gone.
func (b *Builder) search(ctx context.Context, g *guard, r Request, front *frontEnd, manifest ocispec.Descriptor) error {
	if g.secrets.Empty() {
		return nil
	}
	found, bad, err := b.findSecrets(ctx, g, front.baseConfig, manifest.Digest)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		err = fmt.Errorf("cannot look for secrets in the image: %w", err)
		return &BuildError{Err: diag.Errorf(diag.Position{File: r.DockerfilePath}, "cannot keep %s: %w", r.Target, errors.Join(err, b.remove(ctx, g, manifest.Digest)))}
	}
	if len(found) == 0 {
		return nil
	}
	// cleaning up goes on when the build was cancelled: that is what it is for
	ctx = context.WithoutCancel(ctx)
	e := keepError(r, found)
	if err := b.remove(ctx, g, append(bad, manifest.Digest)...); err != nil {
		e = e.Hint("remove it by hand, it is still in the image store: %s", g.secrets.Mask(err.Error()))
	}
	if left := b.forget(ctx, front.runs()); left > 0 {
		e = e.Hint("the engine still has it in its cache: after it is mended, build with --no-cache")
	}
	return &BuildError{Err: e}
}

// keepError says what was found. All findings but the first few are only counted.
func keepError(r Request, found []finding) *diag.Error {
	first := found[0]
	pos := diag.Position{File: r.DockerfilePath}
	if first.made != "" {
		pos.Line = lineOf(r.Dockerfile, instructionText(first.made))
	}
	e := diag.Errorf(pos, "cannot keep %s: %s", r.Target, r.Secrets.Mask(first.String()))
	if first.made != "" {
		e = e.Hint("the layer was made by %s", shorten([]string{r.Secrets.Mask(first.made)}))
	}
	const listed = 4
	for i, f := range found[1:] {
		if i == listed {
			e = e.Hint("and %d more places", len(found)-1-listed)
			break
		}
		e = e.Hint("also, %s", r.Secrets.Mask(f.String()))
	}
	e = e.Hint("read it where it is mounted, and write nothing that has it in it: what a later RUN deletes stays in the layer")
	return e.Hint("if it is no secret, add search=false to --secret id=%s", first.ID)
}

// instructionText is a part of an instruction as it stands in the Dockerfile, out of
// the words in the history of the image.
func instructionText(made string) string {
	made = strings.TrimSuffix(made, " # buildkit")
	if _, command, ok := strings.Cut(made, "/bin/sh -c "); ok {
		return command
	}
	return made
}

// findSecrets lists what is found, and the blobs that it is in.
func (b *Builder) findSecrets(ctx context.Context, g *guard, baseConfig []byte, manifest digest.Digest) (found []finding, bad []digest.Digest, err error) {
	m, err := b.store.ReadManifest(manifest)
	if err != nil {
		return nil, nil, err
	}
	raw, err := b.store.ReadConfig(manifest)
	if err != nil {
		return nil, nil, err
	}
	var config ocispec.Image
	if err := json.Unmarshal(raw, &config); err != nil {
		return nil, nil, err
	}
	below, err := layersBelow(config.RootFS.DiffIDs, baseConfig)
	if err != nil {
		return nil, nil, err
	}
	made := layerHistory(config.History)
	for i, layer := range m.Layers {
		if i < below {
			continue
		}
		hits, err := b.searchLayer(ctx, g, layer)
		if err != nil {
			return nil, nil, err
		}
		f := finding{place: fmt.Sprintf("layer %d", i+1)}
		if len(made) == len(m.Layers) {
			f.made = made[i]
		}
		for _, f.Finding = range hits {
			found = append(found, f)
		}
		if len(hits) > 0 {
			bad = append(bad, layer.Digest)
		}
	}
	hits, err := g.secrets.SearchJSON(raw)
	if err != nil {
		return nil, nil, err
	}
	for _, h := range hits {
		found = append(found, finding{Finding: h, place: "config"})
	}
	if len(hits) > 0 {
		bad = append(bad, m.Config.Digest)
	}
	annotations, err := json.Marshal(map[string]any{"annotations": m.Annotations})
	if err != nil {
		return nil, nil, err
	}
	if hits, err = g.secrets.SearchJSON(annotations); err != nil {
		return nil, nil, err
	}
	for _, h := range hits {
		found = append(found, finding{Finding: h, place: "manifest"})
	}
	for _, h := range g.log.Take() {
		found = append(found, finding{Finding: h, place: "log"})
	}
	return found, bad, nil
}

func (b *Builder) searchLayer(ctx context.Context, g *guard, layer ocispec.Descriptor) ([]secret.Finding, error) {
	blob, err := b.content.ReaderAt(ctx, layer)
	if err != nil {
		return nil, err
	}
	defer blob.Close()
	return g.secrets.SearchLayer(&contextReader{ctx, io.NewSectionReader(blob, 0, blob.Size())})
}

// contextReader ends when its context does.
type contextReader struct {
	ctx context.Context
	io.Reader
}

// Read implements io.Reader.
func (r *contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}

// layerHistory are the instructions that made a layer each.
func layerHistory(history []ocispec.History) (made []string) {
	for _, h := range history {
		if !h.EmptyLayer {
			made = append(made, h.CreatedBy)
		}
	}
	return made
}

// remove takes blobs that this build wrote out of the store.
func (b *Builder) remove(ctx context.Context, g *guard, blobs ...digest.Digest) error {
	var errs []error
	for _, d := range blobs {
		info, err := b.content.Info(ctx, d)
		// file systems round times down
		if err == nil && !info.CreatedAt.Before(g.started.Add(-time.Second)) {
			err = b.content.Delete(ctx, d)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// mask passes on what a step printed. Each of its two streams is masked by itself,
// because what one prints between two halves of a value in the other must not hide it.
func (o *output) mask(s *step, stream int, data []byte) {
	if o.secrets.Empty() {
		o.write(s, data)
		return
	}
	i := 0
	if stream == stderr {
		i = 1
	}
	if s.streams[i] == nil {
		s.streams[i] = o.secrets.Masker(stepWriter{o, s})
	}
	_, _ = s.streams[i].Write(data) // a stepWriter takes everything
}

// unmask passes on what is held back at the end of a step.
func (o *output) unmask(s *step) {
	for _, m := range s.streams {
		if m != nil {
			_ = m.Close()
		}
	}
}

// stderr is the number of a step's second stream, as the engine has it.
const stderr = 2

// stepWriter writes to the log of a step.
type stepWriter struct {
	out  *output
	step *step
}

// Write implements io.Writer.
func (w stepWriter) Write(p []byte) (int, error) {
	w.out.write(w.step, p)
	return len(p), nil
}
