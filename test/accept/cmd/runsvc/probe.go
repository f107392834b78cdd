package main

// Speaking to services from inside their network.

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// protocol asks the service on conn something and returns its answer in a line.
type protocol struct {
	name string
	ask  func(conn net.Conn) (string, error)
}

func protocols() []protocol {
	return []protocol{
		{"http", func(c net.Conn) (string, error) { return askHTTP(c, "/probe") }},
		{"http-root", func(c net.Conn) (string, error) { return askHTTP(c, "/") }},
		{"metrics", askMetrics},
		{"memcached", askMemcached},
		{"memcached-fill", fillMemcached},
		{"redis", askRedis},
		{"postgresql", askPostgreSQL},
		{"fastcgi", askFastCGI},
	}
}

// probe asks until there is an answer, or the container has ended, or time is
// up. An answer without wanted in it is an error, too.
func probe(c container, name, port, wanted string, within time.Duration) (string, error) {
	all := protocols()
	i := slices.IndexFunc(all, func(p protocol) bool { return p.name == name })
	if i < 0 {
		return "", fmt.Errorf("speak %q: no such protocol here", name)
	}
	end := time.Now().Add(within)
	started := false
	for {
		pid, err := c.pid()
		if err == nil {
			started = true
			var answer string
			if answer, err = askIn(pid, port, all[i].ask); err == nil {
				if !strings.Contains(answer, wanted) {
					return "", fmt.Errorf("find %q in the answer: %s", wanted, answer)
				}
				return answer, nil
			}
		} else if started {
			return "", fmt.Errorf("probe %s: it ended", c.id)
		}
		if time.Now().After(end) {
			return "", fmt.Errorf("get an answer of %s on port %s within %s: %w", c.id, port, within, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// askIn connects in the network namespace of the process. The thread that
// entered it is not used again.
func askIn(pid int, port string, ask func(net.Conn) (string, error)) (string, error) {
	type result struct {
		answer string
		err    error
	}
	done := make(chan result)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with this function
		answer, err := func() (string, error) {
			ns, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", pid))
			if err != nil {
				return "", err
			}
			defer ns.Close()
			if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
				return "", err
			}
			conn, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", port), 2*time.Second)
			if err != nil {
				return "", err
			}
			defer func() { _ = conn.Close() }()
			if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
				return "", err
			}
			answer, err := ask(conn)
			if err == nil && answer == "" {
				err = errors.New("the answer is empty")
			}
			return answer, err
		}()
		done <- result{answer, err}
	}()
	r := <-done
	return r.answer, r.err
}
