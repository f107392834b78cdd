// Command aptequal compares the package sets that internal/debian/apt chooses
// with those of apt-get. It is run by test/accept/apt-equals, which describes its variables.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/plinth-build/plinth/internal/debian/apt"
)

const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

func main() {
	failed, err := run(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, "aptequal:", err)
		os.Exit(1)
	}
	if failed > 0 {
		os.Exit(1)
	}
}

func run(ctx context.Context) (failed int, err error) {
	seed, err := strconv.ParseUint(cmp.Or(os.Getenv("SEED"), strconv.FormatInt(time.Now().Unix(), 10)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("SEED: %w", err)
	}
	count, err := strconv.Atoi(cmp.Or(os.Getenv("COUNT"), "20"))
	if err != nil || count < 1 {
		return 0, fmt.Errorf("COUNT is no number above 0")
	}
	largest, err := strconv.Atoi(cmp.Or(os.Getenv("MAX"), "6"))
	if err != nil || largest < 1 {
		return 0, fmt.Errorf("MAX is no number above 0")
	}
	fmt.Printf("SEED=%d COUNT=%d MAX=%d\n", seed, count, largest)
	dir, err := os.MkdirTemp("", "aptequal")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	total := 0
	for i, name := range strings.Fields(cmp.Or(os.Getenv("RELEASES"), "bookworm trixie")) {
		r := &release{name: name, dir: filepath.Join(dir, name)}
		if err := r.prepare(ctx); err != nil {
			return 0, fmt.Errorf("%s: %w", name, err)
		}
		sets := r.draw(rand.New(rand.NewPCG(seed, uint64(i))), count, largest)
		for _, line := range r.compareAll(ctx, sets) {
			fmt.Println(line)
			total++
			if strings.HasPrefix(line, "FAIL") {
				failed++
			}
		}
	}
	fmt.Printf("%d passed, %d failed\n", total-failed, failed)
	return failed, nil
}

// release is one Debian release with an apt root and an index of ours.
type release struct {
	name  string
	dir   string
	index *apt.Index
	names []string // all packages of main, sorted
}

// prepare makes an apt root with an empty dpkg status, and fetches both sides' indexes.
func (r *release) prepare(ctx context.Context) error {
	mirror := cmp.Or(os.Getenv("MIRROR"), "http://deb.debian.org/debian")
	security := cmp.Or(os.Getenv("SECURITY"), "http://deb.debian.org/debian-security")
	for _, d := range []string{"etc/apt.conf.d", "etc/preferences.d", "etc/sources.list.d", "etc/trusted.gpg.d", "state/lists/partial", "cache/archives/partial", "log"} {
		if err := os.MkdirAll(filepath.Join(r.dir, d), 0o755); err != nil {
			return err
		}
	}
	var list strings.Builder
	var specs []apt.SourceSpec
	for _, s := range []struct{ uri, suite string }{{mirror, r.name}, {mirror, r.name + "-updates"}, {security, r.name + "-security"}} {
		fmt.Fprintf(&list, "deb [signed-by=%s] %s %s main\n", keyring, s.uri, s.suite)
		specs = append(specs, apt.SourceSpec{URI: s.uri, Suite: s.suite})
	}
	conf := fmt.Sprintf(`Dir "%[1]s"; Dir::Etc "%[1]s/etc"; Dir::Etc::main "apt.conf"; Dir::Etc::parts "apt.conf.d";
Dir::State "%[1]s/state"; Dir::State::status "%[1]s/status"; Dir::Cache "%[1]s/cache"; Dir::Log "%[1]s/log";
APT::Architecture "amd64"; APT::Architectures { "amd64"; }; APT::Sandbox::User "";
Acquire::Languages "none"; Debug::NoLocking "true";
`, r.dir)
	for name, text := range map[string]string{"etc/sources.list": list.String(), "apt.conf": conf, "status": ""} {
		if err := os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	if out, err := r.command(ctx, "apt-get", "update").CombinedOutput(); err != nil {
		return fmt.Errorf("apt-get update: %w\n%s", err, out)
	}
	names, err := r.command(ctx, "apt-cache", "pkgnames").Output()
	if err != nil {
		return fmt.Errorf("apt-cache pkgnames: %w", err)
	}
	r.names = strings.Fields(string(names))
	slices.Sort(r.names)
	if len(r.names) < 1000 {
		return fmt.Errorf("apt knows only %d packages", len(r.names))
	}
	client, err := apt.New(apt.Options{CacheDir: filepath.Join(r.dir, "index")})
	if err != nil {
		return err
	}
	r.index, err = client.Fetch(ctx, "amd64", specs)
	return err
}

func (r *release) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, name, args...)
	c.Env = append(os.Environ(), "APT_CONFIG="+filepath.Join(r.dir, "apt.conf"), "LC_ALL=C")
	return c
}

// draw makes random sets: half of the names are software that servers run.
func (r *release) draw(rng *rand.Rand, count, largest int) [][]string {
	var popular, python []string
	for _, n := range strings.Fields(servers) {
		if _, found := slices.BinarySearch(r.names, n); found {
			popular = append(popular, n)
		}
	}
	for _, n := range r.names {
		if strings.HasPrefix(n, "python3-") {
			python = append(python, n)
		}
	}
	sets := make([][]string, count)
	for i := range sets {
		size := 1 + rng.IntN(largest)
		for len(sets[i]) < size {
			pool := r.names
			switch x := rng.Float64(); {
			case x < 0.5:
				pool = popular
			case x < 0.6:
				pool = python
			}
			if n := pool[rng.IntN(len(pool))]; !slices.Contains(sets[i], n) {
				sets[i] = append(sets[i], n)
			}
		}
	}
	return sets
}

// compareAll gives a line for each set, in order.
func (r *release) compareAll(ctx context.Context, sets [][]string) []string {
	lines := make([]string, len(sets))
	slots := make(chan struct{}, runtime.NumCPU())
	done := make(chan struct{})
	for i := range sets {
		go func() {
			slots <- struct{}{}
			lines[i] = r.compare(ctx, sets[i])
			<-slots
			done <- struct{}{}
		}()
	}
	for range sets {
		<-done
	}
	return lines
}

func (r *release) compare(ctx context.Context, set []string) string {
	title := r.name + ": " + strings.Join(set, " ")
	want, refused, err := r.apt(ctx, set)
	if err != nil {
		return fmt.Sprintf("FAIL %s: %v", title, err)
	}
	var request apt.Request
	for _, n := range set {
		request.Packages = append(request.Packages, apt.Named{Name: n})
	}
	result, err := r.index.Resolve(request)
	switch {
	case refused != "" && err != nil:
		return fmt.Sprintf("PASS %s (both refuse)", title)
	case refused != "":
		return fmt.Sprintf("FAIL %s: apt refuses, plinth does not\n     %s", title, refused)
	case err != nil:
		return fmt.Sprintf("FAIL %s: plinth refuses, apt does not\n     %v", title, err)
	}
	var got []string
	for _, d := range result.Debs {
		got = append(got, d.Name+"="+d.Version)
	}
	slices.Sort(got)
	only := func(a, b []string) []string {
		return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
	}
	if !slices.Equal(got, want) {
		return fmt.Sprintf("FAIL %s\n     only plinth: %s\n     only apt: %s", title, strings.Join(only(got, want), " "), strings.Join(only(want, got), " "))
	}
	return fmt.Sprintf("PASS %s (%d packages)", title, len(got))
}

var installLine = regexp.MustCompile(`(?m)^Inst (\S+) (?:\[\S+\] )?\((\S+) `)

// apt asks apt-get what it would install; refused is its reason when it would not.
func (r *release) apt(ctx context.Context, set []string) (debs []string, refused string, err error) {
	out, err := r.command(ctx, "apt-get", append([]string{"-s", "install", "--no-install-recommends"}, set...)...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 100 {
		return nil, strings.TrimSpace(string(exit.Stderr)), nil
	}
	if err != nil {
		return nil, "", err
	}
	for _, m := range installLine.FindAllStringSubmatch(string(out), -1) {
		debs = append(debs, m[1]+"="+m[2])
	}
	slices.Sort(debs)
	return debs, "", nil
}

// servers is software that base images are made for.
const servers = `
postgresql postgresql-client nginx nginx-extras php-fpm php-cli php-mysql php-curl php-gd php-xml openjdk-17-jre-headless openjdk-17-jre
openjdk-17-jdk openjdk-17-jdk-headless openjdk-21-jre-headless openjdk-21-jdk default-jre default-jre-headless default-jdk-headless redis
redis-server valkey nodejs npm apache2 apache2-utils libapache2-mod-php libapache2-mod-wsgi-py3 ruby ruby-full rails imagemagick graphicsmagick
python3 python3-pip python3-venv python3-dev python3-numpy python3-requests python3-django python3-flask gunicorn uwsgi uwsgi-plugin-python3
mariadb-server mariadb-client default-mysql-server default-mysql-client memcached haproxy varnish squid bind9 dnsmasq postfix exim4 sendmail
dovecot-imapd rabbitmq-server git git-lfs subversion mercurial curl wget ca-certificates openssl openssh-client openssh-server rsync vim nano
less procps htop build-essential gcc g++ clang make cmake golang rustc cargo perl lua5.4 tcl erlang elixir ghc tomcat10 tomcat11 maven gradle
ant jetty9 docker.io podman buildah skopeo containerd runc systemd systemd-sysv sysvinit-core dbus cron logrotate rsyslog supervisor tini
dumb-init gosu ffmpeg ghostscript tesseract-ocr sqlite3 libpq-dev libssl-dev libcurl4-openssl-dev libcurl4-gnutls-dev zlib1g-dev pkg-config
autoconf automake libtool gettext locales tzdata iproute2 iputils-ping net-tools tcpdump nmap netcat-openbsd netcat-traditional bind9-dnsutils
bash zsh dash busybox coreutils gnupg apt dpkg apt-utils debconf ansible fail2ban prometheus prometheus-node-exporter collectd nagios4 monit
samba nfs-common nfs-kernel-server openvpn wireguard-tools strongswan chrony ntpsec krb5-user slapd ldap-utils sssd lighttpd caddy mosquitto
librdkafka-dev libvirt-daemon qemu-system-x86 valgrind gdb strace jq xmlstarlet unzip zip xz-utils zstd mailutils bsd-mailx mawk gawk r-base
octave chromium firefox-esr xvfb fontconfig libgtk-3-0 debhelper dh-python texlive-latex-base munin zabbix-server-mysql icinga2 grafana
`
