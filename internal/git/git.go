// Package git asks a catalog's repository which commit last touched a folder.
//
//	repo, err := git.Open(ctx, root)       // nil when root is in no work tree
//	commits, err := repo.Last(ctx, cacheFile, dirs)
//
// It runs the git that is installed, so what git reads (worktrees, partial
// clones, replaced objects) is read the same way. It writes nothing into the
// repository, and takes none of its locks.
package git

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Repo is a work tree that a catalog lies in.
type Repo struct {
	root    string // the catalog
	prefix  string // of the catalog in the work tree, with a slash behind it; "" at the top
	head    string // hash of the commit that is checked out, "" before the first one
	shallow bool
}

// Commit is a commit that touched a folder.
type Commit struct {
	Hash  string    // in hex; "" if no commit touched it yet
	Time  time.Time // when it was committed, UTC
	Dirty bool      // the folder differs from the commit that is checked out
	// Unknown: the history is cut off, and the commit lies before the cut or at it.
	Unknown bool
}

// String is the commit as a revision label has it: the hash, with -dirty
// behind it when the folder is not as it was committed; "" if there is none.
func (c Commit) String() string {
	switch {
	case c.Hash == "" || c.Unknown:
		return ""
	case c.Dirty:
		return c.Hash + "-dirty"
	}
	return c.Hash
}

// Open finds the repository that the folder lies in. It returns nil when there
// is none, or no git: a catalog needs neither.
func Open(ctx context.Context, root string) (*Repo, error) {
	if _, err := exec.LookPath("git"); err != nil {
		return nil, nil //nolint:nilnil,nilerr // documented
	}
	r := &Repo{root: root}
	out, err := r.run(ctx, "rev-parse", "--is-inside-work-tree", "--is-shallow-repository")
	if err != nil {
		if strings.Contains(err.Error(), "not a git repository") {
			return nil, nil //nolint:nilnil // documented
		}
		return nil, fmt.Errorf("cannot read the git repository of %s: %w", root, err)
	}
	words := strings.Fields(out)
	if len(words) != 2 || words[0] != "true" { // in a bare repository there is nothing to build
		return nil, nil //nolint:nilnil // documented
	}
	r.shallow = words[1] == "true"
	prefix, err := r.run(ctx, "rev-parse", "--show-prefix")
	if err != nil {
		return nil, fmt.Errorf("cannot read the git repository of %s: %w", root, err)
	}
	r.prefix = strings.TrimSuffix(prefix, "\n")
	// a repository without a commit has no HEAD
	if head, err := r.run(ctx, "rev-parse", "--verify", "--quiet", "HEAD^{commit}"); err == nil {
		r.head = strings.TrimSpace(head)
	}
	return r, nil
}

// Head is the hash of the commit that is checked out, "" before the first one.
func (r *Repo) Head() string { return r.head }

// Shallow says whether the history is cut off.
func (r *Repo) Shallow() bool { return r.shallow }

// Branch is the branch that is checked out, "" when there is none.
func (r *Repo) Branch(ctx context.Context) string {
	out, err := r.run(ctx, "symbolic-ref", "--quiet", "--short", "HEAD")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(out)
}

// Source is the address of the remote origin as https, without a password,
// "" when there is none that others could reach.
func (r *Repo) Source(ctx context.Context) string {
	out, err := r.run(ctx, "config", "--get", "remote.origin.url")
	if err != nil {
		return ""
	}
	return webAddress(strings.TrimSpace(out))
}

// webAddress turns a remote into what a browser opens, so that it is the same
// for whoever cloned by ssh and whoever cloned by https. Local paths give "".
func webAddress(remote string) string {
	if !strings.Contains(remote, "://") {
		// git-clone(1): [user@]host:path, with no slash before the colon
		host, name, ok := strings.Cut(remote, ":")
		if !ok || strings.Contains(host, "/") || name == "" {
			return ""
		}
		host = host[strings.LastIndex(host, "@")+1:]
		if host == "" {
			return ""
		}
		return "https://" + host + "/" + strings.TrimSuffix(strings.Trim(name, "/"), ".git")
	}
	u, err := url.Parse(remote)
	if err != nil || u.Host == "" || !slices.Contains([]string{"http", "https", "ssh", "git", "git+ssh"}, u.Scheme) {
		return ""
	}
	host := u.Host
	if u.Scheme != "http" && u.Scheme != "https" {
		host = u.Hostname() // the port of ssh is not that of the web server
	}
	scheme := "https"
	if u.Scheme == "http" {
		scheme = "http"
	}
	return scheme + "://" + host + "/" + strings.TrimSuffix(strings.Trim(u.Path, "/"), ".git")
}

// Changed lists the files below the catalog that differ from a commit (a hash,
// branch or tag): committed since, staged, changed or untracked, as slash paths
// relative to the catalog. Of branches that went apart, what this one did since then counts.
func (r *Repo) Changed(ctx context.Context, since string) ([]string, error) {
	base, err := r.run(ctx, "merge-base", since, "HEAD")
	if err != nil {
		return nil, fmt.Errorf("cannot find what changed since %s: %w", since, err)
	}
	diff, err := r.run(ctx, "diff", "--name-only", "-z", "--no-renames", "--relative", strings.TrimSpace(base), "--", ".")
	if err != nil {
		return nil, fmt.Errorf("cannot find what changed since %s: %w", since, err)
	}
	others, err := r.run(ctx, "ls-files", "-z", "--others", "--exclude-standard", "--", ".")
	if err != nil {
		return nil, fmt.Errorf("cannot find what changed since %s: %w", since, err)
	}
	files := strings.FieldsFunc(diff+others, func(c rune) bool { return c == 0 })
	slices.Sort(files)
	return slices.Compact(files), nil
}

// Versions gives the commits that touched a file below the catalog, the newest
// first, each with the file's content after it (nil where it was removed),
// until yield returns false. A commit at which the history is cut off is Unknown.
func (r *Repo) Versions(ctx context.Context, file string, yield func(Commit, []byte) bool) error {
	if r.head == "" {
		return nil
	}
	out, err := r.run(ctx, append([]string{"log", "--format=%H %ct", r.head, "--"}, pathspecs([]string{file})...)...)
	if err != nil {
		return err
	}
	cut, err := r.cut(ctx)
	if err != nil {
		return err
	}
	for line := range strings.Lines(out) {
		at, err := parseHead(strings.TrimSpace(line))
		if err != nil {
			return err
		}
		at.Unknown = cut[at.Hash]
		var content []byte
		if text, err := r.run(ctx, "cat-file", "blob", at.Hash+":"+r.prefix+path.Clean(file)); err == nil {
			content = []byte(text)
		}
		if !yield(at, content) {
			return nil
		}
	}
	return nil
}

// dirty finds the folders that differ from the commit that is checked out.
func (r *Repo) dirty(ctx context.Context, dirs []string) (map[string]bool, error) {
	args := append([]string{"status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all", "--"}, pathspecs(dirs)...)
	out, err := r.run(ctx, args...)
	if err != nil {
		return nil, err
	}
	found := map[string]bool{}
	for _, line := range strings.Split(out, "\x00") {
		if len(line) > 3 {
			mark(strings.TrimPrefix(line[3:], r.prefix), dirs, func(dir string) { found[dir] = true })
		}
	}
	return found, nil
}

// mark calls found for each of the folders that the file lies in.
func mark(file string, dirs []string, found func(dir string)) {
	for _, dir := range dirs {
		if dir == "." || file == dir || strings.HasPrefix(file, dir+"/") {
			found(dir)
		}
	}
}

// pathspecs are the folders as git takes them, with no character special.
func pathspecs(dirs []string) []string {
	out := make([]string, len(dirs))
	for i, dir := range dirs {
		out[i] = ":(literal)" + path.Clean(dir)
	}
	return out
}

// log reads commits from the newest to the oldest until every folder has been
// touched or the history ends. from limits it to commits that are not in that
// one's history; "" means all.
func (r *Repo) log(ctx context.Context, from string, dirs []string) (map[string]Commit, error) {
	ctx, cancel := context.WithCancel(ctx) // git is stopped when nothing is left to find
	defer cancel()
	revisions := r.head
	if from != "" {
		revisions = from + ".." + r.head
	}
	// -c shows of a merge the files that are not as in any of its parents: those it made
	// itself. Their names are relative to the top even with --relative.
	args := append([]string{"log", "-z", "-c", "--name-only", "--no-renames", "--format=%x01%H %ct", revisions, "--"}, pathspecs(dirs)...)
	cmd := r.command(ctx, args...)
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	found := map[string]Commit{}
	err = readLog(bufio.NewReader(pipe), r.prefix, dirs, found)
	done := len(found) == len(dirs)
	if done || err != nil {
		cancel()
	}
	if waitErr := cmd.Wait(); waitErr != nil && !done && err == nil {
		err = fmt.Errorf("%w: %s", waitErr, strings.TrimSpace(stderr.String()))
	}
	return found, err
}

// readLog reads what log asks for: records that begin with \x01, a commit with
// its time, then file names, everything ended by NUL.
func readLog(in *bufio.Reader, prefix string, dirs []string, found map[string]Commit) error {
	var at Commit
	for len(found) < len(dirs) {
		word, err := in.ReadString(0)
		if err != nil && word == "" {
			return nil
		}
		word = strings.Trim(word, "\x00\n")
		if head, ok := strings.CutPrefix(word, "\x01"); ok {
			if at, err = parseHead(head); err != nil {
				return err
			}
			continue
		}
		if word == "" || at.Hash == "" {
			continue
		}
		mark(strings.TrimPrefix(word, prefix), dirs, func(dir string) {
			if _, have := found[dir]; !have {
				found[dir] = at
			}
		})
	}
	return nil
}

func parseHead(s string) (Commit, error) {
	hash, seconds, ok := strings.Cut(s, " ")
	n, err := strconv.ParseInt(seconds, 10, 64)
	if !ok || err != nil {
		return Commit{}, fmt.Errorf("cannot read the output of git log: %q", s)
	}
	return Commit{Hash: hash, Time: time.Unix(n, 0).UTC()}, nil
}

// run runs git in the catalog and returns what it prints.
func (r *Repo) run(ctx context.Context, args ...string) (string, error) {
	return output(r.command(ctx, args...), args[0])
}

// output runs a git command; what it says of an error is in the error.
func output(cmd *exec.Cmd, name string) (string, error) {
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return "", fmt.Errorf("git %s: %s", name, strings.TrimPrefix(strings.TrimSpace(string(exit.Stderr)), "fatal: "))
	}
	return string(out), err
}

// command is a git in the catalog, without its optional locks. It reads the
// repository whoever owns it, for builds run as root in a user's folder, but
// runs no program that the repository's own settings name.
func (r *Repo) command(ctx context.Context, args ...string) *exec.Cmd {
	fixed := []string{"--no-optional-locks", "-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-c", "log.showSignature=false", "-C", r.root}
	cmd := exec.CommandContext(ctx, "git", append(fixed, args...)...)
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if !slices.Contains(localVariables[:], name) {
			cmd.Env = append(cmd.Env, kv)
		}
	}
	cmd.Env = append(cmd.Env, "LC_ALL=C") // its messages are looked at
	return cmd
}

// localVariables tell git which repository to work on; a hook that runs us has
// them set for a repository of its own. See git rev-parse --local-env-vars.
var localVariables = [...]string{
	"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
	"GIT_COMMON_DIR", "GIT_PREFIX", "GIT_SHALLOW_FILE", "GIT_GRAFT_FILE", "GIT_REPLACE_REF_BASE", "GIT_CONFIG", "GIT_CONFIG_PARAMETERS",
}
