package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdClean: clean [DIR]
func cmdClean(ts *testscript.TestScript, _ bool, args []string) {
	state := stateDir(ts)
	if len(args) > 0 {
		state = ts.MkAbs(args[0])
	}
	if left := leftovers(worldOf(ts).dir, state); len(left) > 0 {
		ts.Fatalf("left behind:\n%s", strings.Join(left, "\n"))
	}
}

// leftovers lists what an ended run has left behind: mounts, containers,
// processes and cgroups, locks and temporary files.
func leftovers(catalog, state string) []string {
	var left []string
	// a process that was killed may take a moment to be gone
	for deadline := time.Now().Add(2 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		left = append(running(state), temporary(catalog, state)...)
		if len(left) == 0 || time.Now().After(deadline) {
			return left
		}
	}
}

func running(state string) []string {
	var left []string
	engine := filepath.Join(state, "engine")
	if data, err := os.ReadFile("/proc/self/mountinfo"); err != nil {
		left = append(left, err.Error())
	} else {
		for line := range strings.Lines(string(data)) {
			if strings.Contains(line, engine) || strings.Contains(line, state+"/") {
				left = append(left, "mount "+strings.TrimSpace(line))
			}
		}
	}
	containers, err := containersOf(engine)
	if err != nil {
		left = append(left, err.Error())
	}
	left = append(left, containers...)
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		left = append(left, err.Error())
	}
	for _, p := range processes {
		if filepath.Base(p) == fmt.Sprint(os.Getpid()) {
			continue
		}
		command, err := os.ReadFile(filepath.Join(p, "cmdline"))
		if err == nil && strings.Contains(string(command), state) {
			left = append(left, "process "+filepath.Base(p)+" "+strings.ReplaceAll(string(command), "\x00", " "))
		}
		// of a process in a container only the working folder or the root may say whose it is
		for _, link := range []string{"cwd", "root", "exe"} {
			if at, err := os.Readlink(filepath.Join(p, link)); err == nil && strings.HasPrefix(at, state) {
				left = append(left, "process "+filepath.Base(p)+" in "+at)
			}
		}
	}
	return left
}

// containersOf lists runc's containers whose bundle is below dir.
func containersOf(dir string) ([]string, error) {
	out, err := exec.Command("runc", "list", "--format", "json").Output()
	if err != nil {
		return nil, fmt.Errorf("runc list: %w", err)
	}
	var list []struct{ ID, Bundle, Status string }
	if err := json.Unmarshal(out, &list); err != nil {
		return nil, fmt.Errorf("runc list: %w", err)
	}
	var left []string
	for _, c := range list {
		if strings.HasPrefix(c.Bundle, dir) {
			left = append(left, "container "+c.ID+" "+c.Status)
		}
	}
	return left, nil
}

// temporary lists locks and half-written files.
func temporary(catalog, state string) []string {
	var left []string
	for _, pattern := range []string{
		catalog + "/.plinth.lock.*", state + "/lock", state + "/store/tmp/*", state + "/store/ingest/*", state + "/debs/tmp/*",
		state + "/cache/*/tmp*", state + "/engine/*/executor/*", state + "/engine/*/content/ingest/*", state + "/engine/*/cachemounts/*",
	} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			left = append(left, err.Error())
		}
		for _, f := range files {
			// the executor's own files are not of a run: it renews them
			if filepath.Base(filepath.Dir(f)) == "executor" && !isDir(f) {
				continue
			}
			left = append(left, "file "+f)
		}
	}
	// every blob is whole
	blobs, err := os.ReadDir(filepath.Join(state, "store", "blobs", "sha256"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		left = append(left, err.Error())
	}
	for _, b := range blobs {
		if len(b.Name()) != 64 {
			left = append(left, "blob "+b.Name())
		}
	}
	return left
}

func isDir(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.IsDir()
}
