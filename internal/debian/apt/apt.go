// Package apt reads Debian's signed package indexes and chooses packages as
// apt does.
//
//	client, err := apt.New(apt.Options{CacheDir: dir})
//	index, err := client.Fetch(ctx, "amd64", []apt.SourceSpec{{URI: "http://deb.debian.org/debian", Suite: "bookworm"}})
//	result, err := index.Resolve(apt.Request{Packages: []apt.Named{{Name: "openjdk-17-jre-headless"}}})
//	index.Sources(), index.Epoch()
//
// Trust runs in one line: a key in the keyring signs InRelease; InRelease holds
// the SHA-256 of each Packages file; Packages holds the SHA-256 of each .deb. A
// cached index is checked against InRelease at each use, so nobody has to
// trust the cache folder, nor the way to the mirror.
//
// Resolve gives what `apt-get install --no-install-recommends` would install on
// an empty dpkg status; what it does not imitate is written in resolve.go.
//
// Everything a user can cause comes back as *diag.Error; no input panics.
package apt

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/lock"
)

// clockSkew is how far a mirror's clock may be ahead of ours.
const clockSkew = 24 * time.Hour

// Options says where indexes are cached and whom to trust. Only CacheDir is needed.
type Options struct {
	// CacheDir keeps downloaded indexes, named by hash. It is made when needed and may be deleted at any time.
	CacheDir string
	// Keyring is the path of a file with OpenPGP public keys; "" is Debian's keyring for 12 and 13, which is built in.
	Keyring    string
	KeyringPos diag.Position // where Keyring was written
	// Signers pins the keys: at least one good signature has to be by a key with one of
	// these fingerprints (primary key or subkey, hex). nil accepts any key of the keyring.
	Signers []string
	// Transport carries requests; nil is a transport that honours the proxy variables of the environment.
	Transport http.RoundTripper
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Timeout is how long a mirror may stay silent, 0 means 30 s. A whole file may take twenty times that.
	Timeout time.Duration
	// Backoff is the pause before the second of three tries, 0 means 500 ms. It doubles.
	Backoff time.Duration
}

// Client fetches indexes. It may be used from several goroutines.
type Client struct {
	opt  Options
	keys openpgp.EntityList
	http *downloader
}

// SourceSpec names a suite of an archive.
type SourceSpec struct {
	URI        string   // the archive root, with dists/ and pool/ below it
	Suite      string   // "bookworm-security": a folder below dists/
	Components []string // nil means main
	Pos        diag.Position
}

// New reads the keyring.
func New(opt Options) (*Client, error) {
	keys, err := loadKeyring(opt.Keyring, opt.KeyringPos)
	if err != nil {
		return nil, err
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Timeout <= 0 {
		opt.Timeout = 30 * time.Second
	}
	if opt.Backoff <= 0 {
		opt.Backoff = 500 * time.Millisecond
	}
	return &Client{opt: opt, keys: keys, http: newDownloader(opt)}, nil
}

// Fetch downloads and checks the indexes of the given suites for a Debian
// architecture such as "amd64". Versions that several suites have are taken
// from the first. All problems come back at once, as *diag.Errors at the
// positions of the specs.
func (c *Client) Fetch(ctx context.Context, arch string, specs []SourceSpec) (*Index, error) {
	if len(specs) == 0 {
		return nil, diag.Errorf(diag.Position{}, "cannot read package indexes: no source is given")
	}
	fetched := make([][]*packagesFile, len(specs))
	errs := make([]error, len(specs))
	var wg sync.WaitGroup
	for i, spec := range specs {
		wg.Go(func() { fetched[i], errs[i] = c.fetchSuite(ctx, arch, spec) })
	}
	wg.Wait()
	var list diag.List
	for _, err := range errs {
		list.AddErr(err)
	}
	if err := list.Err(); err != nil {
		return nil, err
	}
	return newIndex(arch, slices.Concat(fetched...))
}

// fetchSuite gives the Packages files of one suite, one for each component.
func (c *Client) fetchSuite(ctx context.Context, arch string, spec SourceSpec) ([]*packagesFile, error) {
	spec.URI = strings.TrimRight(spec.URI, "/")
	if len(spec.Components) == 0 {
		spec.Components = []string{"main"}
	}
	base := spec.URI + "/dists/" + spec.Suite
	data, err := c.http.get(ctx, base+"/InRelease", maxRelease)
	if err != nil {
		return nil, unreachable(spec, base+"/InRelease", err)
	}
	rel, err := c.openRelease(data, spec, base+"/InRelease")
	if err != nil {
		return nil, err
	}
	files := make([]*packagesFile, len(spec.Components))
	errs := make([]error, len(spec.Components))
	var wg sync.WaitGroup
	for i, component := range spec.Components {
		wg.Go(func() { files[i], errs[i] = c.fetchPackages(ctx, rel, spec, component, arch) })
	}
	wg.Wait()
	return files, errors.Join(errs...)
}

// packagesFile is one checked Packages file.
type packagesFile struct {
	source lock.Source
	date   time.Time
	pin    int // apt's priority for the suite's packages
	data   []byte
}

// unreachable is the error for a file that could not be had.
func unreachable(spec SourceSpec, url string, err error) error {
	var user *diag.Error
	if errors.As(err, &user) || errors.Is(err, context.Canceled) {
		return err
	}
	e := diag.Errorf(spec.Pos, "cannot fetch %s: %w", url, err)
	if errors.Is(err, errNotFound) {
		return e.Hint("the mirror has no such suite or is not a Debian mirror: see `debian: releases:` in plinth.yaml")
	}
	return e.Hint("is the network up? behind a proxy, set http_proxy and https_proxy").
		Hint("another mirror is set with `debian: releases:` in plinth.yaml")
}
