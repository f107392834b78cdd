package build

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
)

// What of the Dockerfile language is a matter of files; see TestInstructions for
// mounts, heredocs and archives.
func TestCopyOptions(t *testing.T) {
	f := newFixture(t)
	files := map[string]string{"a/one.txt": "1", "a/two.md": "2", "a/deep/three.txt": "3", "b/four.txt": "4", "passwd": "app:x:77:78::/:/bin/sh\n", "group": "staff:x:79:\n"}
	for _, c := range []struct {
		dockerfile string
		want       []string // mode, owner and name of all files in the last layer
	}{
		{"COPY --chmod=0600 a/one.txt /x/", []string{"600 0:0 x/", "600 0:0 x/one.txt"}},
		{"COPY --chmod=u=rwX,go=rX a /x/", []string{"755 0:0 x/", "755 0:0 x/deep/", "644 0:0 x/deep/three.txt", "644 0:0 x/one.txt", "644 0:0 x/two.md"}},
		{"COPY --chown=12:34 b /x", []string{"755 12:34 x/", "644 12:34 x/four.txt"}},
		{"COPY passwd group /etc/\nCOPY --chown=app:staff a/one.txt /", []string{"644 77:79 one.txt"}},
		{"COPY --exclude=*.md --exclude=deep a /x", []string{"755 0:0 x/", "644 0:0 x/one.txt"}},
		{"COPY --parents a/deep/three.txt b/*.txt /x/", []string{"755 0:0 x/", "755 0:0 x/a/", "755 0:0 x/a/deep/", "644 0:0 x/a/deep/three.txt", "755 0:0 x/b/", "644 0:0 x/b/four.txt"}},
		{"COPY --parents ./a/./deep/three.txt /x/", []string{"755 0:0 x/", "755 0:0 x/deep/", "644 0:0 x/deep/three.txt"}},
		{"COPY --link --chown=1:2 a/one.txt /x/y/", []string{"755 1:2 x/", "755 1:2 x/y/", "644 1:2 x/y/one.txt"}},
		{"COPY [\"a/one.txt\", \"/with blank\"]", []string{"644 0:0 with blank"}},
		{"COPY --chmod=755 <<one <<\"two\" /x/\n$BASE\none\n$BASE\ntwo", []string{"755 0:0 x/", "755 0:0 x/one", "755 0:0 x/two"}},
		{"WORKDIR /x/y\nWORKDIR z\nCOPY a/one.txt .", []string{"755 0:0 x/", "755 0:0 x/y/", "755 0:0 x/y/z/", "644 0:0 x/y/z/one.txt"}},
		{"USER 5:6\nWORKDIR /x", []string{"755 5:6 x/"}},
	} {
		t.Run(c.dockerfile, func(t *testing.T) {
			f := *f
			f.t = t
			m := f.manifest(f.build(f.request("FROM base\n"+c.dockerfile+"\n", files)).Manifest.Digest)
			var got []string
			for _, h := range f.layer(m.Layers[len(m.Layers)-1]) {
				got = append(got, fmt.Sprintf("%o %d:%d %s", h.Mode, h.Uid, h.Gid, h.Name))
			}
			slices.SortFunc(got, func(a, b string) int { return strings.Compare(nameOf(a), nameOf(b)) })
			slices.SortFunc(c.want, func(a, b string) int { return strings.Compare(nameOf(a), nameOf(b)) })
			if !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
	here := f.files(f.build(f.request("FROM base\nENV N=v\nCOPY <<one <<\"two\" /x/\n$N\none\n$N\ntwo\n", nil)).Manifest.Digest)
	if here["/x/one"].data != "v\n" || here["/x/two"].data != "$N\n" {
		t.Errorf("heredocs hold %q and %q", here["/x/one"].data, here["/x/two"].data)
	}
}

// nameOf gives what is behind mode and owner.
func nameOf(entry string) string {
	_, rest, _ := strings.Cut(entry, " ")
	_, name, _ := strings.Cut(rest, " ")
	return name
}

func TestConfigInstructions(t *testing.T) {
	f := newFixture(t)
	d := f.build(f.request(`FROM base
SHELL ["/bin/sh", "-c"]
RUN echo by shell > /s
ENV A=1 B="two words"
EXPOSE 80 53/udp
VOLUME /data
USER 12:34
WORKDIR /srv
STOPSIGNAL SIGQUIT
ENTRYPOINT ["/bin/sh"]
CMD ["-c", "echo <&>"]
HEALTHCHECK --interval=1s --timeout=2s --start-period=3s --start-interval=4s --retries=5 CMD ["true"]
LABEL one=1 "two words"="x y"
MAINTAINER me
ONBUILD RUN echo triggered
`, nil)).Manifest.Digest
	config, err := f.store.ReadConfig(d)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"Shell":["/bin/sh","-c"]`, `"A=1","B=two words"`, `"ExposedPorts":{"53/udp":{},"80/tcp":{}}`, `"Volumes":{"/data":{}}`, `"User":"12:34"`,
		`"WorkingDir":"/srv"`, `"StopSignal":"SIGQUIT"`, `"Entrypoint":["/bin/sh"]`, `"Cmd":["-c","echo \u003c\u0026\u003e"]`,
		`"Healthcheck":{"Test":["CMD","true"],"Interval":1000000000,"Timeout":2000000000,"StartPeriod":3000000000,"StartInterval":4000000000,"Retries":5}`,
		`"Labels":{"one":"1","two words":"x y"}`, `"author":"me"`, `"OnBuild":["RUN echo triggered"]`,
	} {
		if !strings.Contains(string(config), want) {
			t.Errorf("%s is not in\n%s", want, config)
		}
	}
	// a child inherits them, but for the triggers
	r := f.request("FROM base\nHEALTHCHECK NONE\n", nil)
	r.Named[0].Manifest = d
	if config, err = f.store.ReadConfig(f.build(r).Manifest.Digest); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"StopSignal":"SIGQUIT"`, `"Healthcheck":{"Test":["NONE"]}`, `"Entrypoint":["/bin/sh"]`} {
		if !strings.Contains(string(config), want) {
			t.Errorf("%s is not in\n%s", want, config)
		}
	}
	if strings.Contains(string(config), "OnBuild") {
		t.Errorf("triggers are inherited: %s", config)
	}
}

func TestSeveralResultsOfOneDockerfile(t *testing.T) {
	f := newFixture(t)
	const dockerfile = "ARG WHO=all\nFROM base AS common\nRUN stamp /common\nFROM common AS debug\nRUN echo debug > /kind\nFROM scratch AS files\nCOPY --from=debug /kind /kind\nFROM common\nARG WHO\nRUN echo $WHO > /kind\n"
	got := map[string]map[string]entry{}
	for _, stage := range []string{"debug", "files", "", "common"} {
		r := f.request(dockerfile, nil)
		r.Stage = stage
		got[stage] = f.files(f.build(r).Manifest.Digest)
	}
	if got["debug"]["/kind"].data != "debug\n" || got["files"]["/kind"].data != "debug\n" || got[""]["/kind"].data != "all\n" || len(got["files"]) != 1 {
		t.Errorf("debug %v, files %v, last %v", got["debug"]["/kind"], got["files"], got[""]["/kind"])
	}
	for _, stage := range []string{"debug", ""} {
		if got[stage]["/common"] != got["common"]["/common"] || got[stage]["/common"].data == "" {
			t.Errorf("stage %q does not share the common stage", stage)
		}
	}
}

func TestRunMounts(t *testing.T) {
	f := newFixture(t)
	for _, c := range []struct{ name, dockerfile, log string }{
		{"cache owned by a user", "FROM base\nUSER 7:8\nRUN --mount=type=cache,target=/c,uid=7,gid=8,mode=0700 echo x > /c/x && owner /c && mode /c\n", "owner /c 7:8\n"},
		{"caches with one id", "FROM base AS a\nRUN --mount=type=cache,id=one,target=/c echo shared > /c/x\nRUN --mount=type=cache,id=one,target=/d,sharing=locked cat /d/x\n", " shared\n"},
		{"cache filled from a stage", "FROM base AS a\nRUN mkdir /seed && echo seed > /seed/x\nFROM base\nRUN --mount=type=cache,id=two,target=/c,from=a,source=/seed cat /c/x\n", " seed\n"},
		{"what is written to a bind mount is dropped", "FROM base\nRUN --mount=target=/m,rw echo x > /m/new && ls /m\nRUN --mount=target=/m ls /m\n", " ls /m: a\n"},
		{"a bind mount is read-only", "FROM base AS s\nRUN echo file > /f\nFROM base\nRUN --mount=from=s,source=/f,target=/mnt/f cat /mnt/f\n", " file\n"},
		{"tmpfs of a size", "FROM base\nRUN --mount=type=tmpfs,target=/t,size=1000000 echo x > /t/x && ls /t\n", " ls /t: x\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := f.request(c.dockerfile, map[string]string{"a": "a"})
			var out bytes.Buffer
			r.Log = &out
			res, err := f.Build(t.Context(), r)
			if err != nil {
				t.Fatalf("%v\n%s", err, out.String())
			}
			if !strings.Contains(out.String(), c.log) {
				t.Errorf("%q is not in the log:\n%s", c.log, out.String())
			}
			for name := range f.files(res.Manifest.Digest) {
				if top := strings.Split(name, "/")[1]; slices.Contains([]string{"c", "d", "m", "mnt", "t"}, top) {
					t.Errorf("%s is in the image", name)
				}
			}
		})
	}
	e := f.fail(f.request("FROM base\nRUN --mount=target=/m echo x > /m/new\n", map[string]string{"a": "a"}))
	if !slices.ContainsFunc(e.Tail, func(l string) bool { return strings.Contains(l, "read-only file system") }) {
		t.Errorf("got %v, tail %q", e, e.Tail)
	}
}

func TestAddFromHTTP(t *testing.T) {
	f := newFixture(t)
	data := "from afar\n"
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/dir/file.txt" {
			http.NotFound(w, r)
			return
		}
		if _, err := w.Write([]byte(data)); err != nil {
			t.Error(err)
		}
	}))
	defer srv.Close()
	sum := digest.FromString(data)
	url := srv.URL + "/dir/file.txt"
	got := f.files(f.build(f.request("FROM base\nADD --checksum="+sum.String()+" --chmod=644 "+url+" /got/\nADD "+url+" /plain\n", nil)).Manifest.Digest)
	if got["/got/file.txt"].data != data || got["/got/file.txt"].mode != 0o644 || got["/plain"].data != data || got["/plain"].mode != 0o600 {
		t.Errorf("got %+v, %+v", got["/got/file.txt"], got["/plain"])
	}
	e := f.fail(f.request("FROM base\nADD --checksum="+digest.FromString("other").String()+" "+url+" /got/\n", nil))
	if !strings.HasPrefix(e.Error(), "0100-child/Dockerfile:2: cannot build child: ") || !strings.Contains(e.Error(), sum.String()) {
		t.Errorf("got %v", e)
	}
	if e := f.fail(f.request("FROM base\nADD "+srv.URL+"/no /got/\n", nil)); !strings.HasPrefix(e.Error(), "0100-child/Dockerfile:2: cannot build child: ") || !strings.Contains(e.Error(), "404") {
		t.Errorf("got %v", e)
	}
}

// TestAddFromGit serves a repository as git's own server program does.
func TestAddFromGit(t *testing.T) {
	f := newFixture(t)
	root := t.TempDir()
	repo := filepath.Join(root, "repo")
	git := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", repo, "-c", "user.name=x", "-c", "user.email=x", "-c", "init.defaultBranch=main"}, args...)...)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
		out, err := cmd.Output()
		if err != nil {
			exit := &exec.ExitError{}
			errors.As(err, &exit)
			t.Fatalf("git %s: %v %s", args, err, exit.Stderr)
		}
		return strings.TrimSpace(string(out))
	}
	write(t, filepath.Join(repo, "sub", "file"), "one\n", 0o644)
	git("init", "--quiet")
	git("add", ".")
	git("commit", "--quiet", "-m", "1")
	first := git("rev-parse", "HEAD")
	git("tag", "v1")
	write(t, filepath.Join(repo, "sub", "file"), "two\n", 0o644)
	git("commit", "--quiet", "-am", "2")
	git("clone", "--quiet", "--bare", repo, filepath.Join(root, "repo.git"))
	srv := httptest.NewServer(&cgi.Handler{
		Path: filepath.Join(git("--exec-path"), "git-http-backend"),
		Env:  []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"},
	})
	defer srv.Close()
	url := srv.URL + "/repo.git"
	for source, want := range map[string]string{
		url + "#main":   "/got/sub/file two\n",
		url + "#v1:sub": "/got/file one\n",
		"--checksum=" + first + " " + url + "#v1":  "/got/sub/file one\n",
		"--keep-git-dir=true " + url + "#" + first: "/got/sub/file one\n",
	} {
		got := f.files(f.build(f.request("FROM base\nADD "+source+" /got/\n", nil)).Manifest.Digest)
		name, data, _ := strings.Cut(want, " ")
		if got[name].data != data {
			t.Errorf("%s: %s is %q, want %q", source, name, got[name].data, data)
		}
		if _, ok := got["/got/.git/HEAD"]; ok != strings.HasPrefix(source, "--keep-git-dir") {
			t.Errorf("%s: .git is there: %v", source, ok)
		}
	}
	e := f.fail(f.request("FROM base\nADD --checksum="+first+" "+url+"#main /got/\n", nil))
	if !strings.HasPrefix(e.Error(), "0100-child/Dockerfile:2: cannot build child: ") || !strings.Contains(e.Error(), first) {
		t.Errorf("got %v", e)
	}
}
