package pool

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/lock"
)

const (
	// tries is how often a download is attempted when the failure may pass.
	tries = 5
	// stall is how long a download may deliver nothing before it counts as failed.
	stall = 30 * time.Second
	// slack is how many bytes beyond the expected size are still read, so that
	// the error about another file can tell its hash.
	slack = 64 << 20
)

func newClient() *http.Client {
	return &http.Client{Transport: &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:   15 * time.Second,
		ResponseHeaderTimeout: stall,
		MaxIdleConnsPerHost:   16,
		IdleConnTimeout:       30 * time.Second,
	}}
}

// passing is a failure that another try may not meet.
type passing struct{ error }

func (e passing) Unwrap() error { return e.error }

// fetch downloads d to a temporary file whose size and hash are right. The
// caller removes the file.
func (p *Pool) fetch(ctx context.Context, d lock.Deb, log *lineLog) (string, error) {
	from := strings.TrimSuffix(d.URI, "/") + "/" + d.Filename
	begin := time.Now()
	wait := 200 * time.Millisecond
	for try := 1; ; try++ {
		file, err := p.download(ctx, from, d)
		if err == nil {
			log.printf("downloaded %s %s, %d bytes in %s", d.Name, d.Version, d.Size, time.Since(begin).Round(time.Millisecond))
			return file, nil
		}
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		var again passing
		if !errors.As(err, &again) {
			return "", err
		}
		if try == tries {
			return "", diag.Errorf(diag.Position{}, "cannot download package %s %s from %s: %w", d.Name, d.Version, from, again.error).
				Hint("it was tried %d times; check the network and the mirror, then repeat", tries).
				Hint("another mirror is set in plinth.yaml under debian: releases: sources:")
		}
		log.printf("download of %s %s failed, will try again: %v", d.Name, d.Version, again.error)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return "", ctx.Err()
		}
		wait *= 2
	}
}

// download tries once.
func (p *Pool) download(ctx context.Context, from string, d lock.Deb) (file string, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	body, err := p.open(ctx, from, d)
	if err != nil {
		return "", err
	}
	defer body.Close()
	f, err := os.CreateTemp(p.tmp(), "deb-")
	if err != nil {
		return "", diag.Errorf(diag.Position{}, "cannot write to the package store: %w", err)
	}
	defer func() {
		if cerr := f.Close(); err == nil && cerr != nil {
			err = diag.Errorf(diag.Position{}, "cannot write to the package store: %w", cerr)
		}
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	watchdog := time.AfterFunc(stall, func() { cancel(fmt.Errorf("nothing came for %s", stall)) })
	defer watchdog.Stop()
	hash := sha256.New()
	buf := make([]byte, 256<<10)
	var size int64
	for {
		n, rerr := body.Read(buf)
		if n > 0 {
			watchdog.Reset(stall)
			if size += int64(n); size > d.Size+slack {
				return "", tampered(d, from, fmt.Sprintf("it has more than %d bytes", d.Size+slack))
			}
			hash.Write(buf[:n])
			if _, err := f.Write(buf[:n]); err != nil {
				return "", diag.Errorf(diag.Position{}, "cannot write to the package store: %w", err)
			}
		}
		if errors.Is(rerr, io.EOF) {
			break
		}
		if rerr != nil {
			if cause := context.Cause(ctx); cause != nil {
				rerr = cause
			}
			return "", passing{rerr}
		}
	}
	if sum := hex.EncodeToString(hash.Sum(nil)); sum != d.SHA256 || size != d.Size {
		return "", tampered(d, from, fmt.Sprintf("expected SHA-256 %s and %d bytes, got SHA-256 %s and %d bytes", d.SHA256, d.Size, sum, size))
	}
	return f.Name(), nil
}

func tampered(d lock.Deb, from, why string) error {
	return diag.Errorf(diag.Position{}, "cannot use package %s %s: %s is not the file that the lock names: %s", d.Name, d.Version, from, why).
		Hint("nothing was stored; a proxy or mirror changed the file, or the lock was edited: check the mirror, then: plinth update")
}

// open begins the transfer. Errors that may pass are of type passing.
func (p *Pool) open(ctx context.Context, from string, d lock.Deb) (io.ReadCloser, error) {
	u, err := url.Parse(from)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "file") {
		return nil, diag.Errorf(diag.Position{File: lock.FileName}, "cannot download package %s %s: %q is no http, https or file address", d.Name, d.Version, from)
	}
	if u.Scheme == "file" {
		f, err := os.Open(u.Path)
		if errors.Is(err, os.ErrNotExist) {
			return nil, gone(d, from)
		}
		if err != nil {
			return nil, diag.Errorf(diag.Position{}, "cannot read package %s %s: %w", d.Name, d.Version, err)
		}
		return f, nil
	}
	// a version's epoch or ~ stands in the path as it is; only a + must not become a space
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, diag.Errorf(diag.Position{}, "cannot download package %s %s: %w", d.Name, d.Version, err)
	}
	req.Header.Set("User-Agent", "plinth")
	resp, err := p.client.Do(req)
	if err != nil {
		return nil, passing{err}
	}
	switch {
	case resp.StatusCode == http.StatusOK:
		return resp.Body, nil
	case resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusGone:
		err = gone(d, from)
	case resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusRequestTimeout:
		err = passing{fmt.Errorf("the server says %s", resp.Status)}
	default:
		err = diag.Errorf(diag.Position{}, "cannot download package %s %s from %s: the server says %s", d.Name, d.Version, from, resp.Status).
			Hint("another mirror is set in plinth.yaml under debian: releases: sources:")
	}
	resp.Body.Close()
	return nil, err
}

func gone(d lock.Deb, from string) error {
	return diag.Errorf(diag.Position{}, "cannot download package %s %s: %s is not there any more", d.Name, d.Version, from).
		Hint("mirrors drop a package when a newer version is out; take the current one with: plinth update")
}
