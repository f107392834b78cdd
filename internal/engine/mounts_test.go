package engine

import (
	"slices"
	"testing"
)

const mountTable = `22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
40 27 254:1 /vol/home /home rw shared:1 - ext4 /dev/vdb rw
51 27 0:50 / /s/engine/runc-overlayfs/executor/abc/rootfs rw - overlay overlay rw,lowerdir=/s/engine/1:/s/engine/2,upperdir=/s/engine/3,workdir=/s/engine/4
52 51 0:60 / /s/engine/runc-overlayfs/executor/abc/rootfs/proc rw - proc proc rw
53 27 0:51 / /tmp/buildkit-mount1 ro - overlay overlay ro,lowerdir=/other/a:/s/engine/9
54 27 0:52 / /tmp/with\040space rw - overlay overlay rw,upperdir=/s/engine/7,lowerdir=/x
55 27 0:53 / /s/engine2/rootfs rw - overlay overlay rw,lowerdir=/s/engine2/1,upperdir=/s/engine2/3
56 27 254:0 /s/engine/snapshots/5 /tmp/bind rw - ext4 /dev/vda rw
57 27 254:0 /s/engine /mnt/whole rw - ext4 /dev/vda rw
58 27 254:9 /s/engine/snapshots/5 /mnt/other rw - ext4 /dev/vdz rw
59 27 0:54 / /srv/x rw - tmpfs upperdir=/s/engine/1 rw,size=1
broken line
60 27 0:55 /
`

func TestSelectMounts(t *testing.T) {
	want := []string{
		"/tmp/bind",
		"/tmp/with space",
		"/tmp/buildkit-mount1",
		"/s/engine/runc-overlayfs/executor/abc/rootfs/proc",
		"/s/engine/runc-overlayfs/executor/abc/rootfs",
	}
	if got := selectMounts(parseMounts(mountTable), "/s/engine"); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if got := selectMounts(parseMounts(mountTable), "/home/user/engine"); len(got) > 0 {
		t.Errorf("nothing is mounted there, got %q", got)
	}
	// a file system that somebody mounted for the root itself stays
	if got := selectMounts(parseMounts(mountTable), "/home"); len(got) > 0 {
		t.Errorf("got %q", got)
	}
}

func TestLocate(t *testing.T) {
	mounts := parseMounts(mountTable)
	for path, want := range map[string][2]string{
		"/s/engine":        {"254:0", "/s/engine"},
		"/home/u/engine":   {"254:1", "/vol/home/u/engine"},
		"/home":            {"254:1", "/vol/home"},
		"/homestead/x":     {"254:0", "/homestead/x"},
		"/proc/1":          {"0:21", "/1"},
		"/mnt/whole/cache": {"254:0", "/s/engine/cache"},
	} {
		device, on := locate(mounts, path)
		if device != want[0] || on != want[1] {
			t.Errorf("%s is %s on %s, want %s on %s", path, on, device, want[1], want[0])
		}
	}
}

func TestUnescapeMount(t *testing.T) {
	for in, want := range map[string]string{
		`/a`:               "/a",
		`/a\040b`:          "/a b",
		`/a\134b`:          `/a\b`,
		`/a\011b\012c`:     "/a\tb\nc",
		`/a\04`:            `/a\04`,
		`/a\999`:           `/a\999`,
		`\040`:             " ",
		`/end\040`:         "/end ",
		`/twice\040\040/x`: "/twice  /x",
	} {
		if got := unescapeMount(in); got != want {
			t.Errorf("%s becomes %q, want %q", in, got, want)
		}
	}
}

func TestWithin(t *testing.T) {
	for _, c := range []struct {
		root, path string
		want       bool
	}{
		{"/a/b", "/a/b", true},
		{"/a/b", "/a/b/c", true},
		{"/a/b", "/a/bc", false},
		{"/a/b", "/a", false},
		{"/", "/x", true},
		{"/a/b", "", false},
	} {
		if got := within(c.root, c.path); got != c.want {
			t.Errorf("within(%q, %q) = %v", c.root, c.path, got)
		}
	}
}

func TestCgroupParentDiffersByRoot(t *testing.T) {
	if cgroupParent("/a") == cgroupParent("/b") {
		t.Error("two roots share a cgroup")
	}
	if got, want := cgroupParent("/var/lib/plinth"), "plinth/46b1fdc41ec1"; len(got) != len(want) || got[:7] != "plinth/" {
		t.Errorf("got %q, of the form %q", got, want)
	}
}

func FuzzParseMounts(f *testing.F) {
	f.Add(mountTable)
	f.Add(`1 2 3:4 / /a\ - x y z`)
	f.Fuzz(func(t *testing.T, table string) {
		for _, m := range parseMounts(table) {
			if m.device == "" || m.point == "" || m.root == "" {
				t.Errorf("empty field in %+v", m)
			}
		}
		selectMounts(parseMounts(table), "/s/engine")
	})
}
