package engine

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// mount is a line of /proc/self/mountinfo, see proc_pid_mountinfo(5).
type mount struct {
	device  string // major:minor
	root    string // the part of the file system that is mounted
	point   string // where
	options string // of the file system: lowerdir=… and so on
}

// ownMounts gives the mount points that belong to the engine at root, the
// innermost first: those below the root, those elsewhere that are made of
// folders below it (snapshots that are being copied), and those in its temporary
// folders (secrets).
func ownMounts(root string) ([]string, error) {
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("cannot read the mount table: %w", err)
	}
	return selectMounts(parseMounts(string(data)), root), nil
}

func parseMounts(table string) []mount {
	var mounts []mount
	for line := range strings.Lines(table) {
		before, after, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " - ")
		f, g := strings.Fields(before), strings.Fields(after)
		if !ok || len(f) < 6 || len(g) < 2 {
			continue
		}
		m := mount{device: f[2], root: unescapeMount(f[3]), point: unescapeMount(f[4])}
		if len(g) > 2 {
			m.options = unescapeMount(g[2])
		}
		mounts = append(mounts, m)
	}
	return mounts
}

// unescapeMount undoes the octal escapes of space, tab, newline and backslash.
func unescapeMount(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if c, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(c))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func selectMounts(mounts []mount, root string) []string {
	device, onDevice := locate(mounts, root)
	var points []string
	for _, m := range mounts {
		switch {
		case m.point == root:
			// a file system that the user mounted for us
		case within(root, m.point), madeOf(m.options, root), tempOf(root, m.point) != "":
			points = append(points, m.point)
		case m.device == device && m.root != onDevice && within(onDevice, m.root):
			points = append(points, m.point)
		}
	}
	// a mount comes after the one it stands on
	slices.Reverse(points)
	return points
}

// madeOf says whether a folder below root is among the layers of an overlay.
func madeOf(options, root string) bool {
	for option := range strings.SplitSeq(options, ",") {
		key, dirs, _ := strings.Cut(option, "=")
		if key != "lowerdir" && key != "upperdir" && key != "workdir" {
			continue
		}
		for dir := range strings.SplitSeq(dirs, ":") {
			if within(root, dir) {
				return true
			}
		}
	}
	return false
}

// locate gives the device on which path is, and the path from the device's own root.
func locate(mounts []mount, path string) (device, onDevice string) {
	best := -1
	for i, m := range mounts {
		// of mounts on one point the last hides the others
		if within(m.point, path) && (best < 0 || len(m.point) >= len(mounts[best].point)) {
			best = i
		}
	}
	if best < 0 {
		return "", path
	}
	m := mounts[best]
	rest := strings.TrimPrefix(strings.TrimPrefix(path, strings.TrimSuffix(m.point, "/")), "/")
	return m.device, strings.TrimSuffix(strings.TrimSuffix(m.root, "/")+"/"+rest, "/")
}
