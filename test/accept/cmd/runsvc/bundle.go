package main

// The runtime bundle: what `docker run` makes of an image's config.
//
// As Docker does it: its default capabilities (none effective for a user other
// than root), new privileges allowed, its mounts and masked paths, a /dev/shm
// of 64 MB, ports below 1024 for everybody, users looked up in the image's own
// files, HOME and PATH, a network namespace of its own, here with loopback
// alone, and for each volume an anonymous one: a folder outside of the root
// with the image's content and ownership. A read-only root gets --tmpfs /tmp
// and --tmpfs /run with it, which is what such containers are run with.
//
// Not as Docker does it: no seccomp profile, no AppArmor, no init of its own,
// and the cgroup is below /plinth-accept.

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// These are the parts of the runtime's config.json that are used here.
type (
	object  = map[string]any
	mountAt struct {
		Destination string   `json:"destination"`
		Type        string   `json:"type"`
		Source      string   `json:"source"`
		Options     []string `json:"options,omitempty"`
	}
)

// writeBundle writes dir/config.json for the root file system in dir/rootfs.
func writeBundle(dir string, img image, r runOptions) error {
	root := filepath.Join(dir, "rootfs")
	who, err := lookup(root, cmp.Or(r.user, img.config.User))
	if err != nil {
		return err
	}
	args := slices.Concat(img.config.Entrypoint, img.config.Cmd)
	if len(r.args) > 0 {
		args = slices.Concat(img.config.Entrypoint, r.args)
	}
	if len(args) == 0 {
		return fmt.Errorf("run %s: it has neither entrypoint nor command", r.target)
	}
	cwd := cmp.Or(img.config.WorkingDir, "/")
	if !r.readOnly {
		if err := os.MkdirAll(filepath.Join(root, cwd), 0o755); err != nil { //nolint:gosec // as Docker makes it
			return err
		}
	}
	mounts, err := mounts(dir, img, r)
	if err != nil {
		return err
	}
	caps := object{"bounding": dockerCapabilities()}
	if who.uid == 0 {
		caps["effective"], caps["permitted"] = dockerCapabilities(), dockerCapabilities()
	}
	linux := object{
		"namespaces":    namespaces("pid", "network", "ipc", "uts", "mount"),
		"cgroupsPath":   "/plinth-accept/" + r.id,
		"maskedPaths":   []string{"/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap"},
		"readonlyPaths": []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"},
		"sysctl":        object{"net.ipv4.ip_unprivileged_port_start": "0"},
	}
	if r.memory > 0 {
		linux["resources"] = object{"memory": object{"limit": r.memory, "swap": r.memory}}
	}
	spec := object{
		"ociVersion": "1.0.2",
		"hostname":   r.id,
		"root":       object{"path": "rootfs", "readonly": r.readOnly},
		"mounts":     mounts,
		"linux":      linux,
		"process": object{
			"user":            object{"uid": who.uid, "gid": who.gid, "additionalGids": who.groups},
			"args":            args,
			"env":             environment(img.config.Env, who.home),
			"cwd":             cwd,
			"capabilities":    caps,
			"noNewPrivileges": false,
			"oomScoreAdj":     0,
		},
	}
	data, err := json.MarshalIndent(spec, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "config.json"), data, 0o644)
}

func dockerCapabilities() []string {
	return []string{
		"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID", "CAP_SETUID",
		"CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE",
	}
}

func namespaces(names ...string) []object {
	var out []object
	for _, n := range names {
		out = append(out, object{"type": n})
	}
	return out
}

// environment is the image's with what Docker adds where it is missing.
func environment(env []string, home string) []string {
	has := func(name string) bool {
		return slices.ContainsFunc(env, func(e string) bool { return strings.HasPrefix(e, name+"=") })
	}
	out := slices.Clone(env)
	if !has("PATH") {
		out = append(out, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	}
	if !has("HOME") {
		out = append(out, "HOME="+home)
	}
	return out
}

func mounts(dir string, img image, r runOptions) ([]mountAt, error) {
	out := []mountAt{
		{"/proc", "proc", "proc", []string{"nosuid", "noexec", "nodev"}},
		{"/dev", "tmpfs", "tmpfs", []string{"nosuid", "strictatime", "mode=755", "size=65536k"}},
		{"/dev/pts", "devpts", "devpts", []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
		{"/sys", "sysfs", "sysfs", []string{"nosuid", "noexec", "nodev", "ro"}},
		{"/sys/fs/cgroup", "cgroup", "cgroup", []string{"ro", "nosuid", "noexec", "nodev"}},
		{"/dev/mqueue", "mqueue", "mqueue", []string{"nosuid", "noexec", "nodev"}},
		{"/dev/shm", "tmpfs", "shm", []string{"nosuid", "noexec", "nodev", "mode=1777", "size=67108864"}},
	}
	if r.memoryMax != "" {
		cgroups := filepath.Join(dir, "cgroups")
		if err := os.Mkdir(cgroups, 0o755); err != nil { //nolint:gosec // for every user of the container
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(cgroups, "memory.max"), []byte(r.memoryMax+"\n"), 0o644); err != nil { //nolint:gosec // likewise
			return nil, err
		}
		i := slices.IndexFunc(out, func(m mountAt) bool { return m.Type == "cgroup" })
		out[i] = mountAt{out[i].Destination, "bind", cgroups, []string{"rbind", "ro"}}
	}
	if r.readOnly {
		for _, at := range []string{"/tmp", "/run"} {
			out = append(out, mountAt{at, "tmpfs", "tmpfs", []string{"nosuid", "noexec", "nodev", "mode=1777"}})
		}
	}
	for name, text := range map[string]string{
		"hosts": "127.0.0.1\tlocalhost\n::1\tlocalhost\n", "hostname": r.id + "\n", "resolv.conf": "",
	} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil { //nolint:gosec // for every user of the container
			return nil, err
		}
		// Docker, too, makes these in the image's root, whatever is there.
		if err := touch(filepath.Join(dir, "rootfs", "etc", name)); err != nil {
			return nil, err
		}
		out = append(out, mountAt{"/etc/" + name, "bind", file, []string{"rbind", "rprivate"}})
	}
	for i, at := range slices.Sorted(maps.Keys(img.config.Volumes)) {
		volume := filepath.Join(dir, fmt.Sprintf("volume-%d", i))
		if err := makeVolume(filepath.Join(dir, "rootfs", at), volume); err != nil {
			return nil, fmt.Errorf("make the volume %s: %w", at, err)
		}
		out = append(out, mountAt{at, "bind", volume, []string{"rbind", "rw", "rprivate"}})
	}
	return out, nil
}

func touch(file string) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o644) //nolint:gosec // as Docker makes it
	if err != nil {
		return err
	}
	return f.Close()
}

// makeVolume copies what the image has at a volume's place, its ownership and
// permissions too.
func makeVolume(from, to string) error {
	if err := os.MkdirAll(from, 0o755); err != nil { //nolint:gosec // as Docker makes it
		return err
	}
	out, err := exec.Command("cp", "-a", "--", from, to).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}
