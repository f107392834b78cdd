package build

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/distribution/reference"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/session/auth"
	"github.com/tonistiigi/fsutil"
	fstypes "github.com/tonistiigi/fsutil/types"
	"google.golang.org/grpc"

	"github.com/plinth-build/plinth/internal/diag"
)

// ContextTime is the time of all files of a build context, 2000-01-01 UTC in
// seconds since 1970. A checkout's times say nothing, COPY would carry them into
// layers, and make in a RUN must not find sources newer than what was made from
// them. It may not be SOURCE_DATE_EPOCH, which may differ from build to build:
// the engine knows files by their content, so a COPY that it has done before
// would bring the time of then. Zip archives begin with 1980.
const ContextTime = 946684800

// contextFS is the folder as the engine sees it.
// The engine compares a file's time and size with those of the copy it has, so
// it would take a changed file of the same size for unchanged; the session's
// shared key, made of the content's digest, keeps it from comparing.
func contextFS(dir string) (fsutil.FS, error) {
	files, err := fsutil.NewFS(dir)
	if err != nil {
		return nil, err
	}
	return fsutil.NewFilterFS(files, &fsutil.FilterOpt{Map: func(_ string, st *fstypes.Stat) fsutil.MapResult {
		st.ModTime = time.Unix(ContextTime, 0).UnixNano()
		return fsutil.MapResultKeep
	}})
}

// localPrefix begins the names under which the engine asks for named contexts.
const localPrefix = "from-"

// contexts gives the named contexts under their names in the front end's normal
// form, without those that a stage of the Dockerfile takes the place of: the
// front end would take them in the place of the stage.
func (r Request) contexts() (map[string]Context, error) {
	stages := stageNames(r.Dockerfile)
	out := map[string]Context{}
	for name, c := range r.Contexts {
		ref, err := reference.ParseNormalizedNamed(name)
		if err == nil && slices.Contains([]string{"context", "scratch"}, name) {
			err = errors.New("it has a meaning of its own")
		}
		if err != nil {
			return nil, diag.Errorf(diag.Position{File: r.DockerfilePath}, "cannot build %s: %q cannot be the name of a context: %w", r.Target, name, err)
		}
		name = strings.TrimSuffix(reference.FamiliarString(ref), ":latest")
		if !slices.Contains(stages, name) {
			out[name] = c
		}
	}
	return out, nil
}

// stageNames gives the names of the Dockerfile's stages, in lower case.
func stageNames(dockerfile []byte) (names []string) {
	parsed, err := parser.Parse(bytes.NewReader(dockerfile))
	if err != nil {
		return nil // the front end reports it
	}
	for _, node := range parsed.AST.Children {
		if !strings.EqualFold(node.Value, "from") || node.Next == nil {
			continue
		}
		if as := node.Next.Next; as != nil && strings.EqualFold(as.Value, "as") && as.Next != nil {
			names = append(names, strings.ToLower(as.Next.Value))
		}
	}
	return names
}

// localMounts are the folders that the engine may read.
func (r Request) localMounts() (map[string]fsutil.FS, error) {
	dirs := map[string]string{}
	if r.ContextDir != "" {
		dirs[contextName] = r.ContextDir
	}
	for name, c := range r.Contexts {
		dirs[localPrefix+name] = c.Dir
	}
	mounts := map[string]fsutil.FS{}
	for name, dir := range dirs {
		files, err := contextFS(dir)
		if err != nil {
			what := "the build context"
			if name != contextName {
				what = "the context " + strings.TrimPrefix(name, localPrefix)
			}
			return nil, diag.Errorf(diag.Position{File: r.DockerfilePath}, "cannot read %s: %w", what, err)
		}
		mounts[name] = files
	}
	return mounts, nil
}

// credentials tells the engine the passwords of registries, from where docker
// login and its helpers keep them.
type credentials struct{ auth.UnimplementedAuthServer }

// Register implements session.Attachable.
func (c credentials) Register(server *grpc.Server) { auth.RegisterAuthServer(server, c) }

// Credentials implements auth.AuthServer. No entry is no error: most registries
// let anybody read.
func (credentials) Credentials(_ context.Context, req *auth.CredentialsRequest) (*auth.CredentialsResponse, error) {
	host := req.Host
	if host == "registry-1.docker.io" {
		host = "index.docker.io"
	}
	found, err := authn.DefaultKeychain.Resolve(registryHost(host))
	if err != nil {
		return nil, err
	}
	a, err := found.Authorization()
	if err != nil {
		return nil, err
	}
	if a.IdentityToken != "" {
		return &auth.CredentialsResponse{Secret: a.IdentityToken}, nil
	}
	return &auth.CredentialsResponse{Username: a.Username, Secret: a.Password}, nil
}

// registryHost is a registry as a keychain asks for it.
type registryHost string

func (h registryHost) String() string      { return string(h) }
func (h registryHost) RegistryStr() string { return string(h) }
