package image

import (
	"bytes"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/pavlo-v-chernykh/keystore-go/v4"
)

// rule says what becomes of files that scripts write differently each time, or
// that no two containers may share.
type rule struct {
	// glob is matched against the path (path.Match); one that ends in /** stands for all below a folder.
	glob string
	// do rewrites the content; nil drops the file, or the whole folder.
	do func(data []byte, epoch int64) ([]byte, error)
	// shipped says that the rule holds for files of packages too; otherwise it is for what scripts made.
	shipped bool
	why     string
}

// rules are looked through from the top; the first that matches counts. What
// they do is what makes Full mode repeat; the test of a rule is building twice.
var rules = []rule{
	// made anew by whoever needs it
	{glob: "dev/**", why: "the engine makes /dev"},
	{glob: "proc/**", why: "the kernel's"},
	{glob: "sys/**", why: "the kernel's"},
	{glob: "run/**", why: "state of a running system"},
	{glob: "tmp/**", why: "scratch"},
	{glob: "var/tmp/**", why: "scratch"},
	{glob: "var/cache/ldconfig/**", why: "aux-cache holds inode numbers and times"},
	{glob: "var/cache/fontconfig/**", why: "holds the times of folders; made again on demand"},
	{glob: "var/cache/apt/*.bin", why: "apt's cache of its lists"},
	{glob: "var/cache/apt/archives/lock", why: "a lock of a process that ended"},
	{glob: "var/lib/apt/lists/lock", why: "a lock of a process that ended"},
	{glob: "var/cache/man/**", why: "an index with times in it"},
	{glob: "var/lib/dpkg/lock*", why: "a lock of a process that ended"},
	{glob: "var/lib/dpkg/triggers/Lock", why: "a lock of a process that ended"},
	{glob: "var/lib/dpkg/tmp.ci*", why: "scripts' control files"},
	// logs say when something was done, not what is there
	{glob: "var/log/btmp", do: empty, why: "log-ins; only the empty file counts"},
	{glob: "var/log/wtmp", do: empty, why: "log-ins; only the empty file counts"},
	{glob: "var/log/lastlog", do: empty, why: "log-ins; only the empty file counts"},
	{glob: "var/log/faillog", do: empty, why: "log-ins; only the empty file counts"},
	{glob: "var/log/apt/*", why: "times of installing"},
	{glob: "var/log/postgresql/*", why: "the log of a cluster that is dropped"},
	{glob: "var/log/*.log", why: "times of installing: dpkg, alternatives, bootstrap, fontconfig"},
	// what a tool wrote before its last change
	{glob: "var/lib/dpkg/*-old", why: "the state before the last change"},
	{glob: "var/cache/debconf/*-old", why: "the state before the last change"},
	{glob: "var/lib/ucf/*.[0-9]*", why: "the state before the last change"},
	{glob: "etc/passwd-", why: "the state before the last change"},
	{glob: "etc/group-", why: "the state before the last change"},
	{glob: "etc/shadow-", why: "the state before the last change"},
	{glob: "etc/gshadow-", why: "the state before the last change"},
	{glob: "etc/subuid-", why: "the state before the last change"},
	{glob: "etc/subgid-", why: "the state before the last change"},
	{glob: "var/backups/**", why: "copies of the account files"},
	// identities and secrets: each container or host must have its own
	{glob: "etc/machine-id", do: empty, why: "empty means: make one at first start, machine-id(5)"},
	{glob: "var/lib/dbus/machine-id", why: "a copy of the machine's id"},
	{glob: "etc/ssh/ssh_host_*", why: "host keys"},
	{glob: "etc/ssl/private/ssl-cert-snakeoil.key", why: "a private key; make-ssl-cert generate-default-snakeoil makes one"},
	{glob: "etc/ssl/certs/ssl-cert-snakeoil.pem", why: "the certificate of that key"},
	{glob: "var/lib/systemd/random-seed", why: "a seed"},
	{glob: "var/lib/systemd/credential.secret", why: "a secret"},
	{glob: "var/lib/urandom/random-seed", why: "a seed"},
	{glob: "var/cache/debconf/passwords.dat", do: empty, why: "answers to questions for passwords"},
	{glob: "etc/postgresql/*/main", why: "settings of the cluster below"},
	{glob: "var/lib/postgresql/*/main", why: "a database cluster with a random identity; pg_createcluster makes one"},
	// content with a date in it
	{glob: "etc/shadow", do: lastChange, why: "the day of the last change of a password"},
	{glob: "etc/ssl/certs/java/cacerts", do: redateStore, shipped: true, why: "each entry has the time when it was added, and their order is random"},
}

// ruleFor is the rule for the path, nil when there is none. shipped says
// whether a package has the path.
func ruleFor(name string, shipped bool) *rule {
	for i := range rules {
		r := &rules[i]
		if shipped && !r.shipped && r.do == nil {
			continue
		}
		if dir, all := strings.CutSuffix(r.glob, "/**"); all {
			if strings.HasPrefix(name, dir+"/") {
				return r
			}
			continue
		}
		if ok, err := path.Match(r.glob, name); err == nil && ok {
			return r
		}
	}
	return nil
}

func empty([]byte, int64) ([]byte, error) { return nil, nil }

// lastChange sets the third field of each line of /etc/shadow that has a number
// there to the epoch's day.
func lastChange(data []byte, epoch int64) ([]byte, error) {
	lines := strings.Split(string(data), "\n")
	for i, l := range lines {
		f := strings.Split(l, ":")
		if len(f) < 3 {
			continue
		}
		if _, err := strconv.Atoi(f[2]); err == nil {
			f[2] = strconv.FormatInt(epoch/secondsPerDay, 10)
			lines[i] = strings.Join(f, ":")
		}
	}
	return []byte(strings.Join(lines, "\n")), nil
}

// redateStore writes a JKS trust store again with the entries in order and the
// epoch as their time. Another kind of store is left as it is.
func redateStore(data []byte, epoch int64) ([]byte, error) {
	ks := keystore.New(keystore.WithOrderedAliases())
	if err := ks.Load(bytes.NewReader(data), []byte(javaPassword)); err != nil {
		return data, nil //nolint:nilerr // another kind of store
	}
	for _, alias := range ks.Aliases() {
		e, err := ks.GetTrustedCertificateEntry(alias)
		if err != nil {
			return data, nil //nolint:nilerr // another kind of entry
		}
		e.CreationTime = time.Unix(epoch, 0)
		if err := ks.SetTrustedCertificateEntry(alias, e); err != nil {
			return nil, err
		}
	}
	var out bytes.Buffer
	err := ks.Store(&out, []byte(javaPassword))
	return out.Bytes(), err
}
