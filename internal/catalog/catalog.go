// Package catalog reads plinth.yaml and the image folders under it into an
// immutable Catalog.
//
//	c, err := catalog.Load(root)
//
// Load is strict: an unknown key, a value of the wrong type, a key given twice
// or a file that cannot be read is an error with its place, and all problems of
// all files come at once, in order. Positions name files relative to the root.
//
// A Catalog says what is written, no more: what the references in it mean, and
// what the templates in it give, is for package graph to find out.
package catalog

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/dockerfile"
	"github.com/plinth-build/plinth/internal/ociref"
)

// The files that make a catalog.
const (
	ConfigFile     = "plinth.yaml"
	ImageFile      = "image.yaml"
	DockerfileFile = "Dockerfile"
)

// DefaultState is the state folder when plinth.yaml names none.
const DefaultState = ".plinth"

// Catalog is everything that was read. It does not change after Load.
type Catalog struct {
	Root   string // absolute
	Config Config
	Images []*Image // by Dir

	Flavours map[string]*Flavour // by name
}

// Config is plinth.yaml.
type Config struct {
	Registry  string   // as written, such as registry.acme.example/base
	Aliases   []string // prefixes that are ours besides the registry, without a trailing /*
	Images    []string // globs as written; empty means the default folders
	Args      map[string]string
	Labels    map[string]string
	Platforms []ociref.Platform // at least one
	Refresh   Refresh
	Debian    DebianConfig
	State     string // as written, relative to the root unless absolute

	Flavours       []FlavourUse // of images that say nothing else
	FlavourName    string       // template, never empty
	FlavourNamePos diag.Position
	DefaultFlavour string // "" for none
	Squash         Squash
	Temp           []string // absolute and clean
	Tags           []string // templates
	TagsPos        diag.Position
	Secrets        []SecretSource // by id
	Lint           LintConfig
}

// SecretSource says where a build secret comes from: one of Env and File.
type SecretSource struct {
	ID   string
	Env  string // environment variable
	File string // absolute path
	Pos  diag.Position
}

// FlavourUse says that an image has a flavour, or several laid over each other.
type FlavourUse struct {
	Name  string   // as written, such as init+telemetry
	Parts []string // its flavours, the lowest first
	Pos   diag.Position
}

// Flavour is a small Dockerfile that is laid over finished images.
type Flavour struct {
	Name        string
	Dir         string // slash path relative to the root
	Title       string
	Description string
	Args        map[string]string
	Labels      map[string]string
	Dockerfile  *dockerfile.File
	Refresh     Refresh  // "" means that of the image
	Squash      Squash   // "" means that of the catalog
	Temp        []string // in addition to those of the image

	Pos      diag.Position
	ArgPos   map[string]diag.Position
	LabelPos map[string]diag.Position
}

// Context is a folder that a Dockerfile copies from besides its own.
type Context struct {
	Dir string // slash path relative to the root
	Pos diag.Position
}

// DebianConfig is where package images take their packages from.
type DebianConfig struct {
	Keyring  string                   // slash path relative to the root; "" means the archive's own keys
	Releases map[string]DebianRelease // by release number; those that plinth knows are always there
	Signers  []string                 // fingerprints in upper-case hex; empty means any key of the keyring
}

// DebianRelease is the package sources of one Debian release.
type DebianRelease struct {
	Sources []DebianSource
}

// DebianSource is one line of a sources.list.
type DebianSource struct {
	URI        string
	Suite      string
	Components []string // at least one
}

// Image is one folder of the catalog: a Dockerfile or a list of packages.
type Image struct {
	Dir          string // slash path relative to the root
	Tier         string // the number in front of the folder's name as written, such as 0100; "" when there is none
	Name         string // the folder's name without its tier
	Title        string
	Description  string
	Owners       []string
	Args         map[string]string // those of image.yaml only
	Labels       map[string]string // those of image.yaml only
	Matrix       []Axis
	NameTemplate string // "" means the default: the name, followed by the values of the matrix
	Refresh      Refresh
	Dockerfile   *dockerfile.File // nil for a package image
	Packages     *Packages        // nil for a Dockerfile
	Target       string           // stage to build, "" for the last
	Platforms    []ociref.Platform

	Flavours       []FlavourUse // in the order written
	DefaultFlavour string       // "" for none
	Squash         Squash
	Temp           []string // in addition to what is inherited; absolute and clean
	NoTemp         bool     // temp: [], nothing is inherited either
	Tags           []string // templates
	TagsPos        diag.Position
	Version        string // template, "" if none is given
	VersionPos     diag.Position
	Contexts       map[string]Context

	Pos       diag.Position // of image.yaml when there is one, otherwise of the Dockerfile
	NamePos   diag.Position // of the name template, otherwise Pos
	TargetPos diag.Position // of the stage's name, otherwise Pos
	ArgPos    map[string]diag.Position
	LabelPos  map[string]diag.Position
}

// Axis is one dimension of a matrix.
type Axis struct {
	Name   string
	Values []string // as written
	Pos    diag.Position
}

// Packages is an image that is made of Debian packages. Its strings may hold
// templates over the matrix; Graph expands them.
type Packages struct {
	Names        []Named
	Mode         Mode
	Debian       string // 12 or 13; "" until the graph knows the parent
	DebianPos    diag.Position
	From         string // "" for an image that starts from nothing
	FromPos      diag.Position
	Exclude      []Named
	Docs         bool
	Files        []FileSpec
	Users        []User
	Groups       []Group
	Env          []EnvVar // in the order written
	Entrypoint   []string
	Cmd          []string
	User         string
	WorkingDir   string
	ExposedPorts []string // 8080/tcp
	StopSignal   string
	Pos          diag.Position // of the key packages
}

// Named is a name with its place.
type Named struct {
	Name string
	Pos  diag.Position
}

// EnvVar is one environment variable.
type EnvVar struct {
	Name  string
	Value string
	Pos   diag.Position
}

// FileSpec is a file to add to a package image: from Source, or with Content.
type FileSpec struct {
	Path    string // absolute, in the image
	Source  string // slash path relative to the image's folder; "" when there is content
	Content string
	Mode    fs.FileMode // permission, setuid, setgid and sticky bits, as Unix numbers them
	UID     int
	GID     int
	Pos     diag.Position
}

// User is a user to add to a package image.
type User struct {
	Name  string
	UID   int
	GID   int
	Home  string
	Shell string
	Pos   diag.Position
}

// Group is a group to add to a package image.
type Group struct {
	Name string
	GID  int
	Pos  diag.Position
}

// Load reads the catalog whose plinth.yaml lies in root. It does not look
// further up; see FindRoot. The error holds a *diag.Error for each problem.
func Load(root string) (*Catalog, error) {
	abs, err := filepath.Abs(root)
	if err != nil {
		return nil, diag.Errorf(diag.Position{}, "cannot find the catalog: %w", err)
	}
	data, err := os.ReadFile(filepath.Join(abs, ConfigFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, missingConfig([]string{abs})
	}
	if err != nil {
		return nil, diag.Errorf(diag.Position{File: ConfigFile}, "cannot read %s: %w", ConfigFile, reason(err))
	}
	l := &loader{root: abs}
	c := &Catalog{Root: abs, Config: l.config(data)}
	c.Flavours = l.flavours()
	l.known = c.Flavours
	l.checkFlavours(c.Config.Flavours, c.Config.DefaultFlavour, l.defaultFlavourPos)
	for _, dir := range l.folders(c.Config) {
		if img := l.image(dir, c.Config); img != nil {
			c.Images = append(c.Images, img)
		}
	}
	if err := l.problems.Err(); err != nil {
		return nil, err
	}
	return c, nil
}

// FindRoot is the nearest folder with a plinth.yaml, from dir upwards, as an
// absolute path.
func FindRoot(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", diag.Errorf(diag.Position{}, "cannot find the catalog: %w", err)
	}
	var looked []string
	for {
		_, err := os.Lstat(filepath.Join(abs, ConfigFile))
		if err == nil {
			return abs, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", diag.Errorf(diag.Position{File: filepath.Join(abs, ConfigFile)}, "cannot read %s: %w", ConfigFile, reason(err))
		}
		looked = append(looked, abs)
		parent := filepath.Dir(abs)
		if parent == abs {
			return "", missingConfig(looked)
		}
		abs = parent
	}
}

func missingConfig(looked []string) *diag.Error {
	return diag.Errorf(diag.Position{}, "cannot find %s: looked in %s", ConfigFile, strings.Join(looked, ", ")).
		Hint("create it in the folder that holds the image folders, with this line: registry: registry.example.com/base")
}

// reason is err without the operation and the path, which the message names already.
func reason(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}

// loader carries what all steps of Load need.
type loader struct {
	root  string
	globs []diag.Position // of Config.Images
	known map[string]*Flavour
	// defaultFlavourPos is where plinth.yaml names the default flavour.
	defaultFlavourPos diag.Position
	problems          diag.List
}

func (l *loader) fail(pos diag.Position, format string, args ...any) *diag.Error {
	e := diag.Errorf(pos, format, args...)
	l.problems.Add(e)
	return e
}
