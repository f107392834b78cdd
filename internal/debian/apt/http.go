package apt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"
)

// limits of what a mirror is allowed to send, in bytes
const (
	maxRelease  = 16 << 20
	maxPackages = 1 << 30 // a Packages file unpacked; Debian's largest has 60 MiB
)

// tries is how often a file is asked for.
const tries = 3

// errNotFound means that the mirror answered and has no such file.
var errNotFound = errors.New("the mirror has no such file (404)")

// downloader fetches whole files, a few at a time.
type downloader struct {
	client  *http.Client
	slots   chan struct{} // a mirror is asked for no more files at a time than this holds
	timeout time.Duration
	backoff time.Duration
}

func newDownloader(opt Options) *downloader {
	transport := opt.Transport
	if transport == nil {
		transport = &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: opt.Timeout}).DialContext,
			TLSHandshakeTimeout: opt.Timeout,
			MaxIdleConnsPerHost: 4,
			IdleConnTimeout:     30 * time.Second,
			ForceAttemptHTTP2:   true,
		}
	}
	return &downloader{client: &http.Client{Transport: transport}, slots: make(chan struct{}, 4), timeout: opt.Timeout, backoff: opt.Backoff}
}

// get fetches url, at most limit bytes. It tries again after errors that may
// pass: 5xx, 408, 429, timeouts, connections that are refused, reset or end early.
func (d *downloader) get(ctx context.Context, url string, limit int64) ([]byte, error) {
	select {
	case d.slots <- struct{}{}:
		defer func() { <-d.slots }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	pause := d.backoff
	for try := 1; ; try++ {
		data, err := d.once(ctx, url, limit)
		if err == nil {
			return data, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if !passing(err) {
			return nil, err
		}
		if try == tries {
			return nil, fmt.Errorf("%w (tried %d times)", err, tries)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		pause *= 2
	}
}

// statusError is an answer that is not 200.
type statusError int

func (e statusError) Error() string {
	return fmt.Sprintf("the mirror answers %d %s", int(e), http.StatusText(int(e)))
}

// silentError is a mirror that keeps a connection open and sends nothing.
type silentError time.Duration

func (e silentError) Error() string {
	return fmt.Sprintf("the mirror sent nothing for %s", time.Duration(e))
}

type slowError time.Duration

func (e slowError) Error() string {
	return fmt.Sprintf("the file did not arrive within %s", time.Duration(e))
}

// passing says whether trying again may help.
func passing(err error) bool {
	var status statusError
	if errors.As(err, &status) {
		return status >= 500 || status == http.StatusRequestTimeout || status == http.StatusTooManyRequests
	}
	var silent silentError
	var timeout net.Error
	return errors.As(err, &silent) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.EPIPE) ||
		errors.As(err, &timeout) && timeout.Timeout()
}

// once makes one request.
func (d *downloader) once(ctx context.Context, address string, limit int64) ([]byte, error) {
	// the watch is put back by each read, so that a large file on a slow line arrives
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(d.timeout, func() { cancel(silentError(d.timeout)) })
	defer watch.Stop()
	total := time.AfterFunc(20*d.timeout, func() { cancel(slowError(20 * d.timeout)) })
	defer total.Stop()

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "plinth")
	resp, err := d.client.Do(req)
	if err != nil {
		return nil, because(ctx, err)
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return nil, errNotFound
	default:
		return nil, statusError(resp.StatusCode)
	}
	body := io.LimitReader(&watched{resp.Body, watch, d.timeout}, limit+1)
	data, err := io.ReadAll(body)
	if err != nil {
		return nil, because(ctx, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("the mirror sends more than the %d bytes that were expected", limit)
	}
	return data, nil
}

// because replaces the error of a cancelled request by the reason, and takes
// net/http's repetition of the URL off.
func because(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// watched puts the watch back at each byte that arrives.
type watched struct {
	r       io.Reader
	watch   *time.Timer
	timeout time.Duration
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if n > 0 {
		w.watch.Reset(w.timeout)
	}
	return n, err
}
