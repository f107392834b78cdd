package build

import (
	"context"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/moby/buildkit/session/auth"
	"github.com/tonistiigi/fsutil"
	fstypes "github.com/tonistiigi/fsutil/types"
	"google.golang.org/grpc"
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
