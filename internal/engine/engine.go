// Package engine runs BuildKit inside this process: a worker that starts RUN
// steps with runc over overlayfs snapshots, and BuildKit's control API, reached
// through a pipe in memory. No daemon, no socket, no registry.
//
//	swept, err := engine.Sweep(ctx, opts) // what a killed process left behind
//	e, err := engine.Start(ctx, opts)
//	defer e.Close()
//	e.Client() // a BuildKit client, the same type as for a buildkitd elsewhere
//
// What stands behind the client is of no concern to those who build: they ask
// for an interface with Client in it, so that a buildkitd on another machine
// can take the place of an Engine.
//
// Only one process may use a root at a time, and Sweep must not run beside an
// engine on the same root: the lock that ensures it is the caller's. The engine
// works as root only. It does not keep images: results live in the store that a
// build exports into, and everything under the root can be deleted between runs.
package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/control"
	"github.com/moby/buildkit/util/grpcerrors"
	"google.golang.org/grpc"
	"google.golang.org/grpc/test/bufconn"

	"github.com/plinth-build/plinth/internal/diag"
)

// Options says where and how the engine works.
type Options struct {
	// Root is the folder of the engine's caches and snapshots. It is made when it is not there.
	Root string
	// RuncPath is the runc binary; "" means runc from PATH.
	RuncPath string
	// Jobs is how many RUN steps run at once over all builds; 0 means no limit.
	Jobs int
	// CacheBytes is how many bytes of build cache are kept; 0 means 40 GB.
	// The oldest unused records go first.
	CacheBytes int64
	// LogFile takes what the engine's libraries log; "" drops it. Nothing is
	// ever written to the terminal.
	LogFile string
	// Snapshotter is "overlayfs", "native" (slow, works everywhere), or "" for
	// overlayfs where the root's file system can carry it and native elsewhere.
	Snapshotter string
}

// Engine is a running BuildKit. Its methods are safe for several goroutines.
type Engine struct {
	opts     Options
	client   *client.Client
	control  *control.Controller
	server   *grpc.Server
	worker   *ociWorker
	temp     *tempFolder
	stop     context.CancelFunc
	log      func()
	close    sync.Once
	closeErr error
}

// closeTimeout is how long Close waits for containers to end. A killed process
// that sits in the kernel's disk sleep cannot be waited for longer.
const closeTimeout = 15 * time.Second

// Start starts the engine. The context covers the start alone: the engine runs
// until Close, and until then the process's $TMPDIR is a folder of the engine's: one process runs
// one engine at a time. An error says what is missing and how to get it.
func Start(ctx context.Context, o Options) (*Engine, error) {
	o, err := o.prepare()
	if err != nil {
		return nil, err
	}
	closeLog, err := openLog(o.LogFile)
	if err != nil {
		return nil, err
	}
	e := &Engine{opts: o, log: closeLog}
	if err := e.start(ctx); err != nil {
		return nil, diag.Errorf(diag.Position{}, "cannot start the build engine: %w", errors.Join(err, e.Close())) //nolint:contextcheck // the context that ended the start must not end the clean-up
	}
	return e, nil
}

func (o Options) prepare() (Options, error) {
	if os.Geteuid() != 0 {
		return o, diag.Errorf(diag.Position{}, "cannot start the build engine: it needs root to mount file systems and start containers").
			Hint("run the same command with sudo")
	}
	runc, err := findRunc(o.RuncPath)
	if err != nil {
		return o, err
	}
	o.RuncPath = runc
	if o.CacheBytes == 0 {
		o.CacheBytes = 40 << 30
	}
	if err := os.MkdirAll(o.Root, 0o700); err != nil {
		return o, diag.Errorf(diag.Position{}, "cannot make the engine's folder: %w", err)
	}
	root, err := realPath(o.Root)
	if err != nil {
		return o, diag.Errorf(diag.Position{}, "cannot find the engine's folder: %w", err)
	}
	o.Root = root
	return o, nil
}

func findRunc(path string) (string, error) {
	name := path
	if name == "" {
		name = "runc"
	}
	found, err := exec.LookPath(name)
	if err == nil {
		found, err = filepath.Abs(found)
	}
	if err != nil {
		return "", diag.Errorf(diag.Position{}, "cannot find %s, which starts the containers of RUN steps: %w", name, err).
			Hint("apt-get install runc")
	}
	return found, nil
}

// realPath is the absolute path without symbolic links, as the kernel shows it
// in the mount table and runc in its list.
func realPath(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(abs)
}

func (e *Engine) start(ctx context.Context) error {
	if err := markRunning(e.opts.Root, bootIDFile); err != nil {
		return err
	}
	var err error
	if e.temp, err = makeTemp(e.opts.Root); err != nil {
		return err
	}
	w, err := newWorker(ctx, e.opts)
	e.worker = w
	if err != nil {
		return err
	}
	// BuildKit's history queue ends when this context does.
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	e.stop = stop
	if e.control, err = newController(ctx, running, e.opts, w); err != nil {
		return err
	}
	listener := bufconn.Listen(1 << 20)
	e.server = grpc.NewServer(grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage),
		// errors keep their types on the way to the client: exit codes, places in the Dockerfile
		grpc.UnaryInterceptor(grpcerrors.UnaryServerInterceptor), grpc.StreamInterceptor(grpcerrors.StreamServerInterceptor))
	e.control.Register(e.server)
	go func() { _ = e.server.Serve(listener) }() // ends with Stop in Close, and says so
	e.client, err = client.New(ctx, "", client.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
		return listener.DialContext(ctx)
	}))
	return err
}

// maxMessage is BuildKit's own limit for one message, in bytes.
const maxMessage = 64 << 20

// Client gives BuildKit's client. It is closed with the engine.
func (e *Engine) Client() *client.Client { return e.client }

// Snapshotter is the snapshotter in use: overlayfs or native.
func (e *Engine) Snapshotter() string { return e.worker.snapshotter }

// Close stops what still runs, waits until the containers are gone, and closes
// the databases. Builds whose context was not cancelled fail. It may be called
// more than once and returns the same error each time.
func (e *Engine) Close() error {
	e.close.Do(func() { e.closeErr = e.shutdown() })
	return e.closeErr
}

func (e *Engine) shutdown() error {
	var errs []error
	if e.stop != nil {
		e.stop()
	}
	if e.client != nil {
		errs = append(errs, e.client.Close())
	}
	if e.server != nil {
		e.server.Stop()
	}
	if e.worker != nil && e.worker.executor != nil && !e.worker.executor.wait(closeTimeout) {
		errs = append(errs, fmt.Errorf("containers still run after %s", closeTimeout))
	}
	if e.control != nil {
		errs = append(errs, e.control.Close())
	}
	if e.worker != nil {
		errs = append(errs, e.worker.close(e.control != nil))
	}
	// an engine that did not start has nothing of its own to remove, and what is
	// there may be that of another one
	if e.control != nil {
		errs = append(errs, e.removeRemains())
	}
	if e.temp != nil {
		errs = append(errs, e.temp.remove(e.opts.Root))
	}
	e.log()
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("cannot stop the build engine cleanly: %w", err)
	}
	if e.control != nil {
		return markStopped(e.opts.Root)
	}
	return nil
}

// removeRemains removes what the containers left, which is nothing but cgroups
// with processes that are about to end, unless a container could not be waited for.
func (e *Engine) removeRemains() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if !e.worker.leftovers(e.opts.Root) {
		return new(Swept).sweepCgroups(ctx, cgroupRoots(e.opts.Root))
	}
	_, err := Sweep(ctx, e.opts)
	return err
}
