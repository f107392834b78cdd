package image

import (
	"bytes"
	"cmp"
	"encoding/pem"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pavlo-v-chernykh/keystore-go/v4"

	"github.com/plinth-build/plinth/internal/debian/deb"
)

// Root certificates come from the packages, below usr/share/ca-certificates
// (ca-certificates), and from the image's own files, below
// usr/local/share/ca-certificates, where update-ca-certificates(8) looks too.
// A Distroless image gets them in the two forms that its programs read: one file
// of PEM, and Java's trust store when something links to it. The folder of
// hashed links that Debian makes beside the bundle is left out, as
// gcr.io/distroless does: SSL_CERT_FILE points OpenSSL and Go at the bundle.
// All certificates that Debian ships are taken: which ones it distrusts is
// decided in its package, by not shipping them.

const (
	caBundle   = "etc/ssl/certs/ca-certificates.crt"
	javaStore  = "etc/ssl/certs/java/cacerts"
	sharedCA   = "usr/share/ca-certificates/"
	localCerts = "usr/local/share/ca-certificates/"
	// javaPassword is what the JDK itself, Debian and everybody else use: it
	// guards against accidents, not against anybody.
	javaPassword = "changeit"
)

// root is one file with root certificates.
type root struct {
	path string
	pem  []byte
}

// roots are all files with root certificates in the image, by path: first those
// of packages, then local ones. own says whether one of them is new in this
// image and not its parent's.
func (b *builder) roots() (all []root, own bool) {
	for name, n := range b.tree.nodes {
		if strings.HasPrefix(name, sharedCA) && strings.HasSuffix(name, ".crt") && n.pkg.Small[name] != nil {
			all = append(all, root{name, n.pkg.Small[name]})
		}
	}
	for _, p := range b.packages {
		own = own || slices.ContainsFunc(slices.Sorted(maps.Keys(p.Small)), func(n string) bool { return strings.HasPrefix(n, sharedCA) })
	}
	local := map[string][]byte{}
	if b.parent != nil {
		for name, data := range b.parent.files {
			if isLocalCert(name) {
				local[name] = data
			}
		}
	}
	for _, f := range b.files {
		if name := imagePath(f.Path); isLocalCert(name) {
			local[name] = f.Data
			own = true
		}
	}
	for name, data := range local {
		all = append(all, root{name, data})
	}
	slices.SortFunc(all, func(x, y root) int {
		return cmp.Or(-boolCompare(strings.HasPrefix(x.path, sharedCA), strings.HasPrefix(y.path, sharedCA)), strings.Compare(x.path, y.path))
	})
	return all, own
}

func boolCompare(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

func isLocalCert(name string) bool {
	return strings.HasPrefix(name, localCerts) && strings.HasSuffix(name, ".crt")
}

// hasRoots says whether the image has a bundle of root certificates.
func (b *builder) hasRoots() bool {
	all, _ := b.roots()
	return len(all) > 0
}

func (b *builder) certificates(g *generated) error {
	all, own := b.roots()
	if len(all) == 0 {
		return nil
	}
	if own && !b.tree.has(caBundle) {
		g.file(caBundle, 0o644, 0, 0, bundle(all))
	}
	if b.wantsJavaStore(own) {
		data, err := trustStore(all, time.Unix(b.Epoch, 0))
		if err != nil {
			return b.errorf("%w", err)
		}
		g.file(javaStore, 0o644, 0, 0, data)
	}
	return nil
}

// wantsJavaStore says whether a trust store must be made: when a JVM is in the
// image (it links to the store) or ca-certificates-java, and not already in the
// parent with the same roots.
func (b *builder) wantsJavaStore(ownRoots bool) bool {
	needs := func(name string, e deb.Entry) bool {
		return name == "ca-certificates-java" || e.Type == deb.Symlink && e.Link == "/"+javaStore
	}
	inParent, here := false, false
	for _, p := range b.below {
		for _, e := range p.Entries {
			inParent = inParent || needs(p.Name(), e.Entry)
		}
	}
	for _, p := range b.packages {
		for _, e := range p.Entries {
			here = here || needs(p.Name(), e.Entry)
		}
	}
	return here && !inParent || (here || inParent) && ownRoots
}

// bundle strings the files together.
func bundle(all []root) []byte {
	var out bytes.Buffer
	for _, r := range all {
		out.Write(r.pem)
		if len(r.pem) > 0 && r.pem[len(r.pem)-1] != '\n' {
			out.WriteByte('\n')
		}
	}
	return out.Bytes()
}

// trustStore makes Java's trust store in the form that ca-certificates-java
// gives it: JKS, an entry "debian:NAME.pem" for each certificate.
func trustStore(all []root, created time.Time) ([]byte, error) {
	ks := keystore.New(keystore.WithOrderedAliases())
	seen := map[string]int{}
	for _, r := range all {
		rest := r.pem
		for n := 0; ; {
			var block *pem.Block
			if block, rest = pem.Decode(rest); block == nil {
				if n == 0 {
					return nil, fmt.Errorf("/%s holds no certificate in PEM form", r.path)
				}
				break
			}
			if block.Type != "CERTIFICATE" {
				continue
			}
			name := strings.ToLower(pemName(r.path))
			alias := "debian:" + name + ".pem"
			if seen[name]++; seen[name] > 1 { // a bundle, or one name in two folders
				alias = fmt.Sprintf("debian:%s_%d.pem", name, seen[name])
			}
			n++
			entry := keystore.TrustedCertificateEntry{CreationTime: created, Certificate: keystore.Certificate{Type: "X.509", Content: block.Bytes}}
			if err := ks.SetTrustedCertificateEntry(alias, entry); err != nil {
				return nil, err
			}
		}
	}
	var out bytes.Buffer
	if err := ks.Store(&out, []byte(javaPassword)); err != nil {
		return nil, fmt.Errorf("cannot write Java's trust store: %w", err)
	}
	return out.Bytes(), nil
}

// pemName is the name that update-ca-certificates gives the link to a
// certificate, without its ending.
func pemName(p string) string {
	return strings.NewReplacer(" ", "_", ",", "_", "(", "=", ")", "=").Replace(certName(p))
}
