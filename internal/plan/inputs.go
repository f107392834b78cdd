package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/plinth-build/plinth/internal/buildctx"
	"github.com/plinth-build/plinth/internal/catalog"
)

// codeVersion is part of every id: it moves when the code that turns inputs
// into an image changes what comes out, so that results of an older plinth are
// not taken for its own.
const codeVersion = "2"

// Inputs is everything that decides what an image contains. Two targets with
// equal inputs are one image. Fields are added at will; an empty one is left
// out of the id, so old ids stay valid.
type Inputs struct {
	Code       string            `json:"code"`
	Platform   string            `json:"platform"`
	Dockerfile string            `json:"dockerfile,omitempty"` // SHA-256 of its text, hex
	Stage      string            `json:"stage,omitempty"`
	Context    string            `json:"context,omitempty"` // digest of what .dockerignore lets through
	Args       map[string]string `json:"args,omitempty"`
	Labels     map[string]string `json:"labels,omitempty"`
	Packages   *PackageInputs    `json:"packages,omitempty"`
	Squash     catalog.Squash    `json:"squash,omitempty"`    // of a Dockerfile
	Temp       []string          `json:"temp,omitempty"`      // of a Dockerfile: paths that reach no layer
	Contexts   map[string]string `json:"contexts,omitempty"`  // named context → digest of its content
	Secrets    []string          `json:"secrets,omitempty"`   // names of the secrets and agents that RUN steps get; never a value
	Parents    map[string]string `json:"parents,omitempty"`   // target → what its image gives to others, see store.Result
	Upstreams  map[string]string `json:"upstreams,omitempty"` // reference → locked digest
	Window     string            `json:"window,omitempty"`
	Epoch      string            `json:"epoch,omitempty"` // SOURCE_DATE_EPOCH when the user gave one, seconds
}

// PackageInputs are the inputs of a package image beside its parent. They hold
// no positions: a comment in image.yaml changes no image. Package names are not
// here either: what they were resolved to is.
type PackageInputs struct {
	Mode         catalog.Mode      `json:"mode"`
	Release      string            `json:"release"`
	Docs         bool              `json:"docs,omitempty"`
	Debs         string            `json:"debs"`            // SHA-256 over the archives' names, versions and hashes, hex
	Files        map[string]string `json:"files,omitempty"` // path in the image → mode, owner and SHA-256
	Users        []string          `json:"users,omitempty"`
	Groups       []string          `json:"groups,omitempty"`
	Env          []string          `json:"env,omitempty"` // NAME=value
	Entrypoint   []string          `json:"entrypoint,omitempty"`
	Cmd          []string          `json:"cmd,omitempty"`
	User         string            `json:"user,omitempty"`
	WorkingDir   string            `json:"workdir,omitempty"`
	ExposedPorts []string          `json:"ports,omitempty"`
	StopSignal   string            `json:"stop_signal,omitempty"`
	Epoch        int64             `json:"epoch"` // from the lock, seconds
	// AptSources are the archives that a full image's own apt asks.
	AptSources []string `json:"apt_sources,omitempty"`
}

// packageInputs takes over what the catalog says of a package image.
func packageInputs(spec *catalog.Packages) *PackageInputs {
	in := &PackageInputs{
		Mode: spec.Mode, Release: spec.Debian, Docs: spec.Docs, Entrypoint: spec.Entrypoint, Cmd: spec.Cmd,
		User: spec.User, WorkingDir: spec.WorkingDir, ExposedPorts: spec.ExposedPorts, StopSignal: spec.StopSignal,
	}
	for _, u := range spec.Users {
		in.Users = append(in.Users, fmt.Sprintf("%s:%d:%d:%s:%s", u.Name, u.UID, u.GID, u.Home, u.Shell))
	}
	for _, g := range spec.Groups {
		in.Groups = append(in.Groups, fmt.Sprintf("%s:%d", g.Name, g.GID))
	}
	for _, e := range spec.Env {
		in.Env = append(in.Env, e.Name+"="+e.Value)
	}
	return in
}

// ID is the SHA-256 of the inputs in hex. JSON of a struct has a fixed field
// order and sorts maps by key, so it is canonical enough.
func (in Inputs) ID() string {
	data, err := json.Marshal(in)
	if err != nil {
		panic(fmt.Sprintf("plan: inputs cannot be marshalled: %v", err)) // strings, numbers and maps of strings always can
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// Window names the refresh window that now falls into, in UTC: "2026-11-22",
// "2026-W47" (ISO 8601), "2026-11"; for always the instant itself, and ""
// for never.
func Window(r catalog.Refresh, now time.Time) string {
	now = now.UTC()
	switch r {
	case catalog.Always:
		return now.Format(time.RFC3339Nano)
	case catalog.Daily:
		return now.Format(time.DateOnly)
	case catalog.Monthly:
		return now.Format("2006-01")
	case catalog.Never:
		return ""
	default:
		year, week := now.ISOWeek()
		return fmt.Sprintf("%d-W%02d", year, week)
	}
}

// Snapshot is what is kept of a target's last build, so that the next run can
// say what changed. It decides nothing: only ids do.
type Snapshot struct {
	ID      string           `json:"id"`
	Digest  string           `json:"digest"`
	Content string           `json:"content"` // of the result, see store.Result
	Inputs  Inputs           `json:"inputs"`
	Entries []buildctx.Entry `json:"entries,omitempty"` // the context
	Debs    []string         `json:"debs,omitempty"`    // lock keys: name_version_arch
	Why     []Reason         `json:"why"`               // why it was built
	Built   time.Time        `json:"built"`
	Took    time.Duration    `json:"took"` // nanoseconds
	// Moved is the last build that changed the digest: what a child was built
	// for. A later build that came out the same is not the cause of anything.
	Moved Move `json:"moved"`
}

// Move is a build after which a target was another image.
type Move struct {
	Why   []Reason  `json:"why"`
	Built time.Time `json:"built"`
}
