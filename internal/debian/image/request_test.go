package image

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/plinth-build/plinth/internal/debian/deb"
	"github.com/plinth-build/plinth/internal/debian/debtest"
	"github.com/plinth-build/plinth/internal/debian/pool"
	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/lock"
)

func TestConflicts(t *testing.T) {
	file := func(name, data, replaces string) debtest.Deb {
		return debtest.Deb{Name: name, Replaces: replaces, Files: []debtest.File{{Path: "/usr/bin/x", Mode: 0o755, Data: data}}}
	}
	link := debtest.Deb{Name: "linker", Files: []debtest.File{{Path: "/opt/x", Link: "/etc"}}}
	under := debtest.Deb{Name: "under", Files: []debtest.File{{Path: "/opt/x/passwd", Data: "root"}}}
	flat := debtest.Deb{Name: "flat", Files: []debtest.File{{Path: "/opt/x", Data: "file"}}}
	for _, test := range []struct {
		debs []debtest.Deb
		want string // the error, or the content of usr/bin/x after "="
	}{
		{[]debtest.Deb{file("a", "1", ""), file("b", "2", "")}, "cannot build img: packages a and b both have /usr/bin/x"},
		{[]debtest.Deb{file("a", "1", ""), file("b", "1", "")}, "=1"},
		{[]debtest.Deb{file("a", "1", ""), file("b", "2", "a")}, "=2"},
		{[]debtest.Deb{file("a", "1", "b (<< 2)"), file("b", "2", "")}, "=1"},
		{[]debtest.Deb{file("a", "1", "b (<< 1)"), file("b", "2", "")}, "cannot build img: packages a and b both have /usr/bin/x"},
		{[]debtest.Deb{link, under}, "cannot build img: /opt/x is a symbolic link in package linker and a folder in under"},
		{[]debtest.Deb{flat, under}, "cannot build img: /opt/x is a file in package flat and a folder in under"},
	} {
		b := newBench(t, test.debs...)
		r := Request{Target: "img", Arch: "amd64", Epoch: epoch, Spec: Spec{Mode: Distroless}}
		for _, d := range b.debs {
			r.Debs = append(r.Debs, d)
		}
		res, err := Build(t.Context(), r, b.pool, b.st, nil)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = "=" + string(b.tree(t, res)["usr/bin/x"].data)
		}
		if got != test.want {
			t.Errorf("%s, not %s", got, test.want)
		}
	}
}

func TestFullNeedsEssentialPackages(t *testing.T) {
	b := newBench(t, tool())
	want := "cannot build img: full mode needs Debian's essential packages, and none is in the list"
	if os.Geteuid() != 0 {
		want = "cannot build img: the packages' scripts can run as root only"
	}
	r := Request{Target: "img", Arch: "amd64", Epoch: epoch, Debs: b.pick("mawk"), Spec: Spec{Mode: Full}}
	if _, err := Build(t.Context(), r, b.pool, b.st, nil); err == nil || err.Error() != want {
		t.Error(err)
	}
}

func TestGroups(t *testing.T) {
	var packages []*pool.Package
	var debs []lock.Deb
	add := func(name, source, priority string, size int64) {
		control := []byte("Package: " + name + "\nVersion: 1\nArchitecture: all\nSource: " + source + "\nPriority: " + priority + "\n")
		s, err := deb.ParseControl(control)
		if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, &pool.Package{Stanza: s, Main: pool.Section{Size: size}, Docs: pool.Section{Size: 10}})
		debs = append(debs, lock.Deb{Name: name})
	}
	add("a1", "alpha (3)", "optional", ownLayer-5)
	add("b1", "beta", "optional", ownLayer)
	add("c1", "gamma", "required", ownLayer*2)
	add("d1", "delta", "optional", 1)
	add("a2", "alpha", "optional", 4)
	add("e1", "eps", "important", 7)
	list := func(gs []group) string {
		var out []string
		for _, g := range gs {
			var names []string
			for _, d := range g.debs {
				names = append(names, d.Name)
			}
			out = append(out, g.name+"="+strings.Join(names, ","))
		}
		return strings.Join(out, " ")
	}
	for _, test := range []struct {
		docs  bool
		limit int
		want  string
	}{
		{false, 60, "gamma=c1 beta=b1 small packages=a1,a2,d1,e1"},
		{true, 60, "gamma=c1 alpha=a1,a2 beta=b1 small packages=d1,e1"},
		{false, 2, "gamma=c1 small packages=a1,a2,b1,d1,e1"},
		{false, 1, "small packages=a1,a2,b1,d1,e1,c1"},
	} {
		if got := list(groups(packages, debs, test.docs, test.limit)); got != test.want {
			t.Errorf("docs %v, at most %d: %s", test.docs, test.limit, got)
		}
	}
	if got := list(groups(packages[1:3], debs[1:3], false, 60)); got != "gamma=c1 beta=b1" {
		t.Error(got)
	}
	if got := list(groups(packages[3:4], debs[3:4], false, 60)); got != "delta=d1" {
		t.Error(got)
	}
}

func TestCheck(t *testing.T) {
	one := lock.Deb{Name: "a", Version: "1", Arch: "amd64"}
	for _, test := range []struct {
		edit func(*Request)
		want string
	}{
		{func(r *Request) { r.Spec.Mode = "half" }, `cannot build img: "half" is no mode of a package image`},
		{func(r *Request) { r.Arch = "vax"; r.Debs = []lock.Deb{{Name: "a", Arch: "all"}} }, `cannot build img: architecture "vax" is not known`},
		{func(r *Request) { r.Debs = nil }, "cannot build img: it has no packages"},
		{func(r *Request) { r.Debs[0].Arch = "arm64" }, "cannot build img: package a is for arm64 and the image for amd64"},
		{func(r *Request) { r.Parent = &Parent{Debs: []lock.Deb{{Name: "a", Version: "2", Arch: "all"}}} }, "cannot build img: package a is in it twice, with version 1 and 2"},
		{func(r *Request) { r.Spec.Files = []File{{Path: "x"}} }, `cannot build img: "x" is no absolute path of a file`},
		{func(r *Request) { r.Spec.Files = []File{{Path: "/x/"}} }, `cannot build img: "/x/" is no absolute path of a file`},
		{func(r *Request) { r.Spec.Files = []File{{Path: "/x/../y"}} }, `cannot build img: "/x/../y" is no absolute path of a file`},
		{func(r *Request) { r.Spec.Files = []File{{Path: "/x"}, {Path: "//x"}} }, `cannot build img: file //x is there twice`},
		{func(r *Request) { r.Spec.Users = []User{{Name: "a:b"}} }, `cannot build img: user "a:b" has a name, home or shell that /etc/passwd cannot hold`},
		{func(r *Request) { r.Spec.Users = []User{{Name: "a", Shell: "x\ny"}} }, `cannot build img: user "a" has a name, home or shell that /etc/passwd cannot hold`},
		{func(r *Request) { r.Spec.Groups = []Group{{Name: ""}} }, `cannot build img: group "" has a name that /etc/group cannot hold`},
		{func(r *Request) { r.Spec.Env = []string{"A"} }, `cannot build img: "A" is no environment variable`},
	} {
		r := Request{Target: "img", Arch: "amd64", Debs: []lock.Deb{one}, Spec: Spec{Mode: Distroless}}
		test.edit(&r)
		_, err := Build(t.Context(), r, nil, nil, nil)
		var d *diag.Error
		if err == nil || err.Error() != test.want {
			if !errors.As(err, &d) || test.want != err.Error() {
				t.Errorf("%v, not %s", err, test.want)
			}
		}
	}
}
