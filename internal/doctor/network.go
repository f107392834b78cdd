package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/ociref"
)

const offline = "not asked: --offline"

// answer is what a server said to one question.
type answer struct {
	status int
	err    error
	hint   string // how to mend err
}

// get asks a server, and notes what time it has.
func (r *run) get(ctx context.Context, address string) answer {
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return answer{err: err}
	}
	req.Header.Set("User-Agent", "plinth")
	sent := r.Now()
	resp, err := r.Client.Do(req)
	if err != nil {
		return explain(err, r.Timeout)
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 4096) // what it says does not matter
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		r.mu.Lock()
		r.skews[req.URL.Host] = date.Sub(sent)
		r.mu.Unlock()
	}
	return answer{status: resp.StatusCode}
}

// explain says why a server cannot be reached.
func explain(err error, limit time.Duration) answer {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	var dns *net.DNSError
	var untrusted *tls.CertificateVerificationError
	var timeout net.Error
	switch {
	case errors.As(err, &untrusted):
		return answer{err: fmt.Errorf("its certificate is not trusted: %w", untrusted.Err),
			hint: "put the root certificate into /usr/local/share/ca-certificates, then: update-ca-certificates\nis the clock right? see below"}
	case errors.As(err, &dns):
		return answer{err: fmt.Errorf("its name is not known: %s", dns.Err), hint: "check the name, the network and /etc/resolv.conf"}
	case errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout():
		return answer{err: fmt.Errorf("no answer within %s", limit), hint: "check the network; behind a proxy, set http_proxy and https_proxy"}
	}
	return answer{err: err, hint: "check the network; behind a proxy, set http_proxy and https_proxy"}
}

// parallel runs a function for each item and keeps the order.
func parallel[T any](items []T, fn func(T) Result) []Result {
	out := make([]Result, len(items))
	var wg sync.WaitGroup
	for i, item := range items {
		wg.Go(func() { out[i] = fn(item) })
	}
	wg.Wait()
	return out
}

// question is one registry to ask: for an image, or whether it is there at all.
type question struct {
	host    string
	ref     ociref.Ref
	release bool
}

func (r *run) registries(ctx context.Context) []Result {
	c := r.Catalog
	if c == nil {
		return skipped("no catalog here")
	}
	var ask []question
	known := func(host string) bool {
		return slices.ContainsFunc(ask, func(q question) bool { return q.host == host })
	}
	for _, ref := range c.Upstreams { // one image for each registry
		if !known(ref.Registry()) {
			ask = append(ask, question{host: ref.Registry(), ref: ref})
		}
	}
	if ref, err := ociref.Parse(c.Registry + "/x"); err == nil && c.Registry != "" && !known(ref.Registry()) {
		ask = append(ask, question{host: ref.Registry(), release: true})
	}
	if len(ask) == 0 {
		return skipped("the catalog names none")
	}
	return parallel(ask, func(q question) Result {
		var res Result
		switch {
		case r.Offline:
			res = skipped(offline)[0]
		case q.release:
			res = r.releaseRegistry(ctx, q.host)
		default:
			res = r.upstream(ctx, q.ref)
		}
		res.Name = "registry " + q.host
		return res
	})
}

func (r *run) upstream(ctx context.Context, ref ociref.Ref) Result {
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	err := r.Resolve(ctx, ref)
	if err == nil {
		return ok("gives %s", ref.Familiar())[0]
	}
	res := Result{Status: Failed, Detail: err.Error()}
	var e *diag.Error
	if errors.As(err, &e) {
		res.Detail, res.Hints = e.Error(), e.Hints
	}
	return res
}

// releaseRegistry asks the registry of releases for the first page of its
// protocol, without logging in: a refusal is an answer.
func (r *run) releaseRegistry(ctx context.Context, host string) Result {
	scheme := "https"
	if name, _, err := net.SplitHostPort(host); err == nil && isLoopback(name) || isLoopback(host) {
		scheme = "http"
	}
	address := host
	if host == "docker.io" {
		address = "registry-1.docker.io"
	}
	a := r.get(ctx, scheme+"://"+address+"/v2/")
	switch {
	case a.err != nil:
		// nothing is published by a build
		return bad(Warning, a.hint, "for releases: %v", a.err)[0]
	case a.status == http.StatusOK:
		return ok("for releases: it answers")[0]
	case a.status == http.StatusUnauthorized || a.status == http.StatusForbidden:
		return ok("for releases: it answers, and wants a login")[0]
	}
	return bad(Warning, "check registry: in plinth.yaml", "for releases: it answers %d %s, which no registry does", a.status, http.StatusText(a.status))[0]
}

func isLoopback(name string) bool {
	ip := net.ParseIP(name)
	return name == "localhost" || ip != nil && ip.IsLoopback()
}

func (r *run) archives(ctx context.Context) []Result {
	c := r.Catalog
	switch {
	case c == nil:
		return skipped("no catalog here")
	case len(c.Archives) == 0:
		return skipped("no image is made of packages")
	}
	status, note := Failed, ""
	if r.unpacked() {
		status, note = Warning, "; the packages of the lock are here already, but plinth update needs it"
	}
	return parallel(c.Archives, func(a Archive) Result {
		res := r.archive(ctx, a, status, note)
		res.Name = "archive " + a.Suite
		return res
	})
}

func (r *run) archive(ctx context.Context, a Archive, status Status, note string) Result {
	address := strings.TrimSuffix(a.URI, "/") + "/dists/" + a.Suite + "/InRelease"
	mirror := "another mirror is set in plinth.yaml under debian: releases: sources:"
	u, err := url.Parse(address)
	if err == nil && u.Scheme == "file" {
		if _, err := os.Stat(u.Path); err != nil {
			return bad(status, mirror, "%v%s", err, note)[0]
		}
		return ok("%s", a.URI)[0]
	}
	if r.Offline {
		return skipped(offline)[0]
	}
	answer := r.get(ctx, address)
	switch {
	case answer.err != nil:
		return bad(status, answer.hint+"\n"+mirror, "cannot reach %s: %v%s", a.URI, answer.err, note)[0]
	case answer.status != http.StatusOK:
		return bad(status, mirror, "%s answers %d %s%s", address, answer.status, http.StatusText(answer.status), note)[0]
	}
	return ok("%s", a.URI)[0]
}

// unpacked says whether all packages of the lock are in the pool.
func (r *run) unpacked() bool {
	for _, sum := range r.Catalog.Packages {
		if len(sum) < 2 {
			return false
		}
		if _, err := os.Stat(filepath.Join(r.Catalog.Pool, sum[:2], sum+".meta")); err != nil {
			return false
		}
	}
	return len(r.Catalog.Packages) > 0
}

const (
	// littleSkew is what a machine without time synchronisation gathers.
	littleSkew = 5 * time.Minute
	// muchSkew is how far ahead of ours an archive's clock may be; see package apt.
	muchSkew = 24 * time.Hour
)

// firstYear is when plinth was made: no clock is right that is before it.
const firstYear = 2026

func (r *run) clock(context.Context) []Result {
	now := r.Now()
	hint := "set it: timedatectl set-ntp true"
	shown := now.UTC().Format("2006-01-02 15:04 UTC")
	if now.UTC().Year() < firstYear {
		return bad(Failed, hint, "it is %s, which is before plinth was made", shown)
	}
	if r.Catalog != nil && r.Catalog.Newest.Sub(now) > muchSkew {
		return bad(Failed, hint, "it is %s, but plinth.lock has an index of %s", shown, r.Catalog.Newest.UTC().Format(time.DateOnly))
	}
	worst, host := time.Duration(0), ""
	for h, skew := range r.skews {
		if skew.Abs() > worst.Abs() || skew.Abs() == worst.Abs() && h < host {
			worst, host = skew, h
		}
	}
	way := "behind"
	if worst < 0 {
		way = "ahead of"
	}
	switch {
	case worst.Abs() >= muchSkew:
		return bad(Failed, hint, "it is %s, %s %s the clock of %s", shown, worst.Abs().Round(time.Minute), way, host)
	case worst.Abs() >= littleSkew:
		return bad(Warning, hint, "it is %s, %s %s the clock of %s", shown, worst.Abs().Round(time.Minute), way, host)
	case len(r.skews) == 0:
		return ok("%s; there was no other clock to compare with", shown)
	}
	return ok("%s, as other servers have it", shown)
}
